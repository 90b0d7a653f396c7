//! A model that is done after as long as each task takes, and the plans it is asked about.

use crate::Failure;
use leadhand::{
    BoxFuture, Leadhand, Limits, MemoryJournal, Model, ModelFault, ModelFaultKind, ModelInfo,
    ModelReply, ModelRequest, ModelTerms, Observer, Pieces, Plan, Price, RetryPolicy, Task, TaskId,
    ToolStyle,
};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Real tasks take hours.
const CALL_SECONDS_MAX: u64 = 1_000_000;

/// Tasks by place: what each waits for, and how long it takes, in milliseconds.
pub(crate) struct Graph {
    pub(crate) before: Vec<Vec<usize>>,
    pub(crate) ms: Vec<u64>,
}

impl Graph {
    /// The graph as a plan. Estimates are given in whole seconds, each for so many milliseconds.
    pub(crate) fn plan(&self, ms_per_second: u64) -> Result<Plan, Failure> {
        let id = |place: usize| TaskId::new(format!("t{place}"));
        let tasks: Vec<Task> = (0..self.ms.len())
            .map(|place| {
                let mut task = Task::new(id(place)?, "writer", format!("Do part {place}."));
                let before = self.before[place].iter().map(|it| id(*it));
                task.depends_on = before.collect::<Result<_, _>>()?;
                if ms_per_second > 0 {
                    let seconds = self.ms[place].div_ceil(ms_per_second);
                    task.estimate_seconds = u32::try_from(seconds)?;
                }
                Ok(task)
            })
            .collect::<Result<_, Failure>>()?;
        Ok(Plan {
            answer: tasks.last().map(|task| task.id.clone()),
            tasks,
        })
    }
}

/// Takes as long as the part that it is asked to do, on the clock of tokio; nothing at all where
/// nothing is said.
pub(crate) struct Timed(pub(crate) Vec<u64>);

/// Takes equally long for every part, to within some microseconds of the real time: tokio's own
/// timers go by whole milliseconds.
pub(crate) struct Exact {
    takes: Duration,
    begun: Sender<Begun>,
}

/// When a part is done, and who is told.
type Begun = (Instant, oneshot::Sender<()>);

impl Exact {
    pub(crate) fn taking(takes: Duration) -> Self {
        let (begun, parts) = mpsc::channel();
        thread::spawn(move || tell_in_time(&parts));
        Self { takes, begun }
    }
}

/// Tells of each part when it is done. What began first is done first.
fn tell_in_time(parts: &Receiver<Begun>) {
    while let Ok((done, tell)) = parts.recv() {
        thread::sleep(done.saturating_duration_since(Instant::now()));
        // Whoever does not listen any more has been cancelled.
        let _ = tell.send(());
    }
}

impl Model for Exact {
    fn describe(&self) -> ModelInfo {
        info("exact")
    }

    fn call<'a>(
        &'a self,
        _: &'a ModelRequest,
        _: Pieces<'a>,
    ) -> BoxFuture<'a, Result<ModelReply, ModelFault>> {
        Box::pin(async {
            let (tell, told) = oneshot::channel();
            let is_told = self.begun.send((Instant::now() + self.takes, tell)).is_ok();
            if !is_told || told.await.is_err() {
                return Err(ModelFault {
                    kind: ModelFaultKind::Unreachable,
                    message: "the thread that keeps the time is gone".to_owned(),
                    retry_after_ms: None,
                });
            }
            Ok(done())
        })
    }
}

impl Model for Timed {
    fn describe(&self) -> ModelInfo {
        info("timed")
    }

    fn call<'a>(
        &'a self,
        request: &'a ModelRequest,
        _: Pieces<'a>,
    ) -> BoxFuture<'a, Result<ModelReply, ModelFault>> {
        Box::pin(async {
            let words = request.messages.last().map_or("", |entry| entry.text());
            let part = words
                .rsplit_once("Do part ")
                .and_then(|(_, rest)| rest.split('.').next()?.parse::<usize>().ok());
            let ms = part.and_then(|part| self.0.get(part)).copied().unwrap_or(0);
            if ms > 0 {
                tokio::time::sleep(Duration::from_millis(ms)).await;
            }
            Ok(done())
        })
    }
}

fn done() -> ModelReply {
    ModelReply {
        text: "It is done.".to_owned(),
        ..ModelReply::default()
    }
}

/// What a model of this program says of itself.
pub(crate) fn info(name: &str) -> ModelInfo {
    ModelInfo {
        name: name.to_owned(),
        provider: "benchmark".to_owned(),
        context_tokens: None,
        tool_style: ToolStyle::Native,
        price: Price::default(),
    }
}

/// Everything that runs of such plans need, on the clock of tokio.
pub(crate) fn leadhand(
    model: Arc<dyn Model>,
    workers: usize,
    tasks_max: usize,
    observer: Observer,
) -> Result<Leadhand, Failure> {
    let limits = Limits {
        workers_max: workers,
        tasks_max,
        model_call_seconds_max: CALL_SECONDS_MAX,
        ..Limits::default()
    };
    let terms = ModelTerms {
        retry: RetryPolicy {
            attempt_ms_max: CALL_SECONDS_MAX * 1_000,
            ..RetryPolicy::default()
        },
        concurrency_max: usize::MAX,
        ..ModelTerms::default()
    };
    let folder = tempfile::tempdir()?;
    let began = tokio::time::Instant::now();
    let clock = move || u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let leadhand = Leadhand::builder()
        .workspace(folder.path())
        .limits(limits)
        .model_on_terms("benchmark", model, terms)
        .journal(MemoryJournal::new())
        .clock(Arc::new(clock))
        .observer(observer)
        .build()?;
    Ok(leadhand)
}
