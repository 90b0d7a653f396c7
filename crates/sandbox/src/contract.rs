//! The contract of `sandbox/wit` as Rust types, and what tools say of themselves, checked:
//! a component is hostile until its names, sizes and schemas have been looked at.

use crate::SandboxError;
use jsonschema::{PatternOptions, Validator};
use leadhand_protocol::{Access, Capability, Effect, Isolation, ToolSpec};
use serde_json::Value;
use std::sync::Arc;

mod bindings {
    #![allow(missing_docs, unreachable_pub, clippy::wildcard_imports)]
    wasmtime::component::bindgen!({
        path: "../../sandbox/wit",
        world: "tool",
        imports: { default: async | trappable },
        exports: { default: async },
    });
}

pub(crate) use bindings::ToolPre;
pub(crate) use bindings::leadhand::tool::{clock, files, http, log, random, types};

/// Longest name of a tool, in bytes.
const NAME_BYTES_MAX: usize = 64;
/// Longest description, in bytes: it stands in every prompt.
const DESCRIPTION_BYTES_MAX: usize = 1_024;
/// Longest schema of arguments, in bytes.
const SCHEMA_BYTES_MAX: usize = 16 * 1_024;
/// Longest account of a schema that is none, in characters.
const REASON_CHARS_MAX: usize = 300;
/// Most accesses of one tool.
const ACCESSES_MAX: usize = 16;
/// The keyword of a schema that names the arguments by which two calls are equal.
const EQUAL_BY: &str = "x-equal-by";
/// The keyword of a schema that says how long to wait between two looks, in milliseconds.
const POLL_EVERY_MS: &str = "x-poll-every-ms";
/// Most tools in one component.
pub(crate) const TOOLS_MAX: usize = 64;

/// Checks what a component says of one of its tools.
pub(crate) fn checked_spec(
    component: &str,
    spec: types::ToolSpec,
) -> Result<ToolSpec, SandboxError> {
    let tool: String = spec
        .name
        .chars()
        .filter(|c| !c.is_control())
        .take(NAME_BYTES_MAX)
        .collect();
    let wrong = &|reason: String| SandboxError::Spec {
        component: component.to_owned(),
        tool: tool.clone(),
        reason,
    };
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if spec.name.is_empty() || spec.name.len() > NAME_BYTES_MAX || !spec.name.bytes().all(plain) {
        return Err(wrong(format!(
            "its name must be [a-z0-9_], at most {NAME_BYTES_MAX} bytes"
        )));
    }
    if spec.description.is_empty() || spec.description.len() > DESCRIPTION_BYTES_MAX {
        let reason = format!("its description must have 1 to {DESCRIPTION_BYTES_MAX} bytes");
        return Err(wrong(reason));
    }
    let schemas_bytes =
        spec.arguments_schema.len() + spec.result_schema.as_ref().map_or(0, String::len);
    if schemas_bytes > SCHEMA_BYTES_MAX || spec.accesses.len() > ACCESSES_MAX {
        let reason = format!(
            "its schemas may have {SCHEMA_BYTES_MAX} bytes and its accesses may be {ACCESSES_MAX}"
        );
        return Err(wrong(reason));
    }
    let mut arguments = schema("arguments", &spec.arguments_schema).map_err(wrong)?;
    if arguments["type"] != "object" || !arguments["properties"].is_object() {
        return Err(wrong(
            "its schema of arguments must be of an object with properties".into(),
        ));
    }
    let (equal_by, poll_every_ms) = manner(&arguments).map_err(wrong)?;
    // Models are sent the schema, and some servers refuse keywords that they do not know.
    if let Some(keywords) = arguments.as_object_mut() {
        keywords.remove(EQUAL_BY);
        keywords.remove(POLL_EVERY_MS);
    }
    let result = spec.result_schema.as_deref();
    let result = result.map(|text| schema("results", text)).transpose();
    let result = result.map_err(wrong)?;
    let access = |access| checked_access(access, &arguments).map_err(wrong);
    let accesses = spec.accesses.into_iter().map(access);
    let accesses = accesses.collect::<Result<_, _>>()?;
    let effect = match spec.effect {
        types::Effect::Pure => Effect::Pure,
        types::Effect::Idempotent => Effect::Idempotent,
        types::Effect::Once => Effect::Once,
        types::Effect::Compensable => Effect::Compensable,
    };
    Ok(ToolSpec {
        name: spec.name,
        description: spec.description,
        arguments: Arc::new(arguments),
        result,
        effect,
        accesses,
        probe: None,
        undo: None,
        isolation: Isolation::Sandboxed,
        trusted: false,
        equal_by,
        poll_every_ms,
    })
}

