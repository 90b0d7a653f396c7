//! What becomes of tool calls and checks, and of the files that they change.

use super::call_tool;
use crate::agent::{Agent, AgentState, CallStatus, Delivery, PendingCall};
use crate::calls::depends_on_files_alone;
use crate::run::{Run, Setting};
use crate::{brief, checks, labels, permits};
use leadhand_protocol::{
    Action, AgentId, CallId, Change, ChatMessage, Check, CheckResult, Decision, FileChange, Origin,
    TaskId, ToolCall, ToolFault, ToolFaultKind, ToolOutput, Verdict,
};

/// How an agent is told a fault in place of a result.
pub(crate) const FAULT: &str = "Error: ";

impl Run {
    pub(super) fn tool_called(&mut self, pending: Option<PendingCall>) -> Vec<Action> {
        let Some(mut pending) = pending else {
            return Vec::new();
        };
        let id = pending.id.agent;
        if pending.status == CallStatus::Running && permits::are_wanted(self, &pending) {
            pending.status = CallStatus::Approved;
        }
        let ordered = pending.status == CallStatus::Running;
        pending.made = ordered;
        let action = ordered.then(|| call_tool(self.started(), &pending));
        let Some(agent) = self.agents.get_mut(&id) else {
            return Vec::new();
        };
        match &mut agent.state {
            AgentState::Acting(calls) => calls.push(pending),
            AgentState::Delivered(delivery) => delivery.call = Some(pending),
            _ => agent.state = AgentState::Acting(vec![pending]),
        }
        if action.is_some() {
            self.spend(id, |spent| spent.tool_calls += 1);
        }
        action.into_iter().collect()
    }

    /// A call is over, and what it gave goes where it was wanted.
    pub(crate) fn call_ended(&mut self, id: CallId, outcome: &Result<ToolOutput, ToolFault>) {
        for file in outcome.iter().flat_map(|output| &output.files) {
            if file.hash.is_some_and(|hash| self.watch.is_new(&hash)) {
                self.gains(id.agent);
            }
            self.watch.note_all(self.strays_by_file(id.agent, file));
            self.file_changed(file);
            self.written.insert(file.path.clone());
            // What any agent has read may read otherwise now.
            self.agents
                .values_mut()
                .for_each(|agent| agent.made.clear());
        }
        let made = self.agents.get(&id.agent).and_then(|agent| {
            let mut calls = agent.calls().iter();
            calls.find(|pending| pending.id == id).cloned()
        });
        if let Some(pending) = made {
            self.taints(id.agent, &labels::of_result(self, &pending));
            if pending.origin == Origin::Undo {
                self.asks_no_more(id);
                self.undone(id.agent, outcome);
                return;
            }
            let was_made = !matches!(pending.status, CallStatus::Refused(_));
            if let (Ok(output), true) = (outcome, was_made) {
                self.remember(id, &pending.call, output);
            }
        }
        if let Ok(output) = outcome {
            self.label_files(id.agent, &output.files);
        }
        self.asks_no_more(id);
        let check = self.check_in_turn(id.agent);
        let Some(agent) = self.agents.get_mut(&id.agent) else {
            return;
        };
        let Some(pending) = agent.call_mut(id) else {
            return;
        };
        pending.status = CallStatus::Finished(outcome.clone());
        if let (true, Some(path)) = (outcome.is_ok(), written_path(&pending.call)) {
            self.written.insert(path.to_owned());
        }
        match &mut agent.state {
            AgentState::Acting(calls) => {
                let over = |call: &PendingCall| matches!(call.status, CallStatus::Finished(_));
                if calls.iter().all(over) {
                    let calls = std::mem::take(calls);
                    self.turn_over(id.agent, calls);
                }
            }
            AgentState::Delivered(delivery) => delivered_call(delivery, check),
            _ => {}
        }
    }

    /// All calls of a turn are over.
    fn turn_over(&mut self, id: AgentId, calls: Vec<PendingCall>) {
        self.sees_calls(id, &calls);
        if let (Some(setting), Some(agent)) = (self.setting.clone(), self.agents.get_mut(&id)) {
            acted(&setting, agent, calls);
        }
    }

    /// The next check of the output that an agent has given.
    fn check_in_turn(&self, id: AgentId) -> Option<Check> {
        let agent = self.agents.get(&id)?;
        let AgentState::Delivered(delivery) = &agent.state else {
            return None;
        };
        let checks = &self.graph()?.task(agent.task()?)?.acceptance;
        checks.get(delivery.checks.len()).cloned()
    }

    /// What a call did to a file, taken together with what calls before it did: a file that was
    /// created and removed again leaves nothing to report.
    fn file_changed(&mut self, file: &FileChange) {
        let known = self.files.get(&file.path).map(|known| known.change);
        let change = match (known, file.change) {
            (Some(Change::Created), Change::Removed) => {
                self.files.remove(&file.path);
                return;
            }
            (Some(Change::Created), _) => Change::Created,
            (Some(Change::Removed), Change::Created) => Change::Modified,
            (_, change) => change,
        };
        let file = FileChange {
            change,
            ..file.clone()
        };
        self.files.insert(file.path.clone(), file);
    }

