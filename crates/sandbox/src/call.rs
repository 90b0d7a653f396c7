//! One tool call: its store, its limits, and what its end means in words for the model.

use crate::Workspace;
use crate::component::Loaded;
use crate::contract::types::{CallInfo, ErrorKind, ToolError};
use crate::files::FileAccess;
use crate::grants::PathGrants;
use crate::meter::{Meter, Stop};
use leadhand_protocol::{Permit, ToolCall, ToolFault, ToolFaultKind, ToolLimits, ToolOutput};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime::{Store, Trap, UpdateDeadline};

/// Room for the parts of a guest's answer beside its text, in bytes.
const ANSWER_MARGIN_BYTES: usize = 64 * 1024;
/// Longest error message taken from a guest, in characters.
const MESSAGE_CHARS_MAX: usize = 2_000;
/// What a component may use while it is asked for its tools.
const SPECS_FUEL_MAX: u64 = 50_000_000;

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
}

/// What a store holds for one call.
pub(crate) struct CallState {
    pub(crate) meter: Meter,
    /// None while a component is asked for its tools.
    pub(crate) files: Option<Arc<FileAccess>>,
    pub(crate) call_id: String,
}

impl CallState {
    /// A state in which every import is closed.
    pub(crate) fn closed() -> Self {
        let limits = ToolLimits {
            fuel_max: SPECS_FUEL_MAX,
            host_calls_max: 0,
            ..ToolLimits::default()
        };
        Self {
            meter: Meter::new(limits),
            files: None,
            call_id: String::new(),
        }
    }

    /// Puts the limits of the state into force.
    pub(crate) fn enforce(
        store: &mut Store<Self>,
        deadline: Option<Instant>,
    ) -> wasmtime::Result<()> {
        let limits = &store.data().meter.limits;
        let fuel = limits.fuel_max;
        let largest = usize::try_from(limits.file_bytes_written_max).unwrap_or(usize::MAX);
        let largest = largest.saturating_add(limits.output_bytes_max);
        store.set_hostcall_fuel(largest.saturating_add(ANSWER_MARGIN_BYTES));
        store.limiter(|state| &mut state.meter);
        store.set_fuel(fuel)?;
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(Stop::Time.into());
            }
            Ok(UpdateDeadline::Yield(1))
        });
        Ok(())
    }
}

/// Runs a call in a fresh instance. Whatever the guest does, it ends within the limits.
pub(crate) async fn run(
    loaded: &Loaded,
    call: &ToolCall,
    context: &CallContext,
) -> Result<ToolOutput, ToolFault> {
    let limits = &context.limits;
    let time = Duration::from_millis(limits.wall_ms);
    let files = FileAccess::new(
        Arc::clone(&context.workspace),
        PathGrants::new(&context.permit),
    );
    let files = Arc::new(files);
    let state = CallState {
        meter: Meter::new(limits.clone()),
        files: Some(Arc::clone(&files)),
        call_id: context.call_id.clone(),
    };
    let mut store = Store::new(loaded.pre.engine(), state);
    let info = CallInfo {
        call_id: context.call_id.clone(),
        agent: context.agent.clone(),
        deadline_ms: limits.wall_ms,
        seed: context.seed,
    };
    let arguments = call.arguments.to_string();
    let running = async {
        CallState::enforce(&mut store, Instant::now().checked_add(time))?;
        let tool = loaded.pre.instantiate_async(&mut store).await?;
        tool.call_call(&mut store, &info, &call.name, &arguments)
            .await
    };
    // Epochs end a guest that computes; this ends one whose host call does not return.
    let ended = tokio::time::timeout(time, running).await;
    tracing::debug!(call = context.call_id, tool = call.name, used = %store.data().meter);
    let fault = match ended {
        Ok(Ok(Ok(output))) if output.text.len() <= limits.output_bytes_max => {
            return Ok(ToolOutput {
                files: files.changes().take(),
                ..ToolOutput::text(output.text)
            });
        }
        Ok(Ok(Ok(output))) => ToolFault {
            kind: ToolFaultKind::LimitExceeded,
            message: format!(
                "{} gave {} bytes, {} are allowed; ask for less at once.",
                call.name,
                output.text.len(),
                limits.output_bytes_max
            ),
            retryable: false,
        },
        Ok(Ok(Err(error))) => told(&error),
        Ok(Err(error)) => stopped(&call.name, &error, &store.data().meter),
        Err(_) => stopped(&call.name, &Stop::Time.into(), &store.data().meter),
    };
    Err(with_changes(fault, &files))
}

