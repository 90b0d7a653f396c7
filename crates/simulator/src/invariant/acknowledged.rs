//! What was acknowledged is there at the end, at the same place. What a power cut may take at the
//! level `process`, being acknowledged and not yet synced, is not promised.

use crate::trace::Trace;

pub(super) fn check(trace: &Trace) -> Result<(), String> {
    for (place, promised) in trace.promised.iter().enumerate() {
        match trace.records.get(place) {
            Some(record) if record == promised => {}
            Some(record) => {
                return Err(format!(
                    "record {place} was {:?} when it was acknowledged, and is {:?}",
                    promised.event, record.event
                ));
            }
            None => {
                return Err(format!(
                    "{} records were acknowledged, and {} are there",
                    trace.promised.len(),
                    trace.records.len()
                ));
            }
        }
    }
    Ok(())
}
