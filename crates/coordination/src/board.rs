//! The board: values with versions. A value is written only over the version that its writer
//! has seen, so that nobody's change is lost; whoever watches an entry is told when it is newer.

use crate::Refusal;
use crate::bounds::{BOARD_VALUE_BYTES_MAX, ENTRY_BYTES, value_bytes};
use crate::decide::{Ask, check_room, wait};
use crate::draft::Draft;
use crate::state::{Coordination, Queue};
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{Fact, Obtained, PrimitiveKind, PrimitiveName, Want};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

const KIND: PrimitiveKind = PrimitiveKind::Board;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Board {
    pub(crate) entries: BTreeMap<PrimitiveName, Entry>,
    /// Also of entries that are not there yet.
    pub(crate) watches: BTreeMap<PrimitiveName, Queue>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// From 1, and one more with each write.
    pub(crate) version: u64,
    pub(crate) value: Arc<Value>,
    /// What it is counted for.
    pub(crate) bytes: usize,
}

impl Board {
    pub(crate) fn version(&self, key: &PrimitiveName) -> u64 {
        self.entries.get(key).map_or(0, |it| it.version)
    }
}

pub(crate) fn bytes(key: &PrimitiveName, value: &Value) -> usize {
    ENTRY_BYTES + key.as_str().len() + value_bytes(value, BOARD_VALUE_BYTES_MAX)
}

pub(crate) fn compare_and_set(
    state: &Coordination,
    ask: &Ask,
    key: &PrimitiveName,
    expected: u64,
    value: &Arc<Value>,
) -> Result<Vec<Fact>, Refusal> {
    let found = state.board.version(key);
    if found != expected {
        return Err(Refusal::VersionConflict {
            key: key.clone(),
            expected,
            found,
        });
    }
    let value_size = value_bytes(value, BOARD_VALUE_BYTES_MAX);
    if value_size > BOARD_VALUE_BYTES_MAX {
        return Err(Refusal::TooMany {
            what: "bytes of a board entry",
            found: value_size,
            max: BOARD_VALUE_BYTES_MAX,
        });
    }
    let before = state.board.entries.get(key).map_or(0, |it| it.bytes);
    let more = bytes(key, value).saturating_sub(before);
    check_room(state, usize::from(found == 0), more)?;
    let version = found + 1;
    let fact = Fact::Written {
        asker: ask.asker,
        key: key.clone(),
        version,
        value: value.clone(),
    };
    let mut draft = Draft::new(state, fact);
    let watching: Vec<AgentId> = draft.queue(KIND, key).collect();
    for party in watching {
        let want = draft.wait(party).map(|it| &it.want);
        if matches!(want, Some(Want::Change { after_version, .. }) if *after_version < version) {
            let key = key.clone();
            draft.grant(party, Obtained::Changed { key, version });
        }
    }
    Ok(draft.facts)
}

pub(crate) fn watch(
    state: &Coordination,
    ask: &Ask,
    key: &PrimitiveName,
    after_version: u64,
    deadline_ms: Option<u64>,
) -> Result<Vec<Fact>, Refusal> {
    let version = state.board.version(key);
    let key = key.clone();
    if version > after_version {
        return Ok(vec![ask.granted(Obtained::Changed { key, version })]);
    }
    wait(state, ask, Want::Change { key, after_version }, deadline_ms)
}
