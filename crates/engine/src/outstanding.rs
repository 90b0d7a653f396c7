//! What a run taken up from its journal must be doing.

use crate::agent::{Agent, AgentState};
use crate::apply::{call_tool, think};
use crate::decide::may_be_repeated;
use crate::run::{Run, Setting};
use leadhand_protocol::{Action, Ask, Purpose};

impl Run {
    /// Everything the runtime must be doing in this state, for a run taken up from its journal
    /// and resumed. Tool calls in doubt are not among it; of a run that was cancelled only what
    /// undoes is.
    #[must_use]
    pub fn outstanding(&self) -> Vec<Action> {
        let Some(setting) = &self.setting else {
            return Vec::new();
        };
        let cancelled = self.is_cancelled();
        let wanted = |agent: &&Agent| !cancelled || agent.purpose == Purpose::RollBack;
        let mut actions = Vec::new();
        for agent in self.agents.values().filter(wanted) {
            self.outstanding_of(setting, agent, &mut actions);
        }
        if self.answer.checking && !cancelled {
            let checks = &setting.start.goal.acceptance[self.answer.checks.len()..];
            actions.push(self.file_checks(None, checks));
        }
        let open = |ask: &Ask| match ask {
            Ask::Tool { call, .. } | Ask::Outcome { call, .. } => self
                .agents
                .get(&call.agent)
                .is_some_and(|agent| wanted(&agent)),
            Ask::Plan { .. } | Ask::Task { .. } | Ask::Finding { .. } => !cancelled,
        };
        let questions = self.people.open.iter().filter(|(_, ask)| open(ask));
        actions.extend(questions.map(|(request, ask)| Action::AskPerson {
            request: *request,
            ask: ask.clone(),
        }));
        actions
    }

    fn outstanding_of(&self, setting: &Setting, agent: &Agent, actions: &mut Vec<Action>) {
        actions.push(Action::StartAgent {
            agent: agent.id,
            role: agent.role.clone(),
            purpose: agent.purpose.clone(),
        });
        if matches!(agent.state, AgentState::Thinking) {
            actions.push(think(agent, setting.start.seed));
        }
        let running = agent
            .calls()
            .iter()
            .filter(|call| may_be_repeated(self, call));
        actions.extend(running.map(|call| call_tool(setting, call)));
        if let AgentState::Delivered(delivery) = &agent.state
            && delivery.checking
            && let Some(task) = agent.task().and_then(|id| self.graph()?.task(id))
        {
            let checks = &task.acceptance[delivery.checks.len()..];
            actions.push(self.file_checks(Some(&task.id), checks));
        }
    }
}
