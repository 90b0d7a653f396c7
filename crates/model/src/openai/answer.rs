//! Puts an answer together out of events, whatever the server makes of the format: missing
//! indices, arguments as objects, whole messages instead of deltas, numbers as strings.
//! Only a stream that did not end properly, or holds no answer at all, is a fault.

use super::fault::of_error_value;
use super::frames::{BROKEN, ENDED, OURS, SILENT, TOO_LARGE};
use super::part::Part;
use crate::Pieces;
use crate::dialect::{RawCall, RawReply};
use crate::model::fault;
use leadhand_protocol::{FinishReason, ModelFault, ModelFaultKind, Usage};
use std::borrow::Cow;

/// Most tool calls taken from one answer; the bound that is told the model is in `Limits`.
const CALLS_MAX: usize = 128;

/// An answer in the making.
pub(super) struct Answer<'a> {
    url: &'a str,
    key: &'a str,
    reply_bytes_max: usize,
    pieces: Pieces<'a>,
    raw: RawReply,
    bytes: usize,
    usage: Option<Usage>,
    is_finished: bool,
    has_choice: bool,
    has_ended: bool,
}

impl<'a> Answer<'a> {
    pub(super) fn new(
        url: &'a str,
        key: &'a str,
        reply_bytes_max: usize,
        pieces: Pieces<'a>,
    ) -> Self {
        Self {
            url,
            key,
            reply_bytes_max,
            pieces,
            raw: RawReply::default(),
            bytes: 0,
            usage: None,
            is_finished: false,
            has_choice: false,
            has_ended: false,
        }
    }

    /// Takes one event.
    pub(super) fn take(&mut self, event: &Part) -> Result<(), ModelFault> {
        if let Some(what) = event.get(OURS).and_then(Part::as_str) {
            return self.take_ours(what, event.get("words").and_then(Part::as_str));
        }
        if let Some(error) = event.get("error").and_then(Part::as_value) {
            return Err(of_error_value(self.url, &error, self.key));
        }
        if let Some(usage @ Part::Fields(_)) = event.get("usage") {
            self.usage = Some(read_usage(usage));
        }
        // Only one answer is asked for, so only the first choice counts.
        let choices = event.get("choices").and_then(Part::as_list);
        let Some(choice) = choices.and_then(|choices| choices.first()) else {
            return Ok(());
        };
        self.has_choice = true;
        for name in ["delta", "message"] {
            if let Some(part) = choice.get(name) {
                self.take_part(part)?;
            }
        }
        if let Some(text) = choice.get("text").and_then(Part::as_str) {
            self.take_text(text)?;
        }
        if let Some(reason) = choice.get("finish_reason").and_then(Part::as_str) {
            self.is_finished = true;
            self.raw.finish = match reason {
                "length" | "max_tokens" | "model_length" => FinishReason::Length,
                "tool_calls" | "function_call" | "tool_use" => FinishReason::ToolCalls,
                "content_filter" => FinishReason::ContentFilter,
                _ => FinishReason::Stop,
            };
        }
        Ok(())
    }

    /// The whole answer, once no more events come.
    pub(super) fn finish(self) -> Result<(RawReply, Option<Usage>), ModelFault> {
        // `[DONE]` hides our own mark of the end; seeing that mark means it never came.
        if self.has_ended && !self.is_finished {
            let what = format!("{}: the answer was cut off before its end", self.url);
            return Err(fault(ModelFaultKind::Unreachable, what));
        }
        if !self.has_choice {
            let what = format!("{}: the answer holds no choices", self.url);
            return Err(fault(ModelFaultKind::BadAnswer, what));
        }
        Ok((self.raw, self.usage))
    }

    fn take_ours(&mut self, what: &str, words: Option<&str>) -> Result<(), ModelFault> {
        let url = self.url;
        let words = words.unwrap_or_default();
        Err(match what {
            ENDED => {
                self.has_ended = true;
                return Ok(());
            }
            // Whatever was still to come, the answer itself is whole.
            BROKEN | SILENT if self.is_finished => return Ok(()),
            BROKEN => fault(ModelFaultKind::Unreachable, format!("{url}: {words}")),
            SILENT => fault(
                ModelFaultKind::TimedOut,
                format!("{url}: the answer stood still"),
            ),
            TOO_LARGE => self.too_large(),
            _ => fault(
                ModelFaultKind::BadAnswer,
                format!("{url}: an event of the answer is no JSON: {words}"),
            ),
        })
    }

    fn too_large(&self) -> ModelFault {
        let (url, max) = (self.url, self.reply_bytes_max);
        let what = format!("{url}: the answer is larger than {max} bytes (reply_bytes_max)");
        fault(ModelFaultKind::BadAnswer, what)
    }

