//! Looks at runs while they go on and afterwards. What is shown comes from records alone, by way
//! of `leadhand-inspector`; where they come from, and who carries out what a person orders, is
//! behind [`Runs`], so that all of this works where there is nothing but a journal.

mod runs;

pub use runs::{Given, Later, OpenRunQuestion, RunLine, Runs, Trouble};
