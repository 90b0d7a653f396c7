//! The real runtime under virtual time, in a made-up world that one seed decides: plan, models,
//! tools, people, and faults of all of them, of the disk, the clock and the process. In reading
//! order: [`expand`] makes a [`script::Script`] of a seed, [`play`] plays it in a `world` (whose
//! `journal`, `mind`, `service`, `meeting` and `person` are what the runtime sees of it), forks it perhaps
//! (`branch`), and leaves a [`trace::Trace`], [`invariant`] says what must hold of it, [`shrink`] makes a script that
//! breaks something short, [`sweep`] goes through many seeds, and [`soak`] has many runs at once
//! on a real disk.
//!
//! A tool of development: nothing ships with it.

mod branch;
mod chance;
mod draft;
mod expand;
pub mod invariant;
mod journal;
mod meeting;
mod mind;
mod person;
mod planted;
mod play;
pub mod script;
mod service;
pub mod shrink;
pub mod soak;
mod start;
mod store;
pub mod sweep;
pub mod trace;
mod world;

pub use chance::Chance;
pub use expand::expand;
pub use play::{PlayError, play};
