//! All tools of a run under one roof: sandboxed ones, and the embedder's own closures. Both
//! are judged by the same policy; only the sandbox can also enforce it.

use crate::file_checks;
use crate::made_again;
use crate::run_handle::{RunHandle, within};
use crate::run_tools::run_tools;
use leadhand_model::{BoxFuture, RecordedTools};
use leadhand_protocol::{
    CallId, Check, CheckResult, ContentHash, Isolation, Permit, TaskId, ToolCall, ToolFault,
    ToolFaultKind, ToolLimits, ToolOutput, ToolSpec, TraceContext,
};
use leadhand_sandbox::{CallContext, ToolHost, Workspace};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// A tool in the embedder's process.
pub trait NativeTool: Send + Sync + 'static {
    /// What it is; asked once, when the tools are put together. Its isolation is always shown as
    /// native, whatever stands here.
    fn spec(&self) -> ToolSpec;

    /// Carries out one call. Dropping the future cancels it.
    ///
    /// # Errors
    /// A fault in words that the model can act on.
    fn call<'a>(
        &'a self,
        call: &'a ToolCall,
        info: &'a CallInfo,
    ) -> BoxFuture<'a, Result<ToolOutput, ToolFault>>;
}

/// What is known of one call beside what it says.
#[derive(Debug, Clone)]
pub struct CallInfo {
    /// Which.
    pub id: CallId,
    /// The name of what it does, made from its content ([`ToolCall::key`]): the same when the
    /// call is made again after a crash. A service that takes such a key does nothing twice.
    pub key: ContentHash,
    /// When it is made, in milliseconds since the Unix epoch.
    pub now_ms: u64,
    /// Its place in a trace, where the run is traced: what a program is told that it calls.
    pub trace: Option<TraceContext>,
    /// The run, for what the call wants of it and of other agents.
    pub run: RunHandle,
}

/// Why tools cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum ToolboxError {
    /// Two tools have one name.
    #[error("there are two tools named `{name}`: give one of them another name")]
    NameTaken {
        /// The name.
        name: String,
    },
}

/// The tools of a run. Cheap to clone.
#[derive(Clone)]
pub struct Toolbox {
    host: Arc<ToolHost>,
    native: Arc<BTreeMap<String, Native>>,
    workspace: Arc<Workspace>,
    limits: ToolLimits,
    recorded: Option<Arc<RecordedTools>>,
    /// Calls that may have been made before.
    again: Arc<BTreeSet<CallId>>,
    inline: bool,
}

/// A tool of the embedder's, and what it said that it is.
struct Native {
    tool: Arc<dyn NativeTool>,
    spec: ToolSpec,
}

impl Native {
    fn new(tool: Arc<dyn NativeTool>) -> Self {
        let spec = ToolSpec {
            isolation: Isolation::Native,
            ..tool.spec()
        };
        Self { tool, spec }
    }
}

impl Toolbox {
    /// The tools of `host` and the native ones, at work in `workspace`.
    ///
    /// # Errors
    /// [`ToolboxError::NameTaken`].
    pub fn new(
        host: Arc<ToolHost>,
        native: Vec<Arc<dyn NativeTool>>,
        workspace: Arc<Workspace>,
        limits: ToolLimits,
    ) -> Result<Self, ToolboxError> {
        let mut by_name: BTreeMap<String, Native> = BTreeMap::new();
        for tool in native.into_iter().map(Native::new) {
            let name = tool.spec.name.clone();
            let sandboxed = host.specs().iter().any(|spec| spec.name == name);
            if sandboxed || by_name.insert(name.clone(), tool).is_some() {
                return Err(ToolboxError::NameTaken { name });
            }
        }
        // A tool of the embedder's own goes before one that is always there.
        for tool in run_tools() {
            let tool = Native::new(Arc::new(tool));
            let name = tool.spec.name.clone();
            if !host.specs().iter().any(|spec| spec.name == name) {
                by_name.entry(name).or_insert(tool);
            }
        }
        Ok(Self {
            host,
            native: Arc::new(by_name),
            workspace,
            limits,
            recorded: None,
            again: Arc::default(),
            inline: false,
        })
    }

    /// The same tools, none of which is called any more: what came of calls and checks is read
    /// from a cassette, and so is the list of files.
    #[must_use]
    pub fn played_from(self, recorded: RecordedTools) -> Self {
        Self {
            recorded: Some(Arc::new(recorded)),
            ..self
        }
    }

    /// The same tools for a run whose process died: these calls may have been made before, and
    /// what they changed then counts when they are made again.
    pub(crate) fn making_again(&self, calls: BTreeSet<CallId>) -> Self {
        Self {
            again: Arc::new(calls),
            ..self.clone()
        }
    }

