//! `*` in the name of a task stands for any characters.

/// Whether `text` fits a pattern in which `*` stands for any characters, none too.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut left) = text.strip_prefix(start) else {
        return false;
    };
    let parts: Vec<&str> = rest.split('*').collect();
    let (end, middle) = parts
        .split_last()
        .map_or(("", &[][..]), |(end, middle)| (*end, middle));
    for part in middle {
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.ends_with(end)
}
