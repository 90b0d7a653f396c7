//! The state of a run as bytes, so that one with a long history is taken up without applying all
//! of it. It is a convenience: the records are the truth, and any snapshot can be thrown away.

use crate::run::Run;

/// Names the shape of the state that a snapshot holds. It is raised whenever a field, or the
/// meaning of one, changes: a snapshot of another shape is not read.
pub const SNAPSHOT_FORMAT: &str = "run-state-6";

/// Why a snapshot cannot be used: the run is built from its records instead.
#[derive(Debug, thiserror::Error)]
#[error("the snapshot does not hold the state of a run: {0}")]
pub struct SnapshotError(#[from] serde_json::Error);

impl Run {
    /// The state as JSON.
    ///
    /// # Errors
    /// [`SnapshotError`]: the run goes on without a snapshot.
    pub fn to_snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        Ok(serde_json::to_vec(self)?)
    }

    /// The state that [`Run::to_snapshot`] wrote under [`SNAPSHOT_FORMAT`].
    ///
    /// # Errors
    /// [`SnapshotError`] for anything else.
    pub fn from_snapshot(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut run: Self = serde_json::from_slice(bytes)?;
        run.agents.note(|agent| run.permits.hold_back(agent));
        Ok(run)
    }
}
