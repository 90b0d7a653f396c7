//! Three ways to make a model call tools, see [`ToolStyle`]: how a request is put to the
//! model in each, and how its reply is read. Pure text in, text out; which endpoint gets
//! which style is decided in `choose`, and sending is the models' business.

use crate::ToolStyle;
use leadhand_protocol::{FinishReason, ModelRequest, ToolCall};
use serde_json::Value;
use std::borrow::Cow;
use std::sync::Arc;

mod choose;
mod describe;
mod find;
mod json;
mod read;
mod render;
mod schema;
#[cfg(test)]
mod tests;

pub use choose::choose_style;

/// A request in the words of one style; the entries are made as they are asked for.
#[derive(Debug, Clone)]
pub(crate) struct Prompt<'a> {
    request: &'a ModelRequest,
    style: ToolStyle,
    /// The system entry, where the style adds something to it.
    head: Option<String>,
    /// What the whole reply must fit, where it must.
    pub(crate) schema: Option<Value>,
    /// Whether the tools go along in the endpoint's own field.
    pub(crate) sends_tools: bool,
}

/// One entry of a [`Prompt`]. What the style leaves as it was said is borrowed: a long
/// conversation is sent again with every turn.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PromptEntry<'a> {
    /// Instructions.
    System(Cow<'a, str>),
    /// What the program or a person says.
    User(Cow<'a, str>),
    /// What the model said; calls only in the native style.
    Assistant(Cow<'a, str>, &'a [Arc<ToolCall>]),
    /// What a tool answered.
    Tool {
        /// The call it answers.
        call_id: &'a str,
        /// The tool.
        name: &'a str,
        /// Its result.
        text: &'a str,
    },
}

/// A reply as it came from a model.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct RawReply {
    /// The text.
    pub(crate) text: String,
    /// Native tool calls.
    pub(crate) calls: Vec<RawCall>,
    /// Why it stopped.
    pub(crate) finish: FinishReason,
}

/// A native tool call before its arguments are read.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct RawCall {
    /// The model's name for the call; may be empty.
    pub(crate) id: String,
    /// The tool.
    pub(crate) name: String,
    /// The arguments as JSON text.
    pub(crate) arguments: String,
}

impl Prompt<'_> {
    /// The entries, in order. The same conversation gives the same beginning every time, so
    /// that a model can keep what it computed for it.
    pub(crate) fn entries(&self) -> impl Iterator<Item = PromptEntry<'_>> {
        render::entries(self)
    }
}

/// Puts a request into the words of a style.
pub(crate) fn render(request: &ModelRequest, style: ToolStyle) -> Prompt<'_> {
    render::render(request, style)
}

/// Reads a reply to that request. Usage, model and money are left for the caller.
pub(crate) fn read(
    request: &ModelRequest,
    style: ToolStyle,
    raw: RawReply,
) -> leadhand_protocol::ModelReply {
    read::read(request, style, raw)
}
