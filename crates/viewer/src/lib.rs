//! Looks at runs while they go on and afterwards. What is shown comes from records alone, by way
//! of `leadhand-inspector`; where they come from, and who carries out what a person orders, is
//! behind [`Runs`], so that all of this works where there is nothing but a journal.
//!
//! In reading order: [`Runs`] is what is looked at, `book` keeps what is known of one run,
//! `watched` follows a bounded number of them, [`Server`] serves the page in `page/` on this
//! machine alone, `server/guard` says who may ask, [`asked`] puts a question into words, and
//! [`top`](mod@top) is the view in the terminal.

mod asked;
mod book;
mod order;
mod runs;
mod server;
pub mod top;
mod watched;

pub use asked::asked;
pub use runs::{Given, Later, OpenRunQuestion, Resume, RunLine, Runs, TRACE, Trouble, Undoable};
pub use server::{BODY_BYTES_MAX, CONNECTIONS_MAX, STREAMS_MAX, Server, URI_BYTES_MAX};
pub use watched::RUNS_KEPT_MAX;
