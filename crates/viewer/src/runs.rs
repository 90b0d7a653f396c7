//! What is looked at, and who takes the orders.

use leadhand_protocol::{
    Ask, CallId, ContentHash, PersonInput, Record, RequestId, RunId, Seq, ToolCall,
};
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

/// The state of a trace of others, of which nobody says how it ended.
pub const TRACE: &str = "trace";

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunLine {
    /// Its name.
    pub run: RunId,
    /// `running`, `stopped` when its process is gone without a word, how it ended, or [`TRACE`].
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
    /// Whether it takes orders; what is read from a file takes none.
    pub orders: bool,
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

/// A call that rolling a run back would undo.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Undoable {
    /// Which one.
    pub call: CallId,
    /// As it was made; of foreign origin.
    pub tool_call: ToolCall,
    /// The tool that undoes it.
    pub undo: String,
}

impl Undoable {
    /// The name of exactly these calls in this order: a person who was shown them orders that
    /// they are undone, and no others.
    #[must_use]
    pub fn digest(all: &[Self]) -> ContentHash {
        // Plain data is written to memory, which cannot fail.
        ContentHash::of(&serde_json::to_vec(all).unwrap_or_default())
    }
}

/// How a run that stands still is taken up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resume {
    /// The model of roles that name none; none is the usual one of the project.
    pub model: Option<String>,
    /// Tokens that may be spent beside those of its budget.
    pub tokens_added: Option<u64>,
    /// Money that may be spent beside that, in millionths of a dollar.
    pub micro_usd_added: Option<u64>,
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
    /// What they are, as the head of a list.
    fn title(&self) -> String {
        "Runs of this project".to_owned()
    }

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

    /// What rolling a run back would undo, in that order; why it cannot be rolled back is the
    /// trouble. Where nothing is ever undone there is no need of it.
    fn undoable(&self, run: RunId) -> Later<'_, Result<Vec<Undoable>, Trouble>> {
        let why = format!("run {run} cannot be rolled back from here; `leadhand rollback` does it");
        Box::pin(async { Err(Trouble(why)) })
    }

    /// Takes up a run that stands still, in a process that goes on without whoever asks. Gives
    /// in words what came of it. Where runs are only looked at there is no need of it.
    fn resume(&self, run: RunId, how: Resume) -> Later<'_, Result<String, Trouble>> {
        drop(how);
        let why = format!("run {run} cannot be resumed from here; `leadhand resume` does it");
        Box::pin(async { Err(Trouble(why)) })
    }
}
