//! `patch_file`: a unified diff, exactly or not at all. A hunk may lie some lines away from
//! where its header says, since models count badly; its lines must be those of the file. A patch
//! that would fit a second time after it was applied is refused, so that doing it twice is the
//! same as doing it once.

use crate::hunk::{self, Hunk, Line, Patch, Sign};
use crate::workspace::{names, write};
use guest::files::{self, ErrorCode};
use guest::workspace::{explain, read_text};
use guest::{Arguments, ErrorKind, ToolError, fault};

/// How many lines away from where its header says a hunk is looked for.
const OFFSET_LINES_MAX: usize = 200;
/// Longest line that is shown, in characters.
const LINE_CHARS_MAX: usize = 160;
/// Names the file that is not there before or after.
const NOTHING: &str = "/dev/null";

pub(crate) fn patch_file(arguments: &Arguments) -> Result<String, ToolError> {
    let path = arguments.text("path");
    let refuse = |why: String| fault(ErrorKind::InvalidArguments, format!("{why}."));
    let patch = hunk::parse(arguments.text("patch")).map_err(refuse)?;
    check_names(&patch, path).map_err(refuse)?;
    if patch.old_name.as_deref() == Some(NOTHING) {
        return create(&patch, path);
    }
    let old = read_text(path)?;
    let text = Text::of(&old);
    let new = match apply(&patch.hunks, &text) {
        Ok(new) => new,
        Err(why) => {
            if is_applied(&patch.hunks, &text) {
                return Ok(format!(
                    "`{path}` has these changes already; nothing changed."
                ));
            }
            return Err(refuse(format!("in `{path}` {why}. Nothing was changed")));
        }
    };
    if new == old {
        return Err(refuse("`patch` changes nothing".to_owned()));
    }
    if apply(&patch.hunks, &Text::of(&new)).is_ok() {
        return Err(refuse(
            "`patch` would fit again after it was applied: give it more unchanged lines around \
             its changes"
                .to_owned(),
        ));
    }
    write(path, &new)?;
    let count = |sign| {
        let lines = patch.hunks.iter().flat_map(|hunk| &hunk.lines);
        lines.filter(|line| line.sign == sign).count()
    };
    let hunks = patch.hunks.len();
    Ok(format!(
        "Patched `{path}`: {hunks} {}, {} added, {} removed.",
        if hunks == 1 { "hunk" } else { "hunks" },
        lines(count(Sign::Added)),
        lines(count(Sign::Removed)),
    ))
}

fn lines(count: usize) -> String {
    format!("{count} {}", if count == 1 { "line" } else { "lines" })
}

/// The patch must be of the file that the call names, which is the one that was permitted.
fn check_names(patch: &Patch, path: &str) -> Result<(), String> {
    if patch.new_name.as_deref() == Some(NOTHING) {
        return Err("`patch` removes the file, which this tool does not do".to_owned());
    }
    let Some(name) = &patch.new_name else {
        return Ok(());
    };
    let (given, named): (Vec<_>, Vec<_>) = (names(path).collect(), names(name).collect());
    if given.ends_with(&named) || named.ends_with(&given) {
        return Ok(());
    }
    Err(format!("`patch` is of `{name}`, and `path` is `{path}`"))
}

fn create(patch: &Patch, path: &str) -> Result<String, ToolError> {
    let refuse = |why: String| fault(ErrorKind::InvalidArguments, format!("{why}."));
    let lines: Vec<&Line> = patch.hunks.iter().flat_map(Hunk::after).collect();
    let unended = lines.last().is_some_and(|line| line.unended);
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    let content = texts.join("\n") + if unended { "" } else { "\n" };
    match files::stat(path) {
        Err(error) if error.code == ErrorCode::NotFound => {
            write(path, &content)?;
            Ok(format!("Created `{path}` ({} bytes).", content.len()))
        }
        Err(error) => Err(explain(path, &error)),
        Ok(_) if read_text(path)? == content => Ok(format!(
            "`{path}` has these changes already; nothing changed."
        )),
        Ok(_) => Err(refuse(format!(
            "`patch` creates `{path}`, which is there already; make a patch of what is in it"
        ))),
    }
}

/// A file as lines, and how they end.
struct Text<'a> {
    lines: Vec<&'a str>,
    ending: &'static str,
    /// Whether the last line has its line break.
    ended: bool,
}

impl<'a> Text<'a> {
    fn of(text: &'a str) -> Self {
        let ending = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let ended = text.is_empty() || text.ends_with('\n');
        let lines = text.split_terminator('\n');
        Self {
            lines: lines
                .map(|line| line.strip_suffix('\r').unwrap_or(line))
                .collect(),
            ending,
            ended,
        }
    }

