//! A task's `writes` held against the files that its work changed.

use super::Place;
use super::undeclared::covers_path;
use leadhand_protocol::{Divergence, DivergenceRule};
use leadhand_resource::{Kind, Resource};
use std::collections::BTreeSet;

/// Characters that make a path a pattern. A pattern says what may be written, a plain path what
/// will be: only plain ones are waited for.
const PATTERN_CHARS: [char; 6] = ['*', '?', '[', ']', '{', '}'];

/// A finding for each changed file that no glob of `writes` covers, in the order of the files,
/// each once.
#[must_use]
pub fn unplanned_write(place: Place<'_>, writes: &[String], changed: &[String]) -> Vec<Divergence> {
    let changed: BTreeSet<&String> = changed.iter().collect();
    changed
        .into_iter()
        .filter(|path| !covers_path(writes, path))
        .map(|path| {
            let words = match writes {
                [] => format!("`{path}` was changed, and the task declares no writes"),
                _ => format!(
                    "`{path}` was changed, and the task declares {}",
                    quoted(writes)
                ),
            };
            place.found(DivergenceRule::UnplannedWrite, &["file", path], &words)
        })
        .collect()
}

/// A finding for each plain path of `writes` that is not among the changed files, in the order
/// of the plan. Asked when the task is about to count as done; a folder is written by any file
/// below it.
#[must_use]
pub fn missing_write(place: Place<'_>, writes: &[String], changed: &[String]) -> Vec<Divergence> {
    let changed: Vec<String> = changed.iter().filter_map(|path| plain(path)).collect();
    let came = |path: &str| {
        let folder = format!("{path}/");
        let is_it = |it: &String| it == path || it.starts_with(&folder);
        changed.iter().any(is_it)
    };
    // It is missing from the whole of the work, at no step of it.
    let place = Place {
        step: None,
        ..place
    };
    writes
        .iter()
        .filter(|path| !path.contains(PATTERN_CHARS))
        .filter(|path| plain(path).is_some_and(|path| !came(&path)))
        .map(|path| {
            let words = format!("the task declares that it writes `{path}`, and did not");
            place.found(DivergenceRule::MissingWrite, &["file", path], &words)
        })
        .collect()
}

fn plain(path: &str) -> Option<String> {
    match Resource::parse(Kind::Path, path).ok()? {
        Resource::Path(path) => Some(path.text().to_owned()),
        Resource::Url(_) | Resource::Name(_) | Resource::All(_) => None,
    }
}

fn quoted(writes: &[String]) -> String {
    let quoted: Vec<_> = writes.iter().map(|glob| format!("`{glob}`")).collect();
    quoted.join(", ")
}
