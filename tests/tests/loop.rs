//! The real loop with models and tools that look at it: what it may not do before a record is
//! durable, and what may not be left when it ends.

use leadhand::rooms::journal::{Damage, JournalError, Promise, RunEntry, Ticket, Visitor, Writer};
use leadhand::rooms::model::{BoxFuture, ModelInfo, Pieces};
use leadhand::rooms::protocol::{ModelFault, ModelReply, ModelRequest, Seq};
use leadhand::{
    Effect, Event, Journal, Leadhand, MemoryJournal, Model, OutcomeKind, Record, RunId,
    ScriptedModel,
};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

/// How long something that must happen is waited for.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often others may run before something that must not happen counts as not happening.
const YIELDS: usize = 200;

const CLERK: &str =
    "---\nname: clerk\ndescription: Looks things up.\ntools: look_up\n---\nYou look things up.";

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct LookUp {
    #[expect(dead_code, reason = "only its schema matters")]
    what: String,
}

fn plan(tasks: &[(&str, &str)]) -> String {
    let tasks = tasks.iter().map(|(id, instruction)| {
        json!({
            "id": id, "title": instruction, "role": "clerk", "files": [],
            "one_worker_per_file": false, "instruction": instruction, "depends_on": [],
            "output_file": "", "changes_files": false,
        })
    });
    let draft = json!({"approach": "", "tasks": tasks.collect::<Vec<_>>()}).to_string();
    json!({"when": {"contains": "Make the plan."}, "reply": {"text": draft}}).to_string()
}

fn calls_tool(when: &str) -> String {
    let call = json!([{"name": "look_up", "arguments": {"what": "it"}}]);
    json!({"when": {"contains": when}, "reply": {"tool_calls": call}}).to_string()
}

/// Holds each call against what is durable by then.
#[derive(Clone, Default)]
struct Ledger {
    /// Calls that durable events have ordered.
    ordered: Arc<AtomicUsize>,
    made: Arc<AtomicUsize>,
    made_too_early: Arc<AtomicUsize>,
}

impl Ledger {
    fn call(&self) {
        let number = self.made.fetch_add(1, Ordering::SeqCst) + 1;
        if number > self.ordered.load(Ordering::SeqCst) {
            self.made_too_early.fetch_add(1, Ordering::SeqCst);
        }
    }
}

struct Watched(ScriptedModel, Ledger);

impl Model for Watched {
    fn describe(&self) -> ModelInfo {
        self.0.describe()
    }

    fn call<'a>(
        &'a self,
        request: &'a ModelRequest,
        pieces: Pieces<'a>,
    ) -> BoxFuture<'a, Result<ModelReply, ModelFault>> {
        self.1.call();
        self.0.call(request, pieces)
    }
}

/// A ticket to be resolved, and how many calls are ordered by what it makes durable.
type Owed = (Promise, usize);

/// A journal whose tickets resolve when the test says so.
struct Slow(MemoryJournal, mpsc::UnboundedSender<Owed>);

struct SlowWriter {
    writer: Box<dyn Writer>,
    owed: mpsc::UnboundedSender<Owed>,
    ordered: usize,
}

impl Journal for Slow {
    fn create(&self, run: &RunId) -> Result<Box<dyn Writer>, JournalError> {
        let writer = self.0.create(run)?;
        Ok(Box::new(SlowWriter {
            writer,
            owed: self.1.clone(),
            ordered: 0,
        }))
    }

    fn open(&self, run: &RunId) -> Result<Box<dyn Writer>, JournalError> {
        self.0.open(run)
    }

    fn scan(
        &self,
        run: &RunId,
        from: Seq,
        see: &mut Visitor<'_>,
    ) -> Result<Option<Damage>, JournalError> {
        self.0.scan(run, from, see)
    }

    fn runs(&self) -> Result<Vec<RunEntry>, JournalError> {
        self.0.runs()
    }
}

impl Writer for SlowWriter {
    fn append(&mut self, records: &[Record]) -> Result<Ticket, JournalError> {
        self.writer.append(records)?.wait()?;
        let orders = |record: &&Record| {
            matches!(
                *record.event,
                Event::TurnStarted { .. } | Event::ToolCalled { .. }
            )
        };
        self.ordered += records.iter().filter(orders).count();
        let (promise, ticket) = Ticket::pair();
        // Once nobody listens the promise is dropped, and the run fails: as it should.
        let _ = self.owed.send((promise, self.ordered));
        Ok(ticket)
    }

    fn next_seq(&self) -> u64 {
        self.writer.next_seq()
    }

    fn set_status(&mut self, status: &Value) -> Result<(), JournalError> {
        self.writer.set_status(status)
    }

    fn close(self: Box<Self>) -> Result<(), JournalError> {
        self.writer.close()
    }
}

