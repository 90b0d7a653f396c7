//! A run on disk that listens: tasks whose model answers when it is let, a booking that can be
//! undone, and a person who never answers.

use leadhand_engine::settle;
use leadhand_journal::{Durability, Journal, SledJournal};
use leadhand_model::{BoxFuture, Model, ModelInfo, ModelSet, Pieces, Price, ToolStyle};
use leadhand_protocol::{
    Answer, Ask, Autonomy, Effect, Goal, Isolation, Limits, ModelFault, ModelReply, ModelRequest,
    Outcome, PersonInput, Plan, Record, RequestId, Role, RunId, Start, Task, TaskId, ToolCall,
    ToolFault, ToolLimits, ToolOutput, ToolSpec, ToolTemplate,
};
use leadhand_runtime::{
    Approver, CallInfo, NativeTool, RemoteRun, Runtime, RuntimeError, Toolbox, control,
    system_clock,
};
use leadhand_sandbox::{ToolHost, Workspace};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// How long something that must happen is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) type Life = JoinHandle<Result<Outcome, RuntimeError>>;

#[derive(Clone)]
pub(crate) struct House {
    pub(crate) id: RunId,
    pub(crate) journal: Arc<SledJournal>,
    folder: Arc<TempDir>,
    autonomy: Autonomy,
    /// How many answers the model may give.
    pub(crate) gate: Arc<Semaphore>,
    /// Bytes of its answers.
    pub(crate) answer_bytes: usize,
    /// Whether it books something first.
    pub(crate) books: bool,
    /// The tools that were called.
    pub(crate) called: Arc<Mutex<Vec<String>>>,
    /// Questions that somebody is being asked just now.
    pub(crate) asked: Arc<AtomicUsize>,
}