    fn take_part(&mut self, part: &Part) -> Result<(), ModelFault> {
        match part.get("content") {
            Some(Part::Text(text)) => self.take_text(text)?,
            Some(Part::List(parts)) => {
                for text in parts.iter().filter_map(|part| part.get("text")?.as_str()) {
                    self.take_text(text)?;
                }
            }
            Some(Part::Nothing | Part::Number(_) | Part::Fields(_) | Part::Whole(_)) | None => {}
        }
        if let Some(text) = part.get("refusal").and_then(Part::as_str) {
            self.take_text(text)?;
        }
        if let Some(Part::List(calls)) = part.get("tool_calls") {
            for call in calls {
                self.take_call(call)?;
            }
        }
        if let Some(function @ Part::Fields(_)) = part.get("function_call") {
            self.take_function(0, function)?;
        }
        Ok(())
    }

    fn take_text(&mut self, text: &str) -> Result<(), ModelFault> {
        if text.is_empty() {
            return Ok(());
        }
        self.count(text.len())?;
        self.raw.text.push_str(text);
        (self.pieces)(text);
        Ok(())
    }

    fn count(&mut self, bytes: usize) -> Result<(), ModelFault> {
        self.bytes += bytes;
        if self.bytes > self.reply_bytes_max {
            Err(self.too_large())
        } else {
            Ok(())
        }
    }

    fn take_call(&mut self, call: &Part) -> Result<(), ModelFault> {
        let id = call.get("id").and_then(Part::as_str).unwrap_or_default();
        let index = call
            .get("index")
            .and_then(Part::as_count)
            .and_then(|i| usize::try_from(i).ok());
        let known = self
            .raw
            .calls
            .iter()
            .position(|known| !id.is_empty() && known.id == id);
        let last = self.raw.calls.len();
        let names_tool = call
            .at(&["function", "name"])
            .and_then(Part::as_str)
            .is_some_and(|n| !n.is_empty());
        let at = match (index, known) {
            (Some(index), _) => index.min(last),
            (None, Some(known)) => known,
            // Without an index a name begins a new call.
            (None, None) if names_tool => last,
            (None, None) => last.saturating_sub(1),
        };
        if at >= CALLS_MAX {
            return Ok(());
        }
        if at == last {
            self.raw.calls.push(RawCall::default());
        }
        if self.raw.calls[at].id.is_empty() {
            self.count(id.len())?;
            id.clone_into(&mut self.raw.calls[at].id);
        }
        match call.get("function") {
            Some(function) => self.take_function(at, function),
            None => Ok(()),
        }
    }

    fn take_function(&mut self, at: usize, function: &Part) -> Result<(), ModelFault> {
        if at == self.raw.calls.len() {
            self.raw.calls.push(RawCall::default());
        }
        let arguments = match function.get("arguments") {
            Some(Part::Text(text)) => Cow::Borrowed(&text[..]),
            given => Cow::Owned(
                given
                    .and_then(Part::as_value)
                    .map_or_else(String::new, |value| value.to_string()),
            ),
        };
        self.count(arguments.len())?;
        self.raw.calls[at].arguments.push_str(&arguments);
        if let Some(name) = function.get("name").and_then(Part::as_str)
            && self.raw.calls[at].name.is_empty()
        {
            self.count(name.len())?;
            name.clone_into(&mut self.raw.calls[at].name);
        }
        Ok(())
    }
}

/// Tokens under the names that OpenAI, Anthropic and DeepSeek give them.
fn read_usage(usage: &Part) -> Usage {
    let number = |paths: &[&[&str]]| {
        let found = paths.iter().find_map(|path| match usage.at(path)? {
            Part::Number(number) => number.as_u64().or_else(|| Some(number.as_f64()? as u64)),
            Part::Text(text) => text.parse().ok(),
            Part::Nothing | Part::List(_) | Part::Fields(_) | Part::Whole(_) => None,
        });
        found.unwrap_or(0)
    };
    Usage {
        input_tokens: number(&[&["prompt_tokens"], &["input_tokens"]]),
        cached_tokens: number(&[
            &["prompt_tokens_details", "cached_tokens"],
            &["input_tokens_details", "cached_tokens"],
            &["prompt_cache_hit_tokens"],
            &["cache_read_input_tokens"],
        ]),
        output_tokens: number(&[&["completion_tokens"], &["output_tokens"]]),
        reasoning_tokens: number(&[
            &["completion_tokens_details", "reasoning_tokens"],
            &["output_tokens_details", "reasoning_tokens"],
        ]),
    }
}
