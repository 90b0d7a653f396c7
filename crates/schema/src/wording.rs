//! Faults in words. Each names the argument, what was given and what is wanted; where the given
//! value spells out a fitting one, or a name is nearly right, that is said too.

use crate::mend::{is_of, spelled};
use crate::nearest::nearest;
use crate::wanted::{
    LISTED_MAX, VALUE_CHARS_MAX, cut, listed, resolved, shown_bare, types, wanted,
};
use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::{Map, Value, json};

/// Characters of a mended value that are shown; a longer one is only named by its kind.
const MENDED_CHARS_MAX: usize = 120;
/// Choices within choices that are looked into.
const DEPTH_MAX: usize = 4;

/// What a value is to whoever wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The arguments of a tool call.
    Arguments,
    /// Any other value, such as an output.
    Value,
}

/// One sentence for each fault; those that lack something in one place are one.
pub(crate) fn said(
    errors: &[ValidationError<'_>],
    source: &Value,
    value: &Value,
    subject: Subject,
) -> Vec<String> {
    let mut faults: Vec<String> = Vec::new();
    let mut lacking: Vec<(String, Vec<String>)> = Vec::new();
    let mut unknown = Vec::new();
    for error in errors
        .iter()
        .flat_map(|error| nearest_choice(error, DEPTH_MAX))
    {
        let pointer = error.instance_path().to_string();
        let given = value.pointer(&pointer).unwrap_or(value);
        let place = Place {
            path: readable(&pointer),
            schema: schema_at(source, &error.schema_path().to_string()),
            root: source,
            subject,
        };
        match error.kind() {
            Kind::Required { property } => {
                let name = property.as_str().unwrap_or_default().to_owned();
                let whole = place.lacking(&name);
                match lacking.iter_mut().find(|(path, _)| *path == place.path) {
                    Some((_, names)) => names.push(whole),
                    None => lacking.push((place.path, vec![whole])),
                }
            }
            Kind::AdditionalProperties { unexpected }
            | Kind::UnevaluatedProperties { unexpected } => {
                let names = unexpected.iter().take(LISTED_MAX);
                unknown.extend(names.map(|name| place.unknown(name, given)));
            }
            kind => {
                let fault = place.fault(kind, error, given);
                // A value that is none of a choice often is not of its type either.
                if !faults.contains(&fault) {
                    faults.push(fault);
                }
            }
        }
    }
    let lacking = lacking.into_iter().map(|(path, names)| {
        let what = match (path.is_empty(), subject) {
            (true, Subject::Arguments) => "argument",
            _ => "field",
        };
        let (plural, verb) = if names.len() > 1 {
            ("s", "are")
        } else {
            ("", "is")
        };
        let names = names.join(", ");
        if path.is_empty() {
            format!("the {what}{plural} {names} {verb} missing")
        } else {
            format!("`{path}` lacks the {what}{plural} {names}")
        }
    });
    unknown.into_iter().chain(lacking).chain(faults).collect()
}

/// Of a choice between objects or between lists, what keeps the value from fitting the one that
/// it comes nearest to; else the fault itself.
fn nearest_choice<'a, 'b>(
    error: &'b ValidationError<'a>,
    depth: usize,
) -> Vec<&'b ValidationError<'a>> {
    let (Kind::AnyOf { context } | Kind::OneOfNotValid { context }) = error.kind() else {
        return vec![error];
    };
    if !error.instance().is_object() && !error.instance().is_array() {
        return vec![error];
    }
    let of_this_kind = |part: &&Vec<ValidationError<'static>>| {
        let refuses_all = |fault: &ValidationError<'_>| {
            fault.instance_path() == error.instance_path()
                && matches!(
                    fault.kind(),
                    Kind::Type { .. } | Kind::Constant { .. } | Kind::Enum { .. }
                )
        };
        !part.is_empty() && !part.iter().any(refuses_all)
    };
    let nearest = context
        .iter()
        .filter(of_this_kind)
        .min_by_key(|part| part.len());
    match (nearest, depth.checked_sub(1)) {
        (Some(part), Some(depth)) => {
            let faults = part.iter().flat_map(|fault| nearest_choice(fault, depth));
            faults.collect()
        }
        _ => vec![error],
    }
}

/// Where a fault is: the path in the value and the schema that is not fulfilled.
struct Place<'a> {
    path: String,
    schema: &'a Value,
    root: &'a Value,
    subject: Subject,
}

