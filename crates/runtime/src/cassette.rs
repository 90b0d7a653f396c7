//! A past run as a cassette: what models, tools and checks answered, and to what. The requests
//! are not in the journal; they are what the engine orders when the records are applied again.

use leadhand_engine::{Agent, CallStatus, PendingCall, Run};
use leadhand_model::{
    AskedParts, CASSETTE_VERSION, CassetteHead, CassetteLine, RecordedAnswer, RecordedCall,
    RecordedChecks, RecordedFiles, request_key,
};
use leadhand_protocol::{
    Action, AgentId, Answer, Ask, CallId, Check, ContentHash, Event, ModelFault, ModelReply,
    ModelRequest, Record, TaskId, ToolCall, ToolFault, ToolFaultKind, ToolOutput,
};

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The cassette of a run's records, which are all from its beginning on.
///
/// A model call that failed and was answered later is in it once, with its answer: what is to be
/// repeated is the run, not the state of an endpoint. People's answers are not in it.
#[must_use]
pub fn cassette(records: &[Record]) -> Vec<CassetteLine> {
    let mut taping = Taping::default();
    let mut run = Run::new();
    for record in records {
        taping.take(&run, record);
        for action in run.apply(record) {
            taping.ordered(action);
        }
    }
    taping.finished()
}

#[derive(Default)]
struct Taping {
    lines: Vec<CassetteLine>,
    /// Parts of requests that are written.
    parts: BTreeSet<ContentHash>,
    /// Requests that got a reply in the end.
    replied: BTreeSet<String>,
    asked: BTreeMap<AgentId, Box<ModelRequest>>,
    checks: BTreeMap<Option<TaskId>, Vec<Check>>,
}

impl Taping {
    fn ordered(&mut self, action: Action) {
        match action {
            Action::CallModel { agent, request, .. } => {
                self.asked.insert(agent, request);
            }
            Action::RunChecks { task, checks, .. } => {
                self.checks.insert(task, checks);
            }
            Action::StartAgent { .. }
            | Action::CancelModel { .. }
            | Action::CallTool { .. }
            | Action::AskPerson { .. }
            | Action::Tell { .. }
            | Action::Steer { .. }
            | Action::EndAgent { .. }
            | Action::Finish(_) => {}
        }
    }

    /// Takes what the world said; `run` is as it was before.
    fn take(&mut self, run: &Run, record: &Record) {
        match &*record.event {
            Event::RunStarted(start) => {
                self.lines.push(CassetteLine::Head(CassetteHead {
                    cassette: CASSETTE_VERSION,
                    run: start.run.to_string(),
                    program: env!("CARGO_PKG_VERSION").to_owned(),
                }));
                self.lines.push(CassetteLine::Files(RecordedFiles {
                    files: start.files.clone(),
                    left_out: start.files_left_out,
                }));
            }
            Event::ModelReplied { agent, turn, reply } => {
                self.said(run, *agent, *turn, Ok((**reply).clone()));
            }
            Event::ModelFailed { agent, turn, fault } => {
                self.said(run, *agent, *turn, Err(fault.clone()));
            }
            Event::ToolFinished { call, outcome } => {
                if let Some(pending) = pending(run, *call) {
                    self.came(pending, outcome);
                }
            }
            Event::PersonAnswered {
                request,
                answer: Answer::TookEffect { result },
                ..
            } => {
                if let Some(Ask::Outcome { tool_call, .. }) = run.questions().get(request) {
                    self.call(tool_call, Ok(ToolOutput::text(result)));
                }
            }
            Event::ChecksFinished { task, results } => {
                if let Some(checks) = self.checks.remove(task) {
                    self.lines.push(CassetteLine::Checks(RecordedChecks {
                        checks,
                        task: task.clone(),
                        results: results.clone(),
                    }));
                }
            }
            // All others follow from these, or are a person's.
            _ => {}
        }
    }

    fn said(&mut self, run: &Run, agent: AgentId, turn: u32, said: Result<ModelReply, ModelFault>) {
        let Some(request) = self.asked.get(&agent) else {
            return;
        };
        let (asked, parts) = AskedParts::of(request);
        for part in parts {
            if self.parts.insert(part.part) {
                self.lines.push(CassetteLine::Part(part));
            }
        }
        let key = request_key(request);
        if said.is_ok() {
            self.replied.insert(key.clone());
        }
        let role = run.agents().find(|known| known.id == agent);
        let role = role.map_or("", |agent| agent.role.as_str());
        self.lines
            .push(CassetteLine::Answer(Box::new(RecordedAnswer {
                key,
                by: Some(format!("{agent} {role}, turn {turn}")),
                asked: Some(asked),
                reply: said.as_ref().ok().cloned(),
                fault: said.err(),
            })));
    }

    fn came(&mut self, pending: &PendingCall, outcome: &Result<ToolOutput, ToolFault>) {
        match (&pending.status, outcome) {
            // What a call in doubt gave is known once its probe or a person has said so.
            (CallStatus::Probing { .. }, Ok(output)) => {
                let said: Value = serde_json::from_str(&output.text).unwrap_or_default();
                if said["took_effect"] == true {
                    let result = said["result"].as_str().unwrap_or_default();
                    self.call(&pending.call, Ok(ToolOutput::text(result)));
                }
            }
            (CallStatus::Probing { .. }, Err(_)) => {}
            (_, Err(fault)) if fault.kind == ToolFaultKind::InDoubt => {}
            (_, outcome) => self.call(&pending.call, outcome.clone()),
        }
    }

    fn call(&mut self, made: &ToolCall, came: Result<ToolOutput, ToolFault>) {
        self.lines.push(CassetteLine::Call(RecordedCall {
            tool: made.name.clone(),
            arguments: made.arguments.clone(),
            output: came.as_ref().ok().cloned(),
            fault: came.err(),
        }));
    }

    /// All lines. A failure counts only where no reply came later to the same request.
    fn finished(mut self) -> Vec<CassetteLine> {
        let replied = self.replied;
        self.lines.retain(|line| match line {
            CassetteLine::Answer(answer) => {
                answer.reply.is_some() || !replied.contains(&answer.key)
            }
            _ => true,
        });
        self.lines
    }
}

fn pending(run: &Run, call: CallId) -> Option<&PendingCall> {
    let mut calls = run.agents().flat_map(Agent::calls);
    calls.find(|pending| pending.id == call)
}
