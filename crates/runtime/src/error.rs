use leadhand_journal::JournalError;
use leadhand_protocol::RunId;

/// Why a run could not be carried out to any outcome. Failures of models, tools, checks and
/// people are outcomes, not errors.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The journal could not be written or read; nothing is done that is not journaled.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A run cannot go on because it is over.
    #[error("run {run} is over ({how}) and cannot go on; start a new run for the same goal")]
    Over {
        /// The run.
        run: RunId,
        /// How it ended.
        how: String,
    },
    /// An order cannot be followed as the run stands; the run is as it was.
    #[error("run {run}: {why}")]
    Refused {
        /// The run.
        run: RunId,
        /// Why, and what to do instead.
        why: String,
    },
    /// There is nothing in a run where it is to be branched.
    #[error(
        "run {run} cannot be forked at {at}: it has records 0 to {}; give a number from 1 to {records}",
        .records.saturating_sub(1)
    )]
    ForkPastEnd {
        /// The run.
        run: RunId,
        /// Where it was to be branched.
        at: u64,
        /// How many records it has.
        records: u64,
    },
    /// The run was over where it is to be branched.
    #[error(
        "run {run} cannot be forked at {at}: it was over there; give the number of a record before its end, such as one that `leadhand trace show {run} --events` shows"
    )]
    ForkAfterEnd {
        /// The run.
        run: RunId,
        /// Where it was to be branched.
        at: u64,
    },
    /// A journal ends where its records can no longer be believed.
    #[error(
        "the journal of run {run} is damaged from record {seq} on: {what}; the run cannot go on, what stands before can be read with `leadhand trace show {run}`"
    )]
    Damaged {
        /// The run.
        run: RunId,
        /// The first record that cannot be read.
        seq: u64,
        /// What is wrong with it.
        what: String,
    },
    /// The engine brought itself no step further: a defect of the program.
    #[error(
        "run {run} does not settle: after {rounds} rounds there is still something to decide; this is a defect of Leadhand, please report it with the journal"
    )]
    Unsettled {
        /// The run.
        run: RunId,
        /// How many rounds were tried.
        rounds: usize,
    },
    /// The run loop lost everything that could bring an input: a defect of the program.
    #[error(
        "run {run} waits for something that can no longer come; this is a defect of Leadhand, please report it with the journal"
    )]
    Stranded {
        /// The run.
        run: RunId,
    },
}