impl Place<'_> {
    fn property(&self, name: &str) -> &Value {
        resolved(&self.schema["properties"][name], self.root)
    }

    fn lacking(&self, name: &str) -> String {
        match wanted(self.property(name), self.root) {
            Some(wanted) => format!("`{name}` ({wanted})"),
            None => format!("`{name}`"),
        }
    }

    fn unknown(&self, name: &str, given: &Value) -> String {
        let nobody = Map::new();
        let known = self.schema["properties"].as_object().unwrap_or(&nobody);
        let free = known
            .keys()
            .map(String::as_str)
            .filter(|known| given.get(known).is_none());
        let meant = match nearest(name, free) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "leave it out".to_owned(),
            None => format!(
                "it takes {}",
                listed(known.keys().map(|name| format!("`{name}`")))
            ),
        };
        let name = cut(name, VALUE_CHARS_MAX);
        match (self.path.is_empty(), self.subject) {
            (true, Subject::Arguments) => format!("there is no argument `{name}`; {meant}"),
            (true, Subject::Value) => format!("there is no field `{name}`; {meant}"),
            (false, _) => format!("`{}` has no field `{name}`; {meant}", self.path),
        }
    }

    fn fault(&self, kind: &Kind, error: &ValidationError<'_>, given: &Value) -> String {
        let name = match (self.path.is_empty(), self.subject) {
            (true, Subject::Arguments) => "the arguments".to_owned(),
            (true, Subject::Value) => "it".to_owned(),
            (false, _) => format!("`{}`", self.path),
        };
        let verb = if name == "the arguments" { "are" } else { "is" };
        let is = format!("and {verb} {}", shown(given));
        match kind {
            Kind::Enum { options } => self.none_of(&name, &is, options, given),
            Kind::Type { .. } if self.schema["enum"].is_array() => {
                self.none_of(&name, &is, &self.schema["enum"], given)
            }
            Kind::Type { .. } | Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => {
                let wanted = wanted(self.schema, self.root);
                let wanted = wanted.unwrap_or_else(|| "something else".to_owned());
                format!("{name} must be {wanted} {is}{}", self.meant(given))
            }
            Kind::Constant { expected_value } => {
                format!("{name} must be {} {is}", shown_bare(expected_value))
            }
            Kind::Minimum { limit } => format!("{name} must be at least {limit} {is}"),
            Kind::Maximum { limit } => format!("{name} must be at most {limit} {is}"),
            Kind::ExclusiveMinimum { limit } => format!("{name} must be above {limit} {is}"),
            Kind::ExclusiveMaximum { limit } => format!("{name} must be below {limit} {is}"),
            Kind::MinLength { limit } => {
                format!("{name} must have at least {limit} characters {is}")
            }
            Kind::MaxLength { limit } => format!("{name} must have at most {limit} characters"),
            Kind::MinItems { limit } => format!("{name} must have at least {limit} items"),
            Kind::MaxItems { limit } => format!("{name} must have at most {limit} items"),
            Kind::Pattern { pattern } => {
                format!(
                    "{name} must match the pattern {} {is}",
                    cut(pattern, VALUE_CHARS_MAX)
                )
            }
            _ => format!("{name}: {error}"),
        }
    }

    fn none_of(&self, name: &str, is: &str, options: &Value, given: &Value) -> String {
        let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
        let one_of = listed(options.iter().map(shown_bare));
        let texts = options.iter().filter_map(Value::as_str);
        let written = given
            .as_str()
            .map_or_else(|| given.to_string(), str::to_owned);
        let near = nearest(&written, texts).map(|near| format!("; did you mean \"{near}\"?"));
        let meant = near.unwrap_or_else(|| self.meant(given));
        format!("{name} must be one of {one_of} {is}{meant}")
    }

    /// The fitting value that the given one spells out, or one item instead of a list of one.
    fn meant(&self, given: &Value) -> String {
        let types = types(self.schema, self.root);
        let types: Vec<&str> = types.iter().map(String::as_str).collect();
        let mended = match given {
            Value::String(text) => spelled(text, &types),
            Value::Number(_) | Value::Bool(_) if types == ["string"] => {
                Some(json!(given.to_string()))
            }
            _ => None,
        };
        let alone = || {
            let items = self::types(&resolved(self.schema, self.root)["items"], self.root);
            let fits = items.is_empty() || items.iter().any(|item| is_of(given, item));
            let scalar = !given.is_array() && !given.is_object() && !given.is_null();
            (scalar && fits && types.contains(&"array")).then(|| json!([given]))
        };
        match mended.or_else(alone) {
            Some(value) if value.to_string().chars().count() <= MENDED_CHARS_MAX => {
                format!("; give {value}")
            }
            Some(Value::Array(_)) => "; give the list itself, not a text".to_owned(),
            Some(Value::Object(_)) => "; give the object itself, not a text".to_owned(),
            Some(_) | None => match self.example() {
                Some(example) => format!("; for example {example}"),
                None => String::new(),
            },
        }
    }

    /// A value that the schema itself names.
    fn example(&self) -> Option<String> {
        let schema = resolved(self.schema, self.root);
        let example = schema["examples"]
            .get(0)
            .or_else(|| schema.get("default"))?;
        let example = example.to_string();
        (example.chars().count() <= VALUE_CHARS_MAX && example != "null").then_some(example)
    }
}

/// The schema that a keyword at this path stands in.
fn schema_at<'a>(source: &'a Value, keyword: &str) -> &'a Value {
    let parent = keyword.rsplit_once('/').map_or("", |(parent, _)| parent);
    source.pointer(parent).unwrap_or(&Value::Null)
}

/// `/points/0/x` as `points[0].x`.
fn readable(pointer: &str) -> String {
    let mut path = String::new();
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        if part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty() {
            path.push_str(&format!("[{part}]"));
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&cut(&part, VALUE_CHARS_MAX));
        }
    }
    path
}

/// A given value with its kind.
fn shown(value: &Value) -> String {
    let kind = match value {
        Value::Null => return "null".to_owned(),
        Value::Bool(_) => "",
        Value::Number(_) => "the number ",
        Value::String(_) => "the text ",
        Value::Array(_) => "the list ",
        Value::Object(_) => "the object ",
    };
    format!("{kind}{}", shown_bare(value))
}
