//! What was begun was ordered before by a record that could not be lost any more: acknowledged,
//! and on disk where it may never be done twice.

use crate::trace::{Durable, Trace, What};

pub(super) fn check(trace: &Trace) -> Result<(), String> {
    for begun in &trace.begun {
        let needed = match begun.what {
            What::Tool { harmful: true, .. } => Durable::OnDisk,
            What::Tool { .. } | What::Model { .. } | What::Question { .. } => Durable::Acknowledged,
        };
        if begun.ordered < needed {
            return Err(format!(
                "{:?} began in life {} at {} ms when its order was only {:?}",
                begun.what, begun.life, begun.at_ms, begun.ordered
            ));
        }
    }
    Ok(())
}
