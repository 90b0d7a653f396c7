//! A tool of one's own with state, and a rule about it, out of what the root of the crate has:
//! what these tests need and do not find there, no implementor finds either.

use crate::office::{builder_for, call, model, plan, text};
use leadhand::{
    Access, Answer, Approver, Ask, BoxFuture, CallInfo, Capability, Decision, Effect, Goal,
    Isolation, NativeTool, OutcomeKind, RequestId, Rule, RunId, ToolCall, ToolFault, ToolFaultKind,
    ToolOutput, ToolSpec,
};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Stamps files, as long as there are stamps.
struct Stamp {
    left: AtomicU32,
}

impl NativeTool for Stamp {
    fn spec(&self) -> ToolSpec {
        ToolSpec {
            name: "stamp".to_owned(),
            description: "Stamps a file.".to_owned(),
            arguments: Arc::new(
                json!({"type": "object", "properties": {"path": {"type": "string"}}}),
            ),
            result: None,
            effect: Effect::Once,
            accesses: vec![Access::new(Capability::FsRead, Some("path"))],
            probe: None,
            undo: None,
            isolation: Isolation::Native,
            trusted: false,
            equal_by: Vec::new(),
            poll_every_ms: None,
        }
    }

    fn call<'a>(
        &'a self,
        call: &'a ToolCall,
        _: &'a CallInfo,
    ) -> BoxFuture<'a, Result<ToolOutput, ToolFault>> {
        let left = self.left.fetch_sub(1, Ordering::Relaxed);
        let stamped = if left > 0 {
            Ok(ToolOutput::text(format!(
                "{} has stamp {left}",
                call.arguments["path"]
            )))
        } else {
            Err(ToolFault {
                kind: ToolFaultKind::Failed,
                message: "no stamps left".to_owned(),
                retryable: false,
            })
        };
        Box::pin(async { stamped })
    }
}

/// Lets everything pass.
struct Obliging;

impl Approver for Obliging {
    fn answer<'a>(
        &'a self,
        _: &'a RunId,
        _: RequestId,
        _: &'a Ask,
    ) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(async { Some(Answer::Allow) })
    }
}

#[tokio::test]
async fn a_tool_with_state_is_judged_and_called() {
    let run = |decision| async move {
        let folder = tempfile::tempdir().unwrap();
        let clerk = model(|prompt| async move {
            if prompt.contains("stamp 1") {
                text("It is stamped.")
            } else if prompt.contains("the office is closed") {
                text("It is not stamped.")
            } else {
                call("stamp", json!({"path": "a.txt"}))
            }
        });
        let rule = Rule {
            tool: "stamp".to_owned(),
            source: "the office is closed".to_owned(),
            ..Rule::any(decision)
        };
        let leadhand = builder_for("stamp", folder.path(), clerk)
            .tool(Stamp {
                left: AtomicU32::new(1),
            })
            .approver(Obliging)
            .add_rules([rule])
            .build()
            .unwrap();
        let started = leadhand.start_plan(Goal::new("Stamp."), plan(&[("t1", "Stamp.", &[])]));
        let outcome = started.unwrap().await.unwrap();
        assert_eq!(outcome.kind, OutcomeKind::Done);
        outcome.answer
    };
    assert_eq!(run(Decision::Ask).await, "It is stamped.");
    assert_eq!(run(Decision::Deny).await, "It is not stamped.");
}
