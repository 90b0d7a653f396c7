//! A fact becomes state, and the actions it orders. This is the only code that changes a
//! [`Run`]; live runs, recovery, replay and the simulator all go through it.

mod agents;
mod people;
mod tools;

pub(crate) use agents::think;
pub(crate) use tools::call_tool;

use crate::agent::{Agent, AgentState, CallStatus, PendingCall};
use crate::path_labels::PathLabels;
use crate::run::{AnswerRecord, Run, Setting, Stop};
use crate::schema::ArgumentSchemas;
use leadhand_policy::Policy;
use leadhand_protocol::{
    Action, Artifact, Autonomy, Event, Outcome, OutcomeKind, Plan, Record, Start, TaskId,
};
use leadhand_task_graph::TaskGraph;
use std::sync::Arc;

impl Run {
    /// Takes one fact into the state and returns what the runtime must now do.
    ///
    /// Facts come from [`decide`](crate::decide) and [`settle`](crate::settle) of this very
    /// state, or from a journal that they wrote; one that fits nothing changes nothing.
    pub fn apply(&mut self, record: &Record) -> Vec<Action> {
        self.at_ms = record.at_ms;
        let event = &record.event;
        if let Event::RunStarted(start) = event {
            self.start(start);
            return Vec::new();
        }
        if self.setting.is_none() {
            return Vec::new();
        }
        match event {
            Event::RunStarted(_) => Vec::new(),
            Event::Found(finding) => self.found(finding),
            Event::RunResumed => self.resumed(),
            Event::PlanAccepted { revision, plan } => self.plan_accepted(*revision, plan),
            Event::AgentStarted {
                agent,
                role,
                purpose,
                attempt,
                opening,
            } => self.agent_started(*agent, role, purpose, *attempt, opening),
            Event::TurnStarted { agent, .. } => self.turn_started(*agent),
            Event::ModelReplied { agent, reply, .. } => self.model_replied(*agent, reply),
            Event::ModelFailed { agent, fault, .. } => self.model_failed(*agent, &fault.message),
            Event::ToolCalled {
                call,
                origin,
                tool_call,
                verdict,
                permit,
            } => self.tool_called(PendingCall {
                id: *call,
                origin: *origin,
                call: tool_call.clone(),
                status: CallStatus::from(verdict),
                permit: permit.clone(),
            }),
            Event::ToolFinished { call, outcome } => self.tool_finished(*call, outcome),
            Event::Told { agent, fault, text } => self.told(*agent, *fault, text),
            Event::OutputGiven { agent, content } => self.output_given(*agent, content),
            Event::ChecksOrdered { task, checks } => self.checks_ordered(task.as_ref(), checks),
            Event::ChecksFinished { task, results } => self.checks_finished(task.as_ref(), results),
            Event::AgentEnded { agent, failure } => self.agent_ended(*agent, failure.as_deref()),
            Event::TaskDone {
                task,
                artifact,
                content,
            } => self.task_done(task, artifact, content),
            Event::TaskFailed { task, why } => self.task_failed(task, why),
            Event::AnswerGiven { content } => self.answer_given(content),
            Event::PersonAsked { request, ask } => self.person_asked(*request, ask),
            Event::PersonAnswered { request, answer } => self.person_answered(*request, answer),
            Event::Steered { task, text } => self.steered(task.as_ref(), text),
            Event::StopOrdered { kind, why } => self.stop_ordered(*kind, why),
            Event::RunSuspended(outcome) | Event::RunEnded(outcome) => self.ended(outcome),
        }
    }

    fn start(&mut self, start: &Start) {
        // Rules were compiled when the run was started; should an old journal hold one that no
        // longer compiles, the run goes on under the policy that allows nothing.
        let policy = Policy::new(&start.rules).unwrap_or_default();
        self.people.approvals.clone_from(&start.approvals);
        self.setting = Some(Arc::new(Setting {
            path_labels: PathLabels::new(&start.labels),
            start: start.clone(),
            policy,
            schemas: ArgumentSchemas::new(&start.tools),
        }));
    }

    fn graph_mut(&mut self, change: impl FnOnce(&mut TaskGraph)) -> Vec<Action> {
        if let Some(graph) = &mut self.plan.graph {
            change(graph);
        }
        Vec::new()
    }

    /// A run that died while it was being cancelled stays cancelled.
    fn resumed(&mut self) -> Vec<Action> {
        self.stop = self.stop.take().filter(|stop| !stop.kind.resumable());
        self.outcome = None;
        Vec::new()
    }

    fn plan_accepted(&mut self, revision: u32, plan: &Plan) -> Vec<Action> {
        let first = self.plan.graph.is_none();
        let anew = first || revision != self.plan.revision;
        self.label_plan(plan);
        let mut graph = TaskGraph::new(plan.clone());
        for task in &plan.tasks {
            let record = self.tasks.entry(task.id.clone()).or_default();
            if record.output.is_some() {
                graph.complete(&task.id);
            }
        }
        for task in self.agents.values().filter_map(Agent::task) {
            graph.start(task);
        }
        if anew {
            let level = self.started().start.goal.autonomy;
            self.plan.approved = level > Autonomy::L2;
            self.answer = AnswerRecord::default();
        }
        self.plan.graph = Some(graph);
        self.plan.revision = revision;
        Vec::new()
    }

    fn task_done(&mut self, task: &TaskId, artifact: &Artifact, content: &str) -> Vec<Action> {
        self.tasks.entry(task.clone()).or_default().output =
            Some((artifact.clone(), content.to_owned()));
        self.graph_mut(|graph| graph.complete(task))
    }

    fn task_failed(&mut self, task: &TaskId, why: &str) -> Vec<Action> {
        self.tasks.entry(task.clone()).or_default().failure = Some(why.to_owned());
        self.graph_mut(|graph| graph.fail(task))
    }

    fn answer_given(&mut self, content: &str) -> Vec<Action> {
        self.answer = AnswerRecord {
            content: Some(content.to_owned()),
            ..AnswerRecord::default()
        };
        Vec::new()
    }

    fn steered(&mut self, task: Option<&TaskId>, text: &str) -> Vec<Action> {
        self.people.steers.push((task.cloned(), text.to_owned()));
        Vec::new()
    }

    /// Model calls in flight are given up and asked again on resume; tool calls are waited for.
    fn stop_ordered(&mut self, kind: OutcomeKind, why: &str) -> Vec<Action> {
        // The first reason to stop stands, but a person's word goes over everything.
        if self.stop.is_none() || kind == OutcomeKind::Cancelled {
            let why = why.to_owned();
            self.stop = Some(Stop { kind, why });
        }
        let mut actions = Vec::new();
        for agent in self.agents.values_mut() {
            match agent.state {
                AgentState::Thinking => actions.push(Action::CancelModel { agent: agent.id }),
                AgentState::Unanswered(_) => {}
                _ => continue,
            }
            agent.turns -= 1;
            agent.becomes_due();
        }
        actions
    }

    fn ended(&mut self, outcome: &Outcome) -> Vec<Action> {
        self.outcome = Some(outcome.clone());
        vec![Action::Finish(Box::new(outcome.clone()))]
    }
}
