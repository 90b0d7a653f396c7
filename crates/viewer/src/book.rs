//! What is known of one run that is looked at: its [`Timeline`], everything that happened in the
//! order in which it did, and what changed since somebody last looked. It is built record by
//! record and reads nothing itself; `book/rows` says what a page is given of it.

use leadhand_detectors::Turns;
use leadhand_inspector::{AgentLine, Note, NoteKind, Step, TaskLine, Timeline};
use leadhand_protocol::{
    AgentId, CallId, Decision, Event, Finding, Plan, Record, RunId, Seq, Start, TaskId,
};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

mod detail;
mod lanes;
mod news;
mod rows;
mod search;

pub(crate) use detail::Part;
pub(crate) use lanes::LanesAsked;
pub(crate) use news::{Changes, Known};
pub(crate) use search::Sought;

/// Most points of the curve of what was spent; of more every second one is dropped.
const SPEND_POINTS_MAX: usize = 512;

/// A run as far as its records were read.
#[derive(Default)]
pub(crate) struct Book {
    timeline: Timeline,
    /// Steps and notes in the order of their records.
    places: Vec<Place>,
    notes_listed: usize,
    /// Where each agent's line is, and how many of its steps are listed.
    seats: BTreeMap<AgentId, Seat>,
    /// When each record was made.
    times: Vec<u64>,
    /// By the record at which a turn or a call began: the one at which it ended.
    ends: HashMap<Seq, Seq>,
    calls: HashMap<CallId, Seq>,
    thinking: HashMap<(AgentId, u32), Seq>,
    /// The record at which each agent began.
    began: HashMap<AgentId, Seq>,
    turns: Turns,
    /// The record at which the turn began that an agent has answered last.
    answered: HashMap<AgentId, Seq>,
    /// The steps that detectors count: whose turn each is, and the record at which it began.
    turns_ended: Vec<(AgentId, Seq)>,
    /// Where what was found began: by the record of the finding.
    origins: HashMap<Seq, Seq>,
    start: Option<Arc<Start>>,
    plan: Arc<Plan>,
    /// Whether the plan has become another one since the graph was drawn last.
    is_planned_anew: bool,
    refused: HashMap<String, usize>,
    spend: Vec<Spend>,
    /// Records a point of the curve stands for.
    spend_every: usize,
    replies: usize,
    changes: Changes,
}

/// Where something that happened is.
#[derive(Debug, Clone, Copy)]
struct Place {
    seq: Seq,
    at: At,
}

#[derive(Debug, Clone, Copy)]
enum At {
    Step {
        task: Option<usize>,
        agent: usize,
        step: usize,
    },
    Note(usize),
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Seat {
    task: Option<usize>,
    agent: usize,
    listed: usize,
}

/// What was spent up to a moment.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(crate) struct Spend {
    at_ms: u64,
    tokens: u64,
    micro_usd: u64,
}

impl Book {
    pub(crate) fn new(run: &RunId) -> Self {
        Self {
            timeline: Timeline::new(run),
            spend_every: 1,
            ..Self::default()
        }
    }

    /// The record that comes next.
    pub(crate) fn next(&self) -> Seq {
        self.times.len() as Seq
    }

    /// Takes records, in order and without gaps; those that were taken before are passed over.
    pub(crate) fn take(&mut self, records: &[Record]) {
        for record in records {
            if record.seq == self.next() {
                self.take_one(record);
            }
        }
    }

    fn take_one(&mut self, record: &Record) {
        self.times.push(record.at_ms);
        let ended = self.turns.take(record);
        self.turn_over(ended.before);
        self.note(record);
        self.turn_over(ended.with);
        self.timeline.take(record);
        if let Event::ModelReplied { .. } = &*record.event {
            self.spent(record.at_ms);
        }
    }

    /// Counts a turn that is over.
    fn turn_over(&mut self, agent: Option<AgentId>) {
        let began = agent.and_then(|agent| self.answered.remove_entry(&agent));
        self.turns_ended.extend(began);
    }

