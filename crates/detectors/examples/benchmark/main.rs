//! How good our rules against loops are, and those of others, on the same traces:
//!
//! `cargo run --release -p leadhand-detectors --example benchmark [-- --data DIR] [--markdown]
//! [--write]`
//!
//! The traces are those of `LEADHAND_SHARED`, or of the folder that `--data` names. `--markdown`
//! prints what stands between the markers of `docs/detectors.md`; `--write` puts it there.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is what a benchmark is for"
)]

mod data;
mod ours;
mod peers;
mod score;
mod table;

use data::Trace;
use score::{Fire, Score};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use table::Style;

const USAGE: &str = "benchmark [--data DIR] [--markdown] [--write]";
const OURS: &str = "Leadhand";
/// What is written stands between these lines of the page.
const MARKERS: [&str; 2] = ["<!-- benchmark -->\n", "<!-- /benchmark -->"];
/// How often all steps are seen to find out how many that is in a second; the best time counts.
const ROUNDS: usize = 5;

/// What was asked for.
struct Asked {
    folder: PathBuf,
    style: Style,
    writes: bool,
}

fn main() -> ExitCode {
    match asked(std::env::args().skip(1)).and_then(|asked| run(&asked)) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn asked(mut words: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut folder = data::shared_folder();
    let (mut style, mut writes) = (Style::Terminal, false);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--data" => folder = Some(words.next().ok_or(USAGE)?.into()),
            "--markdown" => style = Style::Markdown,
            "--write" => writes = true,
            "--" => {}
            _ => return Err(format!("`{word}` is not understood: {USAGE}")),
        }
    }
    let folder = folder.ok_or(
        "there are no traces to score: `--data` names no folder of them, nor does \
         LEADHAND_SHARED name one with data/loops.jsonl.gz",
    )?;
    Ok(Asked {
        folder,
        style,
        writes,
    })
}

fn run(asked: &Asked) -> Result<String, String> {
    if !asked.writes {
        return report(&asked.folder, asked.style);
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/detectors.md");
    let fault = |why: std::io::Error| format!("{}: {why}", page.display());
    let text = std::fs::read_to_string(&page).map_err(fault)?;
    let figures = report(&asked.folder, Style::Markdown)?;
    let new = between_markers(&text, &figures).ok_or_else(|| {
        let [begin, end] = MARKERS.map(str::trim_end);
        format!("{} has no `{begin}` before a `{end}`", page.display())
    })?;
    std::fs::write(&page, new).map_err(fault)?;
    Ok(format!("{} is up to date\n", page.display()))
}

/// A page with something else between its markers; none where it has none.
fn between_markers(page: &str, what: &str) -> Option<String> {
    let [begin, end] = MARKERS;
    let (before, rest) = page.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}{what}{end}{after}"))
}

fn report(folder: &Path, style: Style) -> Result<String, String> {
    let mut text = String::new();
    let mut all = Vec::new();
    for (name, title) in data::SETS {
        let traces = data::read(folder, name)?;
        text += &section(style, name, title, &traces);
        all.extend(traces);
    }
    let steps: usize = all.iter().map(|it| it.steps.len()).sum();
    let rate = steps_per_second(&all);
    // Two digits: the third differs from run to run.
    let unit = 10u64.pow(rate.max(10).ilog10() - 1);
    let rate = grouped(rate / unit * unit);
    let _ = writeln!(
        text,
        "{OURS} sees about {rate} steps a second on one core of this machine, measured over the {} steps of all sets.",
        grouped(u64::try_from(steps).unwrap_or(u64::MAX))
    );
    Ok(text)
}

/// One set: how large it is, the table, and what only our detector says.
fn section(style: Style, name: &str, title: &str, traces: &[Trace]) -> String {
    let ours: Vec<Option<Fire>> = traces.iter().map(ours::first_fire).collect();
    let ours = Score::of(traces, &ours);
    let mut rows = vec![(OURS.to_owned(), ours.clone())];
    rows.extend(peers::PEERS.iter().map(|(name, make)| {
        let fires: Vec<Option<Fire>> = traces
            .iter()
            .map(|trace| peers::first_fire(*make, trace))
            .collect();
        ((*name).to_owned(), Score::of(traces, &fires))
    }));
    let loops = ours.found.whole;
    let heading = match style {
        Style::Terminal => "==",
        Style::Markdown => "###",
    };
    let mut text = format!(
        "{heading} {title}\n\n`{name}`: {} runs, {loops} loops; {} hard negatives, {} clean.\n\n",
        traces.len(),
        ours.false_hard.whole,
        ours.false_clean.whole,
    );
    text += &table::scores(style, &rows);
    let _ = writeln!(text, "\nFound by {OURS}: {}.", table::kinds(&ours));
    let told = traces.iter().filter_map(Trace::loop_agent).count();
    if told > 0 {
        let _ = writeln!(
            text,
            "The looping agent is told in {told} runs; {OURS} finds {} of these loops, and names the agent right in {}.",
            ours.named.whole, ours.named.part
        );
    }
    text.push('\n');
    text
}

fn steps_per_second(traces: &[Trace]) -> u64 {
    let rounds = (0..ROUNDS).map(|_| {
        let begun = Instant::now();
        let steps: usize = traces.iter().map(ours::see_all).sum();
        let nanos = begun.elapsed().as_nanos().max(1);
        let rate = u128::try_from(steps).unwrap_or_default() * 1_000_000_000 / nanos;
        u64::try_from(rate).unwrap_or(u64::MAX)
    });
    rounds.max().unwrap_or_default()
}

/// A number with a comma between its thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
