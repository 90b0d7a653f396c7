//! Whole runs through the facade: what would be a disaster for somebody who embeds it. Clocks
//! are tokio's paused one, so nothing here takes the time it says.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod bad_input;
mod coordination;
mod endpoint;
mod office;
mod own_parts;
mod panics;
mod prices;
mod side_by_side;
mod snapshots;
mod stopping;
