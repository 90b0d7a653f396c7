//! The journal alone tells the run: it follows again from itself, and once it is over nothing is
//! added to it.

use crate::trace::{Ended, Trace};
use leadhand_engine::replay;

pub(super) fn check(trace: &Trace) -> Result<(), String> {
    match replay(&trace.records) {
        Ok(_) => Ok(()),
        Err(difference) => Err(difference.to_string()),
    }
}

pub(super) fn settled(trace: &Trace) -> Result<(), String> {
    let Some(again) = &trace.again else {
        return Ok(());
    };
    if again.before != again.after {
        return Err(format!(
            "it had {} records, and {} after it was resumed",
            again.before, again.after
        ));
    }
    if again.said != Ended::Over {
        return Err(format!("to resume it was answered with {:?}", again.said));
    }
    Ok(())
}
