//! A run in progress, as its embedder holds it.

use crate::error::Error;
use leadhand_protocol::{AgentId, Outcome, Record, RunId};
use leadhand_runtime::{Control, Observation, Observer};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use tokio::sync::broadcast;

/// Events kept for a reader that is slower than the run.
const EVENTS_KEPT_MAX: usize = 4_096;

/// A run. Await it for its [`Outcome`]; it makes no progress unless it is polled, so spawn it
/// when you want to do other things meanwhile. Dropping it stops the run as a crash would:
/// what was journaled stands, and the run can be resumed.
#[must_use = "a run makes no progress unless it is awaited"]
pub struct Run {
    pub(crate) id: RunId,
    pub(crate) control: Control,
    pub(crate) events: Events,
    pub(crate) driven: Pin<Box<dyn Future<Output = Result<Outcome, Error>> + Send>>,
}

impl Run {
    /// The run's id.
    #[must_use]
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// Gives orders to the run, from anywhere.
    #[must_use]
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Everything that happens from now on, for one reader. Ends with the run.
    #[must_use]
    pub fn events(&self) -> RunEvents {
        RunEvents(self.events.sender().subscribe())
    }
}

impl Future for Run {
    type Output = Result<Outcome, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.driven.as_mut().poll(context)
    }
}

/// Something that happened in a run.
#[derive(Debug, Clone)]
pub enum RunEvent {
    /// It was recorded in the journal.
    Recorded(Arc<Record>),
    /// A piece of a reply was written; not journaled.
    Piece {
        /// By whom.
        agent: AgentId,
        /// The piece.
        text: String,
    },
    /// The reader was too slow and missed this many; the journal has all that were recorded.
    Missed(u64),
}

/// The events of a run.
#[derive(Debug)]
pub struct RunEvents(broadcast::Receiver<RunEvent>);

impl RunEvents {
    /// The next event; `None` when the run is over.
    pub async fn next(&mut self) -> Option<RunEvent> {
        match self.0.recv().await {
            Ok(event) => Some(event),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(RunEvent::Missed(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

/// An answer of a type of your own, and the account of the run it came from.
#[derive(Debug, Clone)]
pub struct Typed<T> {
    /// The answer.
    pub value: T,
    /// The account.
    pub outcome: Outcome,
}

/// Where readers subscribe. The room for events is made when the first one comes: most runs have
/// no reader, and thousands may be at work at once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Events(Arc<OnceLock<broadcast::Sender<RunEvent>>>);

impl Events {
    fn sender(&self) -> &broadcast::Sender<RunEvent> {
        let room = || broadcast::channel(EVENTS_KEPT_MAX).0;
        self.0.get_or_init(room)
    }
}

/// An observer that hands everything to readers, and to the embedder's own observer first.
pub(crate) fn publishing(own: Option<Observer>) -> (Events, Observer) {
    let events = Events::default();
    let readers = events.clone();
    let observer: Observer = Arc::new(move |observation| {
        if let Some(own) = &own {
            own(observation);
        }
        let Some(sender) = readers.0.get().filter(|it| it.receiver_count() > 0) else {
            return;
        };
        let event = match observation {
            Observation::Recorded(_, record) => RunEvent::Recorded(Arc::new((*record).clone())),
            Observation::Piece(agent, text) => RunEvent::Piece {
                agent: *agent,
                text: (*text).to_owned(),
            },
        };
        // Nobody reading any more is no fault of the run.
        let _ = sender.send(event);
    });
    (events, observer)
}
