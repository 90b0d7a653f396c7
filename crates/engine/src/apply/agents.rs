//! What becomes of agents: they start, take turns, are told things, give outputs, and end.

use crate::agent::{Agent, AgentState, Delivery};
use crate::labels;
use crate::run::{Run, Spent};
use crate::watch;
use leadhand_protocol::{
    Action, AgentId, ChatMessage, DivergenceRule, Finding, Label, LoopFinding, ModelReply, Purpose,
    Reservation,
};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Run {
    pub(super) fn agent_started(
        &mut self,
        id: AgentId,
        role: &str,
        purpose: &Purpose,
        attempt: u32,
        opening: Option<&str>,
    ) -> Vec<Action> {
        self.agents_started = self.agents_started.max(id.0 + 1);
        let label = labels::of_opening(self, purpose);
        if *purpose == Purpose::Revise {
            self.notes_open_work();
        }
        let mut unprepared = false;
        if let Purpose::Task(task) = purpose {
            self.tasks.entry(task.clone()).or_default().attempts = attempt;
            self.graph_mut(|graph| graph.start(task));
            unprepared = opening.is_none();
        }
        // A task that is one tool call has nobody to be told anything.
        let mut conversation = Vec::new();
        if !role.is_empty() {
            conversation.push(self.started().system(role));
        }
        conversation.extend(opening.map(|text| {
            let text = text.to_owned();
            Arc::new(ChatMessage::User { text })
        }));
        let agent = Agent {
            id,
            role: role.to_owned(),
            purpose: purpose.clone(),
            attempt,
            turns: 0,
            state: match purpose {
                Purpose::RollBack => AgentState::Acting(Vec::new()),
                _ if unprepared => AgentState::Preparing,
                _ => AgentState::Due,
            },
            faults_in_a_row: 0,
            conversation,
            notes: Vec::new(),
            made: BTreeSet::new(),
            barred: Vec::new(),
            verdicts: 0,
            gained: false,
            label: Label::default(),
            equipment: self.equip(role, purpose, attempt),
            spent: Spent::default(),
            reserved: None,
            began_ms: self.at_work.ms,
        };
        self.agents.insert(agent);
        self.judges(id, purpose);
        self.taints(id, &label);
        vec![Action::StartAgent {
            agent: id,
            role: role.to_owned(),
            purpose: purpose.clone(),
        }]
    }

    pub(super) fn turn_started(
        &mut self,
        id: AgentId,
        reserved: Option<Reservation>,
    ) -> Vec<Action> {
        let seed = self.started().start.seed;
        self.spend(id, |spent| spent.turns += 1);
        let Some(agent) = self.agents.get_mut(&id) else {
            return Vec::new();
        };
        agent.turns += 1;
        agent.reserved = reserved;
        agent.state = AgentState::Thinking;
        vec![think(agent, seed)]
    }

    pub(super) fn model_replied(&mut self, id: AgentId, reply: &Arc<ModelReply>) -> Vec<Action> {
        self.spend(id, |spent| {
            spent.usage.add(reply.usage);
            spent.micro_usd = spent.micro_usd.saturating_add(reply.micro_usd);
        });
        let calls_max = self.started().start.limits.tool_calls_per_turn_max;
        let reserved = self
            .agents
            .get_mut(&id)
            .and_then(|agent| agent.reserved.take());
        self.measure_tokens(reserved, reply.usage);
        if let Some(agent) = self.agents.get_mut(&id) {
            let tool_calls = reply.tool_calls.iter().take(calls_max).cloned().collect();
            agent.say(ChatMessage::Assistant {
                text: reply.text.clone(),
                tool_calls,
            });
            agent.state = AgentState::Replied(Arc::clone(reply));
        }
        Vec::new()
    }

    /// A call that failed for reasons of its own ends the agent; one that found no model waits
    /// for the run to be resumed.
    pub(super) fn model_failed(&mut self, id: AgentId, why: &str) -> Vec<Action> {
        if let Some(agent) = self.agents.get_mut(&id) {
            agent.reserved = None;
            agent.state = AgentState::Unanswered(why.to_owned());
        }
        Vec::new()
    }

    pub(super) fn told(&mut self, id: AgentId, fault: bool, text: &str) -> Vec<Action> {
        if fault {
            self.sent_back(id);
        }
        let Some(agent) = self.agents.get_mut(&id) else {
            return Vec::new();
        };
        if fault {
            agent.faults_in_a_row += 1;
        }
        agent.notes.push(text.to_owned());
        let goes_on = match agent.state {
            AgentState::Prepared(_) | AgentState::Due => true,
            AgentState::Replied(_) | AgentState::Delivered(_) => fault,
            AgentState::Preparing
            | AgentState::Thinking
            | AgentState::Acting(_)
            | AgentState::Unanswered(_) => false,
        };
        if goes_on {
            agent.becomes_due();
        }
        Vec::new()
    }

    pub(super) fn output_given(&mut self, id: AgentId, content: &str) -> Vec<Action> {
        self.spoke(id, content);
        if let Some(agent) = self.agents.get_mut(&id) {
            agent.state = AgentState::Delivered(Box::new(Delivery {
                content: content.to_owned(),
                ..Delivery::default()
            }));
        }
        Vec::new()
    }

    /// Whoever carries out this task from now on is watched more closely.
    pub(super) fn found(&mut self, finding: &Finding) -> Vec<Action> {
        self.climbs(finding);
        let agent = match finding {
            Finding::TurnsSpent { agent, .. }
            | Finding::FaultsInARow { agent, .. }
            | Finding::Loop(LoopFinding { agent, .. }) => agent,
            Finding::Divergence(found) => {
                if let (DivergenceRule::OverEstimate, Some(task)) = (found.rule, &found.task) {
                    self.tasks.entry(task.clone()).or_default().over_estimate += 1;
                }
                // Policy has judged the very call by what the task declared. An agent that a page
                // talks into another one is not to lose what its task did declare.
                if found.rule == DivergenceRule::Undeclared {
                    return Vec::new();
                }
                &found.agent
            }
            // That others wanted the same says nothing about how it works.
            Finding::Deadlock { .. } => return Vec::new(),
        };
        let Some(purpose) = self.agents.get(agent).map(|agent| agent.purpose.clone()) else {
            return Vec::new();
        };
        match purpose {
            Purpose::Task(task) => self.tasks.entry(task).or_default().found = true,
            other => {
                self.watch.found.insert(other);
            }
        }
        Vec::new()
    }

    pub(super) fn agent_ended(&mut self, id: AgentId, failure: Option<&str>) -> Vec<Action> {
        let Some(agent) = self.agents.remove(&id) else {
            return Vec::new();
        };
        self.party_over(id);
        self.watch.over(id);
        self.judges_no_more(id);
        self.people.open.retain(|_, ask| !watch::is_about(ask, id));
        if let Some(task) = agent.task() {
            let at_work_ms = self.at_work.ms.saturating_sub(agent.began_ms);
            self.tasks.entry(task.clone()).or_default().at_work_ms += at_work_ms;
            if failure.is_none() {
                self.plan.measure(task, at_work_ms);
            }
        }
        if let Some(why) = failure {
            match &agent.purpose {
                Purpose::Task(task) => {
                    self.tasks.entry(task.clone()).or_default().failure = Some(why.to_owned());
                    self.graph_mut(|graph| graph.give_back(task));
                }
                Purpose::Plan | Purpose::Revise | Purpose::Answer => {
                    self.plan.given_up = Some(why.to_owned());
                }
                Purpose::Judge { .. }
                | Purpose::Drift { .. }
                | Purpose::Reply { .. }
                | Purpose::RollBack => {}
            }
        }
        vec![Action::EndAgent { agent: id }]
    }
}

/// The order that makes an agent take its turn.
pub(crate) fn think(agent: &Agent, seed: u64) -> Action {
    Action::CallModel {
        agent: agent.id,
        turn: agent.turns,
        request: Box::new(agent.request(seed)),
    }
}