    /// Takes note of where in the journal things began and ended.
    fn note(&mut self, record: &Record) {
        let seq = record.seq;
        match &*record.event {
            Event::RunStarted(start) => {
                self.start = Some(Arc::clone(start));
                self.plan = start.plan.clone().unwrap_or_default();
            }
            Event::TraceImported { .. } => self.is_planned_anew = true,
            Event::PlanAccepted { plan, .. } => {
                self.is_planned_anew = true;
                if let Some(plan) = plan {
                    self.plan = Arc::clone(plan);
                }
            }
            Event::AgentStarted { agent, .. } => {
                self.began.insert(*agent, seq);
            }
            Event::TurnStarted { agent, turn, .. } => {
                self.thinking.insert((*agent, *turn), seq);
            }
            Event::ModelReplied { agent, turn, .. } | Event::ModelFailed { agent, turn, .. } => {
                let began = self.thinking.remove(&(*agent, *turn));
                self.ends.extend(began.map(|began| (began, seq)));
                self.answered.insert(*agent, began.unwrap_or(seq));
            }
            Event::ToolCalled { call, .. } => {
                self.calls.insert(*call, seq);
            }
            Event::ToolFinished { call, .. } => {
                let began = self.calls.remove(call);
                self.ends.extend(began.map(|began| (began, seq)));
            }
            Event::Found(finding) => {
                let origin = self.origin(finding);
                self.origins.extend(origin.map(|origin| (seq, origin)));
            }
            Event::RunResumed
            | Event::AgentEnded { .. }
            | Event::CallEdited { .. }
            | Event::CallStarted { .. }
            | Event::CallInDoubt { .. }
            | Event::ProbeOrdered { .. }
            | Event::Told { .. }
            | Event::OutputGiven { .. }
            | Event::ChecksOrdered { .. }
            | Event::ChecksFinished { .. }
            | Event::TaskDone { .. }
            | Event::TaskFailed { .. }
            | Event::AnswerGiven { .. }
            | Event::PersonAsked { .. }
            | Event::PersonAnswered { .. }
            | Event::Steered { .. }
            | Event::PersonOrdered { .. }
            | Event::TimeUp
            | Event::Forked { .. }
            | Event::Requested { .. }
            | Event::Coordinated { .. }
            | Event::RequestRefused { .. }
            | Event::StopOrdered { .. }
            | Event::RunSuspended(_)
            | Event::RunEnded(_) => {}
        }
    }

    /// The turn at which what was found began, where it is one of the agent that it is about.
    fn origin(&self, finding: &Finding) -> Option<Seq> {
        let (agent, step) = match finding {
            Finding::Loop(found) => (found.agent, found.since),
            Finding::Divergence(found) => (found.agent, found.step?),
            Finding::TurnsSpent { .. }
            | Finding::FaultsInARow { .. }
            | Finding::Deadlock { .. } => return None,
        };
        if self.timeline.is_foreign() {
            return Some(step);
        }
        let (whose, seq) = *self.turns_ended.get(usize::try_from(step).ok()?)?;
        (whose == agent).then_some(seq)
    }

    fn spent(&mut self, at_ms: u64) {
        self.replies += 1;
        let point = Spend {
            at_ms,
            tokens: self.timeline.spent.usage.total(),
            micro_usd: self.timeline.spent.micro_usd,
        };
        if !self.replies.is_multiple_of(self.spend_every) {
            return;
        }
        self.spend.push(point);
        if self.spend.len() >= SPEND_POINTS_MAX {
            let mut nth = 0_usize;
            self.spend.retain(|_| {
                nth += 1;
                nth.is_multiple_of(2)
            });
            self.spend_every *= 2;
        }
    }

    /// What was spent over time; the last point is what stands now.
    pub(crate) fn spend(&self) -> Vec<Spend> {
        let now = Spend {
            at_ms: self.timeline.ended_ms,
            tokens: self.timeline.spent.usage.total(),
            micro_usd: self.timeline.spent.micro_usd,
        };
        self.spend.iter().copied().chain([now]).collect()
    }

