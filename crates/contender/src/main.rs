//! Runs a workload of a comparison with other runtimes through the whole of Leadhand: a ready plan
//! of tasks, workers, channels, an OpenAI-compatible endpoint, a tool. See `docs/testing.md`.
//!
//! `leadhand-contender --base-url URL --workload FILE.json --concurrency N [--checkpoint FOLDER]
//! [--threads N]` prints one line of JSON with what it took, last.

mod cost;
mod workload;

use cost::{Start, peak_memory_mb};
use leadhand::{
    Durability, Effect, Event, Goal, Leadhand, Limits, MemoryJournal, ModelConfig, Observation,
    Observer, OutcomeKind, RetryPolicy, SledJournal, tool,
};
use serde_json::json;
use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use workload::Workload;

/// A run allocates often and in many sizes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn std::error::Error>;

/// The roles of a workload, and their tools.
const ROLES: [(&str, &str); 2] = [("worker", ""), ("clerk", "lookup")];

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Lookup {
    /// Which value.
    x: i64,
}

fn main() -> Result<(), Failure> {
    let options = options()?;
    let workload = Workload::read(Path::new(option(&options, "workload")?))?;
    let threads = options.get("threads").map_or(Ok(1), |it| it.parse())?;
    let runtime = if threads == 1 {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
    } else {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .build()?
    };
    let folder = tempfile::tempdir()?;
    let start = Start::now()?;
    let tool_calls = Arc::new(AtomicU64::new(0));
    let done = Arc::new(Mutex::new(Vec::new()));
    let leadhand = set_up(&options, &workload, folder.path(), &tool_calls, &done)?;
    let plan = workload.plan()?;
    // On the runtime's own thread, where what agents send wakes it without a system call.
    let run = leadhand.start_plan(Goal::default(), plan)?;
    let outcome = runtime.block_on(runtime.spawn(run))??;
    let (wall_s, cpu_run_s) = start.so_far()?;
    if outcome.kind != OutcomeKind::Done {
        return Err(outcome.why.into());
    }
    workload.check(&done.lock().unwrap_or_else(PoisonError::into_inner))?;
    let tasks = workload.tasks();
    let tool_calls = tool_calls.load(Ordering::Relaxed);
    let line = json!({
        "wall_s": wall_s,
        "tasks": tasks,
        "model_calls": tasks as u64 + tool_calls,
        "tool_calls": tool_calls,
        "rss_peak_mb": peak_memory_mb()?,
        "cpu_s": cost::cpu_s()?,
        "cpu_run_s": cpu_run_s,
    });
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

/// `--name value` pairs.
fn options() -> Result<HashMap<String, String>, Failure> {
    let mut options = HashMap::new();
    let mut words = std::env::args().skip(1);
    while let Some(name) = words.next() {
        let name = name.strip_prefix("--").ok_or("an option begins with --")?;
        let value = words.next().ok_or(format!("--{name} wants a value"))?;
        options.insert(name.to_owned(), value);
    }
    Ok(options)
}

fn option<'a>(options: &'a HashMap<String, String>, name: &str) -> Result<&'a str, Failure> {
    let value = options.get(name).map(String::as_str);
    Ok(value.ok_or(format!("--{name} is missing"))?)
}

/// Tasks that are done, as they are on record.
type Done = Arc<Mutex<Vec<Arc<Event>>>>;

/// Leadhand as it carries the workload out: the model, the tool, the roles, where it is recorded.
fn set_up(
    options: &HashMap<String, String>,
    workload: &Workload,
    workspace: &Path,
    tool_calls: &Arc<AtomicU64>,
    done: &Done,
) -> Result<Leadhand, Failure> {
    let concurrency: usize = option(options, "concurrency")?.parse()?;
    let config = ModelConfig {
        model: Some("stub".to_owned()),
        base_url: Some(option(options, "base-url")?.to_owned()),
        // Nobody looks at the pieces of a reply.
        stream: Some(false),
        concurrency_max: Some(concurrency),
        retry: Some(RetryPolicy::never()),
        ..ModelConfig::default()
    };
    let limits = Limits {
        workers_max: concurrency,
        tasks_max: workload.tasks(),
        turns_per_agent_max: workload.tool_rounds_max() + 2,
        ..Limits::default()
    };
    let counter = Arc::clone(tool_calls);
    let lookup = tool("lookup", "Look up a value.", move |lookup: Lookup| {
        counter.fetch_add(1, Ordering::Relaxed);
        async move { Ok(format!("v{}", lookup.x)) }
    });
    let builder = Leadhand::builder()
        .observer(keeping(done))
        .workspace(workspace)
        .limits(limits)
        .model_config("stub", &config)
        .tool(lookup.effect(Effect::Pure));
    let history = workload.history_window();
    let builder = ROLES.iter().fold(builder, |builder, (name, tools)| {
        let text = format!(
            "---\nname: {name}\ndescription: Works.\ntools: [{tools}]\nhistory: {history}\n---\nYou are a worker. Be brief."
        );
        builder.role_file(name, &text)
    });
    Ok(match options.get("checkpoint") {
        Some(root) => builder.journal(SledJournal::open_root(root, Durability::Process)),
        None => builder.journal(MemoryJournal::new()),
    }
    .build()?)
}

/// An observer that keeps what tasks give.
fn keeping(done: &Done) -> Observer {
    let done = Arc::clone(done);
    Arc::new(move |observation| {
        if let Observation::Recorded(_, record) = observation
            && let Event::TaskDone { .. } = *record.event
        {
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            done.push(Arc::clone(&record.event));
        }
    })
}
