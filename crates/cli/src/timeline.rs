//! What happened in a run, out of its records: tasks, the agents at work on them, their turns
//! and tool calls, with times, tokens and reasons. Built here, drawn in `text`.

use crate::coordinated::Holders;
use leadhand::rooms::protocol::{
    AgentId, CallId, CheckResult, Purpose, Source, ToolFault, ToolOutput,
};
use leadhand::{Check, Event, Outcome, Plan, Record, RunId, TaskId};
use serde::Serialize;
use std::sync::Arc;

mod note;
mod others;
mod step;
mod text;

pub(crate) use note::Note;
use step::Reached;
pub(crate) use step::Step;

/// A run from its beginning to its end.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Timeline {
    pub(crate) run: String,
    pub(crate) goal: String,
    /// What waited for a person, `L0` to `L5`.
    pub(crate) autonomy: String,
    pub(crate) began_ms: u64,
    pub(crate) ended_ms: u64,
    pub(crate) records: usize,
    /// Tasks of all plans, in the order in which they were planned.
    pub(crate) tasks: Vec<TaskLine>,
    /// Agents that plan, revise, judge or answer.
    pub(crate) others: Vec<AgentLine>,
    /// What people did and detectors found, and why the run stopped.
    pub(crate) notes: Vec<Note>,
    pub(crate) outcome: Option<Outcome>,
    /// A ready plan, until it is accepted.
    #[serde(skip)]
    ready: Arc<Plan>,
    #[serde(skip)]
    holders: Holders,
}

/// One task.
#[derive(Debug, Default, Serialize)]
pub(crate) struct TaskLine {
    pub(crate) id: String,
    pub(crate) title: String,
    /// The role, or the tool of a task that is one call.
    pub(crate) worker: String,
    pub(crate) depends_on: Vec<TaskId>,
    pub(crate) revision: u32,
    /// `waiting`, `running`, `done`, `failed` or `dropped`.
    pub(crate) state: &'static str,
    pub(crate) why: String,
    /// Short hash of the output.
    pub(crate) artifact: Option<String>,
    pub(crate) file: Option<String>,
    /// Where that came from what its output is made of.
    pub(crate) sources: Vec<Source>,
    pub(crate) agents: Vec<AgentLine>,
}

/// One agent.
#[derive(Debug, Serialize)]
pub(crate) struct AgentLine {
    pub(crate) agent: AgentId,
    pub(crate) role: String,
    pub(crate) purpose: String,
    pub(crate) attempt: u32,
    pub(crate) began_ms: u64,
    pub(crate) ended_ms: Option<u64>,
    pub(crate) failure: Option<String>,
    pub(crate) steps: Vec<Step>,
}

impl Timeline {
    /// The timeline of these records, which are a run's from its beginning on.
    pub(crate) fn of(run: &RunId, records: &[Record]) -> Self {
        let mut timeline = Self {
            run: run.to_string(),
            ..Self::default()
        };
        timeline.began_ms = records.first().map_or(0, |record| record.at_ms);
        for record in records {
            timeline.records += 1;
            timeline.ended_ms = record.at_ms;
            timeline.take(record);
        }
        timeline
    }

    fn take(&mut self, record: &Record) {
        let at_ms = record.at_ms;
        match &*record.event {
            Event::RunStarted(start) => {
                self.goal.clone_from(&start.goal.text);
                self.autonomy = start.goal.autonomy.to_string();
                self.ready = start.plan.clone().unwrap_or_default();
            }
            Event::PlanAccepted { revision, plan } => {
                let ready = std::mem::take(&mut self.ready);
                self.planned(*revision, plan.as_ref().unwrap_or(&ready));
            }
            Event::AgentStarted {
                agent,
                role,
                purpose,
                attempt,
                ..
            } => {
                self.agent_started(*agent, role, purpose, *attempt, at_ms);
            }
            Event::AgentEnded { agent, failure } => {
                if let Some(line) = self.agent(*agent) {
                    line.ended_ms = Some(at_ms);
                    line.failure.clone_from(failure);
                }
            }
            Event::TaskDone { task, artifact, .. } => {
                if let Some(line) = self.task(task) {
                    line.state = "done";
                    line.artifact = Some(artifact.hash.short());
                    line.file.clone_from(&artifact.path);
                    line.sources = artifact.label.sources.iter().collect();
                }
            }
            Event::TaskFailed { task, why } => {
                if let Some(line) = self.task(task) {
                    line.state = "failed";
                    line.why.clone_from(why);
                }
            }
            Event::ChecksFinished { task, results } => {
                let steps = results.iter().map(|result| Step::Checked {
                    passed: result.passed,
                    evidence: shown(result),
                });
                let agent = match task {
                    Some(task) => self.task(task).and_then(|line| line.agents.last_mut()),
                    None => self.others.last_mut(),
                };
                if let Some(agent) = agent {
                    agent.steps.extend(steps);
                }
            }
            Event::RunSuspended(outcome) | Event::RunEnded(outcome) => {
                self.outcome = Some((**outcome).clone());
            }
            event => {
                if !self.step(event, at_ms)
                    && let Some(text) = note::note(event)
                {
                    self.notes.push(Note {
                        seq: record.seq,
                        at_ms,
                        text,
                    });
                }
            }
        }
    }

