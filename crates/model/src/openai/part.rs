//! An event of an answer as it is read: a JSON value of which only what somebody looks at is
//! kept. Servers differ in what stands where, so any value may stand anywhere; what nobody
//! looks at takes no memory, whatever a server adds.

use super::fault::clean;
use crate::model::fault;
use leadhand_protocol::{ModelFault, ModelFaultKind};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use std::borrow::Cow;
use std::fmt;

/// Says of each name that its field is kept; those of [`WHOLE`] keep what is in them as it is.
macro_rules! kept {
    ($($name:literal)*) => {
        /// The name as it is kept, if it is.
        fn kept(given: &str) -> Option<&'static str> {
            match given {
                $($name => Some($name),)*
                _ => None,
            }
        }
    };
}
kept!(
    "choices"
    "message"
    "delta"
    "content"
    "finish_reason"
    "usage"
    "index"
    "text"
    "refusal"
    "tool_calls"
    "function_call"
    "id"
    "function"
    "name"
    "arguments"
    "error"
    "prompt_tokens"
    "input_tokens"
    "completion_tokens"
    "output_tokens"
    "prompt_tokens_details"
    "input_tokens_details"
    "completion_tokens_details"
    "output_tokens_details"
    "cached_tokens"
    "reasoning_tokens"
    "prompt_cache_hit_tokens"
    "cache_read_input_tokens"
    "leadhand"
    "words"
);

/// Fields in which any name may stand.
const WHOLE: [&str; 2] = ["arguments", "error"];

/// A JSON value, or what is kept of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    /// `null`, and `true` and `false`, which say nothing anywhere.
    Nothing,
    Number(Number),
    Text(String),
    List(Vec<Part>),
    Fields(Vec<(&'static str, Part)>),
    /// What a field of [`WHOLE`] holds, unless it is a text or `null`.
    Whole(Value),
}

impl Part {
    /// The field of this name; of several the last one counts.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Fields(fields) = self else {
            return None;
        };
        let named = fields.iter().rev().find(|(known, _)| *known == name);
        named.map(|(_, part)| part)
    }

    /// The field at the end of these names.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |part, name| part.get(name))
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Nothing | Self::Number(_) | Self::List(_) | Self::Fields(_) | Self::Whole(_) => {
                None
            }
        }
    }

    pub(super) fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(parts) => Some(parts),
            Self::Nothing | Self::Number(_) | Self::Text(_) | Self::Fields(_) | Self::Whole(_) => {
                None
            }
        }
    }

    /// A number that counts something.
    pub(super) fn as_count(&self) -> Option<u64> {
        match self {
            Self::Number(number) => number.as_u64(),
            Self::Nothing | Self::Text(_) | Self::List(_) | Self::Fields(_) | Self::Whole(_) => {
                None
            }
        }
    }

    /// What a field of [`WHOLE`] held, if it held anything.
    pub(super) fn as_value(&self) -> Option<Cow<'_, Value>> {
        match self {
            Self::Whole(value) => Some(Cow::Borrowed(value)),
            Self::Text(text) => Some(Cow::Owned(Value::String(text.clone()))),
            Self::Nothing | Self::Number(_) | Self::List(_) | Self::Fields(_) => None,
        }
    }

    fn whole(value: Value) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::String(text) => Self::Text(text),
            value @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Self::Whole(value)
            }
        }
    }
}

/// An event that a server at `url` sent.
pub(super) fn read(bytes: &[u8], url: &str) -> Result<Part, ModelFault> {
    serde_json::from_slice(bytes).map_err(|error| {
        let what = match serde_json::from_slice::<IgnoredAny>(bytes) {
            // Nested too deeply, for one.
            Ok(_) => format!("JSON that cannot be read: {error}"),
            Err(_) => {
                let words = clean(&String::from_utf8_lossy(bytes));
                format!("something that is no JSON: {words}")
            }
        };
        let what = format!("{url} answered 200 with {what}");
        fault(ModelFaultKind::BadAnswer, what)
    })
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Part;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Part, E> {
        Ok(Part::Nothing)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Part, E> {
        Ok(Part::Nothing)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Part, E> {
        Ok(Part::Number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Part, E> {
        Ok(Part::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Part, E> {
        Ok(Number::from_f64(number).map_or(Part::Nothing, Part::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Part, E> {
        Ok(Part::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Part, E> {
        Ok(Part::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Part, A::Error> {
        let mut parts = Vec::new();
        while let Some(part) = list.next_element()? {
            parts.push(part);
        }
        Ok(Part::List(parts))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Part, A::Error> {
        let mut fields = Vec::new();
        while let Some(Name(name)) = map.next_key()? {
            match name {
                None => drop(map.next_value::<IgnoredAny>()?),
                Some(name) if WHOLE.contains(&name) => {
                    fields.push((name, Part::whole(map.next_value()?)));
                }
                Some(name) => fields.push((name, map.next_value()?)),
            }
        }
        Ok(Part::Fields(fields))
    }
}

/// What [`kept`] says of a name.
struct Name(Option<&'static str>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Known;
        impl Visitor<'_> for Known {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a field")
            }

            fn visit_str<E>(self, given: &str) -> Result<Name, E> {
                Ok(Name(kept(given)))
            }
        }
        from.deserialize_str(Known)
    }
}

#[cfg(test)]
mod tests {
    use super::Part;
    use serde_json::json;

    fn read(text: &str) -> Part {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn keeps_what_is_looked_at_and_nothing_else() {
        let text = |text: &str| Part::Text(text.to_owned());
        let check = |given: &str, expected: Part| assert_eq!(read(given), expected, "{given}");
        check("null", Part::Nothing);
        check("true", Part::Nothing);
        check("-3", Part::Number((-3).into()));
        check(r#""a\n""#, text("a\n"));
        check(
            r#"[1, "b"]"#,
            Part::List(vec![Part::Number(1.into()), text("b")]),
        );
        check(
            r#"{"id": "a", "logprobs": {"content": [{"id": 1}]}, "index": 2.5}"#,
            Part::Fields(vec![
                ("id", text("a")),
                (
                    "index",
                    Part::Number(serde_json::Number::from_f64(2.5).unwrap()),
                ),
            ]),
        );
        check(
            r#"{"arguments": {"city": "Bern", "n": null}, "error": "no"}"#,
            Part::Fields(vec![
                (
                    "arguments",
                    Part::Whole(json!({ "city": "Bern", "n": null })),
                ),
                ("error", text("no")),
            ]),
        );
    }

    #[test]
    fn the_last_of_two_fields_counts() {
        let part = read(r#"{"id": "a", "id": "b", "usage": {"input_tokens": 3}}"#);
        assert_eq!(part.get("id").and_then(Part::as_str), Some("b"));
        let counted = part.at(&["usage", "input_tokens"]).and_then(Part::as_count);
        assert_eq!(counted, Some(3));
        assert_eq!(part.at(&["usage", "output_tokens"]), None);
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = "[".repeat(100_000);
        assert!(
            serde_json::from_str::<Part>(&deep).is_err(),
            "no stack overflow"
        );
    }
}
