//! Which runs may be removed, and which are: decided from what they take on disk and how old they
//! are. Nothing is removed in here.

use leadhand::rooms::journal::{DiskUse, RunUse};
use leadhand::rooms::protocol::ContentHash;
use leadhand::{OutcomeKind, RunId, Status};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How old the folder of a run must be that has no record, before it counts as what a crash left, in
/// milliseconds. One that is just beginning has none for a moment.
const EMPTY_AGE_MS: u64 = 3_600_000;

/// By what runs are chosen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Runs that ended before so many milliseconds go.
    pub(crate) age_ms_max: Option<u64>,
    /// The oldest go until all takes no more than so many bytes.
    pub(crate) bytes_max: Option<u64>,
    /// Whether runs go as well that could be resumed.
    pub(crate) resumable: bool,
    /// The time, in milliseconds since the Unix epoch.
    pub(crate) now_ms: u64,
}

/// What is removed.
#[derive(Debug, Default)]
pub(crate) struct Chosen {
    /// The runs, the oldest first.
    pub(crate) runs: Vec<RunUse>,
    /// Runs that were left although they are over a bound, because they could be resumed.
    pub(crate) resumable: usize,
    /// What all takes when they are gone, as far as that can be told before.
    pub(crate) bytes_left: u64,
}

/// The summary of a run; what cannot be read is left empty.
pub(crate) fn status(summary: Option<&Value>) -> Status {
    summary
        .and_then(|summary| serde_json::from_value(summary.clone()).ok())
        .unwrap_or_default()
}

/// Whether a run that nobody carries out could be taken up again.
pub(crate) fn is_resumable(status: &Status) -> bool {
    status.outcome.is_none_or(OutcomeKind::resumable)
}

/// When a run was last written to.
pub(crate) fn changed_ms(run: &RunUse) -> u64 {
    match status(run.entry.status.as_ref()).updated_ms {
        0 => run.changed_ms,
        updated_ms => updated_ms,
    }
}

/// Chooses the runs that are removed.
pub(crate) fn choose(found: DiskUse, bounds: &Bounds) -> Chosen {
    let mut room = Room::of(&found);
    let mut runs = found.runs;
    runs.sort_by_key(|run| (changed_ms(run), run.entry.run.clone()));
    let mut chosen = Chosen::default();
    for run in runs {
        let age_ms = bounds.now_ms.saturating_sub(changed_ms(&run));
        let left_by_a_crash = run.empty && age_ms > EMPTY_AGE_MS;
        let over = bounds.age_ms_max.is_some_and(|max| age_ms > max)
            || bounds.bytes_max.is_some_and(|max| room.bytes > max);
        if run.entry.live.is_some() || !(over || left_by_a_crash) {
            continue;
        }
        let resumable = is_resumable(&status(run.entry.status.as_ref()));
        if resumable && !left_by_a_crash && !bounds.resumable {
            chosen.resumable += 1;
            continue;
        }
        room.without(&run);
        chosen.runs.push(run);
    }
    chosen.bytes_left = room.bytes;
    chosen
}

/// What everything takes that is not removed.
struct Room {
    bytes: u64,
    /// What each payload takes, and how many runs refer to it.
    blobs: BTreeMap<ContentHash, (u64, usize)>,
    /// Runs of which nobody knows what they refer to: while there are any, payloads stay.
    unread: BTreeSet<RunId>,
}

impl Room {
    fn of(found: &DiskUse) -> Self {
        let mut blobs: BTreeMap<_, _> = found
            .blobs
            .iter()
            .map(|(blob, bytes)| (*blob, (*bytes, 0)))
            .collect();
        let mut unread = BTreeSet::new();
        for run in &found.runs {
            match &run.blobs {
                Some(used) => used.iter().for_each(|blob| {
                    if let Some((_, users)) = blobs.get_mut(blob) {
                        *users += 1;
                    }
                }),
                None => {
                    unread.insert(run.entry.run.clone());
                }
            }
        }
        let mut room = Self {
            bytes: found.bytes(),
            blobs,
            unread,
        };
        room.drop_unused();
        room
    }

    fn without(&mut self, run: &RunUse) {
        self.bytes = self.bytes.saturating_sub(run.bytes);
        self.unread.remove(&run.entry.run);
        for blob in run.blobs.iter().flatten() {
            if let Some((_, users)) = self.blobs.get_mut(blob) {
                *users = users.saturating_sub(1);
            }
        }
        self.drop_unused();
    }

    fn drop_unused(&mut self) {
        if !self.unread.is_empty() {
            return;
        }
        let bytes = &mut self.bytes;
        self.blobs.retain(|_, (size, users)| {
            if *users == 0 {
                *bytes = bytes.saturating_sub(*size);
            }
            *users > 0
        });
    }
}
