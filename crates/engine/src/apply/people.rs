//! What is asked of people, and what they say.

use crate::agent::CallStatus;
use crate::run::{Run, Setting};
use leadhand_protocol::{
    Action, Answer, Approval, ApprovalScope, Ask, Budget, CallId, PersonInput, Price, RequestId,
    Role, SettingChange, Start, ToolFault, ToolFaultKind, ToolOutput,
};
use std::sync::Arc;

impl Run {
    pub(super) fn person_asked(&mut self, request: RequestId, ask: &Ask) -> Vec<Action> {
        self.people.asked = self.people.asked.max(request.0 + 1);
        self.people.open.insert(request, ask.clone());
        if let Ask::Tool { call, .. } | Ask::Outcome { call, .. } = ask
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
            Ask::Plan { .. } => match answer {
                Answer::Deny { reason } => self.people.refusal = Some(reason.clone()),
                _ => self.plan.approved = true,
            },
            Ask::Task { task } => match answer {
                Answer::Deny { reason } => {
                    let why = format!("a person said no to it: {reason}");
                    return self.task_failed(&task.id, &why);
                }
                _ => {
                    self.plan.breakpoints.remove(&task.id);
                }
            },
            // What it causes beside that stands in the records after it.
            Ask::Finding { finding, .. } => match answer {
                Answer::Deny { .. } => {}
                _ => self.lets_go_on(&finding),
            },
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
                self.tool_answered(call, answer);
            }
            Ask::Outcome {
                call, tool_call, ..
            } => match answer {
                Answer::TookEffect { result } => {
                    self.call_ended(call, &Ok(ToolOutput::text(result)));
                }
                Answer::Deny { reason } => {
                    let message = format!(
                        "nobody knows whether this call of `{}` took effect, so it was not made \
                         again: {reason}",
                        tool_call.name
                    );
                    let fault = ToolFault {
                        kind: ToolFaultKind::InDoubt,
                        message,
                        retryable: false,
                    };
                    self.call_ended(call, &Err(fault));
                }
                _ => self.tool_answered(call, &Answer::Allow),
            },
        }
        Vec::new()
    }

    fn tool_answered(&mut self, call: CallId, answer: &Answer) {
        let pending = self
            .agents
            .get_mut(&call.agent)
            .and_then(|agent| agent.call_mut(call));
        if let Some(pending) = pending {
            pending.status = match answer {
                Answer::Deny { reason } => CallStatus::Declined(reason.clone()),
                _ => CallStatus::Approved,
            };
        }
    }

    pub(super) fn person_ordered(&mut self, order: &PersonInput) -> Vec<Action> {
        match order {
            PersonInput::EditPlan { edits } => self.plan_edited(edits),
            PersonInput::Change(change) => self.setting_changed(change),
            PersonInput::RollBack { .. } => {
                self.roll_back.ordered = true;
                self.outcome = None;
            }
            PersonInput::Absent { request } => self.nobody_there(*request),
            // What these cause stands in the records after them.
            PersonInput::Answers { .. }
            | PersonInput::Pause
            | PersonInput::Cancel { .. }
            | PersonInput::Steer { .. } => {}
        }
        Vec::new()
    }

    /// A run that is ending does not wait for an answer that nobody gives.
    fn nobody_there(&mut self, request: RequestId) {
        if !self.roll_back.ordered {
            return;
        }
        if let Some(Ask::Tool { call, .. } | Ask::Outcome { call, .. }) =
            self.people.open.remove(&request)
        {
            let fault = ToolFault {
                kind: ToolFaultKind::InDoubt,
                message: "nobody was there to say what became of it".to_owned(),
                retryable: false,
            };
            self.call_ended(call, &Err(fault));
        }
    }

    fn setting_changed(&mut self, change: &SettingChange) {
        let mut start = Start::clone(&self.started().start);
        lay_over(&mut start, change);
        self.people
            .approvals
            .extend(change.approvals.iter().cloned());
        let setting = Setting::new(Arc::new(start));
        for agent in self.agents.values_mut() {
            let Some(role) = setting.role(&agent.role) else {
                continue;
            };
            agent.equipment.models.clone_from(&role.models);
            let prompt = change.prompts.get(&agent.role);
            if let (Some(_), Some(first)) = (prompt, agent.conversation.first_mut()) {
                *first = setting.system(&role.name);
            }
        }
        self.setting = Some(Arc::new(setting));
    }
}

fn lay_over(start: &mut Start, change: &SettingChange) {
    lay_over_budget(&mut start.goal.budget, &change.budget);
    let of = |role: &Role| {
        let own = change.models.get(&role.name);
        own.or_else(|| change.models.get("*"))
    };
    for role in Arc::make_mut(&mut start.roles) {
        if let Some(models) = of(role) {
            role.models.clone_from(models);
        }
        if let Some(prompt) = change.prompts.get(&role.name) {
            role.prompt.clone_from(prompt);
        }
    }
    start.prices.extend(change.prices.clone());
    start.prices.retain(|_, price| *price != Price::default());
    if let Some(model) = &change.default_model {
        start.default_model.clone_from(model);
    }
    if let Some(policy) = &change.policy {
        start.rules.clone_from(&policy.rules);
        start.grants.clone_from(&policy.grants);
    }
    if let Some(autonomy) = change.autonomy {
        start.goal.autonomy = autonomy;
    }
    if let Some(limits) = &change.limits {
        start.limits.clone_from(limits);
    }
    if let Some(seed) = change.seed {
        start.seed = seed;
    }
}

fn lay_over_budget(budget: &mut Budget, change: &Budget) {
    let bounds = [
        (&mut budget.tokens_max, change.tokens_max),
        (&mut budget.micro_usd_max, change.micro_usd_max),
        (&mut budget.tool_calls_max, change.tool_calls_max),
        (&mut budget.seconds_max, change.seconds_max),
        (&mut budget.turns_max, change.turns_max),
        (&mut budget.agents_max, change.agents_max),
        (&mut budget.revisions_max, change.revisions_max),
    ];
    for (bound, other) in bounds {
        *bound = other.or(*bound);
    }
}
