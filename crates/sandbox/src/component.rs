//! From bytes to something that can be called: compile or take from the cache, check the
//! imports, link, ask for the tools. Of a component with a card its tools are known without its
//! code being loaded; that happens at the first call, which also holds the code against the card.

#[cfg(test)]
mod tests;

use crate::SandboxError;
use crate::cache::Cache;
use crate::call::within_limits;
use crate::card::Card;
use crate::contract::{TOOLS_MAX, ToolPre, checked_spec, pair, types, validator};
use crate::engine::{Ticker, engine, slots_needed};
use crate::fault::lasting;
use crate::imports;
use crate::source::Source;
use crate::state::CallState;
use crate::wasi::{Output, Program, WasiState};
use jsonschema::Validator;
use leadhand_protocol::{ToolFault, ToolFaultKind, ToolSpec};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store};

/// Longest account of a result that does not fit its schema, in characters.
const REASON_CHARS_MAX: usize = 300;

/// What components are loaded with; shared by all of a host.
pub(crate) struct Loader {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<CallState>,
    pub(crate) cache: Option<Cache>,
    pub(crate) ticker: Ticker,
}

/// The loader of a host, which is made when it is first needed: an engine and its pool take longer
/// than all else at the start of a run, and many runs call no component.
pub(crate) struct Loaders {
    calls_max: u32,
    cache_dir: Option<PathBuf>,
    made: OnceLock<Result<Loader, String>>,
}

impl Loaders {
    /// Nothing yet.
    pub(crate) fn new(calls_max: u32, cache_dir: Option<PathBuf>) -> Self {
        Self {
            calls_max,
            cache_dir,
            made: OnceLock::new(),
        }
    }

    /// The loader. A failure stays: the system will not give what it did not give.
    pub(crate) fn get(&self) -> Result<&Loader, SandboxError> {
        let make = || Loader::new(self.calls_max, self.cache_dir.clone());
        let made = self.made.get_or_init(|| {
            make().map_err(|error| match error {
                SandboxError::Engine { reason } => reason,
                other => other.to_string(),
            })
        });
        made.as_ref().map_err(|reason| SandboxError::Engine {
            reason: reason.clone(),
        })
    }
}

/// Which parts of the host a component can reach, and so needs prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Imports {
    pub(crate) files: bool,
    pub(crate) net: bool,
    pub(crate) wasi: bool,
}

/// A component whose tools are known. Its code is loaded when it is first called, unless it had
/// to be loaded to be known.
pub(crate) struct Loaded {
    pub(crate) name: String,
    pub(crate) card: Card,
    source: Source,
    loaders: Arc<Loaders>,
    /// What came of loading it. A failure stays: what made it fail is still there.
    ready: OnceLock<Result<Ready, String>>,
    /// Held by the call that waits for the code to be loaded, while the others wait for it.
    first: tokio::sync::Mutex<()>,
}

/// A component that can be instantiated.
pub(crate) struct Ready {
    pub(crate) tool: ToolPre<CallState>,
    /// The schemas of results, by tool.
    results: HashMap<String, Validator>,
}

impl Loaded {
    /// A component of which a card says what loading it would find.
    pub(crate) fn known(loaders: &Arc<Loaders>, name: &str, source: Source, card: Card) -> Self {
        Self {
            name: name.to_owned(),
            card,
            source,
            loaders: Arc::clone(loaders),
            ready: OnceLock::new(),
            first: tokio::sync::Mutex::new(()),
        }
    }

    /// The component, prepared to be instantiated. The first call of all loads it, on a thread
    /// where that holds nobody up. It goes on when the call is dropped, and whoever calls then
    /// waits for it.
    pub(crate) async fn ready(self: &Arc<Self>) -> Result<&Ready, ToolFault> {
        if self.ready.get().is_none() {
            let _first = self.first.lock().await;
            if self.ready.get().is_none() {
                let loaded = Arc::clone(self);
                let loading = tokio::task::spawn_blocking(move || loaded.load_once());
                // When it panicked there is nothing in `ready`, which is told below.
                let _ = loading.await;
            }
        }
        let reason = match self.ready.get() {
            Some(Ok(ready)) => return Ok(ready),
            Some(Err(reason)) => reason.clone(),
            None => format!("`{}` could not be loaded: that broke off", self.name),
        };
        Err(lasting(ToolFaultKind::Failed, reason))
    }

