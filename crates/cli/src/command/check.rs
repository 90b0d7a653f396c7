//! `leadhand check`: has the detectors read traces, one after the other.

use crate::escape;
use crate::failure::{Failure, USAGE};
use crate::project::ProjectOptions;
use crate::reach::Reach;
use crate::screen;
use clap::Args;
use flate2::read::MultiGzDecoder;
use given::Given;
use leadhand::rooms::detectors::divergence::PlanWatch;
use leadhand::rooms::detectors::{Loops, Spans, Trace, recorded};
use leadhand::rooms::protocol::{Divergence, LoopFinding};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

mod given;

/// Longest line that is read, in bytes: one trace, with all that its tools brought.
const LINE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Longest evidence that is shown, in characters.
const EVIDENCE_SHOWN: usize = 400;
/// Longest name of a trace that is shown, in characters.
const ID_SHOWN: usize = 200;
/// What to do about a line that is no trace.
const WHAT_A_LINE_IS: &str = "a line is one trace: {\"id\": \"…\", \"steps\": [{\"agent\": \"…\", \
    \"tool\": \"…\", \"args\": …, \"observation\": \"…\"}, …]}; what stood before this line is answered";
/// How a file that `gzip` wrote begins (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// The exit code when a loop was found.
const LOOP_FOUND: u8 = 6;
/// The exit code when work left the plan, and no loop was found.
const DIVERGENCE_FOUND: u8 = 7;

/// Look for loops and for work that left the plan, in traces of any agents
///
/// A trace is a line of JSON with `id` and `steps`, the spans of one trace in OTLP JSON, or a run
/// of this project. The exit code is 6 when a loop was found, 7
/// when work left its plan, and 2 when the file cannot be read to its end.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// JSON lines or OTLP JSON, as they are or gzipped; `-` reads from the standard input. What
    /// is no file is a run: its id, its first letters, or `last`
    #[arg(value_name = "FILE|RUN")]
    file: PathBuf,
    /// Write one JSON object for each finding
    #[arg(long)]
    json: bool,
    /// Write one JSON object for each trace: the step at which a loop is first called
    #[arg(long, conflicts_with = "divergence")]
    first_fire: bool,
    /// Write one JSON object for each trace: whether it left its plan, and where
    #[arg(long)]
    divergence: bool,
    #[command(flatten)]
    project: ProjectOptions,
}

pub(crate) async fn run(
    arguments: &CheckArguments,
    before: &ProjectOptions,
) -> Result<u8, Failure> {
    let mut code = 0;
    let done = match run_named(&arguments.file) {
        Some(name) => {
            let reach = Reach::open(name, &arguments.project, before)?;
            let trace = recorded(&reach.id, &reach.records().await?);
            code = told(arguments, &Given::Whole(trace));
            Ok(())
        }
        None => file(arguments, &mut code),
    };
    done?;
    Ok(if arguments.first_fire || arguments.divergence {
        0
    } else {
        code
    })
}

/// The run that the argument means: what is no file, and looks like no path.
fn run_named(path: &Path) -> Option<&str> {
    let name = path.to_str()?;
    (name != "-" && !name.contains(['/', '.']) && !path.exists()).then_some(name)
}

/// Spans of one trace may lie in several lines: they are answered after the last one.
fn file(arguments: &CheckArguments, code: &mut u8) -> Result<(), Failure> {
    let mut spans = Spans::default();
    let read = lines(arguments, &mut spans, code);
    for trace in spans.into_traces() {
        *code = worse(*code, told(arguments, &Given::Whole(trace)));
    }
    read
}

fn lines(arguments: &CheckArguments, spans: &mut Spans, code: &mut u8) -> Result<(), Failure> {
    let mut lines = open(&arguments.file)?;
    let (mut number, mut taken) = (0, 0_u64);
    let mut line = String::new();
    let fault = |number: u64, what: &str| {
        let place = escape::line(&arguments.file.display().to_string(), ID_SHOWN);
        Failure::usage(format!("{place}, line {number}: {what}"), WHAT_A_LINE_IS)
    };
    loop {
        number += 1;
        line.clear();
        let mut within = (&mut lines).take(LINE_BYTES_MAX);
        let mut read = within
            .read_line(&mut line)
            .map_err(|why| fault(number, &format!("cannot be read: {why}")))?;
        if read == 0 {
            break;
        }
        // A document may be spread over lines; JSON lines are whole, each by itself.
        if taken == 0 && ends_early(&line) {
            read += within
                .read_to_string(&mut line)
                .map_err(|why| fault(number, &format!("cannot be read: {why}")))?;
        }
        if read as u64 == LINE_BYTES_MAX {
            let what = format!("longer than {LINE_BYTES_MAX} bytes");
            return Err(fault(number, &what));
        }
        if line.trim().is_empty() {
            continue;
        }
        taken += 1;
        if is_otlp(&line) {
            let took = spans.take(&line);
            took.map_err(|why| fault(number, &why.to_string()))?;
        } else {
            let trace =
                Trace::read(&line).map_err(|why| fault(number, &format!("no trace: {why}")))?;
            *code = worse(*code, told(arguments, &Given::Line(trace)));
        }
    }
    if taken == 0 {
        return Err(fault(1, "the file is empty"));
    }
    Ok(())
}

fn ends_early(line: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(line).is_err_and(|why| why.is_eof())
        && !line.trim().is_empty()
}

