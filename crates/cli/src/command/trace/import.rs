//! `leadhand trace import`: reads a trace of others, and says what is in it.

use crate::failure::Failure;
use crate::screen;
use crate::trace_file;
use clap::Args;
use leadhand::rooms::detectors::Counts;
use leadhand::rooms::inspector::{escape, words};
use std::path::PathBuf;

/// Characters of a name that are shown.
const NAME_SHOWN: usize = 80;

/// Read spans that others wrote, and say what is in them
///
/// `trace show FILE` shows what happened, `check FILE` looks for loops.
#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// OTLP JSON, one document or one a line, as it is or gzipped; `-` reads from the standard
    /// input
    file: PathBuf,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &ImportArguments) -> Result<u8, Failure> {
    let counts = trace_file::counts(&arguments.file)?;
    if arguments.json {
        screen::out_json(&counts);
    } else {
        screen::out(&in_words(&counts));
    }
    Ok(0)
}

fn in_words(counts: &Counts) -> String {
    let kinds = counts.kinds.iter();
    let kinds = kinds.map(|(kind, spans)| format!("{} {spans}", escape::line(kind, NAME_SHOWN)));
    let kinds: Vec<String> = kinds.collect();
    let named = |names: &std::collections::BTreeSet<String>| {
        let names: Vec<String> = names
            .iter()
            .map(|name| escape::line(name, NAME_SHOWN))
            .collect();
        if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        }
    };
    format!(
        "{} of {}, {} failed\nkinds  {}\nagents {}\ntools  {}",
        words::count(counts.spans, "span"),
        words::count(counts.traces, "trace"),
        counts.error_spans,
        kinds.join(", "),
        named(&counts.agents),
        named(&counts.tools)
    )
}
