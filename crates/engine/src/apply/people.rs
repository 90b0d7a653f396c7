//! What is asked of people, and what they say.

use super::call_tool;
use crate::agent::CallStatus;
use crate::run::Run;
use leadhand_protocol::{Action, Answer, Approval, ApprovalScope, Ask, RequestId};

impl Run {
    pub(super) fn person_asked(&mut self, request: RequestId, ask: &Ask) -> Vec<Action> {
        self.people.asked = self.people.asked.max(request.0 + 1);
        self.people.open.insert(request, ask.clone());
        if let Ask::Tool { call, .. } = ask
            && let Some(pending) = self
                .agents
                .get_mut(&call.agent)
                .and_then(|agent| agent.call_mut(*call))
        {
            pending.status = CallStatus::Asked(request);
        }
        vec![Action::AskPerson {
            request,
            ask: ask.clone(),
        }]
    }

    pub(super) fn person_answered(&mut self, request: RequestId, answer: &Answer) -> Vec<Action> {
        let Some(ask) = self.people.open.remove(&request) else {
            return Vec::new();
        };
        match ask {
            Ask::Plan { .. } => {
                match answer {
                    Answer::Allow | Answer::AllowFor { .. } => self.plan.approved = true,
                    Answer::Deny { reason } => self.people.refusal = Some(reason.clone()),
                }
                Vec::new()
            }
            Ask::Tool {
                call,
                role,
                tool_call,
                ..
            } => {
                if let Answer::AllowFor { scope, until_ms } = answer {
                    let agent = self.agents.get(&call.agent);
                    let task = agent.and_then(|agent| agent.task().cloned());
                    self.people.approvals.push(Approval {
                        tool: tool_call.name,
                        role,
                        task: task.filter(|_| *scope == ApprovalScope::Task),
                        until_ms: *until_ms,
                        source: format!("the answer to question {request}"),
                    });
                }
                let pending = self
                    .agents
                    .get_mut(&call.agent)
                    .and_then(|agent| agent.call_mut(call));
                let Some(pending) = pending else {
                    return Vec::new();
                };
                if let Answer::Deny { reason } = answer {
                    pending.status = CallStatus::Declined(reason.clone());
                    return Vec::new();
                }
                pending.status = CallStatus::Running;
                let action = call_tool(pending);
                self.spend(call.agent, |spent| spent.tool_calls += 1);
                vec![action]
            }
        }
    }
}
