//! The only place that writes to standard output and standard error. A reader that has gone
//! away is no fault of a run: what cannot be written is dropped.

use leadhand::rooms::inspector::escape;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

/// From this size on what was written in blocks goes out, in bytes.
const BLOCK_BYTES: usize = 16 * 1024;
/// Notes that are held back at most.
const HELD_NOTES_MAX: usize = 32;

/// Notes that wait until the screen is free; none while it is.
static HELD_NOTES: Mutex<Option<Vec<String>>> = Mutex::new(None);

/// Writes to standard output as it stands: for values that programs read.
pub(crate) fn out(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = stdout.write_all(b"\n");
    }
    let _ = stdout.flush();
}

/// Standard output for many texts one after the other: they go out in blocks, when [`Blocks::flush`]
/// says so, and at the end.
#[derive(Default)]
pub(crate) struct Blocks(Vec<u8>);

impl Blocks {
    /// Writes a text, as [`out`] does.
    pub(crate) fn out(&mut self, text: &str) {
        self.0.extend(text.as_bytes());
        self.end_line();
    }

    /// Writes a JSON value, as [`out_json`] does.
    pub(crate) fn out_json(&mut self, value: &impl serde::Serialize) {
        let before = self.0.len();
        if let Err(error) = serde_json::to_writer(&mut self.0, value) {
            self.0.truncate(before);
            return note(&format!("a value cannot be written as JSON: {error}"));
        }
        self.end_line();
    }

    fn end_line(&mut self) {
        if self.0.last() != Some(&b'\n') {
            self.0.push(b'\n');
        }
        if self.0.len() >= BLOCK_BYTES {
            self.flush();
        }
    }

    /// Has all that was written so far seen.
    pub(crate) fn flush(&mut self) {
        let mut stdout = io::stdout().lock();
        let _ = stdout.write_all(&self.0).and_then(|()| stdout.flush());
        self.0.clear();
        self.0.shrink_to(BLOCK_BYTES);
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        self.flush();
    }
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
    let mut held = HELD_NOTES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(held) = held.as_mut() {
        // What is said each time that the project is read is said once.
        if held.len() < HELD_NOTES_MAX && !held.iter().any(|known| known == text) {
            held.push(text.to_owned());
        }
        return;
    }
    drop(held);
    let mut stderr = io::stderr().lock();
    let _ = writeln!(stderr, "{}", text.trim_end_matches('\n'));
}

/// Holds notes back, as long as something is drawn on the whole screen.
pub(crate) fn hold_notes() {
    *HELD_NOTES.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
}

/// Writes the notes that were held back.
pub(crate) fn release_notes() {
    let held = HELD_NOTES
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    held.unwrap_or_default().iter().for_each(|text| note(text));
}

/// Whether a person sits in front of it: can be shown things and can answer.
pub(crate) fn is_attended() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}
