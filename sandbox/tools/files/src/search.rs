//! `search_files`.

use crate::glob::Glob;
use crate::workspace::Walk;
use guest::files::EntryKind;
use guest::workspace::{FILE_BYTES_MAX, is_binary, read};
use guest::{ANSWER_BYTES_MAX, Arguments, ErrorKind, ToolError, fault};
use regex::RegexBuilder;

/// Longest piece of a line that is shown, in bytes.
const LINE_BYTES_MAX: usize = 240;
/// Largest automaton of a pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 1024 * 1024;

pub(crate) fn search_files(arguments: &Arguments) -> Result<String, ToolError> {
    let pattern = arguments.text("pattern");
    let regex = RegexBuilder::new(pattern)
        .size_limit(PATTERN_BYTES_MAX)
        .build()
        .map_err(|_| {
            let message = format!(
                "`{pattern}` is not a regular expression; put \\ before ( ) [ ] {{ }} . * + ? | to \
             search for them as text."
            );
            fault(ErrorKind::InvalidArguments, message)
        })?;
    // Most patterns are plain words, and finding those needs no automaton.
    let is_plain = regex::escape(pattern) == pattern;
    let find = |line: &str| match is_plain {
        true => line.find(pattern),
        false => regex.find(line).map(|found| found.start()),
    };
    let glob = match arguments.text("glob") {
        "" => None,
        glob => Some(Glob::parse(glob)?),
    };
    let path = arguments.text_or("path", ".");
    let mut walk = Walk::start(path, true)?;
    let mut found = Found::default();
    for (path, kind, bytes) in walk.by_ref() {
        if kind != EntryKind::File || glob.as_ref().is_some_and(|glob| !glob.is_match(&path)) {
            continue;
        }
        if bytes > FILE_BYTES_MAX {
            found.unread.push(path);
            continue;
        }
        match read(&path) {
            Ok(content) if is_binary(&content) => {}
            Ok(content) => {
                found.files += 1;
                for (index, line) in String::from_utf8_lossy(&content).lines().enumerate() {
                    if let Some(start) = find(line) {
                        found.add(&path, index + 1, line, start);
                    }
                }
            }
            // The bound of the whole call: what was found until here is still worth having.
            Err(error) if error.kind == ErrorKind::LimitExceeded => {
                found.cut_short = true;
                break;
            }
            Err(_) => found.unread.push(path),
        }
    }
    Ok(found.finish(pattern, &walk.note()))
}

#[derive(Default)]
struct Found {
    text: String,
    files: usize,
    matches: usize,
    left_out: usize,
    unread: Vec<String>,
    cut_short: bool,
}

impl Found {
    fn add(&mut self, path: &str, number: usize, line: &str, start: usize) {
        self.matches += 1;
        let shown = format!("{path}:{number}: {}\n", around(line.trim_end(), start));
        if self.left_out > 0 || self.text.len() + shown.len() > ANSWER_BYTES_MAX {
            self.left_out += 1;
        } else {
            self.text.push_str(&shown);
        }
    }

    fn finish(mut self, pattern: &str, note: &str) -> String {
        if self.matches == 0 {
            self.text = format!("No line matches `{pattern}` in {} files.\n", self.files);
        }
        if self.left_out > 0 {
            let more = format!(
                "… and {} more lines; narrow the pattern or path.\n",
                self.left_out
            );
            self.text.push_str(&more);
        }
        if !self.unread.is_empty() {
            self.text
                .push_str(&format!("{} files could not be read.\n", self.unread.len()));
        }
        if self.cut_short {
            self.text
                .push_str("Stopped early: too much to read; give a subfolder as path.\n");
        }
        self.text.push_str(note);
        self.text.truncate(self.text.trim_end().len());
        self.text
    }
}

/// The piece of a long line in which the match begins.
fn around(line: &str, start: usize) -> String {
    if line.len() <= LINE_BYTES_MAX {
        return line.into();
    }
    let from = line.floor_char_boundary(start.saturating_sub(LINE_BYTES_MAX / 4));
    let to = line.floor_char_boundary((from + LINE_BYTES_MAX).min(line.len()));
    let before = if from > 0 { "…" } else { "" };
    let behind = if to < line.len() { "…" } else { "" };
    format!("{before}{}{behind}", &line[from..to])
}
