//! The plan as a directed acyclic graph, on petgraph. In reading order: what is wrong with a
//! plan ([`validate`]), which tasks may start ([`TaskGraph`]), and how a plan changes
//! ([`revise`], [`expand`]). Who carries tasks out, and when, is decided in `engine`.

mod draw;
mod fan_out;
mod graph;
mod revision;
mod template;
mod validate;

pub use draw::{to_dot, to_text};
pub use fan_out::{expand, items_of};
pub use graph::{TaskGraph, TaskState, kind_of};
pub use revision::{RevisionError, revise};
pub use template::{fill, placeholders};
pub use validate::{Known, path_fault, validate};
