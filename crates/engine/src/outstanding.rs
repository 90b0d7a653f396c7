//! What a run taken up from its journal must be doing.

use crate::agent::{AgentState, CallStatus};
use crate::apply::{call_tool, think};
use crate::decide::may_be_repeated;
use crate::run::Run;
use leadhand_protocol::Action;

impl Run {
    /// Everything the runtime must be doing in this state, for a run taken up from its journal.
    /// Tool calls that must not be made again are not among it; resuming puts them in doubt.
    #[must_use]
    pub fn outstanding(&self) -> Vec<Action> {
        let Some(setting) = self.setting.as_ref().filter(|_| !self.is_cancelled()) else {
            return Vec::new();
        };
        let mut actions = Vec::new();
        for agent in self.agents.values() {
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
                .filter(|call| call.status == CallStatus::Running && may_be_repeated(self, call));
            actions.extend(running.map(call_tool));
            if let AgentState::Delivered(delivery) = &agent.state
                && delivery.checking
                && let Some(task) = agent.task().and_then(|id| self.graph()?.task(id))
            {
                actions.push(
                    self.file_checks(Some(&task.id), &task.acceptance[delivery.checks.len()..]),
                );
            }
        }
        if self.answer.checking {
            let checks = &setting.start.goal.acceptance[self.answer.checks.len()..];
            actions.push(self.file_checks(None, checks));
        }
        let questions = self.people.open.iter();
        actions.extend(questions.map(|(request, ask)| Action::AskPerson {
            request: *request,
            ask: ask.clone(),
        }));
        actions
    }
}
