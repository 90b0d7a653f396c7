//! What is looked at, and who takes the orders.

use leadhand_protocol::{Ask, ContentHash, PersonInput, Record, RequestId, RunId, Seq};
use serde::Serialize;
use std::future::Future;
use std::pin::Pin;
use tokio::sync::mpsc::Sender;

/// What comes later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why something could not be had or done, in words for a person: what happened, to what, why,
/// and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Trouble(pub String);

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunLine {
    /// Its name.
    pub run: RunId,
    /// `running`, `stopped` when its process is gone without a word, or how it ended.
    pub state: String,
    /// Whether a process carries it out.
    pub live: bool,
    /// Whether it can be taken up again.
    pub resumable: bool,
    /// The goal's first line, cut; of foreign origin.
    pub goal: String,
    /// When it was started, in milliseconds since the Unix epoch.
    pub started_ms: u64,
    /// Tasks of the plan.
    pub tasks: usize,
    /// Tasks that are done.
    pub tasks_done: usize,
    /// Tokens spent.
    pub tokens: u64,
    /// Money spent, in millionths of a dollar.
    pub micro_usd: u64,
    /// How many questions wait for a person.
    pub questions: usize,
}

/// A question that is open, and the name of exactly what it asks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OpenRunQuestion {
    /// Its number in the run.
    pub question: RequestId,
    /// The digest of what is asked; an answer that names another one is refused.
    pub digest: ContentHash,
    /// What is asked, exactly as it will be done; of foreign origin.
    pub ask: Ask,
}

/// What comes of following a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// Some of its records, in order and without gaps.
    Records(Vec<Record>),
    /// Those that there are were given; of a live run more come.
    AllSoFar,
}

/// The runs of a project.
pub trait Runs: Send + Sync + 'static {
    /// All of them, live ones first, else the newest first.
    fn list(&self) -> Later<'_, Result<Vec<RunLine>, Trouble>>;

    /// Gives the records of a run from one on, and of a live one those that come, until it ends
    /// or nobody listens. Records that are damaged, and what stands behind them, are not given;
    /// why is the trouble.
    fn follow(&self, run: RunId, from: Seq, to: Sender<Given>) -> Later<'_, Result<(), Trouble>>;

    /// The questions that are open in a run.
    fn questions(&self, run: RunId) -> Later<'_, Result<Vec<OpenRunQuestion>, Trouble>>;

    /// Gives an order, which counts at once in a live run, and from the next `resume` on in one
    /// that is stopped. Gives whether it is live.
    fn order(&self, run: RunId, order: PersonInput) -> Later<'_, Result<bool, Trouble>>;
}