    /// The files of the workspace, sorted, at most `files_max`, and how many more there are.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn files(&self, files_max: usize) -> std::io::Result<(Vec<String>, usize)> {
        let Some(recorded) = &self.recorded else {
            return self.workspace.files(files_max);
        };
        let told = recorded.files();
        let files: Vec<String> = told.files.iter().take(files_max).cloned().collect();
        let left_out = told.files.len() - files.len() + told.left_out;
        Ok((files, left_out))
    }

    /// Carries out checks of files. They read a lot and are not hurried.
    pub(crate) async fn check(
        &self,
        task: Option<&TaskId>,
        checks: Vec<Check>,
        changed: Vec<String>,
    ) -> Vec<CheckResult> {
        if let Some(recorded) = &self.recorded {
            return recorded.checks(task, &checks);
        }
        let workspace = Arc::clone(&self.workspace);
        if self.inline {
            return file_checks::carry_out(checks, &changed, &workspace);
        }
        let unseen = checks.clone();
        let look = move || file_checks::carry_out(checks, &changed, &workspace);
        let results = tokio::task::spawn_blocking(look).await;
        results.unwrap_or_else(|_| file_checks::undecided(unseen))
    }

    /// Has acceptance checks look at files on the run's own task, and not on a thread of their
    /// own: for simulations, in which nothing may depend on how threads are scheduled.
    #[must_use]
    pub fn looking_inline(mut self) -> Self {
        self.inline = true;
        self
    }

    /// All tools, sandboxed ones first.
    #[must_use]
    pub fn specs(&self) -> Vec<ToolSpec> {
        let native = self.native.values().map(|native| &native.spec);
        self.host.specs().iter().chain(native).cloned().collect()
    }

    /// The folder the tools work in.
    #[must_use]
    pub fn workspace(&self) -> &Arc<Workspace> {
        &self.workspace
    }

    /// Whether a call of this tool may be made again when nobody knows what became of it.
    pub(crate) fn is_repeatable(&self, name: &str) -> bool {
        let native = self.native.get(name).map(|native| &native.spec);
        let sandboxed = || self.host.specs().iter().find(|spec| spec.name == name);
        let spec = native.or_else(sandboxed);
        spec.is_none_or(|spec| spec.effect.is_repeatable())
    }

    pub(crate) async fn call(
        &self,
        call: &ToolCall,
        permit: &Permit,
        info: &CallInfo,
    ) -> Result<ToolOutput, ToolFault> {
        if let Some(recorded) = &self.recorded {
            return recorded.call(call);
        }
        match self.native.get(&call.name) {
            Some(native) => self.call_native(native, call, info).await,
            // What a call needs in the sandbox is large, and no native call is to pay for it.
            None => Box::pin(self.call_sandboxed(call, permit, info)).await,
        }
    }

    async fn call_native(
        &self,
        native: &Native,
        call: &ToolCall,
        info: &CallInfo,
    ) -> Result<ToolOutput, ToolFault> {
        let time = Duration::from_millis(self.limits.wall_ms);
        let calling = native.tool.call(call, info);
        if let Some(outcome) = within(time, info.run.stopwatch(), calling).await {
            return outcome;
        }
        let harmful = !native.spec.effect.is_repeatable();
        Err(ToolFault {
            kind: if harmful {
                ToolFaultKind::InDoubt
            } else {
                ToolFaultKind::TimedOut
            },
            message: format!(
                "`{}` took longer than {} ms",
                call.name, self.limits.wall_ms
            ),
            retryable: !harmful,
        })
    }

    async fn call_sandboxed(
        &self,
        call: &ToolCall,
        permit: &Permit,
        info: &CallInfo,
    ) -> Result<ToolOutput, ToolFault> {
        let id = info.id;
        let context = CallContext {
            workspace: Arc::clone(&self.workspace),
            permit: permit.clone(),
            limits: self.limits.clone(),
            call_id: id.to_string(),
            agent: id.agent.to_string(),
            now_ms: info.now_ms,
            key: info.key,
            trace: info.trace.clone(),
            seed: u64::from(id.agent.0) << 32 | u64::from(id.turn) << 8 | u64::from(id.index),
        };
        let mut output = self.host.call(call, &context).await?;
        if self.again.contains(&id) {
            let (permit, workspace) = (permit.clone(), Arc::clone(&self.workspace));
            let bytes_max = self.limits.file_bytes_written_max;
            let look = move || {
                made_again::complete(&mut output, &permit, &workspace, bytes_max);
                output
            };
            output = tokio::task::spawn_blocking(look)
                .await
                .map_err(|_| unseen(&call.name))?;
        }
        Ok(output)
    }
}

fn unseen(tool: &str) -> ToolFault {
    ToolFault {
        kind: ToolFaultKind::Failed,
        message: format!("what `{tool}` changed could not be looked at; call it again"),
        retryable: true,
    }
}