    /// Puts what is new into its order.
    fn list(&mut self) {
        let from = self.places.len();
        let tasks = self.timeline.tasks.iter().enumerate();
        let of_tasks = tasks.map(|(at, task)| (Some(at), &task.agents));
        for (task, lines) in of_tasks.chain([(None, &self.timeline.others)]) {
            for (agent, line) in lines.iter().enumerate() {
                let seat = self.seats.entry(line.agent).or_insert(Seat {
                    task,
                    agent,
                    listed: 0,
                });
                for (step, it) in line.steps.iter().enumerate().skip(seat.listed) {
                    let at = At::Step { task, agent, step };
                    self.places.push(Place { seq: it.seq(), at });
                    let task = task.and_then(|task| self.timeline.tasks.get(task));
                    if let (Some(task), true) = (task, is_refused(it)) {
                        *self.refused.entry(task.id.clone()).or_default() += 1;
                    }
                }
                seat.listed = line.steps.len();
            }
        }
        let notes = self.timeline.notes.iter().enumerate();
        for (nth, note) in notes.skip(self.notes_listed) {
            self.places.push(Place {
                seq: note.seq,
                at: At::Note(nth),
            });
        }
        self.notes_listed = self.timeline.notes.len();
        self.places[from..].sort_by_key(|place| place.seq);
    }

    fn line(&self, seat: Seat) -> Option<&AgentLine> {
        self.agents_beside(seat.task)?.get(seat.agent)
    }

    fn agents_beside(&self, task: Option<usize>) -> Option<&[AgentLine]> {
        Some(match task {
            Some(task) => &self.timeline.tasks.get(task)?.agents,
            None => &self.timeline.others,
        })
    }

    fn task_named(&self, id: &str) -> Option<&TaskLine> {
        self.timeline.tasks.iter().find(|task| task.id == id)
    }

    fn agent_named(&self, agent: AgentId) -> Option<(&AgentLine, Option<&TaskLine>)> {
        let seat = *self.seats.get(&agent)?;
        let task = seat.task.and_then(|at| self.timeline.tasks.get(at));
        Some((self.line(seat)?, task))
    }

    /// What is in a place.
    fn found(&self, place: Place) -> Option<Happened<'_>> {
        Some(match place.at {
            At::Step { task, agent, step } => {
                let line = self.agents_beside(task)?.get(agent)?;
                let task = task.and_then(|task| self.timeline.tasks.get(task));
                Happened::Step(task, line, line.steps.get(step)?)
            }
            At::Note(nth) => Happened::Note(self.timeline.notes.get(nth)?),
        })
    }

    /// The place in the list of what the record began.
    fn place_of(&self, seq: Seq) -> Option<usize> {
        let at = self.places.partition_point(|place| place.seq < seq);
        (self.places.get(at)?.seq == seq).then_some(at)
    }

    fn findings<'a>(&'a self, task: &'a str) -> impl Iterator<Item = &'a Note> {
        let notes = self.timeline.notes.iter();
        notes.filter(move |note| {
            note.kind == NoteKind::Finding && note.task.as_deref() == Some(task)
        })
    }

    /// What the plan tells those at work on a task.
    fn instruction(&self, id: &str) -> Option<&str> {
        let id = TaskId::new(id).ok()?;
        let task = self.plan.tasks.iter().find(|task| task.id == id)?;
        Some(&task.instruction)
    }
}

/// Something that happened, and to whom.
enum Happened<'a> {
    Step(Option<&'a TaskLine>, &'a AgentLine, &'a Step),
    Note(&'a Note),
}

fn is_refused(step: &Step) -> bool {
    matches!(
        step,
        Step::Call {
            decision: Decision::Deny,
            ..
        }
    )
}

/// The beginning of a text, at most so many characters.
fn shortened(text: &str, chars_max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(chars_max) {
        Some((at, _)) => Cow::from(format!("{}…", &text[..at])),
        None => Cow::from(text),
    }
}

fn cut(text: &str, chars_max: usize) -> String {
    shortened(text, chars_max).into_owned()
}
