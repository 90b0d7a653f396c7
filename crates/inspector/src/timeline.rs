//! What happened in a run, out of its records: tasks, the agents at work on them, their turns
//! and tool calls, with times, tokens and reasons. Built here record by record, drawn in `text`.
//!
//! It is long because half of it is the description of what a timeline holds.

use crate::coordinated::Holders;
use crate::said::purposed;
use leadhand_protocol::{
    AgentId, CallId, Check, CheckResult, Event, Finding, Outcome, Plan, Purpose, Record, RunId,
    RunTrace, Source, TaskId, ToolFault, ToolOutput, TraceContext, TracePart, Usage,
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

mod note;
mod others;
mod step;
mod text;

pub use note::{Note, NoteKind};
pub use step::{Reached, Step};
pub use text::Standing;

/// Most bytes of one text that are kept, such as a reply or what a tool brought; records have the
/// whole.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;
/// Most bytes of all texts that are kept so; of those that come later [`TEXT_BYTES_MIN`].
pub const TEXTS_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of a text that are kept in any case.
pub const TEXT_BYTES_MIN: usize = 256;

/// A run from its beginning on, as far as its records were taken.
#[derive(Debug, Default, Serialize)]
pub struct Timeline {
    /// The run's name.
    pub run: String,
    /// What was wanted.
    pub goal: String,
    /// What waited for a person, `L0` to `L5`.
    pub autonomy: String,
    /// When the first record was made, in milliseconds since the Unix epoch.
    pub began_ms: u64,
    /// When the last one was.
    pub ended_ms: u64,
    /// How many records it is made of.
    pub records: usize,
    /// What all agents spent.
    pub spent: Spent,
    /// Tasks of all plans, in the order in which they were planned.
    pub tasks: Vec<TaskLine>,
    /// Agents that plan, revise, judge or answer.
    pub others: Vec<AgentLine>,
    /// What people did and detectors found, and why the run stopped.
    pub notes: Vec<Note>,
    /// How it ended or stands; none of one that is at work, or whose process died.
    pub outcome: Option<Outcome>,
    /// The place in another program's trace that it is a part of.
    #[serde(skip)]
    trace_parent: Option<TraceContext>,
    /// A ready plan, until it is accepted.
    #[serde(skip)]
    ready: Arc<Plan>,
    #[serde(skip)]
    holders: Holders,
    #[serde(skip)]
    places: Places,
    /// Bytes of texts that are kept so far.
    #[serde(skip)]
    texts_bytes: usize,
    /// No text is kept.
    #[serde(skip)]
    is_bare: bool,
    /// How many parts it has, if it is of a trace of others.
    #[serde(skip)]
    parts: Option<usize>,
}

/// Where everything stands, so that a long run is put together in one go.
#[derive(Debug, Default)]
struct Places {
    tasks: BTreeMap<TaskId, usize>,
    /// The task, none of the others, and the place among its agents.
    agents: BTreeMap<AgentId, (Option<usize>, usize)>,
    /// The steps of turns that are not over, and of calls. Of a trace of others an agent may have
    /// several at once.
    turns: BTreeMap<(AgentId, u32), usize>,
    calls: BTreeMap<CallId, usize>,
    /// From whom an agent got messages and answers.
    heard: BTreeMap<AgentId, BTreeSet<AgentId>>,
    /// The notes that are findings about an agent's work.
    findings: BTreeMap<AgentId, Vec<usize>>,
}

/// What was spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Spent {
    /// How often a model was asked.
    pub turns: usize,
    /// How often a tool was called, by agents or by the program for them.
    pub tool_calls: usize,
    /// Tokens.
    pub usage: Usage,
    /// Money, in millionths of a dollar.
    pub micro_usd: u64,
}