    /// Takes what an agent did; false when it was something else.
    fn step(&mut self, event: &Event, at_ms: u64) -> bool {
        match event {
            Event::TurnStarted { agent, turn, .. } => self.push(*agent, Step::turn(*turn, at_ms)),
            Event::ModelReplied { agent, turn, reply } => {
                self.end_turn(*agent, *turn, at_ms, |step| {
                    if let Step::Turn {
                        model,
                        usage,
                        micro_usd,
                        attempts_failed,
                        fault,
                        text,
                        ..
                    } = step
                    {
                        model.clone_from(&reply.model);
                        (*usage, *micro_usd) = (reply.usage, reply.micro_usd);
                        fault.clone_from(&reply.malformed);
                        text.clone_from(&reply.text);
                        attempts_failed.extend(
                            reply
                                .attempts
                                .iter()
                                .map(|attempt| format!("{}: {}", attempt.model, attempt.fault)),
                        );
                    }
                });
            }
            Event::ModelFailed {
                agent,
                turn,
                fault: why,
            } => {
                self.end_turn(*agent, *turn, at_ms, |step| {
                    if let Step::Turn { fault, .. } = step {
                        *fault = Some(why.to_string());
                    }
                });
            }
            Event::ToolCalled {
                call,
                origin,
                tool_call,
                verdict,
                ..
            } => {
                self.push(
                    call.agent,
                    Step::call(*call, *origin, tool_call, verdict, at_ms),
                );
            }
            Event::ToolFinished { call, outcome } => self.end_call(*call, outcome, at_ms),
            Event::Told { agent, fault, text } => {
                self.push(
                    *agent,
                    Step::Told {
                        fault: *fault,
                        text: text.clone(),
                    },
                );
            }
            _ => return self.coordinated(event, at_ms),
        }
        true
    }

    fn planned(&mut self, revision: u32, plan: &Plan) {
        for line in &mut self.tasks {
            let is_planned = plan.tasks.iter().any(|task| task.id.as_str() == line.id);
            if !is_planned && line.state != "done" && line.state != "failed" {
                line.state = "dropped";
            }
        }
        for task in &plan.tasks {
            if self.task(&task.id).is_some() {
                continue;
            }
            let title = if task.title.is_empty() {
                &task.instruction
            } else {
                &task.title
            };
            self.tasks.push(TaskLine {
                id: task.id.to_string(),
                title: title.clone(),
                worker: task
                    .call
                    .as_ref()
                    .map_or(&task.role, |call| &call.tool)
                    .clone(),
                depends_on: task.depends_on.clone(),
                revision,
                state: "waiting",
                ..TaskLine::default()
            });
        }
    }

    fn agent_started(
        &mut self,
        agent: AgentId,
        role: &str,
        purpose: &Purpose,
        attempt: u32,
        began_ms: u64,
    ) {
        let line = AgentLine {
            agent,
            role: role.to_owned(),
            purpose: in_words(purpose),
            attempt,
            began_ms,
            ended_ms: None,
            failure: None,
            steps: Vec::new(),
        };
        match purpose {
            Purpose::Task(id) => {
                if let Some(task) = self.task(id) {
                    task.state = "running";
                    task.agents.push(line);
                }
            }
            Purpose::Plan
            | Purpose::Revise
            | Purpose::Judge { .. }
            | Purpose::Drift { .. }
            | Purpose::Answer
            | Purpose::Reply { .. }
            | Purpose::RollBack => self.others.push(line),
        }
    }

    fn task(&mut self, id: &TaskId) -> Option<&mut TaskLine> {
        self.tasks.iter_mut().find(|line| line.id == id.as_str())
    }

    fn agent(&mut self, id: AgentId) -> Option<&mut AgentLine> {
        let of_tasks = self.tasks.iter_mut().flat_map(|task| &mut task.agents);
        of_tasks
            .chain(&mut self.others)
            .find(|line| line.agent == id)
    }

    fn push(&mut self, agent: AgentId, step: Step) {
        if let Some(line) = self.agent(agent) {
            line.steps.push(step);
        }
    }

    fn end_turn(&mut self, agent: AgentId, number: u32, at_ms: u64, fill: impl FnOnce(&mut Step)) {
        let steps = self
            .agent(agent)
            .into_iter()
            .flat_map(|line| line.steps.iter_mut().rev());
        let is_it = |step: &&mut Step| matches!(step, Step::Turn { turn, .. } if *turn == number);
        if let Some(step) = { steps }.find(is_it) {
            if let Step::Turn {
                began_ms, took_ms, ..
            } = step
            {
                *took_ms = Some(at_ms.saturating_sub(*began_ms));
            }
            fill(step);
        }
    }

    fn end_call(&mut self, id: CallId, outcome: &Result<ToolOutput, ToolFault>, at_ms: u64) {
        let name = id.to_string();
        let steps = self
            .agent(id.agent)
            .into_iter()
            .flat_map(|line| line.steps.iter_mut().rev());
        for step in steps {
            if let Step::Call {
                call,
                began_ms,
                took_ms,
                result,
                reached,
                ..
            } = step
                && *call == name
            {
                *took_ms = Some(at_ms.saturating_sub(*began_ms));
                *result = Some(
                    outcome
                        .as_ref()
                        .map(|output| output.text.clone())
                        .map_err(Clone::clone),
                );
                if let Ok(output) = outcome {
                    *reached = Reached::from(output);
                }
                return;
            }
        }
    }
}

fn in_words(purpose: &Purpose) -> String {
    match purpose {
        Purpose::Plan => "plan".to_owned(),
        Purpose::Revise => "revise the plan".to_owned(),
        Purpose::Task(task) => format!("task {task}"),
        Purpose::Judge {
            task: Some(task), ..
        } => format!("judge {task}"),
        Purpose::Judge { task: None, .. } => "judge the answer".to_owned(),
        Purpose::Drift { task, .. } => format!("judge whether the work at {task} drifts"),
        Purpose::Answer => "answer".to_owned(),
        Purpose::Reply { question } => format!("answer to question {question}"),
        Purpose::RollBack => "roll back".to_owned(),
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
