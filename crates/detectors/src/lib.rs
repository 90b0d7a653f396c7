//! Watches what agents do. [`Loops`] reads the steps of agents one by one and says when work goes
//! round in circles or on without getting anywhere. It only says so: what is done about it is for
//! `engine` to decide. The same code runs in a live run and over any trace that is at hand.
//!
//! In reading order: [`Step`] is what there is to see, [`Loops`] asks the rules one by one.

pub mod divergence;
mod loops;
mod step;

pub use loops::Loops;
pub use step::{Arguments, Call, Came, Manner, Step};
