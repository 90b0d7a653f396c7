//! The loop of one run: an input comes, the engine decides, the events are journaled and
//! applied, and once they are durable their actions are carried out. There is no second loop:
//! whoever watches reads what is recorded here.

mod actions;
mod inputs;

use crate::error::RuntimeError;
use crate::person::{Approver, Orders};
use crate::recorder::Recorder;
use crate::remote::Remote;
use crate::runtime::{Clock, Runtime};
use crate::worker::Equipment;
use futures::FutureExt;
use leadhand_channel::{Hub, Post};
use leadhand_engine::{Refusal, Run, SETTLE_ROUNDS_MAX, decide, settle};
use leadhand_journal::{Journal, Ticket, Writer};
use leadhand_protocol::{
    Action, AgentId, Event, Input, Limits, Outcome, PersonInput, Record, RequestId, RunId, Timed,
};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, Sleep};

/// Inputs of checks and people that may wait; more than one question per agent is not open.
const SIDE_INPUTS_MAX: usize = 256;
/// Inputs that are made durable together, at most: all that came while the disk was waited for.
const INPUTS_PER_COMMIT_MAX: usize = 64;
/// The same where nothing was waited for. More would save a little computing; with fewer, what
/// follows from the first of many answers is on its way while the others are still looked at, and
/// agents that began together do not stay together.
const INPUTS_AT_ONCE_MAX: usize = 8;

/// What an onlooker sees of a run.
#[derive(Debug, Clone)]
pub enum Observation<'a> {
    /// Something was recorded.
    Recorded(&'a RunId, &'a Record),
    /// A piece of a reply came; pieces may be lost, records never are.
    Piece(AgentId, &'a str),
}

