//! What can still be read of a run when sled refuses to open its store.
//!
//! sled writes a value as it is, in one piece, and a value of ours carries its length (its
//! body is one JSON object), its checksum and its `seq`: so values can be found in the
//! store's file without sled. Only read from; the file is left as it is.

use crate::blobs::Blobs;
use crate::folder::RunFolder;
use crate::format::{self, VALUE_BYTES_MAX};
use crate::{JournalError, error};
use leadhand_protocol::{Record, Seq};
use std::collections::BTreeMap;
use std::fs;

/// Every record that is whole somewhere in the file.
pub(crate) fn salvage(
    folder: &RunFolder,
    blobs: &Blobs,
) -> Result<BTreeMap<Seq, Record>, JournalError> {
    let file = fs::read(&folder.data).map_err(error::unreadable(&folder.data))?;
    let mut found = BTreeMap::new();
    for at in format::candidates(&file) {
        let rest = &file[at..file.len().min(at + VALUE_BYTES_MAX)];
        let Some(value) = format::first_value(rest) else {
            continue;
        };
        if let Ok(stored) = format::decode_any(value, |hash, bytes| blobs.get(hash, bytes)) {
            found.insert(stored.record.seq, stored.record);
        }
    }
    Ok(found)
}