/// What the guest itself says went wrong.
fn told(error: &ToolError) -> ToolFault {
    let kind = match error.kind {
        ErrorKind::InvalidArguments => ToolFaultKind::InvalidArguments,
        ErrorKind::UnknownTool => ToolFaultKind::UnknownTool,
        ErrorKind::NotFound => ToolFaultKind::NotFound,
        ErrorKind::Denied => ToolFaultKind::Denied,
        ErrorKind::LimitExceeded => ToolFaultKind::LimitExceeded,
        ErrorKind::Failed => ToolFaultKind::Failed,
    };
    let message = error.message.chars().take(MESSAGE_CHARS_MAX).collect();
    ToolFault {
        kind,
        message,
        retryable: error.retryable,
    }
}

/// What a guest that did not come to its end ran into.
fn stopped(tool: &str, error: &wasmtime::Error, meter: &Meter) -> ToolFault {
    let limits = &meter.limits;
    let (kind, what) = match (error.downcast_ref::<Stop>(), error.downcast_ref::<Trap>()) {
        (Some(Stop::Time), _) => (
            ToolFaultKind::TimedOut,
            format!("took longer than {} ms", limits.wall_ms),
        ),
        (Some(Stop::HostCalls), _) => {
            let what = format!(
                "used files or logs more than {} times",
                limits.host_calls_max
            );
            (ToolFaultKind::LimitExceeded, what)
        }
        (_, Some(Trap::OutOfFuel)) => (
            ToolFaultKind::LimitExceeded,
            "did more work than one call may".to_owned(),
        ),
        (_, Some(_)) if meter.memory_refused => {
            let what = format!(
                "needed more than {} bytes of memory",
                limits.memory_bytes_max
            );
            (ToolFaultKind::LimitExceeded, what)
        }
        (_, Some(trap)) => {
            let message =
                format!("{tool} crashed ({trap}). This is a fault of the tool: do it another way.");
            return ToolFault {
                kind: ToolFaultKind::Trapped,
                message,
                retryable: false,
            };
        }
        // wasmtime keeps the type of this one to itself.
        (None, None) if error.to_string().contains("fuel allocated for hostcalls") => (
            ToolFaultKind::LimitExceeded,
            "handed over more at once than a call may".to_owned(),
        ),
        (None, None) => {
            let message = format!("{tool} could not run: {error:#}. Do it another way.");
            return ToolFault {
                kind: ToolFaultKind::Trapped,
                message,
                retryable: false,
            };
        }
    };
    let message = format!("{tool} {what} and was stopped; ask for less in one call.");
    ToolFault {
        kind,
        message,
        retryable: false,
    }
}

/// A call that failed may have changed files before: its fault says so, and says when nobody
/// knows.
fn with_changes(mut fault: ToolFault, files: &FileAccess) -> ToolFault {
    let changes = files.changes();
    if changes.writes_pending > 0 {
        fault.kind = ToolFaultKind::InDoubt;
        fault
            .message
            .push_str(" A change was under way; look whether it took place.");
    }
    let paths = changes.paths();
    if !paths.is_empty() {
        fault.message.push_str(" It had already changed: ");
        fault.message.push_str(&paths.join(", "));
        fault.message.push('.');
    }
    fault
}