/// Is shown everything, in order, on the run's own task: it must be quick and cannot object.
pub type Observer = Arc<dyn Fn(&Observation<'_>) + Send + Sync>;

pub(crate) struct RunLoop {
    /// First, since fields are dropped in this order: the socket goes before the writer's lock.
    onlookers: Onlookers,
    id: RunId,
    run: Run,
    recorder: Recorder,
    orders: Orders,
    hub: Hub,
    post: Post,
    side: (mpsc::Sender<Input>, mpsc::Receiver<Input>),
    /// Workers, checks and questions; all end with the loop.
    jobs: JoinSet<()>,
    equipment: Arc<Equipment>,
    /// When a bound of time may be reached.
    time_up: Option<Pin<Box<Sleep>>>,
}

/// Those who look at the run or are asked by it.
struct Onlookers {
    approver: Arc<dyn Approver>,
    /// Who is being asked, so that nobody is asked what somebody else has answered.
    asked: BTreeMap<RequestId, AbortHandle>,
    observer: Observer,
    /// Other processes; those that come while the run is carried out.
    remote: Option<Remote>,
    /// Where the run is found by them, if they may find it.
    listen: Option<Arc<dyn Journal>>,
    clock: Clock,
    began: Instant,
    began_ms: u64,
}

/// An input, and who is told whether it counts.
struct Heard {
    input: Input,
    heard: Option<oneshot::Sender<Result<(), Refusal>>>,
}

impl Heard {
    /// What an answer of the approver counts as that cannot be followed: it is asked once, so
    /// that otherwise the run would wait for ever.
    fn instead(&self) -> Option<Input> {
        match (&self.input, &self.heard) {
            (Input::Person(PersonInput::Answers { request, .. }), None) => {
                let request = *request;
                Some(Input::Person(PersonInput::Absent { request }))
            }
            _ => None,
        }
    }
}

impl From<Input> for Heard {
    fn from(input: Input) -> Self {
        Self { input, heard: None }
    }
}

/// What inputs led to. The actions, who gave orders, and who looks on must wait for the ticket.
#[derive(Default)]
struct Taken {
    ticket: Option<Ticket>,
    /// Whether the ticket before had to be waited for.
    waited: bool,
    records: Vec<Record>,
    actions: Vec<Action>,
    heard: Vec<oneshot::Sender<Result<(), Refusal>>>,
}

impl RunLoop {
    pub(crate) fn new(
        id: RunId,
        run: Run,
        writer: Box<dyn Writer>,
        orders: Orders,
        equipment: Equipment,
        runtime: &Runtime,
        limits: &Limits,
    ) -> Self {
        let recorder = Recorder::new(id.clone(), writer);
        let clock = Arc::clone(&runtime.clock);
        let (hub, post) = leadhand_channel::open(id.clone(), limits.inbox_messages_max, clock);
        Self {
            id,
            run,
            recorder,
            orders,
            hub,
            post,
            side: mpsc::channel(SIDE_INPUTS_MAX),
            jobs: JoinSet::new(),
            equipment: Arc::new(equipment),
            time_up: None,
            onlookers: Onlookers {
                approver: Arc::clone(&runtime.approver),
                asked: BTreeMap::new(),
                observer: Arc::clone(&runtime.observer),
                remote: None,
                listen: runtime.listen.then(|| Arc::clone(&runtime.journal)),
                clock: Arc::clone(&runtime.clock),
                began: Instant::now(),
                began_ms: (runtime.clock)(),
            },
        }
    }

    /// Carries the run from what comes `first` to its outcome.
    ///
    /// # Errors
    /// [`RuntimeError::Refused`] when what comes first is an order that cannot be followed;
    /// nothing was recorded of it.
    pub(crate) async fn drive(mut self, first: Vec<Input>) -> Result<Outcome, RuntimeError> {
        let mut taken = self.begin(first)?;
        let listen = self.onlookers.listen.take();
        self.onlookers.remote = listen.and_then(|journal| Remote::listen(&self.id, &journal));
        loop {
            self.until_durable(&mut taken).await?;
            for heard in taken.heard.drain(..) {
                // Whoever gave the order may not wait for it any more.
                let _ = heard.send(Ok(()));
            }
            for action in taken.actions.drain(..) {
                if let Some(outcome) = self.carry_out(action).await {
                    return self.close(outcome).await;
                }
            }
            // Whoever was given work begins with it before more is taken.
            tokio::task::yield_now().await;
            self.take_what_came(&mut taken).await?;
        }
    }

    /// Takes the next input, and with it what has come meanwhile: one commit of the journal makes
    /// all of it durable.
    async fn take_what_came(&mut self, taken: &mut Taken) -> Result<(), RuntimeError> {
        // The room stays: what comes at once can be much, and comes again and again.
        taken.records.clear();
        let mut came = self.next_input().await?;
        let at_ms = self.now_ms();
        let inputs_max = if taken.waited {
            INPUTS_PER_COMMIT_MAX
        } else {
            INPUTS_AT_ONCE_MAX
        };
        for more in (0..inputs_max).rev() {
            let instead = came.instead();
            match (self.take(at_ms, came.input, taken)?, came.heard) {
                (Ok(()), heard) => taken.heard.extend(heard),
                (Err(refusal), Some(heard)) => drop(heard.send(Err(refusal))),
                (Err(refusal), None) => {
                    tracing::warn!(run = %self.id, %refusal, "an answer cannot be followed");
                    if let Some(instead) = instead {
                        drop(self.take(at_ms, instead, taken)?);
                    }
                }
            }
            if more == 0 || self.run.outcome().is_some() {
                break;
            }
            match self.next_input().now_or_never() {
                Some(next) => came = next?,
                None => break,
            }
        }
        self.commit(at_ms, taken)
    }

    /// Puts on record what inputs led to, in one piece, and keeps the summary and the state.
    fn commit(&mut self, at_ms: u64, taken: &mut Taken) -> Result<(), RuntimeError> {
        taken.ticket = Some(self.recorder.commit(&taken.records)?);
        self.recorder.keep(&self.run, at_ms)
    }

    /// Waits until what was recorded is durable, and shows it to who looks on: nobody is shown
    /// what a crash could still take back.
    async fn until_durable(&mut self, taken: &mut Taken) -> Result<(), RuntimeError> {
        let to_disk = |action: &Action| matches!(action, Action::CallTool { to_disk: true, .. });
        if taken.actions.iter().any(to_disk) {
            self.recorder.sync()?.await?;
        }
        if let Some(mut ticket) = taken.ticket.take() {
            let ready = (&mut ticket).now_or_never();
            taken.waited = ready.is_none();
            match ready {
                Some(stored) => stored?,
                None => ticket.await?,
            }
        }
        for record in &taken.records {
            (self.onlookers.observer)(&Observation::Recorded(&self.id, record));
            if let Some(remote) = &self.onlookers.remote {
                remote.tell(record);
            }
        }
        let open = self.run.questions();
        self.onlookers.asked.retain(|request, asking| {
            let is_open = open.contains_key(request);
            if !is_open {
                asking.abort();
            }
            is_open
        });
        Ok(())
    }

    /// Takes all that comes first before anything follows from it; what a run that was taken up
    /// again had in flight comes before what follows.
    fn begin(&mut self, first: Vec<Input>) -> Result<Taken, RuntimeError> {
        let at_ms = self.now_ms();
        let orders = first
            .iter()
            .filter(|input| matches!(input, Input::Person(_)));
        for input in orders.cloned() {
            self.decided(&Timed { at_ms, input })?;
        }
        let mut taken = Taken::default();
        for input in first {
            let events = self.decided(&Timed { at_ms, input })?;
            self.apply(at_ms, events, &mut taken);
        }
        let caused = std::mem::take(&mut taken.actions);
        taken.actions = self.run.outstanding();
        let again = taken.actions.iter().filter_map(|action| match action {
            Action::CallTool { call, .. } => Some(*call),
            _ => None,
        });
        let again = self.equipment.tools.making_again(again.collect());
        Arc::make_mut(&mut self.equipment).tools = again;
        taken.actions.extend(caused);
        self.follow(at_ms, &mut taken)?;
        self.commit(at_ms, &mut taken)?;
        Ok(taken)
    }

    /// The time: that of the clock, or what has passed since this life of the run began, where
    /// somebody has set the clock back.
    fn now_ms(&self) -> u64 {
        let passed = self.onlookers.began.elapsed().as_millis();
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        let by_passing = self.onlookers.began_ms.saturating_add(passed);
        (self.onlookers.clock)().max(by_passing)
    }

    fn decided(&self, input: &Timed) -> Result<Vec<Event>, RuntimeError> {
        decide(&self.run, input).map_err(|refusal| RuntimeError::Refused {
            run: self.id.clone(),
            why: refusal.to_string(),
        })
    }

    /// That the run can go on. One that died in the moment of its end may have left an older
    /// summary, which is then brought up to date.
    pub(crate) fn refuse_if_over(&mut self) -> Result<(), RuntimeError> {
        let Some(outcome) = self.run.outcome() else {
            return Ok(());
        };
        if outcome.kind.resumable() {
            return Ok(());
        }
        let how = format!("{:?}", outcome.kind);
        let at_ms = self.now_ms();
        self.recorder.keep(&self.run, at_ms)?;
        Err(RuntimeError::Over {
            run: self.id.clone(),
            how,
        })
    }

    /// Ends a run that nobody carries out. The order comes first: what was at work when its process
    /// died is given up, and not waited for.
    pub(crate) async fn end(self, order: PersonInput) -> Result<Option<Outcome>, RuntimeError> {
        let first = vec![Input::Person(order), Input::Resume];
        self.drive(first).await.map(Some)
    }

    /// Puts an order on record that counts when the run goes on; nothing is carried out.
    pub(crate) async fn note(mut self, order: PersonInput) -> Result<(), RuntimeError> {
        let at_ms = self.now_ms();
        let input = Input::Person(order);
        let events = self.decided(&Timed { at_ms, input })?;
        let mut taken = Taken::default();
        self.apply(at_ms, events, &mut taken);
        self.recorder.commit(&taken.records)?.await?;
        self.recorder.close()
    }

    /// `decide → journal → apply → actions`, and again for what follows from the state alone.
    fn take(
        &mut self,
        at_ms: u64,
        input: Input,
        taken: &mut Taken,
    ) -> Result<Result<(), Refusal>, RuntimeError> {
        let events = match decide(&self.run, &Timed { at_ms, input }) {
            Ok(events) => events,
            Err(refusal) => return Ok(Err(refusal)),
        };
        self.apply(at_ms, events, taken);
        self.follow(at_ms, taken)?;
        Ok(Ok(()))
    }

    fn apply(&mut self, at_ms: u64, events: Vec<Event>, taken: &mut Taken) {
        for event in events {
            let record = self.recorder.record(at_ms, event);
            taken.actions.extend(self.run.apply(&record));
            taken.records.push(record);
        }
    }

    fn follow(&mut self, at_ms: u64, taken: &mut Taken) -> Result<(), RuntimeError> {
        for _ in 0..SETTLE_ROUNDS_MAX {
            let events = settle(&self.run);
            if events.is_empty() {
                let left = self.run.left_ms(at_ms).map(Duration::from_millis);
                self.time_up = left.map(|left| Box::pin(tokio::time::sleep(left)));
                return Ok(());
            }
            self.apply(at_ms, events, taken);
        }
        Err(RuntimeError::Unsettled {
            run: self.id.clone(),
            rounds: SETTLE_ROUNDS_MAX,
        })
    }

    /// Those who are told of the end can open the run at once.
    async fn close(mut self, outcome: Outcome) -> Result<Outcome, RuntimeError> {
        self.jobs.abort_all();
        let farewell = self.onlookers.remote.take().map(Remote::shut);
        self.recorder.close()?;
        if let Some(farewell) = farewell {
            farewell.say(&outcome).await;
        }
        Ok(outcome)
    }
}
