use leadhand_protocol::RunId;
use std::io;

/// Why nothing could be had of a live run. Nothing has changed in it.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// Nobody listens there.
    #[error(
        "run {run} cannot be reached ({source}): it has ended, or it was started without a control socket; `leadhand ps` shows its state"
    )]
    NotListening {
        /// The run.
        run: RunId,
        /// What the system said.
        source: io::Error,
    },
    /// The run is another user's.
    #[error(
        "run {run} cannot be reached from here: {why}; give the order as the user whose run it is"
    )]
    AnotherUser {
        /// The run.
        run: RunId,
        /// Who is who.
        why: String,
    },
    /// An order cannot be followed as the run stands.
    #[error("run {run}: {why}")]
    Refused {
        /// The run.
        run: RunId,
        /// Why, and what to do instead.
        why: String,
    },
    /// The run answers nobody, or not to this: it speaks another version or has too many
    /// connections.
    #[error("run {run} does not take the request: {why}")]
    Declined {
        /// The run.
        run: RunId,
        /// Why, and what to do instead.
        why: String,
    },
    /// The connection ended before the answer.
    #[error(
        "the process of run {run} ended without a word; `leadhand ps` shows its state, and `leadhand resume {run}` takes it up where its journal ends"
    )]
    Gone {
        /// The run.
        run: RunId,
    },
    /// What came cannot be understood.
    #[error("what run {run} answers cannot be understood: {what}; is it of another version?")]
    Unreadable {
        /// The run.
        run: RunId,
        /// What is wrong with it.
        what: String,
    },
}
