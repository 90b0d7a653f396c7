//! What the end of a call means, in words for the model.

use crate::contract::types::{ErrorKind, ToolError};
use crate::files::FileAccess;
use crate::meter::{Meter, Stop};
use crate::net::NetAccess;
use crate::wasi::HANDLES_MAX;
use leadhand_protocol::{ToolFault, ToolFaultKind};
use wasmtime::component::ResourceTableError;
use wasmtime::{PoolConcurrencyLimitError, Trap};
use wasmtime_wasi::I32Exit;

/// Longest error message taken from a guest, in characters.
const MESSAGE_CHARS_MAX: usize = 2_000;
/// Most changed files that a fault names.
const CHANGES_NAMED_MAX: usize = 20;

/// A fault that the same call meets again.
pub(crate) fn lasting(kind: ToolFaultKind, message: String) -> ToolFault {
    ToolFault {
        kind,
        message,
        retryable: false,
    }
}

/// What the guest itself says went wrong.
pub(crate) fn told(error: &ToolError) -> ToolFault {
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
pub(crate) fn stopped(tool: &str, error: &wasmtime::Error, meter: &Meter) -> ToolFault {
    let limits = &meter.limits;
    if error.downcast_ref::<PoolConcurrencyLimitError>().is_some() {
        return ToolFault {
            kind: ToolFaultKind::LimitExceeded,
            message: format!("There is no room for {tool} now; call it again later."),
            retryable: true,
        };
    }
    if let Some(I32Exit(code)) = error.downcast_ref() {
        let message = format!(
            "{tool} ended itself with exit code {code} before it answered. This is a fault of the \
             tool: do it another way."
        );
        return lasting(ToolFaultKind::Trapped, message);
    }
    let (kind, what) = match (error.downcast_ref::<Stop>(), error.downcast_ref::<Trap>()) {
        (Some(Stop::Time), _) => (
            ToolFaultKind::TimedOut,
            format!("took longer than {} ms", limits.wall_ms),
        ),
        (Some(Stop::HostCalls), _) => {
            let what = format!("called the host more than {} times", limits.host_calls_max);
            (ToolFaultKind::LimitExceeded, what)
        }
        (Some(Stop::RandomBytes), _) => (
            ToolFaultKind::LimitExceeded,
            "wanted too many random bytes at once".to_owned(),
        ),
        (_, Some(Trap::OutOfFuel)) => (
            ToolFaultKind::LimitExceeded,
            "did more work than one call may".to_owned(),
        ),
        (_, trap) => match beyond_parts(meter, error) {
            Some(what) => (ToolFaultKind::LimitExceeded, what),
            None => return broken(tool, error, trap),
        },
    };
    lasting(
        kind,
        format!("{tool} {what} and was stopped; ask for less in one call."),
    )
}

/// Limits of what an instance is made of. wasmtime keeps the types of some errors to itself, so
/// two of them are told apart by their words, and a test holds each.
fn beyond_parts(meter: &Meter, error: &wasmtime::Error) -> Option<String> {
    let limits = &meter.limits;
    if meter.memory_refused {
        let bytes = limits.memory_bytes_max;
        return Some(format!("needed more than {bytes} bytes of memory"));
    }
    if meter.table_refused {
        let elements = limits.table_elements_max;
        return Some(format!("needed more than {elements} elements of tables"));
    }
    if let Some(ResourceTableError::Full) = error.downcast_ref() {
        return Some(format!("held more than {HANDLES_MAX} handles"));
    }
    let said = error.to_string();
    if said.contains("resource limit exceeded") {
        let instances = limits.instances_max;
        return Some(format!("is made of more than {instances} parts"));
    }
    if said.contains("fuel allocated for hostcalls") {
        return Some("handed over more at once than a call may".to_owned());
    }
    None
}

fn broken(tool: &str, error: &wasmtime::Error, trap: Option<&Trap>) -> ToolFault {
    let message = match trap {
        Some(trap) => {
            format!("{tool} crashed ({trap}). This is a fault of the tool: do it another way.")
        }
        None => {
            let said: String = format!("{error:#}")
                .chars()
                .take(MESSAGE_CHARS_MAX)
                .collect();
            format!("{tool} could not run: {said}. Do it another way.")
        }
    };
    lasting(ToolFaultKind::Trapped, message)
}

/// A call that failed may have changed files before: its fault says so, and says when nobody
/// knows.
pub(crate) fn with_changes(mut fault: ToolFault, files: Option<&FileAccess>) -> ToolFault {
    let Some(files) = files else {
        return fault;
    };
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
        let named = &paths[..paths.len().min(CHANGES_NAMED_MAX)];
        fault.message.push_str(&named.join(", "));
        if paths.len() > named.len() {
            let more = paths.len() - named.len();
            fault.message.push_str(&format!(" and {more} more"));
        }
        fault.message.push('.');
    }
    fault
}

/// As [`with_changes`], of requests that were sent and not answered.
pub(crate) fn with_requests(mut fault: ToolFault, net: Option<&NetAccess>) -> ToolFault {
    if net.is_some_and(NetAccess::in_doubt) {
        fault.kind = ToolFaultKind::InDoubt;
        fault.message.push_str(
            " A request that may change something was sent and not answered; look whether it \
             took effect.",
        );
    }
    fault
}
