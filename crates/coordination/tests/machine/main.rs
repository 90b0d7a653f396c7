//! The state machine from outside: tables of what is asked and what follows, all small states,
//! and long histories, held against an oracle that knows nothing of how the machine decides.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]
#![allow(
    clippy::print_stdout,
    reason = "how many states were explored is worth knowing"
)]

mod bad_input;
mod blackboard;
mod deadlocks;
mod explore;
mod flood;
mod histories;
mod letters;
mod locks;
mod mail;
mod meeting;
mod oracle;
mod world;
