//! Attributes of a span or an event, and their values. They are kept as they are written and
//! taken apart one at a time: in memory JSON can take a hundred times its length.

use super::ATTRIBUTES_MAX;
use crate::trace::begun;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// Longest JSON of a value that is taken apart, in bytes; a longer one is the text that it is.
pub(super) const VALUE_BYTES_MAX: usize = 1024 * 1024;

/// A list of at most [`ATTRIBUTES_MAX`].
pub(super) struct AtMost<T>(pub(super) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for AtMost<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Bounded<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Bounded<T> {
            type Value = AtMost<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<AtMost<T>, A::Error> {
                let mut all = Vec::new();
                while let Some(item) = items.next_element()? {
                    if all.len() == ATTRIBUTES_MAX {
                        let what = format!("more than {ATTRIBUTES_MAX} attributes or events");
                        return Err(A::Error::custom(what));
                    }
                    all.push(item);
                }
                Ok(AtMost(all))
            }
        }
        from.deserialize_seq(Bounded(PhantomData))
    }
}

impl<T> Default for AtMost<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

#[derive(Deserialize)]
struct Attribute<'a> {
    #[serde(default)]
    key: Option<String>,
    #[serde(default, borrow)]
    value: Option<&'a RawValue>,
}

/// What is known of a span or an event.
#[derive(Default)]
pub(super) struct Attributes<'a>(AtMost<Attribute<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Attributes<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        AtMost::deserialize(from).map(Attributes)
    }
}

impl<'a> Attributes<'a> {
    /// Keys with their values, in the order in which they are written.
    pub(super) fn each(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        let all = self.0.0.iter();
        all.filter_map(|one| Some((one.key.as_deref()?, one.value?)))
    }

    /// For looking many up.
    pub(super) fn by_key(&self) -> BTreeMap<&str, &'a RawValue> {
        self.each().collect()
    }

    /// The first of these that is there, as a text; empty where none is.
    pub(super) fn text(&self, keys: &[&str]) -> String {
        let of = |key: &&str| self.each().find(|(own, _)| own == key);
        let found = keys.iter().find_map(of);
        found.map_or(String::new(), |(_, value)| shown(value))
    }
}

/// A value under the name of its type, as `AnyValue` of the protocol has it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Typed<'a> {
    #[serde(default, alias = "string_value")]
    string_value: Option<String>,
    #[serde(default, borrow, alias = "arrayValue", alias = "array_value")]
    #[serde(alias = "kvlistValue", alias = "kvlist_value")]
    nested: Option<&'a RawValue>,
    #[serde(default, borrow, alias = "intValue", alias = "int_value")]
    #[serde(alias = "doubleValue", alias = "double_value")]
    #[serde(alias = "boolValue", alias = "bool_value")]
    plain: Option<&'a RawValue>,
}

/// The value of an attribute as a text: a string as it is, others as JSON; empty for what is no
/// value of OTLP.
pub(super) fn shown(value: &RawValue) -> String {
    let Ok(typed) = serde_json::from_str::<Typed<'_>>(value.get()) else {
        return String::new();
    };
    match (typed.string_value, typed.nested, typed.plain) {
        (Some(text), _, _) => text,
        (None, Some(_), _) if value.get().len() > VALUE_BYTES_MAX => begun(value.get()),
        (None, Some(_), _) => serde_json::from_str(value.get())
            .map_or(String::new(), |value| plain(&value).to_string()),
        (None, None, Some(plain)) => unquoted(plain.get()),
        (None, None, None) => String::new(),
    }
}

/// A number may be written as a string, so that all of its digits arrive.
pub(super) fn unquoted(json: &str) -> String {
    let text = serde_json::from_str(json);
    text.unwrap_or_else(|_| if json == "null" { "" } else { json }.to_owned())
}

/// A value of OTLP without the names of types. How deep it goes is bounded by the JSON reader.
fn plain(value: &Value) -> Value {
    let Some((kind, value)) = value.as_object().and_then(|object| object.iter().next()) else {
        return Value::Null;
    };
    let values = value["values"].as_array().into_iter().flatten();
    match kind.as_str() {
        "arrayValue" | "array_value" => values.map(plain).collect(),
        "kvlistValue" | "kvlist_value" => {
            let key = |pair: &Value| pair["key"].as_str().unwrap_or_default().to_owned();
            let pairs = values.map(|pair| (key(pair), plain(&pair["value"])));
            Value::Object(pairs.collect::<Map<_, _>>())
        }
        _ => value.clone(),
    }
}
