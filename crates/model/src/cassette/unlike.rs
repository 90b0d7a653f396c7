//! What a request has that no recorded one has, in words: told against the nearest one.

use super::line::{AskedParts, CassettePart};
use leadhand_protocol::ContentHash;
use serde_json::Value;
use std::collections::HashMap;

/// Characters that are shown of each side, from a little before where they part.
const SHOWN_CHARS_MAX: usize = 160;
/// Characters that are shown before that place.
const BEFORE_CHARS_MAX: usize = 20;

/// A recorded request.
#[derive(Debug)]
pub(super) struct Asked {
    /// Its line in the cassette.
    pub(super) line: usize,
    /// Who asked.
    pub(super) by: String,
    pub(super) parts: AskedParts,
}

/// Says where a request differs from the nearest recorded one; `None` when none is on file.
pub(super) fn unlike(
    recorded: &[Asked],
    parts: &HashMap<ContentHash, Value>,
    now: &AskedParts,
    now_parts: &[CassettePart],
) -> Option<String> {
    let nearest = nearest(recorded, now)?;
    let value = |hash: &ContentHash| {
        let own = now_parts.iter().find(|part| part.part == *hash);
        own.map(|part| &part.value).or_else(|| parts.get(hash))
    };
    let was = &nearest.parts;
    let what = match (
        first_apart(&was.messages, &now.messages),
        was.tools == now.tools,
        was.output == now.output,
    ) {
        (Some(at), _, _) => {
            let entry = |hashes: &[ContentHash]| hashes.get(at).and_then(&value).cloned();
            sides(
                &format!("message {}", at + 1),
                entry(&was.messages).as_ref(),
                entry(&now.messages).as_ref(),
            )
        }
        (None, false, _) => sides("the tools", value(&was.tools), value(&now.tools)),
        (None, true, false) => sides(
            "what the reply must look like",
            value(&was.output),
            value(&now.output),
        ),
        (None, true, true) => {
            let settings = |asked: &AskedParts| {
                format!(
                    "{} tokens at most, temperature {}, seed {}",
                    asked.output_tokens_max, asked.temperature_milli, asked.seed
                )
            };
            let (was, now) = (settings(was), settings(now));
            format!("the sampling differs: recorded {was}; now {now}")
        }
    };
    let by = if nearest.by.is_empty() {
        String::new()
    } else {
        format!(" by {}", nearest.by)
    };
    Some(format!(
        "the nearest that is recorded, line {}{by}, differs: {what}. Undo the change, or record \
         again",
        nearest.line
    ))
}

/// The recorded request with the most in common: messages from the first on, then the rest.
fn nearest<'a>(recorded: &'a [Asked], now: &AskedParts) -> Option<&'a Asked> {
    let common = |asked: &Asked| {
        let was = &asked.parts;
        let both = was.messages.iter().zip(&now.messages);
        let messages = both.take_while(|(was, now)| was == now).count();
        let rest = usize::from(was.tools == now.tools) + usize::from(was.output == now.output);
        let length = usize::from(was.messages.len() == now.messages.len());
        (messages, length + rest)
    };
    // Of equal ones the first: what parted first is the cause of the rest.
    recorded.iter().rev().max_by_key(|asked| common(asked))
}

fn first_apart(was: &[ContentHash], now: &[ContentHash]) -> Option<usize> {
    let both = was.iter().zip(now);
    let same = both.take_while(|(was, now)| was == now).count();
    (same < was.len().max(now.len())).then_some(same)
}

fn sides(what: &str, was: Option<&Value>, now: Option<&Value>) -> String {
    let text = |side: Option<&Value>| side.map(written);
    match (text(was), text(now)) {
        (Some(was), Some(now)) => {
            let (was, now) = apart(&was, &now);
            format!("{what} was {was} and is {now}")
        }
        (Some(was), None) => format!("{what} is missing, it was {}", apart(&was, "").0),
        (None, Some(now)) => format!("{what} is new: {}", apart("", &now).1),
        (None, None) => format!("{what} differs"),
    }
}