/// One task.
#[derive(Debug, Default, Serialize)]
pub struct TaskLine {
    /// Its id.
    pub id: String,
    /// What it is called, or what is to be done.
    pub title: String,
    /// The role, or the tool of a task that is one call.
    pub worker: String,
    /// Which tasks come before it; of a trace of others, which part it was done within.
    pub depends_on: Vec<TaskId>,
    /// The revision of the plan that brought it.
    pub revision: u32,
    /// `waiting`, `running`, `done`, `failed` or `dropped`; or `ended`, of a part of a trace of
    /// others, of which nobody says whether it did what it was for.
    pub state: &'static str,
    /// Why it failed; empty where it did not.
    pub why: String,
    /// Short hash of the output.
    pub artifact: Option<String>,
    /// The file that the output was written to.
    pub file: Option<String>,
    /// Where that came from what its output is made of.
    pub sources: Vec<Source>,
    /// When the first agent began, in milliseconds since the Unix epoch.
    pub began_ms: Option<u64>,
    /// When it was done or failed.
    pub ended_ms: Option<u64>,
    /// What all its agents spent.
    pub spent: Spent,
    /// Who is or was at work at it, one after the other.
    pub agents: Vec<AgentLine>,
}

/// One agent.
#[derive(Debug, Serialize)]
pub struct AgentLine {
    /// Its id.
    pub agent: AgentId,
    /// Its role; empty for a task that is one tool call.
    pub role: String,
    /// What it is there for, in words.
    pub purpose: String,
    /// Which attempt at its task this is, from 1.
    pub attempt: u32,
    /// When it began, in milliseconds since the Unix epoch.
    pub began_ms: u64,
    /// When it ended.
    pub ended_ms: Option<u64>,
    /// Why it gave up.
    pub failure: Option<String>,
    /// What it spent.
    pub spent: Spent,
    /// What it did and was told, in order.
    pub steps: Vec<Step>,
}

impl Timeline {
    /// The timeline of these records, which are a run's from its beginning on.
    #[must_use]
    pub fn of(run: &RunId, records: &[Record]) -> Self {
        let mut timeline = Self::new(run);
        records.iter().for_each(|record| timeline.take(record));
        timeline
    }

    /// The timeline of a run of which nothing is known yet.
    #[must_use]
    pub fn new(run: &RunId) -> Self {
        Self {
            run: run.to_string(),
            ..Self::default()
        }
    }

    /// The same, which keeps no text of models and tools.
    pub(crate) fn bare(run: &RunId) -> Self {
        Self {
            is_bare: true,
            ..Self::new(run)
        }
    }

    /// Takes the next record.
    pub fn take(&mut self, record: &Record) {
        let at_ms = record.at_ms;
        if self.records == 0 {
            self.began_ms = at_ms;
        }
        self.records += 1;
        self.ended_ms = at_ms;
        match &*record.event {
            Event::RunStarted(start) => {
                self.goal.clone_from(&start.goal.text);
                self.autonomy = start.goal.autonomy.to_string();
                self.trace_parent.clone_from(&start.goal.trace_parent);
                self.ready = start.plan.clone().unwrap_or_default();
            }
            Event::RunResumed => {
                self.outcome = None;
                self.note(record);
            }
            Event::PlanAccepted { revision, plan } => {
                let ready = std::mem::take(&mut self.ready);
                self.planned(*revision, plan.as_ref().unwrap_or(&ready));
            }
            Event::TraceImported { trace, parts } => self.imported(trace, parts),
            Event::AgentStarted { .. } => self.agent_started(record),
            Event::AgentEnded { agent, failure } => {
                self.agent_ended(*agent, failure.as_deref(), at_ms);
            }
            Event::TaskDone { task, artifact, .. } => {
                if let Some(line) = self.task(task) {
                    (line.state, line.ended_ms) = ("done", Some(at_ms));
                    line.artifact = Some(artifact.hash.short());
                    line.file.clone_from(&artifact.path);
                    line.sources = artifact.label.sources.iter().collect();
                }
            }
            Event::TaskFailed { task, why } => {
                if let Some(line) = self.task(task) {
                    (line.state, line.ended_ms) = ("failed", Some(at_ms));
                    line.why.clone_from(why);
                }
            }
            Event::ChecksFinished { task, results } => {
                let agent = match task {
                    Some(task) => self.task(task).and_then(|line| line.agents.last_mut()),
                    None => self.others.last_mut(),
                };
                if let Some(agent) = agent {
                    agent
                        .steps
                        .extend(results.iter().map(|result| Step::Checked {
                            seq: record.seq,
                            passed: result.passed,
                            evidence: shown(result),
                        }));
                }
            }
            Event::RunSuspended(outcome) | Event::RunEnded(outcome) => {
                self.outcome = Some((**outcome).clone());
            }
            event => {
                if !self.step(event, record) {
                    self.note(record);
                }
            }
        }
    }