/// Whether it is a document of OTLP, and not only a trace whose texts speak of one.
fn is_otlp(line: &str) -> bool {
    #[derive(Deserialize)]
    struct Sniffed {
        #[serde(rename = "resourceSpans")]
        _spans: IgnoredAny,
    }
    line.contains("\"resourceSpans\"") && serde_json::from_str::<Sniffed>(line).is_ok()
}

/// A loop weighs more than what left its plan: it goes on until somebody stops it.
fn worse(code: u8, other: u8) -> u8 {
    debug_assert!(code != USAGE && other != USAGE);
    match (code, other) {
        (0, other) => other,
        (code, 0) => code,
        (code, other) => code.min(other),
    }
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, Failure> {
    let fault = |why: io::Error| {
        let place = escape::line(&path.display().to_string(), ID_SHOWN);
        Failure::usage(
            format!("{place} cannot be read: {why}"),
            "name a file of JSON lines, or - for the standard input",
        )
    };
    let source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(fault)?)
    };
    let mut source = BufReader::new(source);
    let is_gzip = source.fill_buf().map_err(fault)?.starts_with(&GZIP);
    Ok(if is_gzip {
        Box::new(BufReader::new(MultiGzDecoder::new(source)))
    } else {
        Box::new(source)
    })
}

/// Says what was asked of one trace; gives the exit code that it alone would bring.
fn told(arguments: &CheckArguments, trace: &Given<'_>) -> u8 {
    if arguments.divergence {
        let found = divergences(trace);
        let first = found
            .iter()
            .min_by_key(|found| found.step.unwrap_or(u64::MAX));
        screen::out_json(&json!({
            "id": trace.id(),
            "diverged": first.is_some(),
            "step": first.and_then(|found| found.step),
            "agent": first.map(|found| trace.name(found.agent)),
        }));
        return 0;
    }
    let found = first_loop(trace);
    if arguments.first_fire {
        screen::out_json(&json!({
            "id": trace.id(),
            "fire": found.as_ref().map(|(at, _)| at),
            "agent": found.as_ref().map(|(_, found)| trace.name(found.agent)),
            "rule": found.as_ref().map(|(_, found)| found.rule.name()),
        }));
        return 0;
    }
    findings(arguments, trace, found.as_ref(), &divergences(trace))
}

fn findings(
    arguments: &CheckArguments,
    trace: &Given<'_>,
    found: Option<&(usize, LoopFinding)>,
    divergences: &[Divergence],
) -> u8 {
    let id = escape::line(trace.id(), ID_SHOWN);
    if let Some((at, found)) = found {
        tell(arguments, &loop_told(trace, *at, found), || {
            format!(
                "{id}: a loop ({}) of {}, called at step {at}, since step {}: {}",
                found.rule.name(),
                escape::line(trace.name(found.agent), ID_SHOWN),
                found.since,
                escape::line(&found.evidence, EVIDENCE_SHOWN)
            )
        });
    }
    for found in divergences {
        tell(arguments, &divergence_told(trace, found), || {
            let place = found
                .step
                .map_or("at the end".to_owned(), |step| format!("at step {step}"));
            format!(
                "{id}: {} left the plan ({}) {place}: {}",
                escape::line(trace.name(found.agent), ID_SHOWN),
                found.rule.name(),
                escape::line(&found.evidence, EVIDENCE_SHOWN)
            )
        });
    }
    match (found, divergences) {
        (Some(_), _) => LOOP_FOUND,
        (None, [_, ..]) => DIVERGENCE_FOUND,
        (None, []) => {
            if !arguments.json {
                let steps = if trace.len() == 1 { "step" } else { "steps" };
                screen::out(&format!("{id}: nothing found in {} {steps}", trace.len()));
            }
            0
        }
    }
}

fn tell(arguments: &CheckArguments, value: &Value, text: impl FnOnce() -> String) {
    if arguments.json {
        screen::out_json(value);
    } else {
        screen::out(&text());
    }
}

fn loop_told(trace: &Given<'_>, at: usize, found: &LoopFinding) -> Value {
    json!({
        "id": trace.id(), "finding": "loop", "rule": found.rule.name(),
        "agent": trace.name(found.agent), "step": at, "since": found.since,
        "period": found.period, "times": found.times,
        "identity": found.identity.to_string(), "evidence": found.evidence,
    })
}

fn divergence_told(trace: &Given<'_>, found: &Divergence) -> Value {
    json!({
        "id": trace.id(), "finding": "divergence", "rule": found.rule.name(),
        "agent": trace.name(found.agent), "step": found.step,
        "identity": found.identity.to_string(), "evidence": found.evidence,
    })
}

/// The step at which a loop is first called; nothing after it is looked at.
fn first_loop(trace: &Given<'_>) -> Option<(usize, LoopFinding)> {
    let mut loops = Loops::default();
    trace.find(|at, step| Some((at, loops.see(step)?)))
}

/// What left the plan; nothing where the trace has no plan of calls.
fn divergences(trace: &Given<'_>) -> Vec<Divergence> {
    let Some(plan) = trace.plan() else {
        return Vec::new();
    };
    let mut watch = PlanWatch::new(&plan);
    let mut found = Vec::new();
    let none: Option<()> = trace.find(|at, step| {
        found.extend(watch.see(u64::try_from(at).unwrap_or(u64::MAX), step));
        None
    });
    debug_assert!(none.is_none(), "the steps are seen to their end");
    found.extend(watch.finish());
    found
}
