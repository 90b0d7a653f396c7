//! The person over the run: questions go to an [`Approver`], orders come from a [`Control`].

use leadhand_model::BoxFuture;
use leadhand_protocol::{Answer, Ask, PersonInput, RequestId, RunId, TaskId};
use tokio::sync::mpsc;

/// Orders that may wait before the one who gives them is told that the run does not listen.
const ORDERS_WAITING_MAX: usize = 64;

/// Answers the questions of a run.
pub trait Approver: Send + Sync + 'static {
    /// Answers one question; `None` when nobody is there, which stops the run, resumable.
    /// The future is dropped when the run ends first.
    fn answer<'a>(
        &'a self,
        run: &'a RunId,
        request: RequestId,
        ask: &'a Ask,
    ) -> BoxFuture<'a, Option<Answer>>;
}

/// Nobody is there to answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Absent;

impl Approver for Absent {
    fn answer<'a>(
        &'a self,
        _: &'a RunId,
        _: RequestId,
        _: &'a Ask,
    ) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(async { None })
    }
}

/// Gives orders to a live run. Cheap to clone; may be used from any thread or signal handler
/// task, and does nothing once the run is over.
#[derive(Debug, Clone)]
pub struct Control(mpsc::Sender<PersonInput>);

/// A control and the end that the run listens on.
#[must_use]
pub fn control() -> (Control, mpsc::Receiver<PersonInput>) {
    let (sender, receiver) = mpsc::channel(ORDERS_WAITING_MAX);
    (Control(sender), receiver)
}

impl Control {
    /// Nothing new is started; the run stops, resumable, once no tool call is in flight.
    /// Returns whether the run listened.
    pub fn pause(&self) -> bool {
        self.0.try_send(PersonInput::Pause).is_ok()
    }

    /// The run ends; tool calls in flight are waited for. Returns whether the run listened.
    pub fn cancel(&self, why: impl Into<String>) -> bool {
        self.0
            .try_send(PersonInput::Cancel { why: why.into() })
            .is_ok()
    }

    /// Tells the agents of one task, or all agents, something they are to know from now on.
    /// Returns whether the run listened.
    pub fn steer(&self, task: Option<TaskId>, text: impl Into<String>) -> bool {
        self.0
            .try_send(PersonInput::Steer {
                task,
                text: text.into(),
            })
            .is_ok()
    }
}