/// What a tool says of its calls beside what they may hold, in keywords of its schema that JSON
/// Schema leaves to others: which arguments make two calls equal, and that it is to be asked again
/// so often.
fn manner(arguments: &Value) -> Result<(Vec<String>, Option<u64>), String> {
    let names = match arguments.get(EQUAL_BY) {
        None => Vec::new(),
        Some(names) => {
            let known = |name: &Value| {
                let name = name.as_str()?;
                arguments["properties"].get(name)?;
                Some(name.to_owned())
            };
            let names = names
                .as_array()
                .and_then(|it| it.iter().map(known).collect());
            names.ok_or_else(|| format!("its `{EQUAL_BY}` must be a list of its arguments"))?
        }
    };
    let every_ms =
        match arguments.get(POLL_EVERY_MS) {
            None => None,
            Some(every_ms) => Some(every_ms.as_u64().ok_or_else(|| {
                format!("its `{POLL_EVERY_MS}` must be a number of milliseconds")
            })?),
        };
    Ok((names, every_ms))
}

/// A component's tools `probe_x` and `undo_x` are there for its tool `x`: the first tells whether
/// a call of it took effect, the second undoes one.
pub(crate) fn pair(specs: &mut [ToolSpec]) {
    let names: Vec<String> = specs.iter().map(|spec| spec.name.clone()).collect();
    let named = |name: String| names.contains(&name).then_some(name);
    for spec in specs {
        spec.probe = named(format!("probe_{}", spec.name));
        spec.undo = named(format!("undo_{}", spec.name));
    }
}

/// A schema that is JSON and a schema.
fn schema(of: &str, text: &str) -> Result<Value, String> {
    let schema = serde_json::from_str(text)
        .map_err(|error| format!("its schema of {of} is not JSON: {error}"))?;
    match validator(&schema) {
        Ok(_) => Ok(schema),
        Err(reason) => Err(format!("its schema of {of} is none: {reason}")),
    }
}

fn checked_access(access: types::Access, arguments: &Value) -> Result<Access, String> {
    let capability = Capability::ALL
        .into_iter()
        .find(|capability| capability.as_str() == access.capability)
        .ok_or("it names a capability that there is not")?;
    if let Some(argument) = &access.argument
        && arguments["properties"].get(argument).is_none()
    {
        return Err("an access names an argument that its schema lacks".into());
    }
    Ok(Access {
        capability,
        argument: access.argument,
        methods: access.methods,
    })
}

/// Compiles a schema. Patterns in it are matched in time linear to what they are matched with:
/// whoever wrote the schema may have meant harm.
pub(crate) fn validator(schema: &Value) -> Result<Validator, String> {
    jsonschema::options()
        .with_pattern_options(PatternOptions::regex())
        .build(schema)
        .map_err(|error| error.to_string().chars().take(REASON_CHARS_MAX).collect())
}

#[cfg(test)]
mod tests {
    use super::manner;
    use serde_json::json;

    #[test]
    fn a_schema_says_what_makes_calls_equal_and_how_often_to_look() {
        let said = |more: (&str, serde_json::Value)| {
            let mut schema = json!({"properties": {"job": {}, "note": {}}});
            schema[more.0] = more.1;
            manner(&schema)
        };
        assert_eq!(said(("title", json!("x"))), Ok((Vec::new(), None)));
        assert_eq!(
            said(("x-equal-by", json!(["job"]))),
            Ok((vec!["job".to_owned()], None))
        );
        assert_eq!(
            said(("x-poll-every-ms", json!(60_000))),
            Ok((Vec::new(), Some(60_000)))
        );
        for wrong in [json!("job"), json!(["jobs"]), json!([1])] {
            let reason = said(("x-equal-by", wrong)).unwrap_err();
            assert!(reason.contains("a list of its arguments"), "{reason}");
        }
        let reason = said(("x-poll-every-ms", json!(-1))).unwrap_err();
        assert!(reason.contains("milliseconds"), "{reason}");
    }
}
