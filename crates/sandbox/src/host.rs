//! The host of all tools: built once, shared, called from any task. It owns the components, and
//! what loads them.

use crate::SandboxError;
use crate::call::{self, CallContext};
use crate::card::Shipped;
use crate::command::{self, Command, CommandOutput};
use crate::component::{self, Loaded, Loaders};
use crate::fault::lasting;
use crate::net::{Network, Secret};
use crate::source::Source;
use crate::standard::STANDARD;
use leadhand_protocol::{ToolCall, ToolFault, ToolFaultKind, ToolOutput, ToolSpec};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Calls that run at once unless the builder says otherwise; more wait.
const CALLS_MAX: u32 = 32;

/// Runs tool calls in WebAssembly sandboxes. A guest that traps, hangs or floods costs its
/// call and nothing else.
pub struct ToolHost {
    components: Vec<Arc<Loaded>>,
    /// Index into `components`, by the name of the tool.
    by_tool: HashMap<String, usize>,
    specs: Vec<ToolSpec>,
    loaders: Arc<Loaders>,
    /// Variables that a call can be granted.
    environment: Vec<(String, String)>,
    network: Arc<Network>,
    /// One permit for each slot of the engine's pool.
    slots: Semaphore,
    calls_max: u32,
}

impl std::fmt::Debug for ToolHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tools: Vec<&str> = self.specs.iter().map(|spec| spec.name.as_str()).collect();
        f.debug_struct("ToolHost")
            .field("tools", &tools)
            .finish_non_exhaustive()
    }
}

/// Collects what a [`ToolHost`] is made of.
#[derive(Clone)]
pub struct ToolHostBuilder {
    cache_dir: Option<PathBuf>,
    standard_tools: bool,
    components: Vec<(String, Source)>,
    environment: Vec<(String, String)>,
    secrets: Vec<Secret>,
    calls_max: u32,
}

impl std::fmt::Debug for ToolHostBuilder {
    /// Without the values of variables, which may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let components: Vec<&str> = self
            .components
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        let variables: Vec<&str> = self
            .environment
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        f.debug_struct("ToolHostBuilder")
            .field("cache_dir", &self.cache_dir)
            .field("standard_tools", &self.standard_tools)
            .field("components", &components)
            .field("environment", &variables)
            .field("secrets", &self.secrets)
            .field("calls_max", &self.calls_max)
            .finish()
    }
}

impl ToolHostBuilder {
    /// Where compiled components are kept. None, the default, compiles them anew in each process,
    /// a tenth of a second to a second each. Code in this folder is run as it is: nobody else may
    /// write there.
    #[must_use]
    pub fn cache_dir(mut self, folder: Option<PathBuf>) -> Self {
        self.cache_dir = folder;
        self
    }

    /// Whether the tools of `sandbox/tools` are loaded; true by default.
    #[must_use]
    pub fn standard_tools(mut self, wanted: bool) -> Self {
        self.standard_tools = wanted;
        self
    }

    /// Adds a component that fulfils `sandbox/wit/tool.wit`; `name` is for messages.
    #[must_use]
    pub fn component(mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.components
            .push((name.into(), Source::Bytes(bytes.into())));
        self
    }

    /// As [`Self::component`], from a file, whose name is for messages. With a cache the file is
    /// not read again as long as nothing changes it.
    #[must_use]
    pub fn component_file(mut self, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = path.file_name().unwrap_or(path.as_os_str());
        let name = name.to_string_lossy().into_owned();
        self.components.push((name, Source::File(path)));
        self
    }

    /// The variables that a call can be granted, by name; none by default. What no grant of
    /// `env` names is not told to any guest.
    #[must_use]
    pub fn env(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.environment = variables.into_iter().collect();
        self
    }

    /// Adds a header to requests to one origin, of calls that hold a grant of `secret` on its
    /// name. No guest sees the value.
    #[must_use]
    pub fn secret(mut self, secret: Secret) -> Self {
        self.secrets.push(secret);
        self
    }

    /// How many calls may run at once, from 1; 32 by default.
    #[must_use]
    pub fn calls_max(mut self, calls_max: u32) -> Self {
        self.calls_max = calls_max.max(1);
        self
    }

    /// Puts it together. The tools of the program are known from their cards, and compiled when
    /// they are first called. Every other component is compiled now, unless there is a cache that
    /// holds it; that blocks.
    ///
    /// # Errors
    /// When there are components of users and wasmtime cannot start here; when one of them is malformed, imports what is not
    /// offered, describes its tools wrongly, or has a tool that another has; when a secret
    /// cannot be placed.
    pub fn build(self) -> Result<ToolHost, SandboxError> {
        let mut host = ToolHost {
            components: Vec::new(),
            by_tool: HashMap::new(),
            specs: Vec::new(),
            loaders: Arc::new(Loaders::new(self.calls_max, self.cache_dir)),
            environment: self.environment,
            network: Arc::new(Network::new(&self.secrets)?),
            slots: Semaphore::new(self.calls_max as usize),
            calls_max: self.calls_max,
        };
        for standard in STANDARD.iter().filter(|_| self.standard_tools) {
            let source = Source::Standard(standard.bytes);
            let card = standard.card()?;
            host.add(Loaded::known(&host.loaders, standard.name, source, card))?;
        }
        for (name, source) in self.components {
            host.add(component::load(&host.loaders, &name, source)?)?;
        }
        Ok(host)
    }
}

