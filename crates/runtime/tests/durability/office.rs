//! A small world that does the same whatever happens to the run: a model whose reply depends
//! on nothing but the prompt, a tool that looks things up, one that pays and must do so once,
//! and a person who allows everything. It counts what it is asked.

use crate::mortal::MortalJournal;
use leadhand_model::{BoxFuture, Model, ModelInfo, ModelSet, Pieces, Price, ToolStyle};
use leadhand_protocol::{
    Answer, Ask, Autonomy, ChatMessage, Effect, Event, Goal, Isolation, Limits, ModelFault,
    ModelReply, ModelRequest, Outcome, OutputFormat, RequestId, Role, RunId, Start, ToolCall,
    ToolFault, ToolLimits, ToolOutput, ToolSpec, Usage,
};
use leadhand_runtime::{
    Approver, CallInfo, Control, NativeTool, Runtime, RuntimeError, Toolbox, control,
};
use leadhand_sandbox::{ToolHost, Workspace};
use serde_json::json;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

pub(crate) const DONE: &str = "It is paid.";
pub(crate) const IN_DOUBT: &str = "Nobody knows whether it is paid.";
/// Longer than anything the office does; only a life that has ended takes this long.
const LIFE: Duration = Duration::from_secs(86_400);

/// How often who was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Calls {
    pub(crate) models: usize,
    pub(crate) tools: usize,
    pub(crate) questions: usize,
}

#[derive(Clone)]
pub(crate) struct Office {
    pub(crate) id: RunId,
    pub(crate) journal: MortalJournal,
    log: Arc<Mutex<Log>>,
}

#[derive(Default)]
struct Log {
    seen: Vec<String>,
    calls: Calls,
    paid: usize,
}

pub(crate) type Life = Option<Result<Outcome, RuntimeError>>;

impl Office {
    pub(crate) fn new() -> Self {
        Self {
            id: RunId::new("office").unwrap(),
            journal: MortalJournal::default(),
            log: Arc::default(),
        }
    }

    /// Who was called, and the last event that was durable then.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.log.lock().unwrap().seen.clone()
    }

    pub(crate) fn calls(&self) -> Calls {
        self.log.lock().unwrap().calls
    }

    /// The calls since this was last asked.
    pub(crate) fn take_calls(&self) -> Calls {
        std::mem::take(&mut self.log.lock().unwrap().calls)
    }

    pub(crate) fn paid(&self) -> usize {
        self.log.lock().unwrap().paid
    }

    /// The outcome on record.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        self.journal
            .durable(&self.id)
            .iter()
            .find_map(|record| match &*record.event {
                Event::RunEnded(outcome) => Some((**outcome).clone()),
                _ => None,
            })
    }

    /// Carries out the run; none when its process dies.
    pub(crate) async fn run(&self) -> Life {
        self.run_and(|_| true).await
    }

    /// The same, with an order that waits for the run when it begins.
    pub(crate) async fn run_and(&self, order: impl Fn(&Control) -> bool) -> Life {
        let (control, orders) = control();
        assert!(order(&control), "there is room for an order");
        tokio::time::timeout(LIFE, self.runtime().run(self.start(), orders))
            .await
            .ok()
    }

    pub(crate) async fn resume(&self) -> Life {
        let (_control, orders) = control();
        tokio::time::timeout(LIFE, self.runtime().resume(&self.id, orders))
            .await
            .ok()
    }

    fn note(&self, who: &str, count: impl FnOnce(&mut Log)) {
        let latest = self.journal.latest();
        let mut log = self.log.lock().unwrap();
        log.seen.push(format!("{who} after {latest}"));
        count(&mut log);
    }

    fn runtime(&self) -> Runtime {
        // Compiling no tool still takes wasmtime some time.
        static HOST: OnceLock<Arc<ToolHost>> = OnceLock::new();
        let host = || Arc::new(ToolHost::builder().standard_tools(false).build().unwrap());
        let tool = |spec: ToolSpec| Arc::new(OfficeTool(self.clone(), spec)) as Arc<dyn NativeTool>;
        let workspace = Workspace::open(env!("CARGO_MANIFEST_DIR")).unwrap();
        let models = ModelSet::builder()
            .add("clerk", OfficeModel(self.clone()))
            .unwrap();
        Runtime {
            models: models.build().unwrap(),
            tools: Toolbox::new(
                HOST.get_or_init(host).clone(),
                tools().map(tool).into(),
                Arc::new(workspace),
                ToolLimits::default(),
            )
            .unwrap(),
            journal: Arc::new(self.journal.clone()),
            listen: false,
            approver: Arc::new(self.clone()),
            observer: Arc::new(|_| ()),
            clock: Arc::new(|| 1_700_000_000_000),
            traced: false,
        }
    }

    fn start(&self) -> Start {
        let role = |name: &str| Role {
            name: name.to_owned(),
            prompt: format!("You are the {name}."),
            tools: tools().map(|tool| tool.name).into(),
            ..Role::default()
        };
        Start {
            run: self.id.clone(),
            goal: Goal {
                autonomy: Autonomy::L2,
                ..Goal::new("Pay the bill.")
            },
            roles: Arc::new(vec![role("manager"), role("clerk")]),
            tools: Arc::new(tools().into()),
            rules: Vec::new(),
            grants: Vec::new(),
            approvals: Vec::new(),
            labels: Vec::new(),
            limits: Limits::default(),
            plan: None,
            files: Vec::new(),
            files_left_out: 0,
            instructions: String::new(),
            seed: 0,
            prices: Default::default(),
            message_types: Vec::new(),
            permits: std::collections::BTreeMap::new(),
            default_model: String::new(),
        }
    }
}

