//! Watches what agents do. [`Loops`] reads the steps of agents one by one and says when work goes
//! round in circles or on without getting anywhere; [`divergence`] says when work leaves the
//! plan. Both only say so: what is done about it is for `engine` to decide. The same code runs in
//! a live run and over any trace that is at hand.
//!
//! In reading order: [`Step`] is what there is to see, [`Loops`] asks the rules one by one,
//! [`divergence`] holds what is done against what was planned.

mod conversation;
pub mod divergence;
mod history;
mod loops;
mod otlp;
mod outcome;
mod owned;
mod recorded;
mod rules;
mod seen;
mod sketch;
mod step;
mod trace;
mod volatile;

pub use loops::{AGENTS_MAX, Loops};
pub use otlp::{OtlpFault, SPANS_MAX, Spans};
pub use owned::{OwnedCall, OwnedStep, OwnedTrace};
pub use recorded::recorded;
pub use step::{Arguments, Call, Came, Manner, Step};
pub use trace::{TEXT_BYTES_MAX, Trace};
