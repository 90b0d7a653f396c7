//! Finds the JSON values that stand in a model's text: in fences, in tags, or at the start
//! of a line. JSON in the middle of a sentence is talk about JSON and is left alone.

use super::json::{JsonFault, read_element};
use serde_json::Value;
use std::ops::Range;

/// Values looked for in one text; what comes after is ignored.
const FOUND_MAX: usize = 64;

/// Stands before the calls of some models.
const TOOL_CALLS: &str = "[TOOL_CALLS]";

/// One value in a text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    /// Where it stands, its fence or tag included.
    pub(crate) range: Range<usize>,
    /// The value, or why it cannot be read.
    pub(crate) value: Result<Value, JsonFault>,
    /// Whether it stood in a fence or a tag, so that it was meant to be read.
    pub(crate) is_marked: bool,
    /// The text of the value as it stood there.
    pub(crate) source: String,
}

/// All objects and arrays that start a line, a fence or a tag.
pub(crate) fn find_json(text: &str, cut_off: bool) -> Vec<Found> {
    let mut found = Vec::new();
    // `floor` is the end of the last value found, `from` where the search goes on.
    let (mut floor, mut from) = (0, 0);
    while found.len() < FOUND_MAX {
        let Some(offset) = text[from..].find(['{', '[']) else {
            break;
        };
        let at = from + offset;
        if text[at..].starts_with(TOOL_CALLS) {
            from = at + TOOL_CALLS.len();
            continue;
        }
        let Some(lead) = lead_in(text, floor, at) else {
            from = at + 1;
            continue;
        };
        let read = read_element(&text[at..], cut_off);
        let is_marked = lead < at;
        match read {
            Ok(read) => {
                let end = at + read.end;
                let end = end + if is_marked { lead_out(&text[end..]) } else { 0 };
                let source = text[at..at + read.end].to_owned();
                found.push(Found {
                    range: lead..end,
                    value: Ok(read.value),
                    is_marked,
                    source,
                });
                (floor, from) = (end, end);
            }
            Err(fault) => {
                // The rest of this block belongs to the broken value.
                let rest = &text[at..];
                let end = ["\n```", "</"]
                    .iter()
                    .filter_map(|mark| rest.find(mark))
                    .min();
                let end = at + end.or_else(|| rest.find("\n\n")).unwrap_or(rest.len());
                let source = text[at..end].to_owned();
                found.push(Found {
                    range: lead..end,
                    value: Err(fault),
                    is_marked,
                    source,
                });
                (floor, from) = (end, end.max(at + 1));
            }
        }
    }
    found
}

/// Where the fence or tag before `at` starts, `at` itself when the value merely starts a
/// line, or none when it stands within a line. Looks no further back than `floor`.
fn lead_in(text: &str, floor: usize, at: usize) -> Option<usize> {
    let before = text[floor..at].trim_end();
    if before.ends_with('>') {
        let tag = before.rfind('<')?;
        let is_name = before[tag + 1..before.len() - 1]
            .chars()
            .all(|c| c.is_alphanumeric() || "_=-|".contains(c));
        return is_name.then_some(floor + tag);
    }
    if let Some(lead) = before.strip_suffix(TOOL_CALLS) {
        return Some(floor + lead.len());
    }
    let fence = before.rfind("```");
    if let Some(fence) = fence
        && before[fence + 3..]
            .chars()
            .all(|c| c.is_alphanumeric() || "_-".contains(c))
    {
        return Some(floor + before[..fence].trim_end_matches('`').len());
    }
    let line_start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    text[line_start.max(floor)..at]
        .trim()
        .is_empty()
        .then_some(at)
}

/// Bytes up to the end of the fence or tag that follows a value.
fn lead_out(text: &str) -> usize {
    let gap = text.len() - text.trim_start().len();
    let rest = &text[gap..];
    if rest.starts_with("```") {
        return gap + rest.len() - rest.trim_start_matches('`').len();
    }
    if rest.starts_with("</")
        && let Some(end) = rest.find('>')
    {
        return gap + end + 1;
    }
    0
}