#[tokio::test]
async fn an_action_waits_until_its_event_is_durable() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::default();
    let script = [
        plan(&[("t1", "Look it up.")]),
        calls_tool("Your task: Look it up."),
        json!({"when": {"contains": "found"}, "reply": {"text": "It was found."}}).to_string(),
    ];
    let script = ScriptedModel::parse("script".as_ref(), &script.join("\n")).unwrap();
    let of_tool = ledger.clone();
    let tool = leadhand::tool("look_up", "Looks something up.", move |_: LookUp| {
        of_tool.call();
        async { Ok("found".to_owned()) }
    });
    let (sender, mut owed) = mpsc::unbounded_channel();
    let leadhand = Leadhand::builder()
        .workspace(folder.path())
        .model("script", Watched(script, ledger.clone()))
        .role_file("clerk.md", CLERK)
        .tool(tool.effect(Effect::Pure))
        .journal(Slow(MemoryJournal::new(), sender))
        .build()
        .unwrap();
    let run = tokio::spawn(leadhand.start("Look something up.").unwrap());
    while !run.is_finished() {
        // Whoever does not wait for the ticket has time to show it.
        for _ in 0..YIELDS {
            tokio::task::yield_now().await;
        }
        if let Ok((promise, ordered)) = owed.try_recv() {
            ledger.ordered.store(ordered, Ordering::SeqCst);
            promise.resolve(Ok(()));
        }
    }
    let outcome = run.await.unwrap().unwrap();
    assert_eq!(
        (outcome.kind, outcome.answer.as_str()),
        (OutcomeKind::Done, "It was found."),
        "{}",
        outcome.why
    );
    let count = |of: &AtomicUsize| of.load(Ordering::SeqCst);
    assert_eq!((count(&ledger.made), count(&ledger.made_too_early)), (4, 0));
}

/// Says that something began, and, by being dropped, that it ended.
struct AtWork(Arc<AtomicUsize>);

impl AtWork {
    fn begin(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Follows a script, but thinks for ever where the prompt says so.
struct Stuck(ScriptedModel, Arc<AtomicUsize>);

impl Model for Stuck {
    fn describe(&self) -> ModelInfo {
        self.0.describe()
    }

    fn call<'a>(
        &'a self,
        request: &'a ModelRequest,
        pieces: Pieces<'a>,
    ) -> BoxFuture<'a, Result<ModelReply, ModelFault>> {
        let text = request.messages.last().map_or("", |message| message.text());
        if !text.contains("Your task: Think for ever.") {
            return self.0.call(request, pieces);
        }
        let at_work = AtWork::begin(&self.1);
        Box::pin(async move {
            let _at_work = at_work;
            std::future::pending().await
        })
    }
}

/// A run of these tasks, begun, and the count of what it has at work.
fn begun(folder: &std::path::Path, tasks: &[(&str, &str)]) -> (leadhand::Run, Arc<AtomicUsize>) {
    let at_work = Arc::new(AtomicUsize::new(0));
    let script = [plan(tasks), calls_tool("Your task: Look for ever.")].join("\n");
    let script = ScriptedModel::parse("script".as_ref(), &script).expect("the script is right");
    let of_tool = Arc::clone(&at_work);
    let tool = leadhand::tool("look_up", "Looks something up.", move |_: LookUp| {
        let at_work = AtWork::begin(&of_tool);
        async move {
            let _at_work = at_work;
            std::future::pending().await
        }
    });
    let leadhand = Leadhand::builder()
        .workspace(folder)
        .model("script", Stuck(script, Arc::clone(&at_work)))
        .role_file("clerk.md", CLERK)
        .tool(tool.effect(Effect::Pure))
        .build()
        .expect("everything it needs is given");
    let run = leadhand.start("Be at work.").expect("the goal is sound");
    (run, at_work)
}

async fn until(at_work: &AtomicUsize, count: usize) {
    let reached = async {
        while at_work.load(Ordering::SeqCst) != count {
            tokio::task::yield_now().await;
        }
    };
    let reached = tokio::time::timeout(PATIENCE, reached).await;
    assert!(
        reached.is_ok(),
        "{} at work, not {count}",
        at_work.load(Ordering::SeqCst)
    );
}

#[tokio::test]
async fn a_dropped_run_leaves_nothing_at_work() {
    let folder = tempfile::tempdir().unwrap();
    let tasks = [("t1", "Look for ever."), ("t2", "Think for ever.")];
    let (run, at_work) = begun(folder.path(), &tasks);
    let run = tokio::spawn(run);
    until(&at_work, 2).await;
    run.abort();
    until(&at_work, 0).await;
}

#[tokio::test]
async fn a_cancelled_run_ends_its_agents_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (run, at_work) = begun(folder.path(), &[("t1", "Think for ever.")]);
    let control = run.control();
    let run = tokio::spawn(run);
    until(&at_work, 1).await;
    assert!(control.cancel("enough"));
    let outcome = tokio::time::timeout(PATIENCE, run)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(
        (outcome.kind, outcome.why.as_str()),
        (OutcomeKind::Cancelled, "enough")
    );
    assert_eq!(
        outcome.tasks.len(),
        1,
        "what was not done is told: {:?}",
        outcome.tasks
    );
    until(&at_work, 0).await;
}
