//! `leadhand replay`: derives a run again from what the world said, and holds every decision
//! against what is recorded.

use crate::apart;
use crate::exported;
use crate::failure::{Failure, NOT_ACHIEVED};
use crate::project::ProjectOptions;
use crate::reach::Reach;
use crate::screen;
use clap::Args;
use leadhand::rooms::inspector::escape;
use leadhand::rooms::inspector::words;
use leadhand::{Difference, Event, Record, replay};
use serde::Serialize;
use serde_json::Value;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Derive a run again from its inputs and compare every decision with what is recorded
///
/// No model and no tool is called. The exit code is 3 when something does not follow, and 2 when
/// nothing worse came up than a file that cannot be read.
#[derive(Debug, Args)]
pub(crate) struct ReplayArguments {
    /// The run, its first letters, or `last`
    #[arg(required_unless_present = "check")]
    run: Option<String>,
    /// Derive exported runs instead: files that `trace export` wrote
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "run")]
    check: Vec<PathBuf>,
    /// Write one JSON object for each run
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    project: ProjectOptions,
}

/// What came of one run.
#[derive(Serialize)]
struct Report {
    run: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    equal: bool,
    inputs: usize,
    derived: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<Apart>,
}

#[derive(Serialize)]
struct Apart {
    seq: u64,
    recorded: Option<Value>,
    derived: Option<Value>,
    why: Option<String>,
}

pub(crate) async fn run(
    arguments: &ReplayArguments,
    before: &ProjectOptions,
) -> Result<u8, Failure> {
    let mut code = 0;
    let tell = |report: &Report| {
        if arguments.json {
            screen::out_json(report);
        } else {
            screen::out(&text(report));
        }
        if report.equal { 0 } else { NOT_ACHIEVED }
    };
    // One file that cannot be read keeps none of the others from being checked.
    for file in &arguments.check {
        let worse = checked(file).map_or_else(
            |failure| {
                screen::note(&failure.told());
                failure.code()
            },
            |report| tell(&report),
        );
        code = code.max(worse);
    }
    if let Some(name) = &arguments.run {
        let reach = Reach::open(name, &arguments.project, before)?;
        let records = reach.records().await?;
        code = tell(&derive(reach.id.as_str(), &records)?);
    }
    Ok(code)
}

fn checked(file: &Path) -> Result<Report, Failure> {
    let exported = exported::read(file)?;
    let place = file.display().to_string();
    Ok(Report {
        file: Some(escape::line(&place, 200)),
        ..derive(exported.run.as_str(), &exported.records)?
    })
}

/// Derives a run again. Whatever a file holds, the program says something sensible of it.
fn derive(run: &str, records: &[Record]) -> Result<Report, Failure> {
    let derived = catch_unwind(AssertUnwindSafe(|| replay(records))).map_err(|_| {
        Failure::usage(
            format!(
                "{}: the records cannot be derived: they are of no run that this program carries \
                 out",
                escape::line(run, 80)
            ),
            "export the run again; if it is as Leadhand wrote it, please report this",
        )
    })?;
    let report = |inputs, derived, difference: Option<Box<Difference>>| Report {
        run: run.to_owned(),
        file: None,
        equal: difference.is_none(),
        inputs,
        derived,
        difference: difference.map(|difference| Apart {
            seq: difference.seq,
            recorded: difference.recorded.as_deref().map(value),
            derived: difference.derived.as_deref().map(value),
            why: difference.why,
        }),
    };
    Ok(match derived {
        Ok(replayed) => report(replayed.inputs, replayed.derived, None),
        Err(difference) => {
            let seq = usize::try_from(difference.seq).unwrap_or(usize::MAX);
            // What stands before the difference follows.
            let same = replay(&records[..seq.min(records.len())]);
            let (inputs, derived) =
                same.map_or((0, 0), |replayed| (replayed.inputs, replayed.derived));
            report(inputs, derived, Some(difference))
        }
    })
}

fn value(event: &Event) -> Value {
    serde_json::to_value(event).unwrap_or_default()
}

fn text(report: &Report) -> String {
    let of = report
        .file
        .as_ref()
        .map_or(String::new(), |file| format!("{file}: "));
    let counts = format!(
        "{}, {}",
        words::count(report.inputs, "input"),
        words::count(report.derived, "derived record")
    );
    let Some(difference) = &report.difference else {
        return format!(
            "{of}run {} follows from what it was told: {counts}, all as recorded\n",
            report.run
        );
    };
    let events = [difference.recorded.as_ref(), difference.derived.as_ref()];
    let why = difference.why.as_ref().map_or(String::new(), |why| {
        format!("  why       {}\n", escape::line(why, 600))
    });
    format!(
        "{of}run {} does not follow from what it was told: record {} differs, after {counts}\n{}{why}",
        report.run,
        difference.seq,
        apart::sides(["recorded", "derived"], events)
    )
}
