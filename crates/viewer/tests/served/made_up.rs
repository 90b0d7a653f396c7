//! Runs that are made up, for a server to show.

use leadhand_protocol::{PersonInput, Record, RunId, Seq};
use leadhand_viewer::{Given, Later, OpenRunQuestion, Resume, RunLine, Runs, Trouble, Undoable};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc::Sender;

/// One run called `bad`, and what was ordered of it.
#[derive(Clone)]
pub(crate) struct MadeUp {
    records: Vec<Record>,
    damage: Option<String>,
    pub(crate) ordered: Arc<Mutex<Vec<PersonInput>>>,
    open: Vec<OpenRunQuestion>,
    pub(crate) undoable: Arc<Mutex<Result<Vec<Undoable>, String>>>,
    pub(crate) resumed: Arc<Mutex<Vec<Resume>>>,
}

impl MadeUp {
    pub(crate) fn of(events: &[Value]) -> Self {
        let records = events.iter().enumerate().map(|(seq, event)| {
            let record = json!({"seq": seq, "at_ms": 1_000_000 + 100 * seq, "event": event});
            serde_json::from_value(record).unwrap()
        });
        Self {
            records: records.collect(),
            damage: None,
            ordered: Arc::default(),
            open: Vec::new(),
            undoable: Arc::new(Mutex::new(Ok(Vec::new()))),
            resumed: Arc::default(),
        }
    }

    /// A task whose agent calls a tool once that brings `result`, and is refused another call.
    pub(crate) fn bad(result: &str) -> Self {
        let call = |index: u32| json!({"agent": 0, "turn": 1, "index": index});
        Self::of(&[
            json!({"event": "plan_accepted", "revision": 0, "plan": {"tasks": [
                {"id": "t1", "title": "Collect", "role": "analyst", "instruction": "Collect all."}]}}),
            json!({"event": "agent_started", "agent": 0, "role": "analyst", "purpose": {"task": "t1"}, "attempt": 1, "opening": "Begin."}),
            json!({"event": "turn_started", "agent": 0, "turn": 1}),
            json!({"event": "tool_called", "call": call(0), "origin": "model",
                "tool_call": {"id": "c0", "name": "read_file", "arguments": {"path": "notes.md"}},
                "verdict": {"decision": "allow", "because": "the workspace may be read"}, "grants": []}),
            json!({"event": "tool_finished", "call": call(0), "outcome": {"ok": {"text": result}}}),
            json!({"event": "tool_called", "call": call(1), "origin": "model",
                "tool_call": {"id": "c1", "name": "write_file", "arguments": {"path": "secrets/a"}},
                "verdict": {"decision": "deny", "because": "policy.toml:3 denies it"}, "grants": []}),
            json!({"event": "told", "agent": 0, "fault": true, "text": "Write elsewhere. \u{202e}<b>"}),
            json!({"event": "found", "finding": "turns_spent", "agent": 0, "turns": 1}),
            json!({"event": "task_failed", "task": "t1", "why": "all turns are used up"}),
        ])
    }

    pub(crate) fn damaged(mut self, why: &str) -> Self {
        self.damage = Some(why.to_owned());
        self
    }

    pub(crate) fn asking(mut self, open: OpenRunQuestion) -> Self {
        self.open.push(open);
        self
    }

    pub(crate) fn undoing(self, steps: &[Undoable]) -> Self {
        *self.undoable.lock().unwrap() = Ok(steps.to_vec());
        self
    }

    pub(crate) fn line() -> RunLine {
        RunLine {
            run: RunId::new("bad").unwrap(),
            state: "not_achieved".to_owned(),
            live: false,
            resumable: true,
            goal: "Collect".to_owned(),
            started_ms: 1_000_000,
            tasks: 1,
            tasks_done: 0,
            tokens: 12,
            micro_usd: 0,
            questions: 0,
            orders: true,
        }
    }
}

impl Runs for MadeUp {
    fn list(&self) -> Later<'_, Result<Vec<RunLine>, Trouble>> {
        Box::pin(async { Ok(vec![Self::line()]) })
    }

    fn follow(&self, _: RunId, from: Seq, to: Sender<Given>) -> Later<'_, Result<(), Trouble>> {
        Box::pin(async move {
            let from = usize::try_from(from).unwrap();
            for some in self.records.get(from..).unwrap_or_default().chunks(4) {
                if to.send(Given::Records(some.to_vec())).await.is_err() {
                    return Ok(());
                }
            }
            let _ = to.send(Given::AllSoFar).await;
            self.damage.clone().map_or(Ok(()), |why| Err(Trouble(why)))
        })
    }

    fn questions(&self, _: RunId) -> Later<'_, Result<Vec<OpenRunQuestion>, Trouble>> {
        Box::pin(async { Ok(self.open.clone()) })
    }

    fn order(&self, _: RunId, order: PersonInput) -> Later<'_, Result<bool, Trouble>> {
        self.ordered.lock().unwrap().push(order);
        Box::pin(async { Ok(true) })
    }

    fn undoable(&self, _: RunId) -> Later<'_, Result<Vec<Undoable>, Trouble>> {
        let undoable = self.undoable.lock().unwrap().clone();
        Box::pin(async { undoable.map_err(Trouble) })
    }

    /// It goes on once; then another process has it.
    fn resume(&self, _: RunId, how: Resume) -> Later<'_, Result<String, Trouble>> {
        let mut resumed = self.resumed.lock().unwrap();
        resumed.push(how);
        let is_first = resumed.len() == 1;
        Box::pin(async move {
            match is_first {
                true => Ok("It goes on.".to_owned()),
                false => Err(Trouble("run bad is being written by process 7".to_owned())),
            }
        })
    }
}
