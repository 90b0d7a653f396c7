//! The loop of one run: an input comes, the engine decides, the events are journaled and
//! applied, and once they are durable their actions are carried out. There is no second loop:
//! whoever watches reads what is recorded here.

use crate::error::RuntimeError;
use crate::file_checks;
use crate::person::Approver;
use crate::runtime::{Clock, Runtime};
use crate::status::Status;
use crate::worker::{Equipment, work};
use futures::FutureExt;
use leadhand_channel::{Hub, Post};
use leadhand_engine::{Run, SETTLE_ROUNDS_MAX, decide, settle};
use leadhand_journal::{Ticket, Writer};
use leadhand_protocol::{
    Action, Address, AgentId, Budget, Envelope, Event, Input, Limits, Message, Outcome,
    PersonInput, Purpose, Record, RunId, Timed,
};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Sleep;

/// Inputs of checks and people that may wait; more than one question per agent is not open.
const SIDE_INPUTS_MAX: usize = 256;
/// The summary beside the journal is at most this old while the run goes on.
const STATUS_EVERY_MS: u64 = 400;

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
    id: RunId,
    run: Run,
    writer: Box<dyn Writer>,
    orders: mpsc::Receiver<PersonInput>,
    hub: Hub,
    post: Post,
    side: (mpsc::Sender<Input>, mpsc::Receiver<Input>),
    /// Workers, checks and questions; all end with the loop.
    jobs: JoinSet<()>,
    equipment: Equipment,
    onlookers: Onlookers,
    /// When the run's time is up.
    time_up: Option<Pin<Box<Sleep>>>,
}

/// Those who look at the run or are asked by it.
struct Onlookers {
    approver: Arc<dyn Approver>,
    observer: Observer,
    clock: Clock,
    started_ms: u64,
    status_ms: u64,
}

/// What one input led to. The actions, and who looks on, must wait for the ticket.
struct Taken {
    ticket: Ticket,
    records: Vec<Record>,
    actions: Vec<Action>,
}

