//! A model that answers from a script, so that a run can be repeated in a test. Nothing is
//! random; times come from tokio's clock, so a paused clock makes `delay_ms` free.
//!
//! The script is JSON lines; empty lines and lines that begin with `#` are skipped:
//! ```json
//! {"when": {"contains": "weather"}, "reply": {"tool_calls": [{"name": "look_up", "arguments": {"city": "Bern"}}]}}
//! {"when": {"role_contains": "reviewer"}, "times": 2, "reply": {"text": "It is fine."}}
//! {"reply": {"fault": {"kind": "rate_limited", "message": "slow down", "retry_after_ms": 50}}, "delay_ms": 10}
//! ```
//! - `when`, optional; all of what it names must fit: `contains` a text in what was said
//!   since the model last spoke (all tool results and the user's words at the end of the
//!   prompt), `prompt_contains` in any entry, `role_contains` in the system entries.
//! - `reply`: `text` and `tool_calls` (`name`, `arguments`, and `id` if one is wanted), or
//!   `fault` (a protocol `ModelFault`); `malformed` and `finish` as in a `ModelReply`;
//!   `usage` in tokens, else a quarter of the bytes.
//! - `times`, how often the line answers: 1 unless given, 0 for ever.
//! - `delay_ms`, how long the answer takes.
//!
//! Each call is answered by the first line that fits and is not used up.

use crate::model::fault;
use crate::{BoxFuture, Model, ModelError, ModelInfo, Pieces, Price, ToolStyle};
use leadhand_protocol::{
    ChatMessage, FinishReason, ModelFault, ModelFaultKind, ModelReply, ModelRequest, ToolCall,
    Usage,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// A model that answers from a script.
#[derive(Debug)]
pub struct ScriptedModel {
    path: PathBuf,
    lines: Vec<Line>,
    calls: AtomicU64,
}

#[derive(Debug)]
struct Line {
    entry: Entry,
    used: AtomicU32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(default)]
    when: When,
    reply: Reply,
    #[serde(default = "once")]
    times: u32,
    #[serde(default)]
    delay_ms: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct When {
    contains: Option<String>,
    prompt_contains: Option<String>,
    role_contains: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Reply {
    text: String,
    tool_calls: Vec<ScriptedCall>,
    malformed: Option<String>,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
    fault: Option<ModelFault>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScriptedCall {
    name: String,
    #[serde(default)]
    arguments: Map<String, Value>,
    #[serde(default)]
    id: Option<String>,
}

fn once() -> u32 {
    1
}

impl ScriptedModel {
    /// Reads a script from a file.
    ///
    /// # Errors
    /// [`ModelError::File`], or [`ModelError::Line`] with the line that cannot be read.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let text = std::fs::read_to_string(path).map_err(|source| ModelError::File {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &text)
    }

    /// Reads a script from a text; `path` only serves to name it in errors.
    ///
    /// # Errors
    /// [`ModelError::Line`] with the line that cannot be read.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ModelError> {
        let mut lines = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.trim_start().starts_with('#') {
                continue;
            }
            let wrong = |what: String| ModelError::Line {
                path: path.to_owned(),
                line: index + 1,
                what,
            };
            let entry =
                serde_json::from_str::<Entry>(line).map_err(|why| wrong(why.to_string()))?;
            let reply = &entry.reply;
            let is_answer = !reply.text.is_empty() || !reply.tool_calls.is_empty();
            if reply.fault.is_some() == (is_answer || reply.malformed.is_some()) {
                let what = "`reply` wants `text`, `tool_calls` or `malformed`, or else `fault`";
                return Err(wrong(what.to_owned()));
            }
            lines.push(Line {
                entry,
                used: AtomicU32::new(0),
            });
        }
        Ok(Self {
            path: path.to_owned(),
            lines,
            calls: AtomicU64::new(0),
        })
    }

    fn next_for(&self, request: &ModelRequest) -> Option<&Entry> {
        let fitting = self
            .lines
            .iter()
            .filter(|line| line.entry.when.fits(request));
        for line in fitting {
            if line.entry.times == 0 {
                return Some(&line.entry);
            }
            // Taken by one caller only, also when several ask at once.
            let taken = line
                .used
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |used| {
                    (used < line.entry.times).then_some(used + 1)
                });
            if taken.is_ok() {
                return Some(&line.entry);
            }
        }
        None
    }

    fn nothing_left(&self, request: &ModelRequest) -> ModelFault {
        let last = request.messages.last().map_or("", |message| message.text());
        let shown = last.chars().take(80).collect::<String>();
        fault(
            ModelFaultKind::NotFound,
            format!(
                "{}: no line is left that fits a prompt ending in {shown:?}; add one, or raise \
                 `times` of one",
                self.path.display()
            ),
        )
    }

    async fn answer(
        &self,
        request: &ModelRequest,
        pieces: Pieces<'_>,
    ) -> Result<ModelReply, ModelFault> {
        let entry = self
            .next_for(request)
            .ok_or_else(|| self.nothing_left(request))?;
        if entry.delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(entry.delay_ms)).await;
        }
        let scripted = &entry.reply;
        if let Some(fault) = &scripted.fault {
            return Err(fault.clone());
        }
        if !scripted.text.is_empty() {
            pieces(&scripted.text);
        }
        let calls = scripted.tool_calls.iter().map(|call| ToolCall {
            id: call.id.clone().unwrap_or_else(|| {
                format!("call_{}", self.calls.fetch_add(1, Ordering::SeqCst) + 1)
            }),
            name: call.name.clone(),
            arguments: Value::Object(call.arguments.clone()),
        });
        let tool_calls = calls.map(Arc::new).collect::<Vec<_>>();
        let usual = if tool_calls.is_empty() {
            FinishReason::Stop
        } else {
            FinishReason::ToolCalls
        };
        Ok(ModelReply {
            text: scripted.text.clone(),
            malformed: scripted.malformed.clone(),
            finish: scripted.finish.unwrap_or(usual),
            usage: scripted
                .usage
                .unwrap_or_else(|| estimate(request, &scripted.text, &tool_calls)),
            tool_calls,
            ..ModelReply::default()
        })
    }
}