fn tools() -> [ToolSpec; 2] {
    [("look_up", Effect::Pure), ("pay", Effect::Once)].map(|(name, effect)| ToolSpec {
        name: name.to_owned(),
        description: String::new(),
        arguments: Arc::new(json!({"type": "object"})),
        result: None,
        effect,
        accesses: Vec::new(),
        probe: None,
        undo: None,
        isolation: Isolation::Native,
        trusted: false,
        equal_by: Vec::new(),
        poll_every_ms: None,
    })
}

/// Two are looked up side by side, then it is paid.
fn plan() -> String {
    let task = |id: &str, instruction: &str, depends_on: &[&str]| {
        json!({"id": id, "title": id, "role": "clerk", "files": [], "one_worker_per_file": false,
               "instruction": instruction, "depends_on": depends_on, "output_file": "",
               "changes_files": false})
    };
    let tasks = [
        task("t1", "Look up the sum.", &[]),
        task("t2", "Look up the account.", &[]),
        task("t3", "Pay.", &["t1", "t2"]),
    ];
    json!({"approach": "", "tasks": tasks}).to_string()
}

struct OfficeModel(Office);

impl Model for OfficeModel {
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
        request: &'a ModelRequest,
        _: Pieces<'a>,
    ) -> BoxFuture<'a, Result<ModelReply, ModelFault>> {
        self.0.note("model", |log| log.calls.models += 1);
        Box::pin(async { Ok(reply(request)) })
    }
}

fn reply(request: &ModelRequest) -> ModelReply {
    let usage = Usage {
        input_tokens: 10,
        output_tokens: 1,
        ..Usage::default()
    };
    let text = |text: &str| ModelReply {
        text: text.to_owned(),
        usage,
        ..ModelReply::default()
    };
    let call = |name: &str| ModelReply {
        tool_calls: vec![Arc::new(ToolCall {
            id: "c".to_owned(),
            name: name.to_owned(),
            arguments: json!({}),
        })],
        ..text("")
    };
    match (
        &request.output,
        request.messages.last().map(|message| &**message),
    ) {
        (OutputFormat::Json { .. }, _) => text(&plan()),
        (_, Some(ChatMessage::Tool { text: result, .. })) if result.starts_with("Error") => {
            text(IN_DOUBT)
        }
        (_, Some(ChatMessage::Tool { name, .. })) if name == "pay" => text(DONE),
        (_, Some(ChatMessage::Tool { text: result, .. })) => text(result),
        (_, Some(message)) if message.text().contains("All tasks are done.") => {
            let in_doubt = message.text().contains(IN_DOUBT);
            text(if in_doubt { IN_DOUBT } else { DONE })
        }
        (_, Some(message)) if message.text().contains("Your task: Pay.") => call("pay"),
        _ => call("look_up"),
    }
}

struct OfficeTool(Office, ToolSpec);

impl NativeTool for OfficeTool {
    fn spec(&self) -> ToolSpec {
        self.1.clone()
    }

    fn call<'a>(
        &'a self,
        call: &'a ToolCall,
        _: &'a CallInfo,
    ) -> BoxFuture<'a, Result<ToolOutput, ToolFault>> {
        self.0.note(&call.name, |log| {
            log.calls.tools += 1;
            log.paid += usize::from(call.name == "pay");
        });
        Box::pin(async { Ok(ToolOutput::text("Found.")) })
    }
}

impl Approver for Office {
    fn answer<'a>(
        &'a self,
        _: &'a RunId,
        _: RequestId,
        ask: &'a Ask,
    ) -> BoxFuture<'a, Option<Answer>> {
        self.note("person", |log| log.calls.questions += 1);
        let answer = match ask {
            Ask::Outcome { .. } => Answer::Deny {
                reason: "look at the account".to_owned(),
            },
            _ => Answer::Allow,
        };
        Box::pin(async { Some(answer) })
    }
}
