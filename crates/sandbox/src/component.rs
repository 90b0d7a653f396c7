//! From bytes to something that can be called: compile or take from the cache, check the
//! imports, link, ask for the tools. What is in the cache was checked before it went there, so
//! its tools are known without its code being loaded; that happens at the first call.

use crate::SandboxError;
use crate::cache::{Cache, Card};
use crate::call::within_limits;
use crate::contract::{TOOLS_MAX, ToolPre, checked_spec, pair, types, validator};
use crate::engine::slots_needed;
use crate::fault::lasting;
use crate::imports;
use crate::source::Source;
use crate::state::CallState;
use crate::wasi::{Output, Program, WasiState};
use jsonschema::Validator;
use leadhand_protocol::{ToolFault, ToolFaultKind, ToolSpec};
use std::collections::HashMap;
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
}

/// Which parts of the host a component can reach, and so needs prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Imports {
    pub(crate) files: bool,
    pub(crate) net: bool,
    pub(crate) wasi: bool,
}

/// A component, checked; its code is loaded when it is first called.
pub(crate) struct Loaded {
    pub(crate) name: String,
    pub(crate) specs: Vec<ToolSpec>,
    pub(crate) imports: Imports,
    /// Slots of the engine's pool that an instance takes.
    pub(crate) slots: u32,
    source: Source,
    /// The schemas of results, by tool.
    results: HashMap<String, Validator>,
    loader: Arc<Loader>,
    ready: OnceLock<ToolPre<CallState>>,
}

impl Loaded {
    /// The component, prepared to be instantiated.
    pub(crate) fn ready(&self) -> Result<&ToolPre<CallState>, ToolFault> {
        if let Some(ready) = self.ready.get() {
            return Ok(ready);
        }
        let compiled = self.loader.component(&self.name, &self.source);
        let ready = compiled.and_then(|component| self.loader.prepare(&self.name, &component));
        match ready {
            Ok(ready) => Ok(self.ready.get_or_init(|| ready)),
            Err(error) => Err(lasting(ToolFaultKind::Failed, error.to_string())),
        }
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

/// Loads one component.
pub(crate) fn load(
    loader: &Arc<Loader>,
    name: &str,
    source: Source,
) -> Result<Loaded, SandboxError> {
    let cached = loader.cache.as_ref();
    if let Some(card) = cached.and_then(|cache| cache.card(&source)) {
        return loaded(loader, name, source, card, OnceLock::new());
    }
    let component = loader.component(name, &source)?;
    let imports = offered_imports(name, &component, &loader.engine)?;
    let world = component.component_type();
    for export in ["specs", "call"] {
        if world.get_export(&loader.engine, export).is_none() {
            let reason = format!("it does not export `{export}`, so it is of another world");
            return Err(SandboxError::component(name, reason));
        }
    }
    let ready = loader.prepare(name, &component)?;
    let asked = specs(&ready, imports).map_err(|error| unusable(name, &error))?;
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
    let slots = slots_needed(&component);
    let card = Card {
        specs,
        files: imports.files,
        net: imports.net,
        wasi: imports.wasi,
        slots,
    };
    if let Some(cache) = &loader.cache {
        cache.keep_card(&source, &card);
    }
    loaded(loader, name, source, card, OnceLock::from(ready))
}

fn loaded(
    loader: &Arc<Loader>,
    name: &str,
    source: Source,
    card: Card,
    ready: OnceLock<ToolPre<CallState>>,
) -> Result<Loaded, SandboxError> {
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
    Ok(Loaded {
        name: name.to_owned(),
        specs: card.specs,
        imports: Imports {
            files: card.files,
            net: card.net,
            wasi: card.wasi,
        },
        slots: card.slots,
        source,
        results,
        loader: Arc::clone(loader),
        ready,
    })
}

impl Loader {
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