    /// Whether it is of a trace of others, of which goal, plan and rules are not known.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        self.parts.is_some()
    }

    /// What was found about an agent's or a task's work, in the order in which it was.
    pub fn findings(&self) -> impl Iterator<Item = &Note> {
        let all = self.notes.iter();
        all.filter(|note| note.kind == NoteKind::Finding)
    }

    /// What was found about this agent's work.
    pub(crate) fn findings_about(&self, agent: AgentId) -> impl Iterator<Item = &Note> {
        let own = self.places.findings.get(&agent).into_iter().flatten();
        own.filter_map(|at| self.notes.get(*at))
    }

    /// From whom this agent got messages and answers.
    pub(crate) fn heard_by(&self, agent: AgentId) -> impl Iterator<Item = AgentId> {
        let heard = self.places.heard.get(&agent).into_iter().flatten();
        heard.copied()
    }

    /// The names of its spans.
    pub(crate) fn trace(&self) -> RunTrace {
        RunTrace::new(&self.run, self.trace_parent.as_ref())
    }

    /// What other systems keep in the trace.
    pub(crate) fn trace_state(&self) -> &str {
        self.trace_parent.as_ref().map_or("", TraceContext::state)
    }

    /// A task.
    pub(crate) fn task_line(&self, id: &TaskId) -> Option<&TaskLine> {
        self.tasks.get(*self.places.tasks.get(id)?)
    }

    /// Lets go of what an agent did, of which nobody wants to know any more.
    pub(crate) fn forget_steps(&mut self, agent: AgentId) {
        if let Some(line) = self.agent(agent) {
            line.steps = Vec::new();
        }
    }

    /// An agent, and its task if it has one.
    pub(crate) fn agent_line(&self, id: AgentId) -> Option<(Option<&TaskLine>, &AgentLine)> {
        let (task, at) = self.places.agents.get(&id)?;
        let Some(task) = task else {
            return Some((None, self.others.get(*at)?));
        };
        let task = self.tasks.get(*task)?;
        Some((Some(task), task.agents.get(*at)?))
    }

    fn note(&mut self, record: &Record) {
        let Some((kind, text)) = note::note(&record.event) else {
            return;
        };
        let (mut agent, mut task) = (None, None);
        if let Event::Found(finding) = &*record.event {
            let (whose, of) = concerned(finding);
            let place = self.places.agents.get(&whose);
            let at = place.and_then(|(task, _)| self.tasks.get((*task)?));
            agent = Some(whose);
            let place = self.notes.len();
            self.places.findings.entry(whose).or_default().push(place);
            task = of
                .map(TaskId::to_string)
                .or_else(|| at.map(|task| task.id.clone()));
        }
        self.notes.push(Note {
            seq: record.seq,
            at_ms: record.at_ms,
            kind,
            agent,
            task,
            text,
        });
    }

    /// Takes what an agent did; false when it was something else.
    fn step(&mut self, event: &Event, record: &Record) -> bool {
        let (seq, at_ms) = (record.seq, record.at_ms);
        match event {
            Event::TurnStarted { agent, turn, .. } => {
                let at = self.push(*agent, Step::turn(*turn, seq, at_ms));
                let place = at.map(|at| ((*agent, *turn), at));
                self.places.turns.extend(place);
                self.spend(*agent, |spent| spent.turns += 1);
            }
            Event::ModelReplied { agent, turn, reply } => {
                let text = self.kept(&reply.text);
                self.spend(*agent, |spent| {
                    spent.usage.add(reply.usage);
                    spent.micro_usd = spent.micro_usd.saturating_add(reply.micro_usd);
                });
                self.end_turn(*agent, *turn, |step| step.replied(reply, text, at_ms));
            }
            Event::ModelFailed { agent, turn, fault } => {
                self.end_turn(*agent, *turn, |step| step.unanswered(fault, at_ms));
            }
            Event::ToolCalled {
                call,
                origin,
                tool_call,
                verdict,
                ..
            } => {
                let arguments = self.kept(&tool_call.arguments.to_string());
                let judged = (&**tool_call, arguments);
                let step = Step::call(*call, *origin, judged, verdict, record);
                let at = self.push(call.agent, step);
                self.places.calls.extend(at.map(|at| (*call, at)));
                self.spend(call.agent, |spent| spent.tool_calls += 1);
            }
            Event::CallEdited {
                call, tool_call, ..
            } => {
                let arguments = self.kept(&tool_call.arguments.to_string());
                let at = self.places.calls.get(call).copied();
                if let Some(step) = self.step_at(call.agent, at) {
                    step.edited(arguments, tool_call);
                }
            }
            Event::ToolFinished { call, outcome } => self.end_call(*call, outcome, at_ms),
            Event::Told { agent, fault, text } => {
                let text = self.kept(text);
                let fault = *fault;
                self.push(*agent, Step::Told { seq, fault, text });
            }
            _ => return self.coordinated(event, record),
        }
        true
    }

    fn planned(&mut self, revision: u32, plan: &Plan) {
        let planned: BTreeSet<&str> = plan.tasks.iter().map(|task| task.id.as_str()).collect();
        for line in &mut self.tasks {
            let is_over = line.state == "done" || line.state == "failed";
            if !is_over && !planned.contains(line.id.as_str()) {
                line.state = "dropped";
            }
        }
        for task in &plan.tasks {
            let worker = task.call.as_ref().map_or(&task.role, |call| &call.tool);
            if let Some(line) = self.task(&task.id) {
                line.worker.clone_from(worker);
                line.depends_on.clone_from(&task.depends_on);
                continue;
            }
            let title = if task.title.is_empty() {
                &task.instruction
            } else {
                &task.title
            };
            let title = self.kept(title);
            self.places.tasks.insert(task.id.clone(), self.tasks.len());
            self.tasks.push(TaskLine {
                id: task.id.to_string(),
                title,
                worker: worker.clone(),
                depends_on: task.depends_on.clone(),
                revision,
                state: "waiting",
                ..TaskLine::default()
            });
        }
    }

    /// The parts of a trace of others are its tasks.
    fn imported(&mut self, trace: &str, parts: &[TracePart]) {
        self.parts = Some(parts.len());
        trace.clone_into(&mut self.run);
        for part in parts {
            let title = self.kept(&part.title);
            self.places
                .tasks
                .insert(part.task.clone(), self.tasks.len());
            self.tasks.push(TaskLine {
                id: part.task.to_string(),
                title,
                worker: part.agent.clone(),
                depends_on: part.within.iter().cloned().collect(),
                state: "waiting",
                ..TaskLine::default()
            });
        }
    }

    fn agent_started(&mut self, record: &Record) {
        let Event::AgentStarted {
            agent,
            role,
            purpose,
            attempt,
            ..
        } = &*record.event
        else {
            return;
        };
        let line = AgentLine {
            agent: *agent,
            role: role.clone(),
            purpose: if self.is_foreign() {
                // Its task says what there is to be said.
                String::new()
            } else {
                purposed(purpose)
            },
            attempt: *attempt,
            began_ms: record.at_ms,
            ended_ms: None,
            failure: None,
            spent: Spent::default(),
            steps: Vec::new(),
        };
        let place = match purpose {
            Purpose::Task(id) => self.places.tasks.get(id).copied(),
            Purpose::Plan
            | Purpose::Revise
            | Purpose::Judge { .. }
            | Purpose::Drift { .. }
            | Purpose::Answer
            | Purpose::Reply { .. }
            | Purpose::RollBack => None,
        };
        let beside = match place {
            Some(at) => {
                let task = &mut self.tasks[at];
                task.state = "running";
                task.began_ms.get_or_insert(record.at_ms);
                &mut task.agents
            }
            None => &mut self.others,
        };
        self.places.agents.insert(*agent, (place, beside.len()));
        one_at_first(beside);
        beside.push(line);
    }

    fn agent_ended(&mut self, agent: AgentId, failure: Option<&str>, at_ms: u64) {
        if let Some(line) = self.agent(agent) {
            line.ended_ms = Some(at_ms);
            line.failure = failure.map(str::to_owned);
            line.steps.shrink_to_fit();
        }
        let place = self.places.agents.get(&agent).and_then(|(task, _)| *task);
        if let Some(task) = place.filter(|_| self.is_foreign()) {
            let task = &mut self.tasks[task];
            task.ended_ms = Some(at_ms);
            task.state = if failure.is_some() { "failed" } else { "ended" };
            failure.unwrap_or_default().clone_into(&mut task.why);
        }
    }

    /// A text as far as it is kept.
    fn kept(&mut self, text: &str) -> String {
        if self.is_bare {
            return String::new();
        }
        let room = TEXTS_BYTES_MAX.saturating_sub(self.texts_bytes);
        let most = room.clamp(TEXT_BYTES_MIN, TEXT_BYTES_MAX);
        let mut kept = text[..text.floor_char_boundary(most)].to_owned();
        if kept.len() < text.len() {
            kept.push('…');
        }
        self.texts_bytes = self.texts_bytes.saturating_add(kept.len());
        kept
    }

    fn task(&mut self, id: &TaskId) -> Option<&mut TaskLine> {
        let at = self.places.tasks.get(id)?;
        self.tasks.get_mut(*at)
    }

    fn agent(&mut self, id: AgentId) -> Option<&mut AgentLine> {
        let (task, at) = self.places.agents.get(&id)?;
        match task {
            Some(task) => self.tasks.get_mut(*task)?.agents.get_mut(*at),
            None => self.others.get_mut(*at),
        }
    }

    /// Adds a step; gives its place.
    fn push(&mut self, agent: AgentId, step: Step) -> Option<usize> {
        let line = self.agent(agent)?;
        one_at_first(&mut line.steps);
        line.steps.push(step);
        Some(line.steps.len() - 1)
    }

    fn spend(&mut self, agent: AgentId, add: impl Fn(&mut Spent)) {
        add(&mut self.spent);
        let place = self.places.agents.get(&agent).copied();
        if let Some((Some(task), _)) = place
            && let Some(task) = self.tasks.get_mut(task)
        {
            add(&mut task.spent);
        }
        if let Some(line) = self.agent(agent) {
            add(&mut line.spent);
        }
    }

    fn step_at(&mut self, agent: AgentId, at: Option<usize>) -> Option<&mut Step> {
        self.agent(agent)?.steps.get_mut(at?)
    }

    fn end_turn(&mut self, agent: AgentId, turn: u32, fill: impl FnOnce(&mut Step)) {
        let at = self.places.turns.remove(&(agent, turn));
        if let Some(step) = self.step_at(agent, at) {
            fill(step);
        }
    }

    fn end_call(&mut self, id: CallId, outcome: &Result<ToolOutput, ToolFault>, at_ms: u64) {
        let text = outcome.as_ref().map(|output| self.kept(&output.text)).ok();
        let at = self.places.calls.remove(&id);
        if let Some(step) = self.step_at(id.agent, at) {
            step.finished(outcome, text, at_ms);
        }
    }
}

/// Of thousands of tasks most have one agent, which makes one call: room for more is made when it
/// is needed.
fn one_at_first<T>(all: &mut Vec<T>) {
    if all.is_empty() {
        all.reserve_exact(1);
    }
}

/// Whose work a finding is about, and at which task where it says so.
pub(crate) fn concerned(finding: &Finding) -> (AgentId, Option<&TaskId>) {
    match finding {
        Finding::TurnsSpent { agent, .. } | Finding::FaultsInARow { agent, .. } => (*agent, None),
        Finding::Deadlock { victim, .. } => (victim.party, None),
        Finding::Loop(found) => (found.agent, None),
        Finding::Divergence(found) => (found.agent, found.task.as_ref()),
    }
}

/// What a check found, with the pattern it looked for: agents are not told of it, people are.
fn shown(result: &CheckResult) -> String {
    let evidence = &result.evidence;
    match &result.check {
        Check::FileMatches { pattern, .. }
        | Check::FileLacks { pattern, .. }
        | Check::OutputMatches { pattern }
        | Check::ToolPasses { pattern, .. }
            if !pattern.is_empty() =>
        {
            format!("{evidence} (`{pattern}`)")
        }
        _ => evidence.clone(),
    }
}
