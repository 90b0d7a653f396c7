//! A model that is done after as long as each task takes, and the plans it is asked about.

use crate::Failure;
use leadhand::{
    BoxFuture, Leadhand, Limits, MemoryJournal, Model, ModelFault, ModelInfo, ModelReply,
    ModelRequest, ModelTerms, Observer, Pieces, Plan, Price, RetryPolicy, Task, TaskId, ToolStyle,
};
use std::sync::Arc;
use std::time::Duration;

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

/// Takes as long as the part that it is asked to do; nothing at all where nothing is said.
pub(crate) struct Timed(pub(crate) Vec<u64>);

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
            Ok(ModelReply {
                text: "It is done.".to_owned(),
                ..ModelReply::default()
            })
        })
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
