//! `diff_text`.

use crate::refuse_longer;
use guest::{ANSWER_BYTES_MAX, Arguments, ErrorKind, ToolError, fault};
use similar::TextDiff;

/// Most lines of one text: comparing takes time by the square of them when nothing is alike.
const LINES_MAX: usize = 10_000;

pub(crate) fn diff_text(arguments: &Arguments) -> Result<String, ToolError> {
    let (old, new) = (arguments.text("old"), arguments.text("new"));
    for (name, text) in [("old", old), ("new", new)] {
        refuse_longer(name, text)?;
        if text.lines().count() > LINES_MAX {
            let message = format!("`{name}` has more than {LINES_MAX} lines; compare parts of it.");
            return Err(fault(ErrorKind::LimitExceeded, message));
        }
    }
    if old == new {
        return Ok("The texts are equal.".to_owned());
    }
    let context = arguments.integer("context").unwrap_or(3);
    let difference = TextDiff::from_lines(old, new)
        .unified_diff()
        .context_radius(usize::try_from(context).unwrap_or_default())
        .header("old", "new")
        .to_string();
    Ok(cut(difference))
}

/// Whole lines up to the bound, and how many were left out.
fn cut(mut text: String) -> String {
    if text.len() <= ANSWER_BYTES_MAX {
        return text;
    }
    let bound = text.floor_char_boundary(ANSWER_BYTES_MAX);
    let end = text[..bound].rfind('\n').map_or(bound, |end| end + 1);
    let lines = text[end..].lines().count();
    text.truncate(end);
    text + &format!("[{lines} more lines; compare smaller parts, or with context 0]")
}
