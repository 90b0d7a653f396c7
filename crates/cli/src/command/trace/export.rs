//! `leadhand trace export`: writes a run down, to be replayed anywhere or to be played again
//! without its models and tools.

use crate::exported;
use crate::failure::Failure;
use crate::mask::Mask;
use crate::model_choice::variable;
use crate::project::{Project, ProjectOptions};
use crate::reach::Reach;
use crate::screen;
use clap::{Args, ValueEnum};
use leadhand::rooms::inspector::{Content, Timeline, to_otlp};
use leadhand::{Record, cassette};

/// Write a run to standard output, for `replay --check`, as a cassette, or as spans
///
/// Values of the variables that hold keys and secrets of the project are masked, should they
/// have come into the run.
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// The run, its first letters, or `last`
    run: String,
    /// What is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// With `--format otlp`: also what was said, called and brought, not only names and counts
    #[arg(long)]
    content: bool,
    /// A text that is masked as well
    #[arg(long, value_name = "TEXT")]
    mask: Vec<String>,
    /// A variable of the environment whose value is masked as well
    #[arg(long, value_name = "VARIABLE")]
    mask_env: Vec<String>,
    #[command(flatten)]
    project: ProjectOptions,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    /// Every record, one a line after a head line, for `replay --check`
    #[default]
    Jsonl,
    /// What models, tools and checks answered, for `-m cassette:FILE --tools recorded:FILE`
    Cassette,
    /// Spans of OpenTelemetry by its conventions for generative AI, as OTLP JSON
    Otlp,
}

pub(crate) async fn run(
    arguments: &ExportArguments,
    before: &ProjectOptions,
) -> Result<u8, Failure> {
    let reach = Reach::open(&arguments.run, &arguments.project, before)?;
    let records = reach.records().await?;
    if arguments.content && !matches!(arguments.format, Format::Otlp) {
        return Err(Failure::usage(
            "--content goes with --format otlp; the other formats hold all texts anyway",
            "leave it out",
        ));
    }
    let records = mask(arguments, &reach.project)?.records(records)?;
    let lines = match arguments.format {
        Format::Jsonl => exported::lines(&reach.id, &records)?,
        Format::Cassette => cassette_lines(&records)?,
        Format::Otlp => otlp_lines(&Timeline::of(&reach.id, &records), arguments.content),
    };
    for line in lines {
        screen::out(&line);
    }
    Ok(0)
}

/// One document a line.
fn otlp_lines(timeline: &Timeline, content: bool) -> Vec<String> {
    let content = if content {
        Content::Sent
    } else {
        Content::Left
    };
    let documents = to_otlp(timeline, content);
    documents.iter().map(ToString::to_string).collect()
}

fn cassette_lines(records: &[Record]) -> Result<Vec<String>, Failure> {
    let fault = |error| Failure::internal(format!("an answer cannot be written: {error}"));
    let lines = cassette(records);
    let lines = lines.iter().map(|line| line.to_json().map_err(fault));
    lines.collect()
}

/// What the person wants masked, and whatever the project knows to be secret.
fn mask(arguments: &ExportArguments, project: &Project) -> Result<Mask, Failure> {
    let mut texts = arguments.mask.clone();
    for name in &arguments.mask_env {
        texts.push(variable(name).ok_or_else(|| {
            Failure::usage(
                format!("--mask-env {name}: this variable is not set"),
                "set it to what is to be masked",
            )
        })?);
    }
    texts.extend(project.known_secrets());
    Mask::new(texts)
}
