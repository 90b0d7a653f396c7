//! What was acknowledged is there at the end, at the same place. What a power cut may take at the
//! level `process`, being acknowledged and not yet synced, is not promised.

use crate::trace::Trace;

pub(super) fn check(trace: &Trace) -> Result<(), String> {
    for promised in &trace.promised {
        let place = promised.seq;
        let found = usize::try_from(place).ok();
        match found.and_then(|place| trace.records.get(place)) {
            Some(record) if record == promised => {}
            Some(record) => {
                return Err(format!(
                    "record {place} was {:?} when it was acknowledged, and is {:?}",
                    promised.event, record.event
                ));
            }
            None => {
                return Err(format!(
                    "record {place} was acknowledged, and {} are there",
                    trace.records.len()
                ));
            }
        }
    }
    Ok(())
}