    fn load_once(&self) {
        self.ready
            .get_or_init(|| self.loaded().map_err(|error| error.to_string()));
    }

    /// Loads the code, and holds what it is against the card.
    fn loaded(&self) -> Result<Ready, SandboxError> {
        let loader = self.loaders.get()?;
        let (found, tool) = match loader.card(&self.source) {
            Some(card) => {
                let component = loader.component(&self.name, &self.source)?;
                (card, loader.prepare(&self.name, &component)?)
            }
            None => examined(loader, &self.name, &self.source)?,
        };
        match self.card.difference(&found) {
            Some(difference) => Err(SandboxError::Differs {
                component: self.name.clone(),
                difference,
            }),
            None => Ready::new(&self.name, &self.card, tool),
        }
    }
}

impl Ready {
    fn new(name: &str, card: &Card, tool: ToolPre<CallState>) -> Result<Self, SandboxError> {
        let mut results = HashMap::new();
        for spec in &card.specs {
            if let Some(schema) = &spec.result {
                let validator = validator(schema).map_err(|reason| SandboxError::Spec {
                    component: name.to_owned(),
                    tool: spec.name.clone(),
                    reason,
                })?;
                results.insert(spec.name.clone(), validator);
            }
        }
        Ok(Self { tool, results })
    }

    /// Holds the text of an answer against the schema of results of its tool, if it has one.
    pub(crate) fn check_result(&self, tool: &str, text: &str) -> Result<(), String> {
        let Some(validator) = self.results.get(tool) else {
            return Ok(());
        };
        let cut = |reason: String| reason.chars().take(REASON_CHARS_MAX).collect();
        let value =
            serde_json::from_str(text).map_err(|error| cut(format!("it is not JSON ({error})")))?;
        validator
            .validate(&value)
            .map_err(|error| cut(error.to_string()))
    }
}

/// Loads one component, unless the cache knows what that would find.
pub(crate) fn load(
    loaders: &Arc<Loaders>,
    name: &str,
    source: Source,
) -> Result<Loaded, SandboxError> {
    let loader = loaders.get()?;
    if let Some(card) = loader.card(&source) {
        return Ok(Loaded::known(loaders, name, source, card));
    }
    let (card, tool) = examined(loader, name, &source)?;
    let ready = Ready::new(name, &card, tool)?;
    Ok(Loaded {
        ready: OnceLock::from(Ok(ready)),
        ..Loaded::known(loaders, name, source, card)
    })
}

/// Compiles a component, unless its code is in the cache, and checks all that it is and says.
pub(crate) fn examined(
    loader: &Loader,
    name: &str,
    source: &Source,
) -> Result<(Card, ToolPre<CallState>), SandboxError> {
    let component = loader.component(name, source)?;
    let imports = offered_imports(name, &component, &loader.engine)?;
    let world = component.component_type();
    for export in ["specs", "call"] {
        if world.get_export(&loader.engine, export).is_none() {
            let reason = format!("it does not export `{export}`, so it is of another world");
            return Err(SandboxError::component(name, reason));
        }
    }
    let tool = loader.prepare(name, &component)?;
    let running = loader.ticker.run();
    let asked = specs(&tool, imports).map_err(|error| unusable(name, &error))?;
    drop(running);
    let card = Card {
        specs: checked_specs(name, asked)?,
        files: imports.files,
        net: imports.net,
        wasi: imports.wasi,
        slots: slots_needed(&component),
    };
    if let Some(cache) = &loader.cache {
        cache.keep_card(source, &card);
    }
    Ok((card, tool))
}