impl When {
    fn fits(&self, request: &ModelRequest) -> bool {
        let is_assistant = |m: &ChatMessage| matches!(m, ChatMessage::Assistant { .. });
        let entries = || request.messages.iter().map(|entry| &**entry);
        let newest = entries().rev().take_while(|entry| !is_assistant(entry));
        let system = entries().filter(|entry| matches!(entry, ChatMessage::System { .. }));
        holds(self.contains.as_deref(), newest)
            && holds(self.prompt_contains.as_deref(), entries())
            && holds(self.role_contains.as_deref(), system)
    }
}

fn holds<'a>(text: Option<&str>, mut entries: impl Iterator<Item = &'a ChatMessage>) -> bool {
    text.is_none_or(|text| entries.any(|entry| entry.text().contains(text)))
}

fn estimate(request: &ModelRequest, text: &str, calls: &[Arc<ToolCall>]) -> Usage {
    let input = request
        .messages
        .iter()
        .map(|entry| entry.text().len())
        .sum::<usize>();
    let calls = calls
        .iter()
        .map(|call| call.name.len() + call.arguments.to_string().len());
    let output = text.len() + calls.sum::<usize>();
    Usage {
        input_tokens: input.div_ceil(4) as u64,
        output_tokens: output.div_ceil(4) as u64,
        ..Usage::default()
    }
}

impl Model for ScriptedModel {
    fn describe(&self) -> ModelInfo {
        ModelInfo {
            name: format!("scripted:{}", self.path.display()),
            provider: "scripted".to_owned(),
            context_tokens: None,
            tool_style: ToolStyle::Native,
            price: Price::default(),
        }
    }

    fn call<'a>(
        &'a self,
        request: &'a ModelRequest,
        pieces: Pieces<'a>,
    ) -> BoxFuture<'a, Result<ModelReply, ModelFault>> {
        Box::pin(self.answer(request, pieces))
    }
}
