//! Envelopes of older versions made ones of today, a version at a time. A step knows the shape
//! it comes from and the one it leads to, and no other; what came of it is then held against the
//! schemas like any message.

use crate::WireFault;
use serde_json::{Value, json};

/// From which version on, by what.
const STEPS: [(u64, Step); 1] = [(1, tasks_become_assignments)];

type Step = fn(&mut Value) -> Result<(), &'static str>;

/// Upgrades an envelope of a version that is not newer than today's.
pub(crate) fn upgrade(envelope: &mut Value, version: u64) -> Result<(), WireFault> {
    let refused = |why: &str| WireFault::NoUpgrade {
        version,
        why: why.to_owned(),
    };
    if version < STEPS[0].0 {
        return Err(refused("there never was such a version"));
    }
    for (from, step) in STEPS {
        if version <= from {
            step(envelope).map_err(refused)?;
            envelope["version"] = json!(from + 1);
        }
    }
    Ok(())
}

/// Version 1 had a kind for each thing to do and for what came of it (`think`, `act`, `replied`,
/// `acted`), and no name but the sender and its count.
fn tasks_become_assignments(envelope: &mut Value) -> Result<(), &'static str> {
    let sender = match &envelope["from"] {
        Value::String(hub) if hub == "hub" => "hub".to_owned(),
        from => match from["agent"].as_u64() {
            Some(agent) => format!("a{agent}"),
            None => return Err("`/from` names neither the hub nor an agent"),
        },
    };
    let Some(sequence) = envelope["sequence"].as_u64() else {
        return Err("`/sequence` is no number");
    };
    envelope["id"] = json!(format!("{sender}.{sequence}"));
    let Some(message) = envelope.get_mut("message").filter(|it| it.is_object()) else {
        return Err("`/message` is no object");
    };
    let payload = message.get("payload").cloned().unwrap_or_default();
    let kind = message["kind"].as_str().unwrap_or_default().to_owned();
    let (kind, payload) = match kind.as_str() {
        "assign" => ("assign", json!({"begin": payload})),
        "think" => ("assign", json!({"think": payload})),
        "act" => ("assign", json!({"act": payload})),
        "replied" => came_of(payload, "thought", "result", "reply")?,
        "acted" => came_of(payload, "acted", "outcome", "output")?,
        // These are what they were, or unknown then and now.
        _ => return Ok(()),
    };
    message["kind"] = json!(kind);
    message["payload"] = payload;
    Ok(())
}

/// What came of a call in version 1, which held success and failure under one field, as
/// `{"ok": …}` or `{"error": …}`.
fn came_of(
    mut payload: Value,
    what: &str,
    field: &str,
    success: &str,
) -> Result<(&'static str, Value), &'static str> {
    let Some(fields) = payload.as_object_mut() else {
        return Err("`/message/payload` is no object");
    };
    let Some(Value::Object(outcome)) = fields.remove(field) else {
        return Err("`/message/payload` does not say what came of the call");
    };
    let Some((how, value)) = outcome.into_iter().next() else {
        return Err("`/message/payload` does not say what came of the call");
    };
    let (kind, name) = match how.as_str() {
        "ok" => ("result", success),
        "error" => ("failure", "fault"),
        _ => return Err("what came of the call is neither `ok` nor `error`"),
    };
    fields.insert(name.to_owned(), value);
    Ok((kind, json!({what: payload})))
}
