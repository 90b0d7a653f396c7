//! How cost and memory grow with the number of tasks of a run.

use crate::Failure;
use crate::measure::{apart, cpu_s, peak_bytes};
use crate::model::{Graph, Timed, leadhand};
use leadhand::{Event, Goal, Observation, Observer, OutcomeKind};
use std::io::Write;
use std::sync::{Arc, OnceLock};

const SIZES: [usize; 4] = [100, 1_000, 10_000, 100_000];
const WORKERS: usize = 64;

pub(crate) fn report(out: &mut impl Write) -> Result<(), Failure> {
    writeln!(
        out,
        "one run, each task waits for the one before it in its lane of {WORKERS}:"
    )?;
    let mut least = f64::INFINITY;
    let mut smallest: Option<(f64, f64)> = None;
    for tasks in SIZES {
        let numbers = apart(&["growth", &tasks.to_string()])?;
        let &[cpu_s, peak, waiting] = &numbers[..] else {
            return Err("three numbers were expected".into());
        };
        let each = cpu_s * 1e6 / tasks as f64;
        least = least.min(each);
        let (few, base) = *smallest.get_or_insert((tasks as f64, waiting));
        let bytes = (waiting - base) / (tasks as f64 - few).max(1.0);
        writeln!(
            out,
            "  {tasks:>7} tasks: {each:>6.1} us CPU a task ({:.2} of the least), peak {:>6.1} MB, {bytes:>5.0} bytes a waiting task",
            each / least,
            peak / 1e6
        )?;
    }
    Ok(())
}

/// One run in a process of its own: seconds of CPU, peak of memory, and the peak when it began.
pub(crate) fn one(out: &mut impl Write, tasks: usize) -> Result<(), Failure> {
    let graph = Graph {
        before: (0..tasks)
            .map(|place| place.checked_sub(WORKERS).into_iter().collect())
            .collect(),
        ms: vec![0; tasks],
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // The first task begins, and all others wait.
    let waiting = Arc::new(OnceLock::new());
    let seen = Arc::clone(&waiting);
    let observer: Observer = Arc::new(move |observation| {
        if let Observation::Recorded(_, record) = observation
            && matches!(*record.event, Event::TurnStarted { .. })
        {
            seen.get_or_init(|| peak_bytes().map_err(|error| error.to_string()));
        }
    });
    runtime.block_on(async {
        let plan = graph.plan(0)?;
        let leadhand = leadhand(Arc::new(Timed(graph.ms)), WORKERS, tasks, observer)?;
        drop(graph.before);
        let before = cpu_s();
        let outcome = leadhand.start_plan(Goal::default(), plan)?.await?;
        if outcome.kind != OutcomeKind::Done {
            return Err(Failure::from(outcome.why));
        }
        let waiting = waiting.get().and_then(|it| it.as_ref().ok()).copied();
        let waiting = waiting.ok_or("no task was seen to begin")?;
        writeln!(out, "{} {} {waiting}", cpu_s() - before, peak_bytes()?)?;
        Ok(())
    })
}
