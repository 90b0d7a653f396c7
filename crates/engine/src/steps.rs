//! What agents do, as steps that detectors see: a turn with its calls once all are over, or what
//! was only said. What the program itself calls is no step of an agent.

use crate::agent::{Agent, AgentState, CallStatus, PendingCall};
use crate::apply::FAULT;
use crate::bars;
use crate::run::{Run, Setting};
use crate::strays::same_work_again;
use crate::watch::Watch;
use leadhand_detectors::{Arguments, Call, Came, Manner, Step};
use leadhand_protocol::{AgentId, ChatMessage, ContentHash, Finding, Origin, ToolCall};

impl Watch {
    fn acted(&mut self, setting: &Setting, agent: &mut Agent, calls: &[PendingCall], at_ms: u64) {
        let told: Vec<Told<'_>> = calls
            .iter()
            .map(|call| Told::of(setting, agent, call))
            .collect();
        let seen: Vec<Call<'_>> = calls
            .iter()
            .zip(&told)
            .map(|(call, told)| seen(setting, call, told))
            .collect();
        let step = Step {
            agent: agent.id,
            said: last_said(agent),
            calls: &seen,
            answered: None,
            at_ms: Some(at_ms),
            gained: agent.gained,
        };
        let found = self.loops.see(&step);
        agent.gained = false;
        // A call that is barred is what it was barred for, whatever refusing it looks like.
        let barred = bars::barred_for(setting, agent, calls);
        match (found, barred) {
            (found, Some(barred)) => self.note_again(agent.id, found, barred),
            (Some(found), None) => self.note(Finding::Loop(found)),
            (None, None) => {}
        }
    }

    fn said(&mut self, agent: &mut Agent, at_ms: u64) {
        let step = Step {
            agent: agent.id,
            said: last_said(agent),
            calls: &[],
            answered: None,
            at_ms: Some(at_ms),
            gained: agent.gained,
        };
        let found = self.loops.see(&step);
        agent.gained = false;
        if let Some(found) = found {
            self.note(Finding::Loop(found));
        }
    }
}

impl Run {
    /// The calls of a turn are over.
    pub(crate) fn sees_calls(&mut self, id: AgentId, calls: &[PendingCall]) {
        if calls.iter().any(|call| call.origin != Origin::Model) {
            return;
        }
        let at_ms = self.at_ms;
        let strays = match self.agents.get(&id) {
            Some(agent) => self.strays_by_calls(agent, calls),
            None => return,
        };
        if let (Some(setting), Some(agent)) = (&self.setting, self.agents.get_mut(&id)) {
            self.watch.acted(setting, agent, calls, at_ms);
        }
        self.watch.note_all(strays);
    }

    /// An agent gave an output.
    pub(crate) fn spoke(&mut self, id: AgentId, output: &str) {
        let at_ms = self.at_ms;
        let strays = match self.agents.get(&id) {
            Some(agent) => {
                let mut strays = self.strays_by_output(agent, output);
                strays.extend(same_work_again(self, agent, output));
                strays
            }
            None => return,
        };
        if let Some(agent) = self.agents.get_mut(&id) {
            self.watch.said(agent, at_ms);
        }
        self.watch.note_all(strays);
        self.drifts(id, output);
    }

    /// A reply cannot be used, or an output is not accepted: of the latter, checks that passed as
    /// never before are a gain.
    pub(crate) fn sent_back(&mut self, id: AgentId) {
        let at_ms = self.at_ms;
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        match &agent.state {
            AgentState::Replied(_) => self.watch.said(agent, at_ms),
            AgentState::Delivered(delivery) => {
                let Some(task) = agent.task().cloned() else {
                    return;
                };
                let passed: Vec<usize> = delivery
                    .checks
                    .iter()
                    .enumerate()
                    .filter_map(|(place, check)| check.passed.then_some(place))
                    .collect();
                let record = self.tasks.entry(task).or_default();
                let before = record.passed.len();
                record.passed.extend(passed);
                if record.passed.len() > before {
                    self.gains(id);
                }
            }
            _ => {}
        }
    }