impl RunLoop {
    #[expect(
        clippy::too_many_arguments,
        reason = "all of them are parts that the loop owns"
    )]
    pub(crate) fn new(
        id: RunId,
        run: Run,
        writer: Box<dyn Writer>,
        orders: mpsc::Receiver<PersonInput>,
        equipment: Equipment,
        runtime: &Runtime,
        limits: &Limits,
        budget: Budget,
    ) -> Self {
        let (hub, post) = leadhand_channel::open(id.clone(), limits.inbox_messages_max);
        let own = (limits.run_seconds_max > 0).then_some(limits.run_seconds_max);
        let seconds_max = own.into_iter().chain(budget.seconds_max).min();
        Self {
            id,
            run,
            writer,
            orders,
            hub,
            post,
            side: mpsc::channel(SIDE_INPUTS_MAX),
            jobs: JoinSet::new(),
            equipment,
            time_up: seconds_max
                .map(|seconds| Box::pin(tokio::time::sleep(Duration::from_secs(seconds)))),
            onlookers: Onlookers {
                approver: Arc::clone(&runtime.approver),
                observer: Arc::clone(&runtime.observer),
                clock: Arc::clone(&runtime.clock),
                started_ms: (runtime.clock)(),
                status_ms: 0,
            },
        }
    }

    /// Carries the run from `first` to its outcome. `outstanding` is what a run that was taken
    /// up again had in flight.
    pub(crate) async fn drive(
        mut self,
        first: Input,
        mut outstanding: Vec<Action>,
    ) -> Result<Outcome, RuntimeError> {
        let mut input = first;
        loop {
            let Taken {
                ticket,
                records,
                actions,
            } = self.take(input)?;
            ticket.await?;
            // Nobody is shown what a crash could still take back.
            for record in &records {
                (self.onlookers.observer)(&Observation::Recorded(&self.id, record));
            }
            // What a resumed run had in flight comes after the record that it was resumed.
            for action in outstanding.drain(..).chain(actions) {
                if let Some(outcome) = self.carry_out(action).await {
                    return self.close(outcome);
                }
            }
            input = self.next_input().await?;
        }
    }

    /// `decide → journal → apply → actions`, and again for what follows from the state alone.
    fn take(&mut self, input: Input) -> Result<Taken, RuntimeError> {
        let at_ms = (self.onlookers.clock)();
        let timed = Timed { at_ms, input };
        let (mut records, mut actions) = (Vec::new(), Vec::new());
        let mut events = decide(&self.run, &timed);
        for _ in 0..SETTLE_ROUNDS_MAX {
            if events.is_empty() {
                let ticket = self.writer.append(&[])?;
                self.show_status(at_ms)?;
                return Ok(Taken {
                    ticket,
                    records,
                    actions,
                });
            }
            let recorded = self.record(at_ms, events)?;
            for record in &recorded {
                actions.extend(self.run.apply(record));
            }
            records.extend(recorded);
            events = settle(&self.run);
        }
        Err(RuntimeError::Unsettled {
            run: self.id.clone(),
            rounds: SETTLE_ROUNDS_MAX,
        })
    }

    fn record(&mut self, at_ms: u64, events: Vec<Event>) -> Result<Vec<Record>, RuntimeError> {
        let records: Vec<Record> = (self.writer.next_seq()..)
            .zip(events)
            .map(|(seq, event)| Record { seq, at_ms, event })
            .collect();
        // Resolved tickets are in order, so the last one, asked for in `take`, covers this.
        drop(self.writer.append(&records)?);
        for record in &records {
            tracing::debug!(run = %self.id, seq = record.seq, event = ?record.event);
        }
        Ok(records)
    }

    fn show_status(&mut self, at_ms: u64) -> Result<(), RuntimeError> {
        let over = self.run.outcome().is_some();
        if over || at_ms >= self.onlookers.status_ms.saturating_add(STATUS_EVERY_MS) {
            self.onlookers.status_ms = at_ms;
            let status = Status::of(&self.run, self.onlookers.started_ms, at_ms);
            let status = serde_json::to_value(status).unwrap_or_default();
            self.writer.set_status(&status)?;
        }
        Ok(())
    }

    async fn next_input(&mut self) -> Result<Input, RuntimeError> {
        loop {
            let time_up = async {
                match &mut self.time_up {
                    Some(sleep) => sleep.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                Some(order) = self.orders.recv() => return Ok(Input::Person(order)),
                Some(input) = self.side.1.recv() => return Ok(input),
                () = time_up => {
                    self.time_up = None;
                    return Ok(Input::TimeUp);
                }
                envelope = self.hub.recv() => match envelope {
                    Some(envelope) => if let Some(input) = self.read(envelope) {
                        return Ok(input);
                    },
                    None => return Err(RuntimeError::Stranded { run: self.id.clone() }),
                },
            }
        }
    }

    /// What an agent's message means to the engine; pieces of replies mean nothing to it.
    fn read(&self, envelope: Envelope) -> Option<Input> {
        let Address::Agent(agent) = envelope.from else {
            return None;
        };
        match envelope.message {
            Message::Progress { piece, .. } => {
                (self.onlookers.observer)(&Observation::Piece(agent, &piece));
                None
            }
            Message::Replied { turn, result } => Some(match result {
                Ok(reply) => Input::ModelReplied { agent, turn, reply },
                Err(fault) => Input::ModelFailed { agent, turn, fault },
            }),
            Message::Acted { call, outcome } => Some(Input::ToolFinished { call, outcome }),
            Message::Assign { .. }
            | Message::Think { .. }
            | Message::Act { .. }
            | Message::Cancel => {
                tracing::warn!(run = %self.id, %agent, "a message for an agent came to the hub");
                None
            }
        }
    }

    async fn carry_out(&mut self, action: Action) -> Option<Outcome> {
        match action {
            Action::StartAgent {
                agent,
                role,
                purpose,
            } => self.start_agent(agent, role, purpose).await,
            Action::CallModel {
                agent,
                turn,
                request,
            } => {
                self.send(agent, Message::Think { turn, request }).await;
            }
            Action::CancelModel { agent } => self.send(agent, Message::Cancel).await,
            Action::CallTool {
                call,
                tool_call,
                permit,
            } => {
                self.send(
                    call.agent,
                    Message::Act {
                        call,
                        tool_call,
                        permit,
                    },
                )
                .await;
            }
            Action::RunChecks {
                task,
                checks,
                changed,
            } => {
                let workspace = Arc::clone(self.equipment.tools.workspace());
                self.bring(async move {
                    let unseen = checks.clone();
                    let look = move || file_checks::carry_out(checks, &changed, &workspace);
                    let results = tokio::task::spawn_blocking(look).await;
                    let results = results.unwrap_or_else(|_| file_checks::undecided(unseen));
                    Some(Input::ChecksFinished { task, results })
                });
            }
            Action::AskPerson { request, ask } => {
                let (approver, run) = (Arc::clone(&self.onlookers.approver), self.id.clone());
                self.bring(async move {
                    // One whose code panics is not there to answer.
                    let asked = async { approver.answer(&run, request, &ask).await };
                    let answered = AssertUnwindSafe(asked).catch_unwind().await;
                    Some(Input::Person(match answered.ok().flatten() {
                        Some(answer) => PersonInput::Answers { request, answer },
                        None => PersonInput::Absent { request },
                    }))
                });
            }
            Action::EndAgent { agent } => self.post.close(agent),
            Action::Finish(outcome) => return Some(*outcome),
        }
        None
    }

    async fn start_agent(&mut self, agent: AgentId, role: String, purpose: Purpose) {
        match self.post.register(agent) {
            Ok(mailbox) => {
                self.jobs.spawn(work(mailbox, self.equipment.clone()));
                self.send(agent, Message::Assign { role, purpose }).await;
            }
            Err(error) => {
                tracing::error!(run = %self.id, %agent, %error, "an agent was started twice");
            }
        }
    }

    /// An agent whose mailbox is gone has ended, and what it was sent is among the dead letters.
    async fn send(&mut self, agent: AgentId, message: Message) {
        if let Err(error) = self.post.send(agent, message).await {
            tracing::warn!(run = %self.id, %agent, %error, "a message could not be delivered");
        }
    }

    fn bring(&mut self, job: impl Future<Output = Option<Input>> + Send + 'static) {
        let side = self.side.0.clone();
        self.jobs.spawn(async move {
            if let Some(input) = job.await {
                // The loop is gone only when the run is over, and then nobody wants the input.
                let _ = side.send(input).await;
            }
        });
        // Finished jobs are let go of as new ones come, so that a long run does not gather them.
        while self.jobs.try_join_next().is_some() {}
    }

    fn close(mut self, outcome: Outcome) -> Result<Outcome, RuntimeError> {
        self.jobs.abort_all();
        self.writer.close()?;
        Ok(outcome)
    }
}
