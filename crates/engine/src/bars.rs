//! Calls that are not made for an agent any more: those that were found to repeat, until
//! something changes.

use crate::agent::{Agent, PendingCall};
use crate::brief;
use crate::run::{Run, Setting};
use leadhand_protocol::{ChatMessage, ContentHash, Identity, RunId, ToolCall, ToolSpec};

/// The calls of the last steps, the last first.
pub(crate) fn calls_back(agent: &Agent, steps: u32) -> Vec<&ToolCall> {
    let entries = agent.conversation.iter().rev();
    let replies = entries.filter_map(|entry| match &**entry {
        ChatMessage::Assistant { tool_calls, .. } => Some(tool_calls),
        ChatMessage::System { .. } | ChatMessage::User { .. } | ChatMessage::Tool { .. } => None,
    });
    let calls = replies.take(steps as usize).flatten();
    calls.map(AsRef::as_ref).collect()
}

/// The name under which a call is barred: equal for calls that the tool says are equal.
pub(crate) fn key(run: &RunId, tool: Option<&ToolSpec>, call: &ToolCall) -> ContentHash {
    match tool.and_then(|tool| tool.told_apart_by(&call.arguments)) {
        Some(apart) => ContentHash::of(format!("{run}\n{}\n{apart}", call.name).as_bytes()),
        None => call.key(run),
    }
}

/// For which finding a call is not made any more.
pub(crate) fn bar(setting: &Setting, agent: &Agent, call: &ToolCall) -> Option<Identity> {
    if agent.barred.is_empty() {
        return None;
    }
    let key = key(&setting.start.run, setting.tool(&call.name), call);
    let mut bars = agent.barred.iter();
    bars.find(|(barred, _)| *barred == key)
        .map(|(_, identity)| *identity)
}

/// For what the calls of a turn were barred, if any was; all were judged before they ended.
pub(crate) fn barred_for(
    setting: &Setting,
    agent: &Agent,
    calls: &[PendingCall],
) -> Option<Identity> {
    let refused = |call: &&PendingCall| !call.made;
    let mut calls = calls.iter().filter(refused);
    calls.find_map(|pending| bar(setting, agent, &pending.call))
}

impl Run {
    /// Something changed: calls may bring something new again.
    pub(crate) fn lifts_bars(&mut self) {
        if self.agents.values().any(|agent| !agent.barred.is_empty()) {
            for agent in self.agents.values_mut() {
                agent.barred.clear();
            }
        }
    }
}

/// What an agent reads in place of the result of a call that is barred.
pub(crate) fn refusal(call: &ToolCall) -> String {
    let name = brief::cut(&call.name, 80);
    format!(
        "This call of `{name}` was not made: it has been made before, and nothing has changed since. Its result stands above. Go another way, or give the final result."
    )
}
