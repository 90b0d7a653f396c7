//! The summary beside the journal of a run that is over says what the journal says.

use crate::trace::Trace;
use leadhand_runtime::{Status, rebuild};

pub(super) fn check(trace: &Trace) -> Result<(), String> {
    if trace.ended().is_none() {
        return Ok(());
    }
    let shown = trace.status.clone().ok_or("there is no summary")?;
    let shown: Status =
        serde_json::from_value(shown).map_err(|error| format!("it cannot be read: {error}"))?;
    let meant = Status {
        updated_ms: shown.updated_ms,
        ..Status::of(&rebuild(&trace.records), 0)
    };
    if shown == meant {
        return Ok(());
    }
    Err(format!("it says {shown:?}, and the journal says {meant:?}"))
}
