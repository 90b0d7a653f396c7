//! `edit_file`: exact replacement. Doing it twice is the same as doing it once: a piece of
//! `old` that is already inside a piece of `new` has been replaced before.

use crate::workspace::write;
use guest::workspace::{is_binary, likeness, read};
use guest::{Arguments, ErrorKind, ToolError, fault};

/// Longest line that is shown to a model as the nearest, in characters.
const LINE_CHARS_MAX: usize = 200;

pub(crate) fn edit_file(arguments: &Arguments) -> Result<String, ToolError> {
    let path = arguments.text("path");
    let refuse = |message: String| Err(fault(ErrorKind::InvalidArguments, message));
    let content = read(path)?;
    let Some(text) = String::from_utf8(content)
        .ok()
        .filter(|text| !is_binary(text.as_bytes()))
    else {
        return refuse(format!("`{path}` is not UTF-8 text and cannot be edited."));
    };
    let (mut old, mut new) = (
        String::from(arguments.text("old")),
        String::from(arguments.text("new")),
    );
    if old.is_empty() {
        return refuse("`old` is empty; write_file writes a whole file.".into());
    }
    if old == new {
        return refuse("`old` and `new` are the same; nothing would change.".into());
    }
    // Models write \n, whatever the file uses.
    if text.contains("\r\n") && !old.contains('\r') && !text.contains(&old) {
        (old, new) = (old.replace('\n', "\r\n"), new.replace('\n', "\r\n"));
    }
    let places = places(&text, &old, &new);
    match places.len() {
        0 if !new.is_empty() && text.contains(&new) => Ok(format!(
            "`{path}` already has the new text; nothing changed."
        )),
        0 => Err(fault(ErrorKind::NotFound, not_found(path, &text, &old))),
        1 => replace(path, &text, &places, &old, &new),
        _ if arguments.flag_or("all", false) => replace(path, &text, &places, &old, &new),
        times => refuse(format!(
            "`old` is in `{path}` {times} times; copy more of the lines around it, or set all to \
             true."
        )),
    }
}

/// Where `old` stands and is not already part of `new`.
fn places(text: &str, old: &str, new: &str) -> Vec<usize> {
    let done: Vec<usize> = if new.contains(old) {
        text.match_indices(new).map(|(start, _)| start).collect()
    } else {
        Vec::new()
    };
    text.match_indices(old)
        .map(|(start, _)| start)
        .filter(|start| {
            let end = start + old.len();
            !done
                .iter()
                .any(|from| from <= start && end <= from + new.len())
        })
        .collect()
}

fn replace(
    path: &str,
    text: &str,
    places: &[usize],
    old: &str,
    new: &str,
) -> Result<String, ToolError> {
    let mut edited = String::with_capacity(text.len() + places.len() * new.len());
    let mut from = 0;
    for place in places {
        edited.push_str(&text[from..*place]);
        edited.push_str(new);
        from = place + old.len();
    }
    edited.push_str(&text[from..]);
    write(path, &edited)?;
    let line = text[..places[0]].matches('\n').count() + 1;
    Ok(match places.len() {
        1 => format!("Replaced 1 piece of `{path}`, at line {line}."),
        count => format!("Replaced {count} pieces of `{path}`, the first at line {line}."),
    })
}

fn not_found(path: &str, text: &str, old: &str) -> String {
    let wanted = old
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or("");
    let nearest = text
        .lines()
        .enumerate()
        .map(|(index, line)| (likeness(wanted, line.trim()), index, line))
        .max_by_key(|(likeness, index, _)| (*likeness, std::cmp::Reverse(*index)));
    match nearest {
        Some((likeness, index, line)) if likeness > 300 => {
            let line: String = line.chars().take(LINE_CHARS_MAX).collect();
            format!(
                "`old` is not in `{path}` as written. The nearest is line {}: `{line}`. Copy the \
                 text exactly, with its spaces.",
                index + 1
            )
        }
        _ => format!("`old` is not in `{path}`, and no line is like it; read_file shows the file."),
    }
}
