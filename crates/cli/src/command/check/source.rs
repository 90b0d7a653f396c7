//! Where traces come from: a file or the standard input, as it is or gzipped, with JSON lines,
//! spans of OTLP, or an exported run.

use crate::exported;
use crate::failure::Failure;
use flate2::read::MultiGzDecoder;
use leadhand::rooms::detectors::{Counts, Recorded, Spans, Trace};
use leadhand::rooms::inspector::escape;
use leadhand::rooms::inspector::{Timeline, foreign, words};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// Longest line, or document of OTLP, that is read, in bytes: one trace, with all that its tools
/// brought.
const LINE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Longest name of a file that is shown, in characters.
const NAME_SHOWN: usize = 200;
/// What to do about a line that is no trace.
const WHAT_A_LINE_IS: &str = "a line is one trace: {\"id\": \"…\", \"steps\": [{\"agent\": \"…\", \
    \"tool\": \"…\", \"args\": …, \"observation\": \"…\"}, …]}, or spans of OTLP JSON; what stood \
    before this line is answered";
/// How a file that `gzip` wrote begins (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Gives the traces of a file one by one. Spans of one trace may lie in several lines: they are
/// given after the last line, or after what stood before a line that cannot be read.
pub(super) fn traces(path: &Path, mut each: impl FnMut(&Trace)) -> Result<(), Failure> {
    let mut source = open(path)?;
    if source.fill_buf().is_ok_and(exported::begins) {
        let mut reading = None;
        exported::read_each(&path.display().to_string(), source, |run, record| {
            let reading = reading.get_or_insert_with(|| Recorded::new(run));
            reading.take(&record);
        })?;
        reading.map(Recorded::into_trace).iter().for_each(each);
        return Ok(());
    }
    let mut spans = Spans::default();
    let read = lines(path, source, &mut spans, &mut each);
    spans.into_traces().iter().for_each(each);
    read
}

/// Whether a name of what is to be looked at is a file, and no run: it is there, or looks like a
/// path.
pub(crate) fn is_file(name: &str) -> bool {
    name == "-" || name.contains(['/', '.']) || Path::new(name).exists()
}

/// Gives a file's traces as timelines; of an exported run all that its records tell.
pub(crate) fn timelines(path: &Path, mut each: impl FnMut(Timeline)) -> Result<(), Failure> {
    let mut source = open(path)?;
    if source.fill_buf().is_ok_and(exported::begins) {
        let mut timeline = None;
        exported::read_each(&path.display().to_string(), source, |run, record| {
            timeline
                .get_or_insert_with(|| Timeline::new(run))
                .take(&record);
        })?;
        timeline.into_iter().for_each(each);
        return Ok(());
    }
    let mut spans = Spans::default();
    let read = lines(path, source, &mut spans, &mut |trace: &Trace| {
        each(foreign(trace));
    });
    spans.into_traces().iter().map(foreign).for_each(each);
    read
}

/// What the spans of a file hold.
pub(crate) fn counts(path: &Path) -> Result<Counts, Failure> {
    let mut spans = Spans::default();
    let mut others = 0;
    lines(path, open(path)?, &mut spans, &mut |_: &Trace| others += 1)?;
    let counts = spans.counts();
    if counts.spans == 0 && others > 0 {
        let place = escape::line(&path.display().to_string(), NAME_SHOWN);
        return Err(Failure::usage(
            format!(
                "{place} holds no spans, but {} in JSON lines",
                words::count(others, "trace")
            ),
            "`leadhand trace show FILE` shows them, `leadhand check FILE` looks for loops",
        ));
    }
    Ok(counts)
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, Failure> {
    let fault = |why: io::Error| {
        let place = escape::line(&path.display().to_string(), NAME_SHOWN);
        Failure::usage(
            format!("{place} cannot be read: {why}"),
            "name a file of JSON lines or of OTLP JSON, an exported run, or - for the standard input",
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

fn lines(
    path: &Path,
    mut source: Box<dyn BufRead>,
    spans: &mut Spans,
    each: &mut impl FnMut(&Trace),
) -> Result<(), Failure> {
    let fault = |number: u64, what: &str| {
        let place = escape::line(&path.display().to_string(), NAME_SHOWN);
        Failure::usage(format!("{place}, line {number}: {what}"), WHAT_A_LINE_IS)
    };
    let unreadable =
        |number: u64, why: &io::Error| fault(number, &format!("cannot be read: {why}"));
    let (mut number, mut taken) = (0, 0_u64);
    let mut line = String::new();
    loop {
        number += 1;
        line.clear();
        let mut within = (&mut source).take(LINE_BYTES_MAX);
        let read = within.read_line(&mut line);
        if read.map_err(|why| unreadable(number, &why))? == 0 {
            break;
        }
        // A document may be spread over lines; JSON lines are whole, each by itself.
        if taken == 0 && ends_early(&line) {
            let rest = within.read_to_string(&mut line);
            rest.map_err(|why| unreadable(number, &why))?;
        }
        if line.len() as u64 == LINE_BYTES_MAX {
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
            let trace = Trace::read(&line);
            each(&trace.map_err(|why| fault(number, &format!("no trace: {why}")))?);
        }
    }
    if taken == 0 {
        return Err(fault(number, "the file ends, and held no trace"));
    }
    Ok(())
}

fn ends_early(line: &str) -> bool {
    let whole = serde_json::from_str::<IgnoredAny>(line);
    whole.is_err_and(|why| why.is_eof()) && !line.trim().is_empty()
}

/// Whether it is a document of OTLP, and not only a trace whose texts speak of one.
fn is_otlp(line: &str) -> bool {
    #[derive(Deserialize)]
    struct Sniffed {
        #[serde(rename = "resourceSpans", alias = "resource_spans")]
        _spans: IgnoredAny,
    }
    let names = ["\"resourceSpans\"", "\"resource_spans\""];
    names.iter().any(|name| line.contains(name)) && serde_json::from_str::<Sniffed>(line).is_ok()
}
