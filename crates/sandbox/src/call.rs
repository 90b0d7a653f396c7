//! One tool call: a store of its own with its limits in force, and the answer, checked.

use crate::Workspace;
use crate::chance::{CallClock, Chance};
use crate::component::{Loaded, Ready};
use crate::contract::types::CallInfo;
use crate::fault::{lasting, stopped, told, with_changes, with_requests};
use crate::files::FileAccess;
use crate::grants::PathGrants;
use crate::meter::{Meter, Stop};
use crate::named;
use crate::net::{NetAccess, Network};
use crate::state::CallState;
use crate::wasi::{Output, Program, WasiState};
use leadhand_protocol::{
    Capability, ContentHash, Permit, ToolCall, ToolFault, ToolFaultKind, ToolLimits, ToolOutput,
    TraceContext,
};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime::Store;

/// What one call may see and use. Nothing else exists for it.
#[derive(Debug, Clone)]
pub struct CallContext {
    /// The folder that paths are relative to.
    pub workspace: Arc<Workspace>,
    /// What it may touch, and what stays closed whatever is granted; a folder that is open may
    /// hold it.
    pub permit: Permit,
    /// Its bounds.
    pub limits: ToolLimits,
    /// Names the call in logs, and to the guest.
    pub call_id: String,
    /// On whose behalf it is made; told to the guest.
    pub agent: String,
    /// The time of day when the call starts, in milliseconds since the Unix epoch.
    pub now_ms: u64,
    /// What chance is made of for a guest that has no grant of it.
    pub seed: u64,
    /// The name of what the call does, made from its content: sent as `Idempotency-Key` with
    /// each request that may change something.
    pub key: ContentHash,
    /// The call's place in a trace, told to the servers that it asks.
    pub trace: Option<TraceContext>,
}

impl CallContext {
    /// The state of a call. What a component cannot import is not even prepared.
    pub(crate) fn state(
        &self,
        uses_files: bool,
        program: Option<Program<'_>>,
        output: Output,
    ) -> CallState {
        let opens =
            |capability: Capability| named::opens(&self.permit, capability, capability.as_str());
        let files = uses_files.then(|| {
            let grants = PathGrants::new(&self.permit);
            Arc::new(FileAccess::new(Arc::clone(&self.workspace), grants))
        });
        let mut state = CallState {
            meter: Meter::new(self.limits.clone()),
            files,
            net: None,
            wasi: None,
            clock: Arc::new(CallClock::new(opens(Capability::Clock), self.now_ms)),
            chance: match opens(Capability::Random) {
                true => Chance::System,
                false => Chance::Seeded(self.seed),
            },
            refused: Vec::new(),
            call_id: self.call_id.clone(),
        };
        if let Some(program) = program {
            let wasi = WasiState::new(&program, &state, output);
            state.wasi = Some(Box::new(wasi));
        }
        state
    }
}

/// Runs what a guest does, within its time. Epochs end a guest that computes; the time-out ends
/// one whose host call does not return.
pub(crate) async fn within_limits<T>(
    store: &mut Store<CallState>,
    work: impl AsyncFnOnce(&mut Store<CallState>) -> wasmtime::Result<T>,
) -> wasmtime::Result<T> {
    let time = Duration::from_millis(store.data().meter.limits.wall_ms);
    let running = async {
        CallState::enforce(store, Instant::now().checked_add(time))?;
        let given = work(store).await?;
        store.data().meter.within_host_calls()?;
        Ok(given)
    };
    match tokio::time::timeout(time, running).await {
        Ok(ended) => ended,
        Err(_) => Err(Stop::Time.into()),
    }
}

/// Runs a call in a fresh instance. Whatever the guest does, it ends within the limits.
pub(crate) async fn run(
    loaded: &Loaded,
    ready: &Ready,
    call: &ToolCall,
    context: &CallContext,
    environment: &[(String, String)],
    network: &Arc<Network>,
) -> Result<ToolOutput, ToolFault> {
    let limits = &context.limits;
    let granted: Vec<_>;
    let program = match loaded.card.wasi {
        true => {
            granted = granted_variables(&context.permit, environment);
            Some(Program::tool(&granted))
        }
        false => None,
    };
    let output = Output::Log(context.call_id.clone());
    let mut state = context.state(loaded.card.files, program, output);
    if loaded.card.net {
        let net = NetAccess::new(Arc::clone(network), &context.permit, limits, context.key);
        let net = net.traced(context.trace.clone());
        state.net = Some(Box::new(net));
    }
    let mut store = Store::new(ready.tool.engine(), state);
    let info = CallInfo {
        call_id: context.call_id.clone(),
        agent: context.agent.clone(),
        deadline_ms: limits.wall_ms,
        seed: context.seed,
    };
    let arguments = call.arguments.to_string();
    let ended = within_limits(&mut store, async |store| {
        let tool = ready.tool.instantiate_async(&mut *store).await?;
        tool.call_call(store, &info, &call.name, &arguments).await
    })
    .await;
    tracing::debug!(call = context.call_id, tool = call.name, used = %store.data().meter);
    let fault = match ended {
        Ok(Ok(output)) => match checked(ready, &call.name, output.text, limits) {
            Ok(text) => {
                let files = match &store.data().files {
                    Some(files) => files.take_changes().await,
                    None => Vec::new(),
                };
                let net = store.data().net.as_ref();
                return Ok(ToolOutput {
                    files,
                    requests: net.map_or_else(Vec::new, |net| net.requests().to_vec()),
                    refused: store.data_mut().take_refused(),
                    ..ToolOutput::text(text)
                });
            }
            Err(fault) => fault,
        },
        Ok(Err(error)) => told(&error),
        Err(error) => stopped(&call.name, &error, &store.data().meter),
    };
    let fault = with_changes(fault, store.data().files.as_deref());
    Err(with_requests(fault, store.data().net.as_deref()))
}

/// Holds an answer against the limit and against what the tool itself says its results are.
fn checked(
    ready: &Ready,
    tool: &str,
    text: String,
    limits: &ToolLimits,
) -> Result<String, ToolFault> {
    if text.len() > limits.output_bytes_max {
        let message = format!(
            "{tool} gave {} bytes, {} are allowed; ask for less at once.",
            text.len(),
            limits.output_bytes_max
        );
        return Err(lasting(ToolFaultKind::LimitExceeded, message));
    }
    ready.check_result(tool, &text).map_err(|reason| {
        let message = format!(
            "{tool} gave a result that does not fit its own schema: {reason}. This is a fault of \
             the tool: do it another way."
        );
        lasting(ToolFaultKind::Failed, message)
    })?;
    Ok(text)
}

fn granted_variables(permit: &Permit, environment: &[(String, String)]) -> Vec<(String, String)> {
    environment
        .iter()
        .filter(|(name, _)| named::opens(permit, Capability::Env, name))
        .cloned()
        .collect()
}
