//! `leadhand trace diff`: where two runs part, and what differs in the end.

use crate::failure::Failure;
use crate::looked::Looked;
use crate::parting::Comparison;
use crate::project::ProjectOptions;
use crate::screen;
use clap::Args;
use leadhand::{Record, RunId};

/// Show where two runs part, and what differs in the end
///
/// Times, names of runs and of the models that answered do not count, nor do marks that a run was
/// resumed or forked.
#[derive(Debug, Args)]
pub(crate) struct DiffArguments {
    /// A run, its first letters, or `last`; or a file, as of `trace show`
    #[arg(value_name = "RUN|FILE")]
    one: String,
    /// Another one
    #[arg(value_name = "RUN|FILE")]
    other: String,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    project: ProjectOptions,
}

pub(crate) async fn run(arguments: &DiffArguments, before: &ProjectOptions) -> Result<u8, Failure> {
    let options = &arguments.project;
    let one = read(&arguments.one, options, before).await?;
    let other = read(&arguments.other, options, before).await?;
    let comparison = Comparison::of((&one.0, &one.1), (&other.0, &other.1));
    if arguments.json {
        screen::out_json(&comparison);
    } else {
        screen::out(&comparison.to_text());
    }
    Ok(0)
}

/// A run or a trace with its name, none of which may be damaged.
async fn read(
    name: &str,
    options: &ProjectOptions,
    before: &ProjectOptions,
) -> Result<(String, Vec<Record>), Failure> {
    let looked = Looked::open(name, options, before)?;
    let (mut run, mut records) = (String::new(), Vec::new());
    let keep = |id: &RunId, record: Record| {
        if records.is_empty() {
            run = id.to_string();
        }
        records.push(record);
    };
    match looked.scan(keep).await? {
        Some(damage) => Err(damage),
        None => Ok((run, records)),
    }
}
