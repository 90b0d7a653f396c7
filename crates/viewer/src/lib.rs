//! Looks at runs while they go on and afterwards. What is shown comes from records alone, by way
//! of `leadhand-inspector`; where they come from, and who carries out what a person orders, is
//! behind [`Runs`], so that all of this works where there is nothing but a journal.
//!
//! In reading order: [`Runs`] is what is looked at, [`asked`] puts a question into words,
//! [`top`](mod@top) is the view in the terminal.

mod asked;
mod runs;
pub mod top;

pub use asked::asked;
pub use runs::{Given, Later, OpenRunQuestion, RunLine, Runs, Trouble};
