//! The host of all tools: built once, shared, called from any task. It owns the engine, the
//! thread that advances its clock, and the components.

use crate::SandboxError;
use crate::call::{self, CallContext};
use crate::component::{self, Loaded};
use crate::engine::{Ticker, engine};
use leadhand_protocol::{ToolCall, ToolFault, ToolFaultKind, ToolOutput, ToolSpec};
use std::collections::HashMap;
use std::path::PathBuf;
use tokio::sync::Semaphore;

/// The tools that are part of the program, by the folder they are built from.
const STANDARD: [(&str, &[u8]); 2] = [
    (
        "files",
        include_bytes!("../../../sandbox/tools/files/files.wasm"),
    ),
    (
        "calculate",
        include_bytes!("../../../sandbox/tools/calculate/calculate.wasm"),
    ),
];
/// Calls that run at once unless the builder says otherwise; more wait.
const CALLS_MAX: u32 = 32;

/// Runs tool calls in WebAssembly sandboxes. A guest that traps, hangs or floods costs its
/// call and nothing else.
pub struct ToolHost {
    components: Vec<Loaded>,
    /// Index into `components`, by the name of the tool.
    by_tool: HashMap<String, usize>,
    specs: Vec<ToolSpec>,
    /// One permit for each slot of the engine's pool.
    slots: Semaphore,
    ticker: Ticker,
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
#[derive(Debug, Clone)]
pub struct ToolHostBuilder {
    cache_dir: Option<PathBuf>,
    standard_tools: bool,
    components: Vec<(String, Vec<u8>)>,
    calls_max: u32,
}

impl ToolHostBuilder {
    /// Where compiled components are kept. None, the default, compiles them each time, about
    /// a tenth of a second. Code in this folder is run as it is: nobody else may write there.
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
        self.components.push((name.into(), bytes.into()));
        self
    }

    /// How many calls may run at once, from 1; 32 by default.
    #[must_use]
    pub fn calls_max(mut self, calls_max: u32) -> Self {
        self.calls_max = calls_max.max(1);
        self
    }

    /// Compiles and checks every component. Takes the time of compiling unless there is a
    /// cache; blocks.
    ///
    /// # Errors
    /// When wasmtime cannot start here, or a component is malformed, imports what is not
    /// offered, describes its tools wrongly, or has a tool that another has.
    pub fn build(self) -> Result<ToolHost, SandboxError> {
        let engine = engine(self.calls_max)?;
        let ticker = Ticker::start(&engine)?;
        let standard = STANDARD.iter().filter(|_| self.standard_tools).copied();
        let own = self
            .components
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
        let mut names: Vec<String> = Vec::new();
        let mut host = ToolHost {
            components: Vec::new(),
            by_tool: HashMap::new(),
            specs: Vec::new(),
            slots: Semaphore::new(self.calls_max as usize),
            ticker,
        };
        for (name, bytes) in standard.chain(own) {
            let running = host.ticker.run();
            let loaded = component::load(&engine, name, bytes, self.cache_dir.as_deref())?;
            drop(running);
            for spec in &loaded.specs {
                if let Some(first) = host.by_tool.insert(spec.name.clone(), names.len()) {
                    return Err(SandboxError::DuplicateTool {
                        tool: spec.name.clone(),
                        first: names.get(first).map_or(name, String::as_str).to_owned(),
                        second: name.to_owned(),
                    });
                }
                host.specs.push(spec.clone());
            }
            names.push(name.to_owned());
            host.components.push(loaded);
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
            calls_max: CALLS_MAX,
        }
    }

    /// All tools, in the order of their components.
    #[must_use]
    pub fn specs(&self) -> &[ToolSpec] {
        &self.specs
    }

    /// Runs one call in an instance of its own, which is gone when this returns. Dropping the
    /// future stops the call; a file operation under way still comes to its end.
    ///
    /// The time limit starts when a slot is free.
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
        // The semaphore is never closed, so without a permit there is no host any more.
        let _slot = self.slots.acquire().await;
        let _running = self.ticker.run();
        call::run(&self.components[index], call, context).await
    }
}