    fn has(&self, at: usize, wanted: &[&Line]) -> bool {
        let Some(there) = self.lines.get(at..at + wanted.len()) else {
            return false;
        };
        let same = |(there, wanted): (&&str, &&Line)| **there == *without_return(&wanted.text);
        there.iter().zip(wanted).all(same)
    }
}

/// A line of a patch that was made of a file with CRLF.
fn without_return(text: &str) -> &str {
    text.strip_suffix('\r').unwrap_or(text)
}

/// The text with all hunks applied, each behind the one before it.
fn apply(hunks: &[Hunk], text: &Text<'_>) -> Result<String, String> {
    let mut new: Vec<String> = Vec::new();
    let mut from = 0;
    let mut ended = text.ended;
    for (index, hunk) in hunks.iter().enumerate() {
        let old = hunk.before();
        let at = find(hunk, &old, text, from).map_err(|why| format!("hunk {}{why}", index + 1))?;
        new.extend(text.lines[from..at].iter().map(|line| (*line).to_owned()));
        let mut there = text.lines[at..].iter();
        for line in &hunk.lines {
            match line.sign {
                Sign::Added => new.push(without_return(&line.text).to_owned()),
                Sign::Context => new.extend(there.next().map(|line| (*line).to_owned())),
                Sign::Removed => drop(there.next()),
            }
        }
        from = at + old.len();
        if from == text.lines.len()
            && let Some(last) = hunk.after().last()
        {
            ended = !last.unended && (ended || last.sign == Sign::Added);
        }
    }
    new.extend(text.lines[from..].iter().map(|line| (*line).to_owned()));
    let end = if ended && !new.is_empty() {
        text.ending
    } else {
        ""
    };
    Ok(new.join(text.ending) + end)
}

/// Where a hunk fits, nearest to where it should be. Without a number it must fit once only.
fn find(hunk: &Hunk, old: &[&Line], text: &Text<'_>, from: usize) -> Result<usize, String> {
    if old.is_empty() && !text.lines.is_empty() {
        return Err(
            " has no unchanged line to find its place by: give it some around the change"
                .to_owned(),
        );
    }
    let last = text.lines.len().saturating_sub(old.len());
    let (low, high, wanted) = match hunk.line {
        Some(line) => {
            let wanted = line.saturating_sub(1);
            let low = wanted.saturating_sub(OFFSET_LINES_MAX).max(from);
            (
                low,
                wanted.saturating_add(OFFSET_LINES_MAX).min(last),
                wanted,
            )
        }
        None => (from, last, from),
    };
    let mut fits: Vec<usize> = (low..=high).filter(|at| text.has(*at, old)).collect();
    if hunk.line.is_none() && fits.len() > 1 {
        return Err(format!(
            " fits {} places: give it more unchanged lines, or line numbers",
            fits.len()
        ));
    }
    fits.sort_by_key(|at| at.abs_diff(wanted));
    fits.first()
        .copied()
        .ok_or_else(|| misfit(old, text, from, wanted))
}

/// Names the first line of a hunk that is not as the file has it, at the place that fits best.
fn misfit(old: &[&Line], text: &Text<'_>, from: usize, wanted: usize) -> String {
    let agreeing = |at: usize| {
        let there = text.lines.get(at..).unwrap_or(&[]);
        let same = |(there, line): &(&&str, &&Line)| ***there == *without_return(&line.text);
        there.iter().zip(old).take_while(same).count()
    };
    let wanted = wanted.clamp(from, text.lines.len());
    let low = wanted.saturating_sub(OFFSET_LINES_MAX).max(from);
    let high = (wanted + OFFSET_LINES_MAX).min(text.lines.len());
    let best = (low..=high).max_by_key(|at| (agreeing(*at), usize::MAX - at.abs_diff(wanted)));
    let at = best.unwrap_or(wanted);
    let line = agreeing(at);
    let show = |text: &str| text.chars().take(LINE_CHARS_MAX).collect::<String>();
    let expected = old.get(line).map_or("", |line| without_return(&line.text));
    let expected = show(expected);
    match text.lines.get(at + line) {
        Some(found) => format!(
            " does not fit: it has `{expected}` where line {} is `{}`",
            at + line + 1,
            show(found)
        ),
        None => format!(
            " does not fit: it has `{expected}` behind the end, line {}",
            text.lines.len()
        ),
    }
}

/// Whether every hunk is there as it should be afterwards.
fn is_applied(hunks: &[Hunk], text: &Text<'_>) -> bool {
    let mut from = 0;
    hunks.iter().all(|hunk| {
        let new = hunk.after();
        let last = (text.lines.len() + 1).saturating_sub(new.len());
        let found = (from..last).find(|at| text.has(*at, &new));
        from = found.map_or(from, |at| at + new.len());
        found.is_some() && !new.is_empty()
    })
}
