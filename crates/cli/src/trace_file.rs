//! Where traces come from: a file or the standard input, as it is or gzipped, with JSON lines,
//! spans of OTLP, or an exported run.

use crate::exported;
use crate::failure::Failure;
use flate2::read::MultiGzDecoder;
use leadhand::rooms::detectors::{Counts, Recorded, Spans, Trace};
use leadhand::rooms::inspector::{escape, imported, words};
use leadhand::{Record, RunId};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

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

/// A file of traces, of which all are meant, or one.
#[derive(Debug, Clone)]
pub(crate) struct TraceFile {
    path: PathBuf,
    which: Option<Which>,
}

/// Which of several traces.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Which {
    /// By its number, from 1.
    Number(usize),
    /// By its id.
    Id(String),
}

impl Which {
    fn of(text: &str) -> Self {
        let number = text.parse();
        number.map_or_else(|_| Self::Id(text.to_owned()), Self::Number)
    }

    fn is(&self, nth: usize, id: &str) -> bool {
        match self {
            Self::Number(number) => *number == nth,
            Self::Id(own) => own == id,
        }
    }
}

/// What a file gives: whole traces, or an exported run record by record.
enum Found<'a> {
    Trace(&'a Trace),
    Record(&'a RunId, Record),
}

impl TraceFile {
    /// The file that is named so, if it is one and no run: it is there, or looks like a path.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let file = Self::of(name);
        let looks_like_one = name == "-" || name.contains(['/', '.']);
        // A folder may be called as a run is.
        let is_there = file.path.exists() && !file.path.is_dir();
        (looks_like_one || is_there).then_some(file)
    }

    /// The file that is named so: `FILE#2` means its second trace, and `FILE#ID` the one of this
    /// id.
    pub(crate) fn of(name: &str) -> Self {
        match name.rsplit_once('#') {
            Some((path, which)) if !Path::new(name).exists() => Self {
                path: path.into(),
                which: Some(Which::of(which)),
            },
            Some(_) | None => Self {
                path: name.into(),
                which: None,
            },
        }
    }

    /// One of its traces, by its number in the file.
    pub(crate) fn only(&self, nth: usize) -> Self {
        Self {
            path: self.path.clone(),
            which: Some(Which::Number(nth)),
        }
    }

    /// Whether it can be read once only.
    pub(crate) fn is_standard_input(&self) -> bool {
        self.path == Path::new("-")
    }

    /// The name for people.
    pub(crate) fn shown(&self) -> String {
        shown(&self.path)
    }

    /// Gives its traces one by one. Spans of one trace may lie in several lines: they are given
    /// after the last line, or after what stood before a line that cannot be read.
    ///
    /// # Errors
    /// [`Failure::Usage`] with file and line for what cannot be read, or that the trace that was
    /// named is not there.
    pub(crate) fn traces(&self, mut each: impl FnMut(&Trace)) -> Result<(), Failure> {
        let mut reading = None;
        let read = self.found(|_, found| match found {
            Found::Trace(trace) => each(trace),
            Found::Record(run, record) => {
                let reading = reading.get_or_insert_with(|| Recorded::new(run));
                reading.take(&record);
            }
        });
        if read.is_ok() {
            reading.map(Recorded::into_trace).iter().for_each(each);
        }
        read
    }

    /// Gives the records of its traces, and for each the trace's number, from 1, and a name for
    /// it. Of an exported run they are its own.
    ///
    /// # Errors
    /// As [`TraceFile::traces`].
    pub(crate) fn records(
        &self,
        mut see: impl FnMut(usize, &RunId, Record),
    ) -> Result<(), Failure> {
        self.found(|nth, found| match found {
            Found::Record(run, record) => see(nth, run, record),
            Found::Trace(trace) => {
                let Some(run) = name(nth, trace) else { return };
                let records = imported(trace).records.into_iter();
                records.for_each(|record| see(nth, &run, record));
            }
        })
    }

    /// Gives the records of the one trace that is meant, with a name for it.
    ///
    /// # Errors
    /// As [`TraceFile::traces`], and that there are several of which none is named.
    pub(crate) fn scan(&self, mut see: impl FnMut(&RunId, Record)) -> Result<(), Failure> {
        let (mut one, mut count) = (None, 0_usize);
        self.found(|nth, found| match found {
            Found::Record(run, record) => {
                count = 1;
                see(run, record);
            }
            Found::Trace(trace) => {
                count += 1;
                if count == 1 {
                    one = name(nth, trace).map(|run| (run, imported(trace).records));
                }
            }
        })?;
        if count > 1 {
            let file = self.shown();
            return Err(Failure::usage(
                format!("{file} holds {count} traces, and one is looked at here"),
                format!(
                    "name one by its number or its id: {file}#1 is the first, {file}#ID one of this id"
                ),
            ));
        }
        let (run, records) = one.unzip();
        for (run, record) in run.iter().cycle().zip(records.into_iter().flatten()) {
            see(run, record);
        }
        Ok(())
    }

    /// Gives what is meant of the file.
    fn found(&self, mut see: impl FnMut(usize, Found<'_>)) -> Result<(), Failure> {
        let (mut count, mut seen) = (0, 0_usize);
        let which = self.which.as_ref();
        let mut is_meant = |nth: usize, id: &str| {
            let is_meant = which.is_none_or(|which| which.is(nth, id));
            seen += usize::from(is_meant);
            is_meant
        };
        let mut source = open(&self.path)?;
        if source.fill_buf().is_ok_and(exported::begins) {
            exported::read_each(&self.path.display().to_string(), source, |run, record| {
                count = 1;
                if is_meant(1, run.as_str()) {
                    see(1, Found::Record(run, record));
                }
            })?;
        } else {
            let mut each = |trace: &Trace| {
                count += 1;
                if is_meant(count, trace.id()) {
                    see(count, Found::Trace(trace));
                }
            };
            let mut spans = Spans::default();
            let read = lines(&self.path, source, &mut spans, &mut each);
            spans.into_traces().iter().for_each(each);
            read?;
        }
        match which {
            Some(which) if seen == 0 => {
                let traces = words::count(count, "trace");
                let none = match which {
                    Which::Number(number) => format!("there is no number {number}"),
                    Which::Id(id) => format!("none has the id `{}`", escape::line(id, NAME_SHOWN)),
                };
                Err(Failure::usage(
                    format!("{} holds {traces}, and {none}", self.shown()),
                    "name one by its number, from 1, or by its id, as in FILE#1",
                ))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// What a trace is called among runs: its id where it can be one of theirs, else its number.
fn name(nth: usize, trace: &Trace) -> Option<RunId> {
    let id = RunId::new(trace.id());
    id.or_else(|_| RunId::new(format!("trace-{nth}"))).ok()
}

fn shown(path: &Path) -> String {
    escape::line(&path.display().to_string(), NAME_SHOWN)
}

/// What the spans of a file hold.
pub(crate) fn counts(path: &Path) -> Result<Counts, Failure> {
    let mut spans = Spans::default();
    let mut others = 0;
    lines(path, open(path)?, &mut spans, &mut |_: &Trace| others += 1)?;
    let counts = spans.counts();
    if counts.spans == 0 && others > 0 {
        let place = shown(path);
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
        let place = shown(path);
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
        let place = shown(path);
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
