//! An output that does not fit its schema, after the last attempt. Before it the faults go back
//! to the agent as words, and what an agent mends is no divergence.

use super::Place;
use leadhand_protocol::{Divergence, DivergenceRule};

/// What is wrong with the output of a task; none while attempts are left or nothing is wrong.
///
/// The same task off its contract has the same identity however it is off it: what is done about
/// it does not depend on which field it was.
#[must_use]
pub fn off_contract(place: Place<'_>, faults: &[String], attempts_left: u32) -> Option<Divergence> {
    if faults.is_empty() || attempts_left > 0 {
        return None;
    }
    let words = format!("the output does not fit its schema: {}", faults.join("; "));
    Some(place.found(DivergenceRule::OffContract, &[], &words))
}
