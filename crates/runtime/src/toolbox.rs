//! All tools of a run under one roof: sandboxed ones, and the embedder's own closures. Both
//! are judged by the same policy; only the sandbox can also enforce it.

use leadhand_model::BoxFuture;
use leadhand_protocol::{
    CallId, ContentHash, Effect, Isolation, Permit, ToolCall, ToolFault, ToolFaultKind, ToolLimits,
    ToolOutput, ToolSpec,
};
use leadhand_sandbox::{CallContext, ToolHost, Workspace};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A tool in the embedder's process.
pub trait NativeTool: Send + Sync + 'static {
    /// What it is. Its isolation is always shown as native, whatever stands here.
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallInfo {
    /// Which.
    pub id: CallId,
    /// The name of what it does, made from its content ([`ToolCall::key`]): the same when the
    /// call is made again after a crash. A service that takes such a key does nothing twice.
    pub key: ContentHash,
    /// When it is made, in milliseconds since the Unix epoch.
    pub now_ms: u64,
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
    native: Arc<BTreeMap<String, Arc<dyn NativeTool>>>,
    workspace: Arc<Workspace>,
    limits: ToolLimits,
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
        let mut by_name: BTreeMap<String, Arc<dyn NativeTool>> = BTreeMap::new();
        for tool in native {
            let name = tool.spec().name;
            let sandboxed = host.specs().iter().any(|spec| spec.name == name);
            if sandboxed || by_name.insert(name.clone(), tool).is_some() {
                return Err(ToolboxError::NameTaken { name });
            }
        }
        Ok(Self {
            host,
            native: Arc::new(by_name),
            workspace,
            limits,
        })
    }

    /// All tools, sandboxed ones first.
    #[must_use]
    pub fn specs(&self) -> Vec<ToolSpec> {
        let native = self.native.values().map(|tool| ToolSpec {
            isolation: Isolation::Native,
            ..tool.spec()
        });
        self.host.specs().iter().cloned().chain(native).collect()
    }

    /// The folder the tools work in.
    #[must_use]
    pub fn workspace(&self) -> &Arc<Workspace> {
        &self.workspace
    }

    /// Whether a call of this tool may be made again when nobody knows what became of it.
    pub(crate) fn is_repeatable(&self, name: &str) -> bool {
        let native = self.native.get(name).map(|tool| tool.spec().effect);
        let sandboxed = self.host.specs().iter().find(|spec| spec.name == name);
        native
            .or(sandboxed.map(|spec| spec.effect))
            .is_none_or(Effect::is_repeatable)
    }

    pub(crate) async fn call(
        &self,
        call: &ToolCall,
        permit: &Permit,
        info: &CallInfo,
    ) -> Result<ToolOutput, ToolFault> {
        if let Some(tool) = self.native.get(&call.name) {
            let time = Duration::from_millis(self.limits.wall_ms);
            return match tokio::time::timeout(time, tool.call(call, info)).await {
                Ok(outcome) => outcome,
                Err(_) => {
                    let harmful = !self.is_repeatable(&call.name);
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
            };
        }
        let id = info.id;
        let context = CallContext {
            workspace: Arc::clone(&self.workspace),
            permit: permit.clone(),
            limits: self.limits.clone(),
            call_id: id.to_string(),
            agent: id.agent.to_string(),
            now_ms: info.now_ms,
            key: info.key,
            seed: u64::from(id.agent.0) << 32 | u64::from(id.turn) << 8 | u64::from(id.index),
        };
        self.host.call(call, &context).await
    }
}
