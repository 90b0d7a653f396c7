//! How long somebody waits who looks at a long run: until the first text, and until the last.
//!
//! `cargo bench --bench looking [-- TASKS | -- in FOLDER]` carries a plan of template tasks out, of
//! which each calls `list_files`, and has the program show the run in several ways, each three
//! times. With `in FOLDER` the last run of a project is looked at. `LEADHAND_PROGRAM` names another
//! program than the one that was built with this, to compare the two. Linux only: the most memory
//! is read from `/proc`.

use serde_json::json;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Tasks, if nothing else is said: their run has more than 100,000 events.
const TASKS: usize = 20_000;
const ROUNDS: usize = 3;
const SCRIPT: &str = r#"{"times": 0, "reply": {"text": "Hello."}}"#;
const LOOKS: &[&[&str]] = &[
    &["trace", "show", "last"],
    &["trace", "show", "last", "--events"],
    &["trace", "tail", "last"],
    &["trace", "graph", "last"],
    &["trace", "why", "last", "1000"],
    &["trace", "verify", "last"],
    &["trace", "export", "last"],
];

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    // Cargo says so to whatever it runs as a benchmark.
    words.retain(|word| word != "--bench");
    let mut out = std::io::stdout();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => anew(&mut out, TASKS),
        ["in", folder] => look(&mut out, Path::new(folder)),
        [tasks] => anew(&mut out, tasks.parse()?),
        _ => Err(format!("{words:?} is neither a number of tasks nor `in FOLDER`").into()),
    }
}

/// Carries a plan out in a folder of its own and looks at the run.
fn anew(out: &mut impl Write, tasks: usize) -> Result<(), Failure> {
    let project = tempfile::tempdir()?;
    let task = |number: usize| {
        json!({"id": format!("t{number}"), "title": format!("Look {number}"), "instruction": "Look.",
            "depends_on": [], "call": {"tool": "list_files", "arguments": {"path": "."}}})
    };
    let plan = json!({"tasks": (1..=tasks).map(task).collect::<Vec<_>>()});
    std::fs::write(project.path().join("plan.json"), plan.to_string())?;
    std::fs::write(project.path().join("script.jsonl"), SCRIPT)?;
    let mut run = leadhand(project.path(), &["run", "Look", "--plan", "plan.json"]);
    run.args(["-m", "scripted:script.jsonl"]);
    for bound in ["tasks_max", "planned_tasks_max"] {
        run.args(["-c", &format!("limits.{bound}={tasks}")]);
    }
    let began = Instant::now();
    let ran = run.output()?;
    if !ran.status.success() {
        return Err(String::from_utf8_lossy(&ran.stderr).into());
    }
    writeln!(out, "carried out in {:.1} s", began.elapsed().as_secs_f64())?;
    look(out, project.path())
}

fn look(out: &mut impl Write, project: &Path) -> Result<(), Failure> {
    writeln!(
        out,
        "medians of {ROUNDS}                     first text    whole   output  most memory"
    )?;
    for arguments in LOOKS {
        let mut seen = (0..ROUNDS)
            .map(|_| Seen::of(&mut leadhand(project, arguments)))
            .collect::<Result<Vec<_>, _>>()?;
        let mut median = |of: fn(&Seen) -> f64| {
            seen.sort_by(|one, other| of(one).total_cmp(&of(other)));
            of(&seen[ROUNDS / 2])
        };
        let mut line = format!("{:30}", arguments.join(" "));
        write!(
            line,
            " {:8.0} ms",
            median(|seen| 1e3 * seen.first.as_secs_f64())
        )?;
        write!(
            line,
            " {:6.0} ms",
            median(|seen| 1e3 * seen.whole.as_secs_f64())
        )?;
        write!(line, " {:5.1} MB", median(|seen| seen.bytes as f64 / 1e6))?;
        write!(
            line,
            " {:9.0} MB",
            median(|seen| seen.memory_kib as f64 / 1024.0)
        )?;
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn leadhand(project: &Path, arguments: &[&str]) -> Command {
    let other = std::env::var_os("LEADHAND_PROGRAM");
    let mut command = Command::new(other.unwrap_or(env!("CARGO_BIN_EXE_leadhand").into()));
    command.current_dir(project).args(arguments);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    command
}

/// What came of looking once.
struct Seen {
    /// From the start of the program to the first byte that it wrote.
    first: Duration,
    whole: Duration,
    bytes: usize,
    memory_kib: u64,
}

impl Seen {
    fn of(command: &mut Command) -> Result<Self, Failure> {
        let began = Instant::now();
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut output = child.stdout.take().ok_or("it has no output")?;
        let status = format!("/proc/{}/status", child.id());
        let mut seen = Self {
            first: Duration::ZERO,
            whole: Duration::ZERO,
            bytes: 0,
            memory_kib: 0,
        };
        let mut piece = vec![0; 64 * 1024];
        loop {
            let read = output.read(&mut piece)?;
            if read == 0 {
                break;
            }
            if seen.bytes == 0 {
                seen.first = began.elapsed();
            }
            seen.bytes += read;
            // It is gone when it has nothing more to write.
            let now = std::fs::read_to_string(&status).unwrap_or_default();
            seen.memory_kib = seen.memory_kib.max(most_memory_kib(&now));
        }
        if !child.wait()?.success() {
            return Err(format!("{command:?} failed").into());
        }
        seen.whole = began.elapsed();
        Ok(seen)
    }
}

fn most_memory_kib(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}
