//! A tool that counts the words of a file.

wit_bindgen::generate!({ path: "wit", world: "tool" });

use leadhand::tool::files;
use leadhand::tool::types::{Access, Effect, ErrorKind};

/// Bytes asked for at once.
const PIECE_BYTES: u32 = 1 << 20;

struct WordCount;

impl Guest for WordCount {
    fn specs() -> Vec<ToolSpec> {
        vec![ToolSpec {
            name: "word_count".into(),
            description: "Count the lines and words of a text file.".into(),
            arguments_schema: r#"{"type": "object",
                "properties": {"path": {"type": "string", "description": "The file"}},
                "required": ["path"], "additionalProperties": false}"#
                .into(),
            result_schema: Some(
                r#"{"type": "object",
                    "properties": {"lines": {"type": "integer"}, "words": {"type": "integer"}},
                    "required": ["lines", "words"]}"#
                    .into(),
            ),
            effect: Effect::Pure,
            accesses: vec![Access {
                capability: "fs.read".into(),
                argument: Some("path".into()),
                methods: Vec::new(),
            }],
        }]
    }

    fn call(_: CallInfo, _: String, arguments: String) -> Result<ToolOutput, ToolError> {
        let arguments: serde_json::Value = serde_json::from_str(&arguments)
            .map_err(|error| fault(ErrorKind::InvalidArguments, error.to_string()))?;
        let path = arguments["path"].as_str().unwrap_or_default();
        let text = read(path)?;
        let (lines, words) = (text.matches('\n').count(), text.split_whitespace().count());
        let text = serde_json::json!({ "lines": lines, "words": words }).to_string();
        Ok(ToolOutput { text })
    }
}

fn read(path: &str) -> Result<String, ToolError> {
    let mut bytes = Vec::new();
    loop {
        let piece = files::read_range(path, bytes.len() as u64, PIECE_BYTES).map_err(told)?;
        let is_last = piece.len() < PIECE_BYTES as usize;
        bytes.extend(piece);
        if is_last {
            return Ok(String::from_utf8_lossy(&bytes).into_owned());
        }
    }
}

/// What the host says, as an error of this tool.
fn told(error: files::Error) -> ToolError {
    let kind = match error.code {
        files::ErrorCode::NotFound => ErrorKind::NotFound,
        files::ErrorCode::Denied => ErrorKind::Denied,
        files::ErrorCode::LimitExceeded => ErrorKind::LimitExceeded,
        files::ErrorCode::InvalidPath => ErrorKind::InvalidArguments,
        _ => ErrorKind::Failed,
    };
    fault(kind, error.message)
}

fn fault(kind: ErrorKind, message: String) -> ToolError {
    ToolError { kind, message, retryable: false }
}

export!(WordCount);
