//! What can still be read of a run when sled refuses to open its store.
//!
//! sled writes a value as it is, in one piece, and a value of ours carries its length (its
//! body is one JSON object), its checksum and its `seq`: so values can be found in the
//! store's file without sled. Only read from; the file is left as it is.

use crate::blobs::Blobs;
use crate::folder::RunFolder;
use crate::format::{
    self, BEFORE_BODY_BYTES, CHAINED_FROM, Deflated, EVENT_DEFLATED, HEADER_BYTES, Stored,
    TEXTS_IN_BLOBS, VALUE_BYTES_MAX, split,
};
use crate::shared::Shared;
use crate::{JournalError, error};
use leadhand_protocol::Seq;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::fs;

/// What every body begins with, whichever it is: `seq` is the first field.
const BODY_BEGINS: &[u8] = b"{\"seq\":";

/// Every record that is whole somewhere in the file.
pub(crate) fn salvage(
    folder: &RunFolder,
    blobs: &Blobs,
) -> Result<BTreeMap<Seq, Stored>, JournalError> {
    let file = fs::read(&folder.data).map_err(error::unreadable(&folder.data))?;
    let mut found = BTreeMap::new();
    for at in candidates(&file) {
        let rest = &file[at..file.len().min(at + VALUE_BYTES_MAX)];
        let Some(value) = first_value(rest) else {
            continue;
        };
        if let Ok(stored) = format::decode_any(value, |hash, bytes| blobs.get(hash, bytes)) {
            found.insert(stored.record.seq, stored);
        }
    }
    Ok(found)
}

/// Where in a store's file values may begin: before what every body begins with.
fn candidates(file: &[u8]) -> impl Iterator<Item = usize> {
    file.windows(BODY_BEGINS.len())
        .enumerate()
        .filter(|(_, window)| *window == BODY_BEGINS)
        .flat_map(|(at, _)| [HEADER_BYTES, BEFORE_BODY_BYTES].map(|before| at.checked_sub(before)))
        .flatten()
}

/// The value that `bytes` begin with; it ends where the JSON of its body does, or what is
/// deflated behind it.
fn first_value(bytes: &[u8]) -> Option<&[u8]> {
    let (version, flags) = (*bytes.first()?, *bytes.get(1)?);
    let before = match version {
        ..CHAINED_FROM => HEADER_BYTES,
        CHAINED_FROM.. => BEFORE_BODY_BYTES,
    };
    let body = bytes.get(before..)?;
    let body_bytes = match flags {
        EVENT_DEFLATED => {
            let (about, rest) = split::<Deflated>(body)?;
            body.len() - rest.len() + about.deflated_bytes
        }
        TEXTS_IN_BLOBS => {
            let (about, rest) = split::<Shared>(body)?;
            body.len() - rest.len() + about.rest_bytes()?
        }
        _ => {
            let (_, rest) = split::<IgnoredAny>(body)?;
            body.len() - rest.len()
        }
    };
    bytes.get(..before.checked_add(body_bytes)?)
}