    pub(super) fn checks_ordered(
        &mut self,
        task: Option<&TaskId>,
        checks: &[Check],
    ) -> Vec<Action> {
        match task {
            None => self.answer.checking = true,
            Some(id) => {
                if let Some(delivery) = self.delivery_mut(id) {
                    delivery.checking = true;
                }
            }
        }
        vec![self.file_checks(task, checks)]
    }

    pub(crate) fn file_checks(&self, task: Option<&TaskId>, checks: &[Check]) -> Action {
        let files = checks.iter().take_while(|check| check.file().is_some());
        Action::RunChecks {
            task: task.cloned(),
            checks: files.cloned().collect(),
            changed: self.written.iter().cloned().collect(),
        }
    }

    pub(super) fn checks_finished(
        &mut self,
        task: Option<&TaskId>,
        results: &[CheckResult],
    ) -> Vec<Action> {
        match task {
            None => {
                self.answer.checking = false;
                self.answer.checks.extend_from_slice(results);
            }
            Some(id) => {
                if let Some(delivery) = self.delivery_mut(id) {
                    delivery.checking = false;
                    delivery.checks.extend_from_slice(results);
                }
            }
        }
        Vec::new()
    }

    fn delivery_mut(&mut self, task: &TaskId) -> Option<&mut Delivery> {
        let agent = self.agents.values_mut().find(|agent| {
            agent.task() == Some(task) && matches!(agent.state, AgentState::Delivered(_))
        })?;
        match &mut agent.state {
            AgentState::Delivered(delivery) => Some(delivery),
            _ => None,
        }
    }
}

impl From<&Verdict> for CallStatus {
    fn from(verdict: &Verdict) -> Self {
        match verdict.decision {
            Decision::Allow => Self::Running,
            Decision::Ask => Self::ToAsk(verdict.because.clone()),
            Decision::Deny => Self::Refused(verdict.because.clone()),
        }
    }
}

/// The file that a call of the standard tool for writing names.
fn written_path(call: &ToolCall) -> Option<&str> {
    let writes = call.name == crate::turn::WRITE_TOOL;
    call.arguments
        .get("path")
        .and_then(|path| path.as_str())
        .filter(|_| writes)
}

/// All calls of a turn are over.
fn acted(setting: &Setting, agent: &mut Agent, calls: Vec<PendingCall>) {
    match calls.first().map(|call| call.origin) {
        Some(Origin::Input) => agent.state = AgentState::Prepared(calls),
        Some(Origin::Template) => {
            let output = calls.iter().find_map(|call| match &call.status {
                CallStatus::Finished(Ok(output)) => Some(output.text.clone()),
                _ => None,
            });
            agent.state = match output {
                Some(content) => AgentState::Delivered(Box::new(Delivery {
                    content,
                    ..Delivery::default()
                })),
                None => AgentState::Prepared(calls),
            };
        }
        _ => {
            for pending in calls {
                let tool = setting.tool(&pending.call.name);
                if tool.is_some_and(depends_on_files_alone) && is_settled(&pending.status) {
                    agent.made.insert(pending.call.key(&setting.start.run));
                }
                let text = match pending.status {
                    CallStatus::Finished(Ok(output)) => {
                        agent.faults_in_a_row = 0;
                        output.text
                    }
                    CallStatus::Finished(Err(fault)) => format!("{FAULT}{}", fault.message),
                    _ => String::new(),
                };
                let chars_max = setting.start.limits.tool_result_chars_max;
                let mut text = brief::cut(&text, chars_max);
                if pending.edited {
                    text.insert_str(
                        0,
                        &format!(
                            "(A person had it called with these arguments instead: {})\n",
                            pending.call.arguments
                        ),
                    );
                }
                agent.say(ChatMessage::Tool {
                    call_id: pending.call.id.clone(),
                    name: pending.call.name.clone(),
                    text,
                });
            }
            agent.becomes_due();
        }
    }
}

/// Whether the call would end alike if it were made again: not when a person may think better of
/// it, and not when the tool says that trying again may help.
fn is_settled(status: &CallStatus) -> bool {
    match status {
        CallStatus::Finished(Ok(_)) => true,
        CallStatus::Finished(Err(fault)) => {
            fault.kind != ToolFaultKind::Declined && !fault.retryable
        }
        _ => false,
    }
}

/// The call of a delivery is over: the output is written, or `check` has its result.
fn delivered_call(delivery: &mut Delivery, check: Option<Check>) {
    let Some(pending) = delivery.call.take() else {
        return;
    };
    match (&pending.status, pending.origin, check) {
        (CallStatus::Finished(Ok(_)), Origin::OutputFile, _) => {
            delivery.written = true;
            // What a person had written in its place is the output.
            let content = pending.call.arguments["content"].as_str();
            if let Some(content) = content.filter(|_| pending.edited) {
                content.clone_into(&mut delivery.content);
                delivery.edited = true;
            }
        }
        (CallStatus::Finished(outcome), Origin::Check, Some(check)) => {
            delivery.checks.push(checks::by_tool(check, outcome));
        }
        _ => delivery.call = Some(pending),
    }
}
