//! `leadhand trace diff`: where two runs part, and what differs in the end.

use crate::exported;
use crate::failure::Failure;
use crate::parting::Comparison;
use crate::project::ProjectOptions;
use crate::reach::Reach;
use crate::screen;
use clap::Args;
use leadhand::Record;
use std::path::Path;

/// Show where two runs part, and what differs in the end
///
/// Times, names of runs and of the models that answered do not count, nor do marks that a run was
/// resumed or forked.
#[derive(Debug, Args)]
pub(crate) struct DiffArguments {
    /// A run, its first letters, `last`, or an exported file
    one: String,
    /// Another one
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

/// A run by its name or its file.
async fn read(
    name: &str,
    options: &ProjectOptions,
    before: &ProjectOptions,
) -> Result<(String, Vec<Record>), Failure> {
    let file = Path::new(name);
    if file.extension().is_some() && file.is_file() {
        let exported = exported::read(file)?;
        return Ok((exported.run.to_string(), exported.records));
    }
    let reach = Reach::open(name, options, before)?;
    let records = reach.records().await?;
    Ok((reach.id.to_string(), records))
}
