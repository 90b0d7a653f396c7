//! How far a run is, as its records tell: one row for each task and each agent of the manager.
//! It only reads; drawing is the business of whoever shows it.

use crate::coordinated::Holders;
use crate::escape;
use crate::words;
use leadhand_protocol::coordination::Fact;
use leadhand_protocol::{
    AgentId, Artifact, CallId, Decision, Purpose, ToolCall, ToolFault, TracePart, Usage, Verdict,
};
use leadhand_protocol::{Event, Plan, Record, TaskId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

mod row;

pub use row::{Row, State};

/// Characters of arguments, results and reasons in a line.
const TEXT_CHARS_MAX: usize = 160;
/// Characters of a title in a line.
const TITLE_CHARS_MAX: usize = 60;

/// A run as it stands.
#[derive(Debug, Default)]
pub struct Progress {
    /// One for each task, and for each agent of the manager.
    pub rows: Vec<Row>,
    /// Which row a task has, by its id.
    places: BTreeMap<String, usize>,
    /// Which row an agent works on.
    seats: BTreeMap<AgentId, usize>,
    calls: BTreeMap<CallId, String>,
    holders: Holders,
    /// A ready plan, until it is accepted.
    ready: Option<Arc<Plan>>,
    /// It is of a trace of others.
    is_foreign: bool,
    /// Tokens spent.
    pub usage: Usage,
    /// When the first record was made, in milliseconds since the Unix epoch.
    pub began_ms: u64,
    now_ms: u64,
}

impl Progress {
    /// Takes one record; gives the line that is worth showing where nothing can be redrawn.
    pub fn take(&mut self, record: &Record) -> Option<String> {
        self.begin(record);
        match &*record.event {
            Event::PlanAccepted { revision, plan } => {
                Some(self.planned(*revision, plan.as_deref()))
            }
            Event::TraceImported { trace, parts } => Some(self.imported(trace, parts)),
            Event::AgentStarted {
                agent,
                role,
                purpose,
                attempt,
                ..
            } => Some(self.agent_started(*agent, role, purpose, *attempt)),
            Event::TurnStarted { agent, turn, .. } => {
                self.doing(*agent, format!("thinks, turn {turn}"));
                None
            }
            Event::ModelReplied { agent, reply, .. } => {
                self.usage.add(reply.usage);
                let row = self.row(*agent)?;
                row.tokens = row.tokens.saturating_add(reply.usage.total());
                row.doing.clear();
                None
            }
            Event::ModelFailed { agent, fault, .. } => {
                let (agent, why) = (self.name(*agent), shown(&fault.message));
                Some(format!("{agent}: the model failed: {why}"))
            }
            Event::ToolCalled {
                call,
                tool_call,
                verdict,
                ..
            } => Some(self.tool_called(*call, tool_call, verdict)),
            Event::ToolFinished { call, outcome } => {
                self.tool_finished(*call, outcome.as_ref().err())
            }
            Event::AgentEnded { agent, failure } => self.agent_ended(*agent, failure.as_deref()),
            Event::TaskDone { task, artifact, .. } => self.task_done(task, artifact),
            Event::TaskFailed { task, why } => Some(self.task_failed(task, why)),
            Event::PersonAsked { request, .. } => Some(format!("question {request} for a person")),
            Event::PersonAnswered { request, .. } => {
                Some(format!("question {request} is answered"))
            }
            Event::CallInDoubt { call, why } => {
                Some(format!("call {call} is in doubt: {}", shown(why)))
            }
            Event::PersonOrdered { order } => words::order(order).map(|text| shown(&text)),
            Event::Found(finding) => Some(words::finding(finding, |agent| self.name(agent))),
            Event::Coordinated { fact } => self.coordinated(fact),
            Event::StopOrdered { why, .. } => Some(format!("stopping: {}", shown(why))),
            Event::RunResumed => Some(self.resumed()),
            Event::RunStarted(_)
            | Event::CallEdited { .. }
            | Event::CallStarted { .. }
            | Event::ProbeOrdered { .. }
            | Event::TimeUp
            | Event::Requested { .. }
            | Event::RequestRefused { .. }
            | Event::Forked { .. }
            | Event::Told { .. }
            | Event::OutputGiven { .. }
            | Event::ChecksOrdered { .. }
            | Event::ChecksFinished { .. }
            | Event::AnswerGiven { .. }
            | Event::Steered { .. }
            | Event::RunSuspended(_)
            | Event::RunEnded(_) => None,
        }
    }

    fn begin(&mut self, record: &Record) {
        self.now_ms = record.at_ms;
        if self.began_ms == 0 {
            self.began_ms = record.at_ms;
        }
        if let Event::RunStarted(start) = &*record.event {
            self.ready.clone_from(&start.plan);
        }
    }

    /// A piece of a reply of this many characters came.
    pub fn piece(&mut self, agent: AgentId, chars: usize) {
        if let Some(row) = self.row(agent) {
            row.chars += chars;
        }
    }

    fn row(&mut self, agent: AgentId) -> Option<&mut Row> {
        self.rows.get_mut(*self.seats.get(&agent)?)
    }

    fn row_of(&mut self, task: &str) -> Option<&mut Row> {
        self.rows.get_mut(*self.places.get(task)?)
    }

    /// Adds a row; gives its place.
    fn add(&mut self, row: Row) -> usize {
        let place = self.rows.len();
        if !row.id.is_empty() {
            self.places.insert(row.id.clone(), place);
        }
        self.rows.push(row);
        place
    }

    fn task_failed(&mut self, task: &TaskId, why: &str) -> String {
        self.end(task, State::Failed);
        format!("{task} failed: {}", shown(why))
    }

    /// Who waits is worth a line; all else of it is seen only in what an agent does.
    fn coordinated(&mut self, fact: &Fact) -> Option<String> {
        let mut holders = std::mem::take(&mut self.holders);
        let said = holders.take(fact, |agent| self.name(agent));
        self.holders = holders;
        let (agent, line) = said?;
        let (waits, line) = (matches!(fact, Fact::Waiting { .. }), shown(&line));
        self.doing(agent, line.clone());
        waits.then_some(line)
    }

    fn name(&self, agent: AgentId) -> String {
        let row = self.seats.get(&agent).and_then(|seat| self.rows.get(*seat));
        match row {
            Some(row) if row.id.is_empty() => row.title.clone(),
            Some(row) => row.id.clone(),
            None => agent.to_string(),
        }
    }

    fn doing(&mut self, agent: AgentId, what: String) {
        if let Some(row) = self.row(agent) {
            row.doing = what;
            row.chars = 0;
        }
    }

    /// The clocks begin anew: the time a run lay idle is nobody's work.
    fn resumed(&mut self) -> String {
        self.began_ms = self.now_ms;
        for row in &mut self.rows {
            if row.state == State::Running {
                row.began_ms = self.now_ms;
            }
        }
        "resumed".to_owned()
    }

    fn imported(&mut self, trace: &str, parts: &[TracePart]) -> String {
        self.is_foreign = true;
        for part in parts {
            self.add(Row::of(&part.task, &part.title, &part.agent));
        }
        let count = crate::words::count(parts.len(), "part");
        format!("trace {}: {count}", shown(trace))
    }

    fn planned(&mut self, revision: u32, plan: Option<&Plan>) -> String {
        let ready = self.ready.take();
        let tasks = plan
            .or(ready.as_deref())
            .map_or(&[][..], |plan| &plan.tasks);
        for task in tasks {
            let title = if task.title.is_empty() {
                &task.instruction
            } else {
                &task.title
            };
            let role = task.call.as_ref().map_or(&task.role, |call| &call.tool);
            let row = Row::of(&task.id, title, role);
            match self.row_of(&row.id) {
                Some(known) => (known.title, known.role) = (row.title, row.role),
                None => {
                    self.add(row);
                }
            }
        }
        let planned: BTreeSet<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
        let is_planned = |row: &Row| planned.contains(row.id.as_str());
        for row in self.rows.iter_mut().filter(|row| !row.id.is_empty()) {
            if row.state == State::Waiting && !is_planned(row) {
                row.state = State::Dropped;
            }
        }
        let count = crate::words::count(tasks.len(), "task");
        match revision {
            0 => format!("plan: {count}"),
            revision => format!("plan, revision {revision}: {count}"),
        }
    }

    fn agent_started(
        &mut self,
        agent: AgentId,
        role: &str,
        purpose: &Purpose,
        attempt: u32,
    ) -> String {
        let (id, title) = match purpose {
            Purpose::Task(task) => (task.to_string(), String::new()),
            Purpose::Plan => (String::new(), "plan".to_owned()),
            Purpose::Revise => (String::new(), "revision of the plan".to_owned()),
            Purpose::Judge {
                task: Some(task), ..
            } => (String::new(), format!("judgement of {task}")),
            Purpose::Judge { task: None, .. } => {
                (String::new(), "judgement of the answer".to_owned())
            }
            Purpose::Drift { task, .. } => (String::new(), format!("judgement of drift at {task}")),
            Purpose::Answer => (String::new(), "answer".to_owned()),
            Purpose::Reply { question } => (String::new(), format!("reply {question}")),
            Purpose::RollBack => (String::new(), "roll back".to_owned()),
        };
        let seat = self.places.get(&id).copied();
        let seat = seat.unwrap_or_else(|| {
            self.add(Row {
                id,
                title,
                role: escape::line(role, TITLE_CHARS_MAX),
                ..Row::default()
            })
        });
        self.seats.insert(agent, seat);
        let now_ms = self.now_ms;
        let row = &mut self.rows[seat];
        row.state = State::Running;
        row.began_ms = if row.began_ms == 0 {
            now_ms
        } else {
            row.began_ms
        };
        let again = if attempt > 1 {
            format!(", attempt {attempt}")
        } else {
            String::new()
        };
        match row.id.as_str() {
            "" => format!("{} started{again}", row.title),
            id => format!("{id} started{again}: {} [{}]", row.title, row.role),
        }
    }

    fn tool_called(&mut self, call: CallId, tool_call: &ToolCall, verdict: &Verdict) -> String {
        let tool = escape::line(&tool_call.name, TITLE_CHARS_MAX);
        self.doing(call.agent, tool.clone());
        let arguments = shown(&tool_call.arguments.to_string());
        let line = format!("{}: {tool} {arguments}", self.name(call.agent));
        // A denied call is over with this line.
        if verdict.decision != Decision::Deny {
            self.calls.insert(call, tool);
        }
        match verdict.decision {
            Decision::Allow => line,
            Decision::Ask => format!("{line} asks: {}", shown(&verdict.because)),
            Decision::Deny => format!("{line} denied: {}", shown(&verdict.because)),
        }
    }

    fn tool_finished(&mut self, call: CallId, fault: Option<&ToolFault>) -> Option<String> {
        self.doing(call.agent, String::new());
        let tool = self.calls.remove(&call)?;
        let who = self.name(call.agent);
        fault.map(|fault| format!("{who}: {tool} failed: {}", shown(&fault.message)))
    }

    fn agent_ended(&mut self, agent: AgentId, failure: Option<&str>) -> Option<String> {
        let (name, now_ms) = (self.name(agent), self.now_ms);
        let is_foreign = self.is_foreign;
        let row = self.row(agent)?;
        row.doing.clear();
        // What becomes of a task is told by its own events.
        if row.id.is_empty() {
            row.state = if failure.is_some() {
                State::Failed
            } else {
                State::Done
            };
            row.ended_ms = now_ms;
        }
        let time = crate::words::seconds(now_ms.saturating_sub(row.began_ms));
        match failure {
            Some(why) => Some(format!("{name}: gave up: {}", shown(why))),
            None => is_foreign.then(|| format!("{name} ended in {time}")),
        }
    }

    fn task_done(&mut self, task: &TaskId, artifact: &Artifact) -> Option<String> {
        self.end(task, State::Done);
        let row = self.row_of(task.as_str())?;
        let time = crate::words::seconds(row.ended_ms.saturating_sub(row.began_ms));
        let tokens = crate::words::number(row.tokens);
        let file = artifact
            .path
            .as_ref()
            .map(|path| format!(", in {}", shown(path)));
        Some(format!(
            "{task} done in {time}, {tokens} tokens{}",
            file.unwrap_or_default()
        ))
    }

    fn end(&mut self, task: &TaskId, state: State) {
        let now_ms = self.now_ms;
        if let Some(row) = self.row_of(task.as_str()) {
            row.state = state;
            row.ended_ms = now_ms;
            row.doing.clear();
        }
    }
}

fn shown(text: &str) -> String {
    escape::line(text, TEXT_CHARS_MAX)
}
