//! The only place that writes to standard output and standard error. A reader that has gone
//! away is no fault of a run: what cannot be written is dropped.

use leadhand::rooms::inspector::escape;
use std::io::{self, IsTerminal, Write};

/// Writes to standard output as it stands: for values that programs read.
pub(crate) fn out(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = stdout.write_all(b"\n");
    }
    let _ = stdout.flush();
}

/// Writes a text of foreign origin to standard output; escaped when a terminal would read it.
pub(crate) fn out_foreign(text: &str) {
    if io::stdout().is_terminal() {
        out(&escape::lines(text));
    } else {
        out(text);
    }
}

/// Writes a JSON value to standard output, on one line.
pub(crate) fn out_json(value: &impl serde::Serialize) {
    match serde_json::to_string(value) {
        Ok(json) => out(&json),
        Err(error) => note(&format!("a value cannot be written as JSON: {error}")),
    }
}

/// Writes lines to standard error. Foreign texts in it were escaped before.
pub(crate) fn note(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = writeln!(stderr, "{}", text.trim_end_matches('\n'));
}

/// Whether a person sits in front of it: can be shown things and can answer.
pub(crate) fn is_attended() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}
