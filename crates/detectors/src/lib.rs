//! Watches what agents do. [`Loops`] reads the steps of agents one by one and says when work goes
//! round in circles or on without getting anywhere; [`divergence`] says when work leaves the
//! plan. Both only say so: what is done about it is for `engine` to decide. Whoever has
//! steps can ask it, a live run as well as a trace that is at hand.
//!
//! In reading order: [`Step`] is what there is to see, [`Loops`] asks the rules one by one,
//! [`divergence`] holds what is done against what was planned.

mod canonical;
mod conversation;
pub mod divergence;
mod history;
mod loops;
mod neutral;
mod otlp;
mod outcome;
mod recorded;
mod revision;
mod rules;
mod seen;
mod siblings;
mod sketch;
mod step;
mod trace;
mod turns;
mod volatile;

pub use loops::{AGENTS_MAX, Loops};
pub use neutral::PLAN_BYTES_MAX;
pub use otlp::{ATTRIBUTES_MAX, Counts, OtlpFault, SPANS_BYTES_MAX, SPANS_MAX, Spans};
pub use recorded::{Recorded, recorded};
pub use revision::open_work;
pub use step::{Arguments, Call, Came, Manner, Step};
pub use trace::{
    ARGUMENT_BYTES_MAX, Answered, Part, STEPS_MAX, TEXT_BYTES_MAX, Trace, Written, WrittenAsk,
    WrittenCall,
};
pub use turns::{Ended, Turns};