impl ToolHost {
    /// A builder with the standard tools, no cache, and 32 calls at once.
    #[must_use]
    pub fn builder() -> ToolHostBuilder {
        ToolHostBuilder {
            cache_dir: None,
            standard_tools: true,
            components: Vec::new(),
            environment: Vec::new(),
            secrets: Vec::new(),
            calls_max: CALLS_MAX,
        }
    }

    /// The components that are part of the program, by name.
    pub fn standard() -> impl Iterator<Item = (&'static str, &'static [u8])> {
        STANDARD
            .iter()
            .map(|standard| (standard.name, standard.bytes))
    }

    /// The card of a component that is to be part of the program: the text of the file that lies
    /// beside it. Compiles it unless there is a cache; blocks.
    ///
    /// # Errors
    /// As [`ToolHostBuilder::build`], of this component.
    pub fn card(&self, name: &str, bytes: &[u8]) -> Result<String, SandboxError> {
        let source = Source::Bytes(bytes.to_vec());
        let (card, _) = component::examined(self.loaders.get()?, name, &source)?;
        Ok(Shipped::text(card, bytes))
    }

    /// All tools, in the order of their components.
    #[must_use]
    pub fn specs(&self) -> &[ToolSpec] {
        &self.specs
    }

    /// Runs one call in an instance of its own, which is gone when this returns. Dropping the
    /// future stops the call; a file operation under way still comes to its end.
    ///
    /// The first call of a component may have to compile it, which takes up to a second or two
    /// and happens on one of tokio's blocking threads; other calls of it wait for that, and if it
    /// fails, each is told why. The time limit starts after that, when a slot is free.
    ///
    /// # Errors
    /// A fault is data for the model, which can mend the call: see [`ToolFaultKind`].
    pub async fn call(
        &self,
        call: &ToolCall,
        context: &CallContext,
    ) -> Result<ToolOutput, ToolFault> {
        let Some(&index) = self.by_tool.get(&call.name) else {
            let names: Vec<&str> = self.specs.iter().map(|spec| spec.name.as_str()).collect();
            let name: String = call.name.chars().take(64).collect();
            return Err(ToolFault {
                kind: ToolFaultKind::UnknownTool,
                message: format!(
                    "There is no tool `{name}`. There are: {}.",
                    names.join(", ")
                ),
                retryable: false,
            });
        };
        let component = &self.components[index];
        let ready = component.ready().await?;
        let _slot = self.slot(component.card.slots).await;
        let _running = self
            .loaders
            .get()
            .map_err(|error| unstarted(&error))?
            .ticker
            .run();
        let (environment, network) = (&self.environment, &self.network);
        call::run(component, ready, call, context, environment, network).await
    }

    /// Runs a program of the world `wasi:cli/command` by itself, under the grants and limits of
    /// `context`. It is compiled each time unless there is a cache.
    ///
    /// # Errors
    /// When it is no such program, or is stopped at a limit. A program that ends itself with an
    /// exit code has run.
    pub async fn run_command(
        &self,
        command: &Command<'_>,
        context: &CallContext,
    ) -> Result<CommandOutput, ToolFault> {
        let _slot = self.slot(1).await;
        let loader = self.loaders.get().map_err(|error| unstarted(&error))?;
        let _running = loader.ticker.run();
        command::run(loader, command, context).await
    }

    /// Waits for slots of the pool; a component that needs more than there are takes all.
    async fn slot(&self, slots: u32) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed, so without a permit there is no host any more.
        self.slots
            .acquire_many(slots.min(self.calls_max))
            .await
            .ok()
    }

    fn add(&mut self, loaded: Loaded) -> Result<(), SandboxError> {
        for spec in &loaded.card.specs {
            let index = self.components.len();
            if let Some(first) = self.by_tool.insert(spec.name.clone(), index) {
                return Err(SandboxError::DuplicateTool {
                    tool: spec.name.clone(),
                    first: self.components[first].name.clone(),
                    second: loaded.name,
                });
            }
            self.specs.push(spec.clone());
        }
        self.components.push(Arc::new(loaded));
        Ok(())
    }
}

/// What a call is told when the sandbox cannot be started here.
fn unstarted(error: &SandboxError) -> ToolFault {
    lasting(ToolFaultKind::Failed, error.to_string())
}
