//! Work on what has changed since it was begun.

use super::Place;
use leadhand_protocol::{ContentHash, Divergence, DivergenceRule};

/// One input of a task, by hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputHash<'a> {
    /// What the worker calls it, or the task or file that it comes from.
    pub name: &'a str,
    /// What it was when the work was begun; none where nobody wrote that down.
    pub begun: Option<ContentHash>,
    /// What it is now; none where it is gone.
    pub now: Option<ContentHash>,
}

/// The inputs that are not what they were, all in one finding: the work is begun again once,
/// however many have changed.
///
/// Its identity is made of what they are now, so that a further change has another. An input
/// that changed and changed back is what it was.
#[must_use]
pub fn stale_input(place: Place<'_>, inputs: &[InputHash<'_>]) -> Option<Divergence> {
    let mut changed: Vec<(&str, String, &str)> = inputs
        .iter()
        .filter(|input| input.now.is_none() || input.now != input.begun)
        .map(|input| match input.now {
            Some(now) => (input.name, now.to_string(), "is not what it was"),
            None => (input.name, String::new(), "is gone"),
        })
        .collect();
    changed.sort_unstable();
    if changed.is_empty() {
        return None;
    }
    let parts: Vec<&str> = changed
        .iter()
        .flat_map(|(name, now, _)| [*name, now.as_str()])
        .collect();
    let told: Vec<_> = changed
        .iter()
        .map(|(name, _, what)| format!("`{name}` {what}"))
        .collect();
    let words = format!("since the work was begun, {}", told.join(", "));
    Some(place.found(DivergenceRule::StaleInput, &parts, &words))
}
