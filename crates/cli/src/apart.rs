//! Where two values part, and both laid out for people.

use leadhand::rooms::inspector::escape;
use serde_json::Value;
use std::fmt::Write;

/// Characters that are shown of one value.
const SHOWN_CHARS_MAX: usize = 600;
/// Characters that are shown of the place where two values part.
const PART_CHARS_MAX: usize = 200;

/// Where two values part first: a JSON pointer, and what is there on either side.
pub(crate) struct Parting<'a> {
    pub(crate) at: String,
    pub(crate) one: Option<&'a Value>,
    pub(crate) other: Option<&'a Value>,
}

/// Finds where two values part; `None` when they are equal.
pub(crate) fn parting<'a>(one: &'a Value, other: &'a Value) -> Option<Parting<'a>> {
    if one == other {
        return None;
    }
    let mut parting = Parting {
        at: String::new(),
        one: Some(one),
        other: Some(other),
    };
    while let Some((step, one, other)) = deeper(parting.one, parting.other) {
        let step = step.replace('~', "~0").replace('/', "~1");
        let _ = write!(parting.at, "/{step}");
        (parting.one, parting.other) = (one, other);
    }
    Some(parting)
}

type Step<'a> = (String, Option<&'a Value>, Option<&'a Value>);

fn deeper<'a>(one: Option<&'a Value>, other: Option<&'a Value>) -> Option<Step<'a>> {
    match (one?, other?) {
        (Value::Object(one), Value::Object(other)) => {
            let keys = one.keys().chain(other.keys());
            let mut apart = keys.filter(|key| one.get(*key) != other.get(*key));
            apart
                .next()
                .map(|key| (key.clone(), one.get(key), other.get(key)))
        }
        (Value::Array(one), Value::Array(other)) => {
            let mut places = 0..one.len().max(other.len());
            let at = places.find(|at| one.get(*at) != other.get(*at))?;
            Some((at.to_string(), one.get(at), other.get(at)))
        }
        _ => None,
    }
}

/// Two events under their names, and where they part.
pub(crate) fn sides(names: [&str; 2], events: [Option<&Value>; 2]) -> String {
    let mut text = String::new();
    let width = names[0].len().max(names[1].len());
    for (name, event) in names.iter().zip(events) {
        let shown = event.map_or_else(|| "nothing".to_owned(), event_text);
        let _ = writeln!(text, "  {name:<width$}  {shown}");
    }
    let [Some(one), Some(other)] = events else {
        return text;
    };
    if one["event"] != other["event"] {
        return text;
    }
    if let Some(parting) = parting(one, other) {
        let _ = writeln!(text, "  they part at {}", escape::line(&parting.at, 200));
        for (name, side) in names.iter().zip([parting.one, parting.other]) {
            let shown = part_text(side, parting.one, parting.other);
            let _ = writeln!(text, "    {name:<width$}  {shown}");
        }
    }
    text
}

fn event_text(event: &Value) -> String {
    let name = event["event"].as_str().unwrap_or("no event");
    let mut rest = event.clone();
    if let Some(fields) = rest.as_object_mut() {
        fields.shift_remove("event");
    }
    let name = escape::line(name, 60);
    format!(
        "{name} {}",
        escape::line(&rest.to_string(), SHOWN_CHARS_MAX)
    )
}

/// Of two long texts what is shown begins a little before where they part.
fn part_text(side: Option<&Value>, one: Option<&Value>, other: Option<&Value>) -> String {
    let Some(side) = side else {
        return "nothing".to_owned();
    };
    let text = side.to_string();
    let [one, other] = [one, other].map(|side| side.map_or(String::new(), Value::to_string));
    let same = one
        .chars()
        .zip(other.chars())
        .take_while(|(one, other)| one == other)
        .count();
    let from = same.saturating_sub(PART_CHARS_MAX / 4);
    let rest: String = text.chars().skip(from).collect();
    let begins = if from > 0 { "…" } else { "" };
    format!("{begins}{}", escape::line(&rest, PART_CHARS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(one: &Value, other: &Value, expected: Option<(&str, Option<Value>, Option<Value>)>) {
        let found = parting(one, other);
        let found = found.map(|it| (it.at, it.one.cloned(), it.other.cloned()));
        let expected = expected.map(|(at, one, other)| (at.to_owned(), one, other));
        assert_eq!(found, expected);
    }

    #[test]
    fn the_place_where_two_values_part_is_found() {
        check(&json!({"a": [1, 2]}), &json!({"a": [1, 2]}), None);
        check(
            &json!({"a": [1, {"b/c": 2}]}),
            &json!({"a": [1, {"b/c": 3}]}),
            Some(("/a/1/b~1c", Some(json!(2)), Some(json!(3)))),
        );
        check(
            &json!({"a": [1]}),
            &json!({"a": [1, 2]}),
            Some(("/a/1", None, Some(json!(2)))),
        );
        check(
            &json!({"a": 1}),
            &json!([1]),
            Some(("", Some(json!({"a": 1})), Some(json!([1])))),
        );
    }
}
