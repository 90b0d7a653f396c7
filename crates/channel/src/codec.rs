//! Envelopes as JSON, for transports that leave the process. What comes in is hostile until it
//! has passed: its size, its version, its kind, its schema, in this order. What goes out is held
//! against the same schemas.

use crate::schemas::COMPILED;
use crate::stamp::MESSAGE_VERSION;
use crate::upgrade::upgrade;
use crate::{ChannelError, WireFault};
use leadhand_protocol::Envelope;
use serde_json::Value;

/// The largest envelope, in bytes of JSON: that of a model call with a full conversation. What is
/// larger travels by its hash.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// An envelope as JSON.
///
/// # Errors
/// [`ChannelError::NotSent`] when it does not fit its own schema or is too large.
pub fn to_json(envelope: &Envelope) -> Result<Vec<u8>, ChannelError> {
    written(envelope).map_err(|why| ChannelError::NotSent {
        id: envelope.id,
        to: envelope.to.clone(),
        why,
    })
}

fn written(envelope: &Envelope) -> Result<Vec<u8>, WireFault> {
    let not_json = |error: serde_json::Error| WireFault::NotJson {
        why: error.to_string(),
    };
    is_named_by_its_sender(envelope)?;
    let value = serde_json::to_value(envelope).map_err(not_json)?;
    judge(&value)?;
    let bytes = serde_json::to_vec(&value).map_err(not_json)?;
    fits(bytes.len())?;
    Ok(bytes)
}

/// An envelope out of JSON; one of an older version is upgraded.
///
/// # Errors
/// [`ChannelError::NotRead`] with what is wrong with it.
pub fn from_json(bytes: &[u8]) -> Result<Envelope, ChannelError> {
    read(bytes).map_err(|why| ChannelError::NotRead { why })
}

fn read(bytes: &[u8]) -> Result<Envelope, WireFault> {
    fits(bytes.len())?;
    let mut value: Value = serde_json::from_slice(bytes).map_err(|error| WireFault::NotJson {
        why: error.to_string(),
    })?;
    let version = value.get("version").and_then(Value::as_u64);
    let version = version.ok_or(WireFault::NoVersion)?;
    if version > u64::from(MESSAGE_VERSION) {
        return Err(WireFault::NewerVersion {
            version,
            known: MESSAGE_VERSION,
        });
    }
    upgrade(&mut value, version)?;
    let kind = judge(&value)?;
    let envelope = serde_json::from_value(value).map_err(|error| WireFault::DoesNotFit {
        kind,
        faults: vec![error.to_string()],
    })?;
    is_named_by_its_sender(&envelope)?;
    Ok(envelope)
}

fn is_named_by_its_sender(envelope: &Envelope) -> Result<(), WireFault> {
    if envelope.id.sender() == envelope.from {
        return Ok(());
    }
    Err(WireFault::WrongSender {
        id: envelope.id,
        from: envelope.from.clone(),
    })
}

fn fits(bytes: usize) -> Result<(), WireFault> {
    if bytes <= MESSAGE_BYTES_MAX {
        return Ok(());
    }
    Err(WireFault::TooLarge {
        bytes,
        bytes_max: MESSAGE_BYTES_MAX,
    })
}

/// Holds an envelope of today's version against its schemas; gives the kind of its message.
fn judge(envelope: &Value) -> Result<String, WireFault> {
    let kind = envelope.pointer("/message/kind").and_then(Value::as_str);
    let kind = kind.unwrap_or_default();
    if !COMPILED.kinds().any(|known| known == kind) {
        return Err(WireFault::UnknownKind {
            kind: kind.chars().take(80).collect(),
            known: COMPILED.kinds().collect::<Vec<_>>().join(", "),
        });
    }
    let faults = COMPILED.faults(kind, envelope);
    if faults.is_empty() {
        return Ok(kind.to_owned());
    }
    Err(WireFault::DoesNotFit {
        kind: kind.to_owned(),
        faults,
    })
}
