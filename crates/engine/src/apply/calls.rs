//! A tool call on its way: ordered, edited, in doubt, probed.

use crate::agent::{CallStatus, PendingCall};
use crate::doubt;
use crate::run::{Run, Setting};
use leadhand_protocol::{Action, CallId, Permit, ToolCall, ToolFault, ToolFaultKind, ToolOutput};
use std::sync::Arc;

/// The order that makes a call, or asks what became of it.
pub(crate) fn call_tool(setting: &Setting, pending: &PendingCall) -> Action {
    let (tool_call, permit) = match &pending.status {
        CallStatus::Probing { probe, .. } => (&probe.0, &probe.1),
        _ => (&pending.call, &pending.permit),
    };
    Action::CallTool {
        call: pending.id,
        tool_call: Arc::clone(tool_call),
        permit: Arc::clone(permit),
        key: tool_call.key(&setting.start.run),
        to_disk: !setting.is_repeatable(&tool_call.name),
    }
}

impl Run {
    fn pending_mut(&mut self, id: CallId) -> Option<&mut PendingCall> {
        self.agents.get_mut(&id.agent)?.call_mut(id)
    }

    pub(super) fn call_edited(
        &mut self,
        id: CallId,
        tool_call: &Arc<ToolCall>,
        permit: &Arc<Permit>,
    ) -> Vec<Action> {
        if let Some(pending) = self.pending_mut(id) {
            pending.call = Arc::clone(tool_call);
            pending.permit = Arc::clone(permit);
            pending.edited = true;
        }
        Vec::new()
    }

    pub(super) fn call_started(&mut self, id: CallId) -> Vec<Action> {
        let Some(pending) = self.pending_mut(id) else {
            return Vec::new();
        };
        pending.status = CallStatus::Running;
        pending.made = true;
        let pending = pending.clone();
        self.spend(id.agent, |spent| spent.tool_calls += 1);
        vec![call_tool(self.started(), &pending)]
    }

    pub(super) fn call_in_doubt(&mut self, id: CallId, why: &str) -> Vec<Action> {
        self.waits_no_more(id);
        if let Some(pending) = self.pending_mut(id) {
            pending.status = CallStatus::InDoubt {
                evidence: vec![why.to_owned()],
                probed: false,
            };
        }
        Vec::new()
    }

    pub(super) fn probe_ordered(
        &mut self,
        id: CallId,
        tool_call: &Arc<ToolCall>,
        permit: &Arc<Permit>,
    ) -> Vec<Action> {
        let Some(pending) = self.pending_mut(id) else {
            return Vec::new();
        };
        let evidence = match &pending.status {
            CallStatus::InDoubt { evidence, .. } => evidence.clone(),
            _ => Vec::new(),
        };
        pending.status = CallStatus::Probing {
            evidence,
            probe: (Arc::clone(tool_call), Arc::clone(permit)),
        };
        let pending = pending.clone();
        self.spend(id.agent, |spent| spent.tool_calls += 1);
        vec![call_tool(self.started(), &pending)]
    }

    pub(super) fn tool_finished(
        &mut self,
        id: CallId,
        outcome: &Result<ToolOutput, ToolFault>,
    ) -> Vec<Action> {
        let setting = self.setting.clone();
        let Some(pending) = self.pending_mut(id) else {
            return Vec::new();
        };
        let CallStatus::Probing { evidence, probe } = &pending.status else {
            let harmful = setting.is_some_and(|it| !it.is_repeatable(&pending.call.name));
            match outcome {
                Err(fault) if fault.kind == ToolFaultKind::InDoubt && harmful => {
                    return self.call_in_doubt(id, &fault.message);
                }
                _ => self.call_ended(id, outcome),
            }
            return Vec::new();
        };
        match doubt::probed(evidence, &probe.0, outcome) {
            CallStatus::Finished(outcome) => self.call_ended(id, &outcome),
            status => {
                if let Some(pending) = self.pending_mut(id) {
                    pending.status = status;
                }
            }
        }
        Vec::new()
    }
}
