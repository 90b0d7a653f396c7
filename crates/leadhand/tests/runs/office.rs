//! What the runs of these tests are made of: a model out of a closure, plans, and a count of
//! the model calls that are in flight.

use leadhand::{
    BoxFuture, Builder, Leadhand, Model, ModelFault, ModelInfo, ModelReply, ModelRequest, Outcome,
    Pieces, Plan, Price, Task, TaskId, ToolCall, ToolStyle,
};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::watch;

pub(crate) type Said = Result<ModelReply, ModelFault>;

type Function = dyn Fn(&ModelRequest) -> BoxFuture<'static, Said> + Send + Sync;

/// A model that says what a closure makes of the end of the prompt.
pub(crate) struct FnModel {
    function: Box<Function>,
    price: Price,
}

impl FnModel {
    pub(crate) fn costing(self, price: Price) -> Self {
        Self { price, ..self }
    }
}

pub(crate) fn model<F, Saying>(function: F) -> FnModel
where
    F: Fn(String) -> Saying + Send + Sync + 'static,
    Saying: Future<Output = Said> + Send + 'static,
{
    FnModel {
        function: Box::new(move |request| {
            let last = request.messages.last().map_or("", |message| message.text());
            Box::pin(function(last.to_owned()))
        }),
        price: Price::default(),
    }
}

impl Model for FnModel {
    fn describe(&self) -> ModelInfo {
        ModelInfo {
            name: "closure".to_owned(),
            provider: "test".to_owned(),
            context_tokens: None,
            tool_style: ToolStyle::Native,
            price: self.price,
        }
    }

    fn call<'a>(&'a self, request: &'a ModelRequest, _: Pieces<'a>) -> BoxFuture<'a, Said> {
        (self.function)(request)
    }
}

pub(crate) fn text(text: &str) -> Said {
    Ok(ModelReply {
        text: text.to_owned(),
        ..ModelReply::default()
    })
}

pub(crate) fn call(name: &str, arguments: Value) -> Said {
    let tool_calls = vec![Arc::new(ToolCall {
        id: "c".to_owned(),
        name: name.to_owned(),
        arguments,
    })];
    Ok(ModelReply {
        tool_calls,
        ..ModelReply::default()
    })
}

/// Arguments of a tool that takes none.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct Nothing {}

/// A role that may use these tools, as a role file.
fn clerk(tools: &str) -> String {
    format!("---\nname: clerk\ndescription: Does what it is told.\ntools: [{tools}]\n---\nObey.")
}

/// A clerk without tools, and this model.
pub(crate) fn builder(workspace: &Path, model: impl Model) -> Builder {
    builder_for("", workspace, model)
}

/// A clerk with these tools, which are to be added, and this model.
pub(crate) fn builder_for(tools: &str, workspace: &Path, model: impl Model) -> Builder {
    Leadhand::builder()
        .workspace(workspace)
        // Compiled tools are shared by the tests, which saves most of their time.
        .cache_folder(Path::new(env!("CARGO_TARGET_TMPDIR")).join("tools"))
        .clock(Arc::new(|| 1_700_000_000_000))
        .role_file("clerk", &clerk(tools))
        .model("closure", model)
}

pub(crate) fn id(id: &str) -> TaskId {
    TaskId::new(id).unwrap()
}

/// Tasks for the clerk: id, instruction, what it depends on. The first one gives the answer.
pub(crate) fn plan(tasks: &[(&str, &str, &[&str])]) -> Plan {
    let made = tasks.iter().map(|(name, instruction, depends_on)| Task {
        depends_on: depends_on.iter().map(|name| id(name)).collect(),
        ..Task::new(id(name), "clerk", *instruction)
    });
    Plan {
        tasks: made.collect(),
        answer: tasks.first().map(|(name, ..)| id(name)),
    }
}

/// Every task, what became of it, and why it is not done.
pub(crate) fn tasks(outcome: &Outcome) -> Vec<(&str, &str, &str)> {
    let reports = outcome.tasks.iter();
    reports
        .map(|report| {
            (
                report.task.as_str(),
                report.state.as_str(),
                report.why.as_str(),
            )
        })
        .collect()
}

/// Counts calls that are in flight.
#[derive(Clone)]
pub(crate) struct Flights(Arc<Counts>);

struct Counts {
    begun: watch::Sender<usize>,
    now: AtomicUsize,
    most: AtomicUsize,
}

/// One call; it is over when this is dropped.
pub(crate) struct Flight {
    counts: Arc<Counts>,
    number: usize,
}

impl Flights {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Counts {
            begun: watch::Sender::new(0),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        }))
    }

    pub(crate) fn begin(&self) -> Flight {
        let mut number = 0;
        self.0.begun.send_modify(|begun| {
            *begun += 1;
            number = *begun;
        });
        let now = self.0.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most.fetch_max(now, Ordering::SeqCst);
        Flight {
            counts: self.0.clone(),
            number,
        }
    }

    /// Waits until so many have begun.
    pub(crate) async fn have_begun(&self, calls: usize) {
        let mut begun = self.0.begun.subscribe();
        begun
            .wait_for(|begun| *begun >= calls)
            .await
            .expect("the count lives as long as this");
    }

    /// How many have begun, how many are in flight, and how many were at once.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        let counts = &self.0;
        let now = counts.now.load(Ordering::SeqCst);
        (
            *counts.begun.borrow(),
            now,
            counts.most.load(Ordering::SeqCst),
        )
    }
}

impl Flight {
    /// Which it is, from 1.
    pub(crate) fn number(&self) -> usize {
        self.number
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.counts.now.fetch_sub(1, Ordering::SeqCst);
    }
}
