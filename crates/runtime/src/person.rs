//! The person over the run: questions go to an [`Approver`], orders come from a [`Control`].

use leadhand_engine::Refusal;
use leadhand_model::BoxFuture;
use leadhand_protocol::{Answer, Ask, Grade, PersonInput, RequestId, RunId, TaskId};
use tokio::sync::{mpsc, oneshot};

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

/// Why an order was not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// It cannot be followed as the run stands.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The run is over, or has more orders waiting than it takes.
    #[error("the run does not listen: it is over, or does not keep up with its orders")]
    NotListening,
}

/// An order, and who is told what became of it.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) input: PersonInput,
    pub(crate) heard: Option<oneshot::Sender<Result<(), Refusal>>>,
}

/// The end of a [`Control`] that a run listens on.
#[derive(Debug)]
pub struct Orders(pub(crate) mpsc::Receiver<Order>);

/// Gives orders to a live run. Cheap to clone; may be used from any thread or signal handler
/// task, and does nothing once the run is over.
#[derive(Debug, Clone)]
pub struct Control(mpsc::Sender<Order>);

/// A control and the end that the run listens on.
#[must_use]
pub fn control() -> (Control, Orders) {
    let (sender, receiver) = mpsc::channel(ORDERS_WAITING_MAX);
    (Control(sender), Orders(receiver))
}

impl Control {
    /// Gives an order and waits until it is on record.
    ///
    /// # Errors
    /// [`OrderError`]; the run is as it was.
    pub async fn order(&self, input: PersonInput) -> Result<(), OrderError> {
        let (heard, answer) = oneshot::channel();
        let order = Order {
            input,
            heard: Some(heard),
        };
        self.0
            .try_send(order)
            .map_err(|_| OrderError::NotListening)?;
        answer.await.map_err(|_| OrderError::NotListening)??;
        Ok(())
    }

    /// Gives an order without waiting; returns whether the run listened.
    fn tell(&self, input: PersonInput) -> bool {
        self.0.try_send(Order { input, heard: None }).is_ok()
    }

    /// Nothing new is started; the run stops, resumable, once no tool call is in flight.
    /// Returns whether the run listened.
    pub fn pause(&self) -> bool {
        self.tell(PersonInput::Pause)
    }

    /// The run ends; tool calls in flight are waited for. Returns whether the run listened.
    pub fn cancel(&self, why: impl Into<String>) -> bool {
        let why = why.into();
        let grade = Grade::Stop;
        self.tell(PersonInput::Cancel { grade, why })
    }

    /// Tells the agents of one task, or all agents, something they are to know from now on.
    /// Returns whether the run listened.
    pub fn steer(&self, task: Option<TaskId>, text: impl Into<String>) -> bool {
        let text = text.into();
        self.tell(PersonInput::Steer { task, text })
    }
}
