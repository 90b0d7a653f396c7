//! What happens next, as plain functions of the state of a run. In reading order:
//! [`decide`] turns an input into facts, [`Run::apply`] turns facts into state and actions,
//! [`settle`] says what follows from the state alone. Nothing in here waits, reads a clock,
//! draws a random number or touches a file; carrying actions out is `runtime`'s business.
//!
//! ```text
//! decide(&run, input) ─► events ─► journal ─► run.apply(event) ─► actions
//!         settle(&run) ─► events ─┘   (until nothing more follows)
//! ```

mod account;
mod again;
mod agent;
mod agents;
mod apply;
mod bars;
mod brief;
mod budget;
mod calls;
mod checks;
mod coordination;
mod decide;
mod delivery;
mod doubt;
mod draft;
mod drift;
mod equip;
mod hand_out;
mod labels;
mod named;
mod orders;
mod outstanding;
mod path_labels;
mod permits;
mod plan_edits;
mod replay;
mod roll_back;
mod run;
mod schedule;
mod schema;
mod settle;
mod snapshot;
mod steps;
mod strays;
mod time;
mod turn;
mod watch;

pub use agent::{Agent, AgentState, CallStatus, PendingCall};
pub use decide::{Refusal, decide};
pub use permits::{PERMIT_NAMES_MAX, permit_fault};
pub use replay::{Difference, Replayed, replay};
pub use roll_back::ToUndo;
pub use run::{Run, Setting, Spent, TaskRecord};
pub use schema::{ArgumentSchemas, schema_faults};
pub use settle::{SETTLE_ROUNDS_MAX, settle};
pub use snapshot::{SNAPSHOT_FORMAT, SnapshotError};