impl House {
    pub(crate) fn new(autonomy: Autonomy) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal = SledJournal::open_root(folder.path(), Durability::Process);
        Self {
            id: RunId::new("house").unwrap(),
            journal: Arc::new(journal),
            folder: Arc::new(folder),
            autonomy,
            gate: Arc::new(Semaphore::new(0)),
            answer_bytes: 10,
            books: false,
            called: Arc::default(),
            asked: Arc::default(),
        }
    }

    pub(crate) fn begin(&self) -> Life {
        let (house, (_, orders)) = (self.clone(), control());
        tokio::spawn(async move { house.runtime().run(house.start(), orders).await })
    }

    pub(crate) fn resume(&self) -> Life {
        let (house, (_, orders)) = (self.clone(), control());
        tokio::spawn(async move { house.runtime().resume(&house.id, orders).await })
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.journal.folder(&self.id).unwrap().join("control")
    }

    /// Gives an order to the run when nobody carries it out.
    pub(crate) async fn order(&self, order: PersonInput) -> Option<Outcome> {
        self.runtime().order(&self.id, order).await.unwrap()
    }

    /// The run, once it listens.
    pub(crate) async fn reach(&self) -> RemoteRun {
        let reached = async {
            loop {
                if let Ok(remote) = RemoteRun::connect(&*self.journal, &self.id).await {
                    return remote;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, reached)
            .await
            .expect("it listens")
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        let history = self.journal.read(&self.id).unwrap();
        assert_eq!(history.damage, None);
        history.records
    }

    /// Whether its records leave nothing to be decided.
    pub(crate) fn is_settled(&self) -> bool {
        settle(&leadhand_runtime::rebuild(&self.records())).is_empty()
    }

    fn runtime(&self) -> Runtime {
        // Compiling no tool still takes wasmtime some time.
        static HOST: OnceLock<Arc<ToolHost>> = OnceLock::new();
        let host = || Arc::new(ToolHost::builder().standard_tools(false).build().unwrap());
        let workspace = Workspace::open(self.folder.path()).unwrap();
        let models = ModelSet::builder()
            .add("clerk", Gated(self.clone()))
            .unwrap();
        let journal: Arc<dyn Journal> = self.journal.clone();
        Runtime {
            models: models.build().unwrap(),
            tools: Toolbox::new(
                HOST.get_or_init(host).clone(),
                tools().map(|spec| self.tool(spec)).into(),
                Arc::new(workspace),
                ToolLimits::default(),
            )
            .unwrap(),
            journal,
            listen: true,
            approver: Arc::new(self.clone()),
            observer: Arc::new(|_| ()),
            clock: system_clock(),
            traced: false,
        }
    }

    fn tool(&self, spec: ToolSpec) -> Arc<dyn NativeTool> {
        Arc::new(Booking(self.clone(), spec))
    }

    fn start(&self) -> Start {
        let role = |name: &str| Role {
            name: name.to_owned(),
            prompt: format!("You are the {name}."),
            ..Role::default()
        };
        let task = |id: &str, depends_on: &[&str]| Task {
            depends_on: depends_on
                .iter()
                .map(|id| TaskId::new(*id).unwrap())
                .collect(),
            ..Task::new(TaskId::new(id).unwrap(), "clerk", "Do it.")
        };
        let mut tasks = vec![task("t1", &[]), task("t2", &["t1"])];
        if self.books {
            let call = ToolTemplate {
                tool: "book".to_owned(),
                arguments: json!({"room": 7}),
            };
            tasks[0].depends_on.push(TaskId::new("t0").unwrap());
            tasks.push(Task {
                call: Some(call),
                role: String::new(),
                ..task("t0", &[])
            });
        }
        Start {
            run: self.id.clone(),
            goal: Goal {
                autonomy: self.autonomy,
                ..Goal::new("Go.")
            },
            roles: Arc::new(vec![role("manager"), role("clerk")]),
            tools: Arc::new(tools().into()),
            rules: Vec::new(),
            grants: Vec::new(),
            approvals: Vec::new(),
            labels: Vec::new(),
            limits: Limits::default(),
            plan: Some(Arc::new(Plan {
                tasks,
                answer: Some(TaskId::new("t2").unwrap()),
            })),
            files: Vec::new(),
            files_left_out: 0,
            instructions: String::new(),
            seed: 0,
            prices: BTreeMap::new(),
            message_types: Vec::new(),
            permits: BTreeMap::new(),
            default_model: String::new(),
        }
    }
}

fn tools() -> [ToolSpec; 2] {
    let undo = |name: &str| (name == "book").then(|| "undo_book".to_owned());
    let tools = [
        ("book", Effect::Compensable),
        ("undo_book", Effect::Idempotent),
    ];
    tools.map(|(name, effect)| ToolSpec {
        name: name.to_owned(),
        description: String::new(),
        arguments: Arc::new(json!({"type": "object"})),
        result: None,
        effect,
        accesses: Vec::new(),
        probe: None,
        undo: undo(name),
        isolation: Isolation::Native,
        trusted: true,
        equal_by: Vec::new(),
        poll_every_ms: None,
    })
}

struct Booking(House, ToolSpec);

impl NativeTool for Booking {
    fn spec(&self) -> ToolSpec {
        self.1.clone()
    }

    fn call<'a>(
        &'a self,
        call: &'a ToolCall,
        _: &'a CallInfo,
    ) -> BoxFuture<'a, Result<ToolOutput, ToolFault>> {
        let said = format!("{} {}", call.name, call.arguments);
        self.0.called.lock().unwrap().push(said);
        Box::pin(async { Ok(ToolOutput::text("receipt")) })
    }
}

struct Gated(House);

impl Model for Gated {
    fn describe(&self) -> ModelInfo {
        ModelInfo {
            name: "clerk".to_owned(),
            provider: "test".to_owned(),
            context_tokens: None,
            tool_style: ToolStyle::Native,
            price: Price::default(),
        }
    }

    fn call<'a>(
        &'a self,
        _: &'a ModelRequest,
        _: Pieces<'a>,
    ) -> BoxFuture<'a, Result<ModelReply, ModelFault>> {
        Box::pin(async {
            self.0.gate.acquire().await.unwrap().forget();
            Ok(ModelReply {
                text: words(self.0.answer_bytes),
                ..ModelReply::default()
            })
        })
    }
}

/// Counts those who are being asked.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Approver for House {
    fn answer<'a>(
        &'a self,
        _: &'a RunId,
        _: RequestId,
        _: &'a Ask,
    ) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(async {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let _waiting = Waiting(&self.asked);
            std::future::pending().await
        })
    }
}

/// About so many bytes that say something new to their end.
fn words(bytes: usize) -> String {
    (0..=bytes / 9).map(|at| format!("{at:08x} ")).collect()
}
