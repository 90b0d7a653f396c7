//! What durability costs a run: 1,000 tasks with a model that answers at once, with the journal
//! in memory and on disk at both levels, in turns; and how long it takes to take up a run of
//! 100,000 records.
//! `cargo run --release -p leadhand --example measure_runs [FOLDER]`

use leadhand::rooms::engine::{Run, SNAPSHOT_FORMAT};
use leadhand::rooms::protocol::Seq;
use leadhand::{
    Durability, Goal, Journal, Leadhand, Limits, MemoryJournal, Plan, Record, RunId, SledJournal,
    Task, TaskId, rebuild,
};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

mod at_once;

use at_once::AtOnce;

const TASKS: usize = 1_000;
const WORKERS: [usize; 2] = [8, 64];
/// Turns of each kind of journal; the median counts.
const TURNS: usize = 7;
/// Six records each.
const LONG_TASKS: usize = 16_700;

type Failure = Box<dyn std::error::Error>;

#[derive(Clone, Copy, PartialEq)]
enum Kept {
    Memory,
    On(Durability),
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let folder = std::env::args_os()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let root = folder.join(format!("leadhand-measure-runs-{}", std::process::id()));
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{TASKS} tasks, CPU and wall-clock milliseconds (medians of {TURNS}):"
    )?;
    for workers in WORKERS {
        let kinds = [
            ("in memory", Kept::Memory),
            ("process", Kept::On(Durability::Process)),
            ("disk", Kept::On(Durability::Disk)),
        ];
        let mut spent: [Vec<(Duration, Duration)>; 3] = Default::default();
        for turn in 0..TURNS {
            for (place, (_, kept)) in kinds.iter().enumerate() {
                let at = root.join(format!("project-{place}"));
                let words =
                    format!("Do the next part, with {workers} others, for the time {turn}.");
                spent[place].push(one(&root, &at, *kept, workers, &words).await?);
            }
        }
        let medians = spent.map(|mut times| {
            times.sort();
            times[times.len() / 2]
        });
        for ((name, _), (cpu, wall)) in kinds.iter().zip(medians) {
            writeln!(
                out,
                "  {workers:>2} workers  {name:<10} {:>7.1} {:>7.1}   CPU ratio {:.2}",
                ms(cpu),
                ms(wall),
                cpu.as_secs_f64() / medians[0].0.as_secs_f64()
            )?;
        }
    }
    long(&root, &mut out)?;
    std::fs::remove_dir_all(&root)?;
    Ok(())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// One run in the project `at`, with words of its own, so that it shares no payload with others.
async fn one(
    root: &Path,
    at: &Path,
    kept: Kept,
    workers: usize,
    words: &str,
) -> Result<(Duration, Duration), Failure> {
    std::fs::create_dir_all(at)?;
    let limits = Limits {
        workers_max: workers,
        tasks_max: TASKS,
        ..Limits::default()
    };
    let builder = Leadhand::builder()
        .workspace(at)
        .cache_folder(root.join("cache"))
        .model("m", AtOnce)
        .limits(limits);
    let builder = match kept {
        Kept::Memory => builder.journal(MemoryJournal::new()),
        Kept::On(durability) => builder.journal(SledJournal::open_root(at, durability)),
    };
    let leadhand = builder.build()?;
    let run = leadhand.start_plan(Goal::default(), plan(TASKS, words)?)?;
    let (cpu, began) = (cpu_time()?, Instant::now());
    run.await?;
    Ok((cpu_time()?.saturating_sub(cpu), began.elapsed()))
}

/// What this process has computed so far, threads that have ended included.
fn cpu_time() -> Result<Duration, Failure> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Ok(Duration::new(
        u64::try_from(time.tv_sec)?,
        u32::try_from(time.tv_nsec)?,
    ))
}

/// Takes up a run of many records, from its beginning and from a snapshot near its end.
fn long(root: &Path, out: &mut impl Write) -> Result<(), Failure> {
    let journal = SledJournal::open_root(root.join("long"), Durability::Process);
    let records = records_of_a_long_run(root)?;
    let id = RunId::new("long")?;
    let mut writer = journal.create(&id)?;
    for part in records.chunks(64) {
        drop(writer.append(part)?);
    }
    let near = records.len() - 500;
    let state = rebuild(&records[..near]).to_snapshot()?;
    writer.close()?;
    let began = Instant::now();
    let whole = rebuild(&journal.read(&id)?.records);
    let from_the_beginning = began.elapsed();
    let mut writer = journal.open(&id)?;
    writer.set_snapshot(near as Seq, SNAPSHOT_FORMAT, &state)?;
    writer.close()?;
    let began = Instant::now();
    let writer = journal.open(&id)?;
    let snapshot = journal.snapshot(&id)?.ok_or("there is no snapshot")?;
    let mut run = Run::from_snapshot(&snapshot.bytes)?;
    for record in journal.read_from(&id, snapshot.next_seq)?.records {
        run.apply(&record);
    }
    let from_the_snapshot = began.elapsed();
    writer.close()?;
    assert!(
        run.to_snapshot()? == whole.to_snapshot()?,
        "both are the same run"
    );
    writeln!(
        out,
        "{} records taken up: from the beginning {:.0} ms, from a snapshot of {} KiB {:.0} ms",
        records.len(),
        ms(from_the_beginning),
        state.len() / 1024,
        ms(from_the_snapshot)
    )?;
    Ok(())
}

/// The records of a run of so many tasks, but for its end.
fn records_of_a_long_run(root: &Path) -> Result<Vec<Record>, Failure> {
    let folder = tempfile::tempdir()?;
    let limits = Limits {
        workers_max: 64,
        tasks_max: LONG_TASKS,
        ..Limits::default()
    };
    let leadhand = Leadhand::builder()
        .workspace(folder.path())
        .cache_folder(root.join("cache"))
        .model("m", AtOnce)
        .limits(limits)
        .build()?;
    let run = leadhand.start_plan(Goal::default(), plan(LONG_TASKS, "Do the next part.")?)?;
    let id = run.id().clone();
    let driven = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.map(|runtime| runtime.block_on(run))
    });
    driven.join().map_err(|_| "the run panicked")???;
    let mut records = leadhand.journal().read(&id)?.records;
    records.pop();
    Ok(records)
}

fn plan(tasks: usize, words: &str) -> Result<Plan, Failure> {
    let tasks: Result<Vec<Task>, Failure> = (0..tasks)
        .map(|number| {
            let id = TaskId::new(format!("t{number}"))?;
            Ok(Task::new(id, "writer", words))
        })
        .collect();
    let tasks = tasks?;
    Ok(Plan {
        answer: tasks.last().map(|task| task.id.clone()),
        tasks,
    })
}
