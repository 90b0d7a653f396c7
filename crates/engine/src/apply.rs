//! A fact becomes state, and the actions it orders. This is the only code that changes a
//! [`Run`]; live runs, recovery, replay and the simulator all go through it.

mod agents;
mod calls;
mod coordination;
mod people;
mod plan;
mod tools;

pub(crate) use agents::think;
pub(crate) use calls::call_tool;
pub(crate) use tools::FAULT;

use crate::agent::{Agent, AgentState, PendingCall};
use crate::budget;
use crate::permits;
use crate::run::{AnswerRecord, Run, Setting, Spent, Stop};
use leadhand_protocol::{
    Action, AgentId, Artifact, Event, Grade, Outcome, OutcomeKind, Record, Start, TaskId,
};
use leadhand_task_graph::TaskGraph;
use std::sync::Arc;

impl Run {
    /// Takes one fact into the state and returns what the runtime must now do.
    ///
    /// Facts come from [`decide`](crate::decide) and [`settle`](crate::settle) of this very
    /// state, or from a journal that they wrote; one that fits nothing changes nothing.
    pub fn apply(&mut self, record: &Record) -> Vec<Action> {
        let event = &*record.event;
        self.pass_time(record);
        if let Event::RunStarted(start) = event {
            self.started_ms = record.at_ms;
            self.start(start);
            return Vec::new();
        }
        if self.setting.is_none() {
            return Vec::new();
        }
        let actions = self.take(event);
        self.note_permits(event);
        self.agents.note(|agent| self.permits.hold_back(agent));
        actions
    }

    fn take(&mut self, event: &Event) -> Vec<Action> {
        match event {
            Event::RunStarted(_) => Vec::new(),
            Event::Found(finding) => self.found(finding),
            Event::RunResumed => self.resumed(),
            Event::PlanAccepted { revision, plan } => self.plan_accepted(*revision, plan.as_ref()),
            Event::AgentStarted {
                agent,
                role,
                purpose,
                attempt,
                opening,
            } => self.agent_started(*agent, role, purpose, *attempt, opening.as_deref()),
            Event::TurnStarted {
                agent, reserved, ..
            } => self.turn_started(*agent, *reserved),
            Event::ModelReplied { agent, reply, .. } => self.model_replied(*agent, reply),
            Event::ModelFailed { agent, fault, .. } => self.model_failed(*agent, &fault.message),
            Event::ToolCalled { .. } => self.tool_called(PendingCall::ordered_by(event)),
            Event::CallEdited {
                call,
                tool_call,
                permit,
            } => self.call_edited(*call, tool_call, permit),
            Event::CallStarted { call } => self.call_started(*call),
            Event::CallInDoubt { call, why } => self.call_in_doubt(*call, why),
            Event::ProbeOrdered {
                call,
                tool_call,
                permit,
                ..
            } => self.probe_ordered(*call, tool_call, permit),
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
            Event::PersonAnswered {
                request, answer, ..
            } => self.person_answered(*request, answer),
            Event::PersonOrdered { order } => self.person_ordered(order),
            Event::Steered { task, text } => self.steered(task.as_ref(), text),
            Event::StopOrdered { kind, why, grade } => self.stop_ordered(*kind, why, *grade),
            Event::TimeUp | Event::TraceImported { .. } => Vec::new(),
            Event::Requested { asker, request } => self.requested(*asker, request),
            Event::Coordinated { fact } => self.coordinated(fact),
            Event::RequestRefused { asker, why } => self.request_refused(*asker, why),
            Event::Forked { .. } => self.forked(),
            Event::RunSuspended(outcome) | Event::RunEnded(outcome) => self.ended(outcome),
        }
    }

    fn start(&mut self, start: &Arc<Start>) {
        self.people.approvals.clone_from(&start.approvals);
        self.setting = Some(Arc::new(Setting::new(Arc::clone(start))));
    }

    /// What the other run spent is not spent again, and not counted again.
    fn forked(&mut self) -> Vec<Action> {
        self.spent = Spent::default();
        for record in self.tasks.values_mut() {
            record.spent = Spent::default();
        }
        Vec::new()
    }

    fn graph_mut(&mut self, change: impl FnOnce(&mut TaskGraph)) -> Vec<Action> {
        if let Some(graph) = &mut self.plan.graph {
            change(graph);
        }
        Vec::new()
    }

    /// A run that died while it was being cancelled stays cancelled, and nothing more is done for
    /// it. In any other a turn that was at work is taken again; where it may cost more by now
    /// than was set aside for it, or calls a model that it has no permit of, it is given up and
    /// must fit in anew.
    fn resumed(&mut self) -> Vec<Action> {
        let stop = self.stop.take().filter(|stop| !stop.kind.resumable());
        self.stop = stop.map(|stop| Stop {
            grade: stop.grade.max(Grade::Stop),
            ..stop
        });
        self.outcome = None;
        if self.stop.is_none() {
            let thinking = |agent: &&Agent| matches!(agent.state, AgentState::Thinking);
            let agents = self.agents.values().filter(thinking);
            let uncovered = agents.filter(|agent| {
                !(budget::is_covered(self, agent) && permits::cover_turn(self, agent))
            });
            let uncovered: Vec<AgentId> = uncovered.map(|agent| agent.id).collect();
            for id in uncovered {
                if let Some(agent) = self.agents.get_mut(&id) {
                    agent.gives_up_turn();
                }
            }
        }
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
        let concerned = self.agents.values().filter(|agent| {
            agent.is_acting() && task.is_none_or(|task| agent.task() == Some(task))
        });
        let steer = |agent: &Agent| Action::Steer {
            agent: agent.id,
            text: text.to_owned(),
        };
        concerned.map(steer).collect()
    }

    /// Model calls in flight are given up and asked again on resume; tool calls are waited for,
    /// unless the run is aborted. Who wraps up goes on.
    fn stop_ordered(&mut self, kind: OutcomeKind, why: &str, grade: Grade) -> Vec<Action> {
        // The first reason to stop stands, but a person's word goes over everything.
        match &mut self.stop {
            Some(stop) if kind != OutcomeKind::Cancelled => stop.grade = stop.grade.max(grade),
            stop => {
                let why = why.to_owned();
                *stop = Some(Stop { kind, why, grade });
            }
        }
        let mut actions = Vec::new();
        let setting = self.setting.clone();
        let is_repeatable = |call: &PendingCall| {
            let setting = setting.as_ref();
            setting.is_some_and(|it| it.is_repeatable(&call.call.name))
        };
        for agent in self.agents.values_mut() {
            if grade == Grade::WrapUp && agent.task().is_some() {
                continue;
            }
            match agent.state {
                AgentState::Thinking => actions.push(Action::CancelModel { agent: agent.id }),
                AgentState::Unanswered(_) => {}
                _ => {
                    if grade == Grade::Abort {
                        actions.extend(agent.abort(is_repeatable));
                    }
                    continue;
                }
            }
            agent.gives_up_turn();
        }
        actions
    }

    fn ended(&mut self, outcome: &Arc<Outcome>) -> Vec<Action> {
        self.outcome = Some(Arc::clone(outcome));
        vec![Action::Finish(Arc::clone(outcome))]
    }
}