/// An entry of a prompt as its text, everything else as JSON.
fn written(value: &Value) -> String {
    let entry = || {
        let from = value.get("from")?.as_str()?;
        let text = value.get("text")?.as_str()?;
        let calls = value.get("tool_calls");
        let calls = calls.map_or(String::new(), |calls| format!(" {calls}"));
        Some(format!("{from}: {text}{calls}"))
    };
    entry().unwrap_or_else(|| value.to_string())
}

/// Both texts in quotes, from a little before where they part.
fn apart(was: &str, now: &str) -> (String, String) {
    let both = was.chars().zip(now.chars());
    let same = both.take_while(|(was, now)| was == now).count();
    let from = same.saturating_sub(BEFORE_CHARS_MAX);
    let shown = |text: &str| {
        let cut: String = text.chars().skip(from).take(SHOWN_CHARS_MAX).collect();
        let begins = if from > 0 { "…" } else { "" };
        let ends = if text.chars().count() > from + SHOWN_CHARS_MAX {
            "…"
        } else {
            ""
        };
        format!("{:?}", format!("{begins}{cut}{ends}"))
    };
    (shown(was), shown(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadhand_protocol::{ChatMessage, ModelRequest, OutputFormat};
    use std::sync::Arc;

    fn request(said: &[&str]) -> ModelRequest {
        let user = |text: &&str| ChatMessage::User {
            text: (*text).to_owned(),
        };
        ModelRequest {
            models: Vec::new(),
            messages: said.iter().map(user).map(Arc::new).collect(),
            tools: Arc::new([]),
            output: OutputFormat::Text,
            output_tokens_max: 100,
            temperature_milli: 0,
            seed: 0,
            trace: None,
        }
    }

    /// What is said of a request where these two are recorded.
    #[track_caller]
    fn check(now: &ModelRequest, expected: &str) {
        let recorded = [request(&["Begin.", "Go on."]), request(&["Begin."])];
        let (mut asked, mut parts) = (Vec::new(), HashMap::new());
        for (index, request) in recorded.iter().enumerate() {
            let (of_it, its_parts) = AskedParts::of(request);
            parts.extend(its_parts.into_iter().map(|part| (part.part, part.value)));
            asked.push(Asked {
                line: index + 1,
                by: format!("a{index} writer, turn 1"),
                parts: of_it,
            });
        }
        let (now, now_parts) = AskedParts::of(now);
        let said = unlike(&asked, &parts, &now, &now_parts);
        assert_eq!(said.as_deref(), Some(expected));
    }

    #[test]
    fn the_first_part_that_differs_is_told_against_the_nearest_request() {
        let end = ". Undo the change, or record again";
        let first = "the nearest that is recorded, line 1 by a0 writer, turn 1, differs: ";
        let second = "the nearest that is recorded, line 2 by a1 writer, turn 1, differs: ";
        check(
            &request(&["Begin.", "Go off."]),
            &format!("{first}message 2 was \"user: Go on.\" and is \"user: Go off.\"{end}"),
        );
        check(
            &request(&["Begin.", "Go on.", "End."]),
            &format!("{first}message 3 is new: \"user: End.\"{end}"),
        );
        check(
            &request(&["Stop."]),
            &format!("{second}message 1 was \"user: Begin.\" and is \"user: Stop.\"{end}"),
        );
        let seeded = ModelRequest {
            seed: 7,
            trace: None,
            ..request(&["Begin."])
        };
        check(
            &seeded,
            &format!(
                "{second}the sampling differs: recorded 100 tokens at most, temperature 0, seed \
                 0; now 100 tokens at most, temperature 0, seed 7{end}"
            ),
        );
        let formed = ModelRequest {
            output: OutputFormat::Json {
                name: "plan".to_owned(),
                schema: true.into(),
            },
            ..request(&["Begin."])
        };
        check(
            &formed,
            &format!(
                "{second}what the reply must look like was \"\\\"text\\\"\" and is \
                 \"{{\\\"json\\\":{{\\\"name\\\":\\\"plan\\\",\\\"schema\\\":true}}}}\"{end}"
            ),
        );
    }
}
