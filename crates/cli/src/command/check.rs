//! `leadhand check`: has the detectors read traces, one after the other.

use crate::failure::Failure;
use crate::project::ProjectOptions;
use crate::reach::Reach;
use crate::screen;
use crate::trace_file::TraceFile;
use clap::Args;
use leadhand::OutcomeKind;
use leadhand::rooms::detectors::divergence::PlanWatch;
use leadhand::rooms::detectors::{Loops, Trace, recorded};
use leadhand::rooms::inspector::{escape, imported};
use leadhand::rooms::protocol::{Divergence, LoopFinding, Seq};
use serde_json::{Value, json};

/// Longest evidence that is shown, in characters.
const EVIDENCE_SHOWN: usize = 400;
/// Longest name of a trace that is shown, in characters.
const ID_SHOWN: usize = 200;

/// Look for loops and for work that left the plan, in traces of any agents
///
/// A trace is a line of JSON with `id` and `steps`, the spans of one trace in OTLP JSON, or a run
/// of this project, by its name or exported. The exit code is 6 when a loop was found, 7 when work
/// left its plan, and 2 when the file cannot be read to its end.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// JSON lines or OTLP JSON, as they are or gzipped, or an exported run; `-` reads from the
    /// standard input, and `FILE#2` or `FILE#ID` means one of several traces. What is no file is a
    /// run: its id, its first letters, or `last`
    #[arg(value_name = "FILE|RUN")]
    name: String,
    /// Write one JSON object for each finding, and for each trace in which nothing was found
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
    let mut worst = None;
    let mut each = |trace: &Trace| worst = worse(worst, told(arguments, trace));
    match &TraceFile::named(&arguments.name) {
        Some(file) => file.traces(each)?,
        None => {
            let name = &arguments.name;
            let reach = Reach::open(name, &arguments.project, before)?;
            each(&recorded(&reach.id, &reach.records().await?));
        }
    }
    Ok(worst.map_or(0, OutcomeKind::exit_code))
}

/// A loop weighs more than what left its plan: it goes on until somebody stops it.
fn worse(one: Option<OutcomeKind>, other: Option<OutcomeKind>) -> Option<OutcomeKind> {
    match (one, other) {
        (Some(OutcomeKind::LoopFound), _) | (_, None) => one,
        (None | Some(_), Some(_)) => other,
    }
}

/// Says what was asked of one trace; gives how the program is to end because of it, if it is
/// asked what is found and not for a table.
fn told(arguments: &CheckArguments, trace: &Trace) -> Option<OutcomeKind> {
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
        return None;
    }
    let found = first_loop(trace);
    if arguments.first_fire {
        screen::out_json(&json!({
            "id": trace.id(),
            "fire": found.as_ref().map(|(at, _)| at),
            "agent": found.as_ref().map(|(_, found)| trace.name(found.agent)),
            "rule": found.as_ref().map(|(_, found)| found.rule.name()),
        }));
        return None;
    }
    findings(arguments, trace, found.as_ref(), &divergences(trace))
}

fn findings(
    arguments: &CheckArguments,
    trace: &Trace,
    found: Option<&(usize, LoopFinding)>,
    divergences: &[Divergence],
) -> Option<OutcomeKind> {
    let id = escape::line(trace.id(), ID_SHOWN);
    let records = if found.is_none() && divergences.is_empty() {
        Records::default()
    } else {
        Records::of(trace)
    };
    if let Some((at, found)) = found {
        tell(arguments, &loop_told(trace, *at, found, &records), || {
            format!(
                "{id}: a loop ({}) of {}, called at step {at}{}, since step {}{}: {}",
                found.rule.name(),
                escape::line(trace.name(found.agent), ID_SHOWN),
                records.shown(*at as u64),
                found.since,
                records.shown(found.since),
                escape::line(&found.evidence, EVIDENCE_SHOWN)
            )
        });
    }
    for found in divergences {
        tell(arguments, &divergence_told(trace, found, &records), || {
            let place = found.step.map_or("at the end".to_owned(), |step| {
                format!("at step {step}{}", records.shown(step))
            });
            format!(
                "{id}: {} left the plan ({}) {place}: {}",
                escape::line(trace.name(found.agent), ID_SHOWN),
                found.rule.name(),
                escape::line(&found.evidence, EVIDENCE_SHOWN)
            )
        });
    }
    match (found, divergences) {
        (Some(_), _) => Some(OutcomeKind::LoopFound),
        (None, [_, ..]) => Some(OutcomeKind::DivergenceFound),
        (None, []) => {
            let nothing = json!({"id": trace.id(), "finding": null, "steps": trace.len()});
            tell(arguments, &nothing, || {
                let steps = if trace.len() == 1 { "step" } else { "steps" };
                format!("{id}: nothing found in {} {steps}", trace.len())
            });
            None
        }
    }
}

/// The record that each step of a trace of others begins with, as `trace show` numbers them; none
/// for a run of ours, of which steps are not all there is.
#[derive(Default)]
struct Records(Vec<Seq>);

impl Records {
    fn of(trace: &Trace) -> Self {
        Self(if trace.parts().is_empty() {
            Vec::new()
        } else {
            imported(trace).steps
        })
    }

    fn record(&self, step: u64) -> Option<Seq> {
        self.0.get(usize::try_from(step).ok()?).copied()
    }

    fn shown(&self, step: u64) -> String {
        self.record(step)
            .map_or_else(String::new, |seq| format!(" (#{seq})"))
    }
}

fn tell(arguments: &CheckArguments, value: &Value, text: impl FnOnce() -> String) {
    if arguments.json {
        screen::out_json(value);
    } else {
        screen::out(&text());
    }
}

fn loop_told(trace: &Trace, at: usize, found: &LoopFinding, records: &Records) -> Value {
    json!({
        "id": trace.id(), "finding": "loop", "rule": found.rule.name(),
        "agent": trace.name(found.agent), "step": at, "since": found.since,
        "record": records.record(at as u64), "since_record": records.record(found.since),
        "period": found.period, "times": found.times,
        "identity": found.identity.to_string(), "evidence": found.evidence,
    })
}

fn divergence_told(trace: &Trace, found: &Divergence, records: &Records) -> Value {
    json!({
        "id": trace.id(), "finding": "divergence", "rule": found.rule.name(),
        "agent": trace.name(found.agent), "step": found.step,
        "record": found.step.and_then(|step| records.record(step)),
        "identity": found.identity.to_string(), "evidence": found.evidence,
    })
}

/// The step at which a loop is first called; nothing after it is looked at.
fn first_loop(trace: &Trace) -> Option<(usize, LoopFinding)> {
    let mut loops = Loops::default();
    trace.find(|at, step| Some((at, loops.see(step)?)))
}

/// What left the plan; nothing where the trace has no plan of calls.
fn divergences(trace: &Trace) -> Vec<Divergence> {
    let Some(plan) = trace.plan() else {
        return Vec::new();
    };
    let mut watch = PlanWatch::new(plan);
    let mut found = Vec::new();
    // Nothing is looked for: all steps are to be seen.
    trace.find(|at, step| {
        found.extend(watch.see(u64::try_from(at).unwrap_or(u64::MAX), step));
        None::<()>
    });
    found.extend(watch.finish());
    found
}