fn checked_specs(name: &str, asked: Vec<types::ToolSpec>) -> Result<Vec<ToolSpec>, SandboxError> {
    if asked.len() > TOOLS_MAX {
        let reason = format!("it holds more than {TOOLS_MAX} tools");
        return Err(SandboxError::component(name, reason));
    }
    let mut specs: Vec<ToolSpec> = Vec::with_capacity(asked.len());
    for spec in asked {
        let spec = checked_spec(name, spec)?;
        if specs.iter().any(|known| known.name == spec.name) {
            return Err(SandboxError::DuplicateTool {
                tool: spec.name,
                first: name.to_owned(),
                second: name.to_owned(),
            });
        }
        specs.push(spec);
    }
    pair(&mut specs);
    Ok(specs)
}

impl Loader {
    /// An engine and what goes with it, with nothing loaded.
    pub(crate) fn new(calls_max: u32, cache_dir: Option<PathBuf>) -> Result<Self, SandboxError> {
        let engine = engine(calls_max)?;
        let ticker = Ticker::start(&engine)?;
        let linker = imports::linker(&engine).map_err(|error| SandboxError::Engine {
            reason: error.to_string(),
        })?;
        Ok(Self {
            cache: cache_dir.map(|folder| Cache::new(folder, &engine)),
            linker,
            engine,
            ticker,
        })
    }

    /// What the cache knows of a component, if its code is there too.
    fn card(&self, source: &Source) -> Option<Card> {
        self.cache.as_ref().and_then(|cache| cache.card(source))
    }

    /// Compiles a component, unless it lies compiled in the cache.
    pub(crate) fn component(&self, name: &str, source: &Source) -> Result<Component, SandboxError> {
        if let Some(component) = self
            .cache
            .as_ref()
            .and_then(|cache| cache.component(source))
        {
            return Ok(component);
        }
        let bytes = source.read(name)?;
        let component =
            Component::from_binary(&self.engine, &bytes).map_err(|error| unusable(name, &error))?;
        if let Some(cache) = &self.cache {
            cache.keep_component(source, &bytes, &component);
        }
        Ok(component)
    }

    fn prepare(
        &self,
        name: &str,
        component: &Component,
    ) -> Result<ToolPre<CallState>, SandboxError> {
        self.linker
            .instantiate_pre(component)
            .and_then(ToolPre::new)
            .map_err(|error| unusable(name, &error))
    }
}

fn unusable(name: &str, error: &wasmtime::Error) -> SandboxError {
    SandboxError::component(name, format!("{error:#}"))
}

/// What a component imports; refuses what is not offered.
pub(crate) fn offered_imports(
    name: &str,
    component: &Component,
    engine: &Engine,
) -> Result<Imports, SandboxError> {
    let mut found = Imports {
        files: false,
        net: false,
        wasi: false,
    };
    for (import, _) in component.component_type().imports(engine) {
        if !imports::is_offered(import) {
            return Err(SandboxError::ImportRefused {
                component: name.to_owned(),
                import: import.to_owned(),
                offered: imports::offered(),
            });
        }
        found.wasi |= import.starts_with("wasi:");
        found.net |= import.starts_with("leadhand:tool/http@");
        found.files |=
            import.starts_with("wasi:filesystem/") || import.starts_with("leadhand:tool/files@");
    }
    Ok(found)
}

/// Asks a component for its tools. It has no grants and no files. On a thread and a runtime of
/// its own: whoever builds a host may do so within a runtime, and what a component imports of
/// WASI may wait.
fn specs(pre: &ToolPre<CallState>, imports: Imports) -> wasmtime::Result<Vec<types::ToolSpec>> {
    let mut state = CallState::while_asked(imports.wasi);
    if imports.wasi {
        let output = Output::Log(String::new());
        let wasi = WasiState::new(&Program::tool(&[]), &state, output);
        state.wasi = Some(Box::new(wasi));
    }
    let mut store = Store::new(pre.engine(), state);
    let asking = async move {
        within_limits(&mut store, async |store| {
            let tool = pre.instantiate_async(&mut *store).await?;
            tool.call_specs(store).await
        })
        .await
    };
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()?;
            runtime.block_on(asking)
        });
        asked
            .join()
            .unwrap_or_else(|_| Err(wasmtime::Error::msg("asking it for its tools panicked")))
    })
}
