//! What it costs a run that it is told to OpenTelemetry: 1,000 tasks with a model that answers at
//! once, on disk, told to nobody and to a receiver on this machine, in turns.
//! `cargo run --release -p leadhand --features telemetry --example measure_telemetry [FOLDER]`

use leadhand::{
    Durability, Goal, Leadhand, Limits, Plan, SledJournal, Task, TaskId, TelemetryOptions,
};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

mod at_once;

use at_once::AtOnce;

const TASKS: usize = 1_000;
const WORKERS: usize = 8;
/// Pairs of runs; the median of the ratios counts.
const PAIRS: usize = 41;

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let folder = std::env::args_os()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let root = folder.join(format!("leadhand-measure-telemetry-{}", std::process::id()));
    let receiver = receiver()?;
    let mut ratios: Vec<[f64; 2]> = Vec::new();
    let (mut off, mut on): (Vec<Spent>, Vec<Spent>) = (Vec::new(), Vec::new());
    let mut spans = 0;
    for pair in 0..PAIRS {
        // Whoever comes first is the other one each time.
        let kinds = [None, Some(receiver.as_str())];
        let kinds: Vec<Option<&str>> = match pair % 2 {
            0 => kinds.to_vec(),
            _ => kinds.into_iter().rev().collect(),
        };
        for told_to in kinds {
            let at = root.join(if told_to.is_some() { "on" } else { "off" });
            let words = format!("Do the next part, for the time {pair}.");
            let (spent, sent) = one(&root, &at, told_to, &words).await?;
            spans = spans.max(sent);
            match told_to {
                Some(_) => on.push(spent),
                None => off.push(spent),
            }
        }
        let (Some(on), Some(off)) = (on.last(), off.last()) else {
            continue;
        };
        ratios.push([on.wall / off.wall, on.cpu / off.cpu]);
    }
    let ratio = |of: usize| median(ratios.iter().map(|ratio| ratio[of]).collect());
    let wall = |of: &[Spent]| median(of.iter().map(|spent| spent.wall).collect());
    let cpu = |of: &[Spent]| median(of.iter().map(|spent| spent.cpu).collect());
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{TASKS} tasks, {WORKERS} workers, {spans} spans, medians of {PAIRS} pairs:"
    )?;
    for (name, of) in [("told to nobody", &off), ("told", &on)] {
        let (wall, cpu) = (wall(of) * 1e3, cpu(of) * 1e3);
        writeln!(
            out,
            "  {name:<15} {wall:>6.1} ms, {cpu:>6.1} ms CPU until its outcome"
        )?;
    }
    let (wall, cpu) = (ratio(0), ratio(1));
    writeln!(out, "  ratio           {wall:>6.3}     {cpu:>6.3}")?;
    std::fs::remove_dir_all(&root)?;
    Ok(())
}

/// In seconds, until the outcome of the run is there.
struct Spent {
    wall: f64,
    cpu: f64,
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

/// One run in the project `at`, with words of its own, so that it shares no payload with others.
/// Gives what it took, and how many spans arrived.
async fn one(
    root: &Path,
    at: &Path,
    told_to: Option<&str>,
    words: &str,
) -> Result<(Spent, u64), Failure> {
    std::fs::create_dir_all(at)?;
    let limits = Limits {
        workers_max: WORKERS,
        tasks_max: TASKS,
        ..Limits::default()
    };
    let mut builder = Leadhand::builder()
        .workspace(at)
        .cache_folder(root.join("cache"))
        .model("m", AtOnce)
        .limits(limits)
        .journal(SledJournal::open_root(at, Durability::Process));
    if let Some(endpoint) = told_to {
        builder = builder.telemetry(TelemetryOptions::new(endpoint));
    }
    let leadhand = builder.build()?;
    let run = leadhand.start_plan(Goal::default(), plan(TASKS, words)?)?;
    let (cpu, began) = (cpu_time()?, Instant::now());
    run.await?;
    let spent = Spent {
        wall: began.elapsed().as_secs_f64(),
        cpu: cpu_time()?.saturating_sub(cpu).as_secs_f64(),
    };
    let Some(telemetry) = leadhand.telemetry().cloned() else {
        return Ok((spent, 0));
    };
    let told = tokio::task::spawn_blocking(move || telemetry.flush()).await?;
    match told.why {
        None => Ok((spent, told.spans_sent)),
        Some(why) => Err(why.into()),
    }
}

/// Takes all that is sent and keeps nothing; gives its address.
fn receiver() -> Result<String, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(&stream));
        }
    });
    Ok(address)
}

fn serve(stream: &TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line.trim().is_empty() {
                break;
            }
        }
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink()).ok()?;
        let mut stream = stream;
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).ok()?;
    }
}

/// What this process has computed so far, threads that have ended included.
fn cpu_time() -> Result<Duration, Failure> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Ok(Duration::new(
        u64::try_from(time.tv_sec)?,
        u32::try_from(time.tv_nsec)?,
    ))
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
