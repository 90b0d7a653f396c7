//! `leadhand trace verify`: whether a run is what was recorded.

use crate::exported;
use crate::failure::{Failure, NOT_ACHIEVED};
use crate::project::ProjectOptions;
use crate::reach::Reach;
use crate::screen;
use clap::Args;
use leadhand::RunId;
use leadhand::rooms::inspector::escape;
use leadhand::rooms::inspector::words;
use leadhand::rooms::journal::Verified;
use leadhand::rooms::protocol::ContentHash;
use serde::Serialize;
use std::path::Path;

/// Check that no record of a run was changed, removed, put in or moved
///
/// Each record carries a hash over itself and the one before. The last of them, the head, is written
/// out: whoever can write the run's files could make all of them anew, but not so that the head stays
/// the same. Note it where they cannot write, and give it with --head later. The exit code is 3 when
/// something does not hold.
#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// The run, its first letters, `last`, or an exported file
    run: String,
    /// A head that was noted before; the run may have gone on since
    #[arg(long, value_name = "HASH", value_parser = hash)]
    head: Option<ContentHash>,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    project: ProjectOptions,
}

fn hash(text: &str) -> Result<ContentHash, String> {
    ContentHash::parse(text).ok_or_else(|| "a head is 64 hexadecimal digits".to_owned())
}

#[derive(Serialize)]
struct Told<'a> {
    run: &'a RunId,
    holds: bool,
    #[serde(flatten)]
    verified: &'a Verified,
}

pub(crate) async fn run(
    arguments: &VerifyArguments,
    before: &ProjectOptions,
) -> Result<u8, Failure> {
    let noted = arguments.head;
    let file = Path::new(&arguments.run);
    let (run, verified) = if file.extension().is_some() && file.is_file() {
        exported::verify(file, noted)?
    } else {
        let reach = Reach::open(&arguments.run, &arguments.project, before)?;
        let verified = reach.verify(noted).await?;
        (reach.id, verified)
    };
    let holds = verified.damage.is_none() && noted.is_none() == verified.noted.is_none();
    if arguments.json {
        let verified = &verified;
        screen::out_json(&Told {
            run: &run,
            holds,
            verified,
        });
    } else {
        screen::out(&told(&run, noted, &verified));
    }
    Ok(if holds { 0 } else { NOT_ACHIEVED })
}

fn told(run: &RunId, noted: Option<ContentHash>, verified: &Verified) -> String {
    let count = usize::try_from(verified.records).unwrap_or(usize::MAX);
    let records = words::count(count, "record");
    let verb = if count == 1 { "holds" } else { "hold" };
    let mut text = match &verified.damage {
        None => format!("run {run}: {records} {verb}\nhead {}\n", verified.head),
        Some(damage) => format!(
            "run {run} does not hold at record {}: {}\n{records} before it {verb}, up to the link \
             {}\n",
            damage.seq,
            escape::line(&damage.what, WHAT_CHARS_MAX),
            verified.head
        ),
    };
    if verified.unchained > 0 {
        text += &format!(
            "the first {} were written before records carried links: of them only the last one is \
             held by the chain\n",
            verified.unchained
        );
    }
    text += &match (noted, verified.noted) {
        (None, _) => String::new(),
        (Some(_), Some(seq)) if seq + 1 == verified.records => {
            "the head that was given is that of the last record\n".to_owned()
        }
        (Some(_), Some(seq)) => format!(
            "the head that was given is that of record {seq}; {} came after it\n",
            verified.records - seq - 1
        ),
        (Some(_), None) => {
            "the head that was given is that of none of these records: what was noted has been \
             changed or cut off, or the head is of another run\n"
                .to_owned()
        }
    };
    text
}

/// Characters that are shown of what does not hold.
const WHAT_CHARS_MAX: usize = 400;
