//! The account of a run at its end: what was achieved, what was not and why, what it cost.

use crate::agent::{CallStatus, PendingCall};
use crate::roll_back;
use crate::run::Run;
use leadhand_protocol::{CallReport, CallState, Outcome, OutcomeKind, TaskReport, ToolCall};
use leadhand_task_graph::TaskState;

pub(crate) fn outcome(run: &Run, kind: OutcomeKind, why: &str) -> Outcome {
    Outcome {
        kind,
        why: why.to_owned(),
        answer: run.answer.content.clone().unwrap_or_default(),
        tasks: reports(run),
        files: run.files.values().cloned().collect(),
        in_doubt: run.in_doubt().map(in_doubt).collect(),
        undone: roll_back::reports(run),
        usage: run.spent.usage,
        micro_usd: run.spent.micro_usd,
        turns: run.spent.turns,
        tool_calls: run.spent.tool_calls,
        revisions: run.plan.revision,
    }
}

fn in_doubt(call: &PendingCall) -> CallReport {
    let known = match &call.status {
        CallStatus::InDoubt { evidence, .. } | CallStatus::Probing { evidence, .. } => {
            evidence.join("; ")
        }
        _ => "a person is asked what became of it".to_owned(),
    };
    CallReport {
        call: call.id,
        tool_call: ToolCall::clone(&call.call),
        state: CallState::InDoubt,
        what: known,
    }
}

fn reports(run: &Run) -> Vec<TaskReport> {
    let Some(graph) = run.graph() else {
        return Vec::new();
    };
    let report = |task: &leadhand_protocol::Task| {
        let record = run.task(&task.id);
        let state = match graph.state(&task.id) {
            Some(TaskState::Done) => "done",
            Some(TaskState::Failed) => "failed",
            Some(TaskState::Running) => "running",
            Some(TaskState::Waiting | TaskState::Ready) | None => "waiting",
        };
        TaskReport {
            task: task.id.clone(),
            title: task.title.clone(),
            state: state.to_owned(),
            why: match record {
                Some(record) if state != "done" => record.failure.clone().unwrap_or_default(),
                _ => String::new(),
            },
            artifact: record
                .and_then(|record| record.output.as_ref())
                .map(|(artifact, _)| artifact.clone()),
        }
    };
    graph.plan().tasks.iter().map(report).collect()
}
