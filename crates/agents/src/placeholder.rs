//! `{{name}}` in a text. Every text is gone through once, so what is put in is never taken
//! for a placeholder itself. Anything else between double braces stays as it is.

/// A text cut at its first placeholder: what is before, the name, what is after.
pub(crate) fn first(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(open) = text[from..].find("{{").map(|at| from + at) {
        let inner = &text[open + 2..];
        if let Some(close) = inner.find("}}")
            && is_name(inner[..close].trim())
        {
            return Some((&text[..open], inner[..close].trim(), &inner[close + 2..]));
        }
        from = open + 1;
    }
    None
}

/// The names of all placeholders, in order.
pub(crate) fn names(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, name, after)) = first(rest) {
        found.push(name);
        rest = after;
    }
    found
}

/// Replaces every placeholder that `value_of` knows; the others stay.
pub(crate) fn fill(text: &str, value_of: &dyn Fn(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, name, after)) = first(rest) {
        filled.push_str(before);
        match value_of(name) {
            Some(value) => filled.push_str(&value),
            None => filled.push_str(&written(name)),
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// A placeholder as it is written.
pub(crate) fn written(name: &str) -> String {
    format!("{{{{{name}}}}}")
}

fn is_name(name: &str) -> bool {
    let plain = name.strip_prefix("each ").unwrap_or(name).trim();
    !plain.is_empty()
        && plain
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '*'))
}
