//! What came of a call, as `tool run` writes it.

use leadhand::{ToolFault, ToolFaultKind, ToolOutput, ToolSpec};
use serde::Serialize;
use serde_json::Value;

/// `{"ok": …}` or `{"error": …}`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Written<'a> {
    Ok(Good<'a>),
    Error(Bad<'a>),
}

#[derive(Debug, Serialize)]
pub(super) struct Good<'a> {
    #[serde(flatten)]
    output: &'a ToolOutput,
    /// The text as a value, of a tool whose results are JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
}

#[derive(Debug, Serialize)]
pub(super) struct Bad<'a> {
    code: ToolFaultKind,
    message: &'a str,
}

pub(super) fn written<'a>(
    tool: &ToolSpec,
    outcome: &'a Result<ToolOutput, ToolFault>,
) -> Written<'a> {
    match outcome {
        Ok(output) => Written::Ok(Good {
            output,
            value: tool
                .result
                .as_ref()
                .and_then(|_| serde_json::from_str(&output.text).ok()),
        }),
        Err(fault) => Written::Error(Bad {
            code: fault.kind,
            message: &fault.message,
        }),
    }
}

/// A fault of arguments that are none.
pub(super) fn invalid_arguments(message: String) -> ToolFault {
    ToolFault {
        kind: ToolFaultKind::InvalidArguments,
        message,
        retryable: false,
    }
}
