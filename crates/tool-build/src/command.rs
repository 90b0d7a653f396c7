//! Other programs, run to their end: what they say is passed on line by line, and the end of it
//! is kept for the error.

use crate::BuildError;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::process::{Command, Stdio};

/// Lines of what a program said that are kept for its error.
const LINES_KEPT_MAX: usize = 60;
/// Longest line that is passed on, in bytes; the rest becomes a line of its own.
const LINE_BYTES_MAX: u64 = 4_096;

/// Runs a program without input. Its standard error is told line by line, its standard output
/// is dropped.
///
/// # Errors
/// When it cannot be started, or ends with anything but 0.
pub(crate) fn told(
    step: &str,
    command: &mut Command,
    say: &dyn Fn(&str),
) -> Result<(), BuildError> {
    let failed = |said: String| BuildError::Step {
        step: step.to_owned(),
        said,
    };
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(format!("it cannot be started: {error}")))?;
    let mut kept = VecDeque::new();
    if let Some(stderr) = child.stderr.take() {
        let mut reader = BufReader::new(stderr);
        let mut line = Vec::new();
        while let Ok(1..) = reader
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)
        {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            if text.is_empty() {
                continue;
            }
            say(&text);
            kept.push_back(text);
            if kept.len() > LINES_KEPT_MAX {
                kept.pop_front();
            }
        }
    }
    let status = child.wait().map_err(|error| failed(error.to_string()))?;
    if status.success() {
        return Ok(());
    }
    if kept.is_empty() {
        kept.push_back(format!("it ended with {status}"));
    }
    Err(failed(Vec::from(kept).join("\n")))
}

/// What a program writes, trimmed; none when it is not there or fails.
pub(crate) fn answer(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// Whether there is a program of this name.
pub(crate) fn is_there(program: &str) -> bool {
    let asked = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    !matches!(asked, Err(error) if error.kind() == ErrorKind::NotFound)
}