    /// An agent gained something, and whatever was barred may go otherwise now.
    pub(crate) fn gains(&mut self, id: AgentId) {
        if let Some(agent) = self.agents.get_mut(&id) {
            agent.gained = true;
        }
        self.lifts_bars();
    }
}

pub(crate) fn last_said(agent: &Agent) -> &str {
    let mut entries = agent.conversation.iter().rev();
    let said = entries.find_map(|entry| match &**entry {
        ChatMessage::Assistant { text, .. } => Some(text.as_str()),
        ChatMessage::System { .. } | ChatMessage::User { .. } | ChatMessage::Tool { .. } => None,
    });
    said.unwrap_or_default()
}

/// What of a call is not in it as it is seen; mostly empty, and then nothing is allocated.
struct Told<'a> {
    equal_by: Option<String>,
    changed: Vec<ContentHash>,
    /// What it brought when it was made, of a call that is not made again.
    before: Option<(&'a str, Came)>,
}

impl<'a> Told<'a> {
    fn of(setting: &Setting, agent: &'a Agent, pending: &PendingCall) -> Self {
        let tool = setting.tool(&pending.call.name);
        let files = match &pending.status {
            CallStatus::Finished(Ok(output)) => output.files.as_slice(),
            _ => &[],
        };
        Self {
            equal_by: tool.and_then(|tool| tool.told_apart_by(&pending.call.arguments)),
            changed: files.iter().filter_map(|file| file.hash).collect(),
            before: before(setting, agent, pending),
        }
    }
}

/// What stands above of a call that is not made again since it would bring the same: who asks for
/// it anew looks at that again.
fn before<'a>(
    setting: &Setting,
    agent: &'a Agent,
    pending: &PendingCall,
) -> Option<(&'a str, Came)> {
    let CallStatus::Finished(Err(refusal)) = &pending.status else {
        return None;
    };
    let key = pending.call.key(&setting.start.run);
    if pending.made || !agent.made.contains(&key) {
        return None;
    }
    let is_it = |call: &ToolCall| {
        call.name == pending.call.name && call.arguments == pending.call.arguments
    };
    // Results stand behind the reply that called for them, and before the next one.
    let mut results: Vec<(&str, &str)> = Vec::new();
    for entry in agent.conversation.iter().rev() {
        match &**entry {
            ChatMessage::Tool { call_id, text, .. } => results.push((call_id, text)),
            ChatMessage::Assistant { tool_calls, .. } => {
                let call = tool_calls.iter().find(|call| is_it(call));
                let mut of_it = results.drain(..);
                let text = call.and_then(|call| of_it.find(|(id, _)| *id == call.id));
                match text.map(|(_, text)| (text, text.strip_prefix(FAULT))) {
                    Some((_, Some(fault))) if fault == refusal.message => {}
                    Some((_, Some(fault))) => return Some((fault, Came::Failed)),
                    Some((text, None)) => return Some((text, Came::Done)),
                    None => {}
                }
            }
            ChatMessage::System { .. } | ChatMessage::User { .. } => {}
        }
    }
    None
}

fn seen<'a>(setting: &Setting, pending: &'a PendingCall, told: &'a Told<'_>) -> Call<'a> {
    let tool = setting.tool(&pending.call.name);
    let (result, came) = match &pending.status {
        CallStatus::Finished(Ok(output)) => (output.text.as_str(), Came::done(tool, output)),
        CallStatus::Finished(Err(fault)) => {
            let refused = || (fault.message.as_str(), Came::failed(pending.made, fault));
            told.before.unwrap_or_else(refused)
        }
        _ => ("", Came::Unknown),
    };
    Call {
        tool: &pending.call.name,
        arguments: Arguments::Json(&pending.call.arguments),
        result,
        came,
        manner: Manner {
            equal_by: told.equal_by.as_deref(),
            poll_every_ms: tool.and_then(|tool| tool.poll_every_ms),
            changed: &told.changed,
        },
    }
}
