//! `list_files` and `find_files`.

use crate::glob::Glob;
use crate::workspace::Walk;
use guest::files::EntryKind;
use guest::{ANSWER_BYTES_MAX, Arguments, ToolError};

pub(crate) fn list_files(arguments: &Arguments) -> Result<String, ToolError> {
    let path = arguments.text_or("path", ".");
    let mut walk = Walk::start(path, arguments.flag_or("recursive", true))?;
    let mut listing = Listing::default();
    for (path, kind, bytes) in walk.by_ref() {
        listing.add(&path, kind, bytes);
    }
    Ok(listing.finish(&format!("No files in `{path}`."), "list a subfolder", &walk))
}

pub(crate) fn find_files(arguments: &Arguments) -> Result<String, ToolError> {
    let text = arguments.text("glob");
    let glob = Glob::parse(text)?;
    let mut walk = Walk::start(".", true)?;
    let mut listing = Listing::default();
    for (path, kind, bytes) in walk.by_ref() {
        if glob.is_match(&path) {
            listing.add(&path, kind, bytes);
        }
    }
    Ok(listing.finish(
        &format!("No file matches `{text}`."),
        "use a narrower glob",
        &walk,
    ))
}

/// Lines up to the bound, and the number of those behind it.
#[derive(Default)]
struct Listing {
    text: String,
    left_out: usize,
}

impl Listing {
    fn add(&mut self, path: &str, kind: EntryKind, bytes: u64) {
        let line = match kind {
            EntryKind::Folder => format!("{path}/\n"),
            EntryKind::File => format!("{path} ({bytes} bytes)\n"),
        };
        if self.left_out > 0 || self.text.len() + line.len() > ANSWER_BYTES_MAX {
            self.left_out += 1;
        } else {
            self.text.push_str(&line);
        }
    }

    fn finish(mut self, nothing: &str, instead: &str, walk: &Walk) -> String {
        if self.text.is_empty() {
            self.text = format!("{nothing}\n");
        }
        if self.left_out > 0 {
            self.text.push_str(&format!(
                "… and {} more; {instead} to see them.\n",
                self.left_out
            ));
        }
        self.text.push_str(&walk.note());
        self.text.truncate(self.text.trim_end().len());
        self.text
    }
}
