//! A claim of success with no tool call behind it.

use super::words::words;
use super::{Place, bounded};
use leadhand_protocol::{Divergence, DivergenceRule};

/// What stands behind an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backing {
    /// Tool calls that the agent made in this attempt and that came to something.
    pub calls: u64,
    /// Whether its task declares writes or effects, or its role has tools: only then could it
    /// have done what it says, and only then does what it says mean the world. A task that is to
    /// write a text may well say `we have tested` in it.
    pub could_act: bool,
}

/// Deeds in the world, as participles. Deeds of the mind (`considered`, `analyzed`, `decided`)
/// are left out: an agent does them without a tool.
const DEEDS: [&str; 55] = [
    "added",
    "applied",
    "booked",
    "built",
    "cancelled",
    "canceled",
    "changed",
    "committed",
    "compiled",
    "configured",
    "copied",
    "created",
    "deleted",
    "deployed",
    "downloaded",
    "edited",
    "emailed",
    "executed",
    "fetched",
    "fixed",
    "formatted",
    "implemented",
    "inserted",
    "installed",
    "merged",
    "modified",
    "moved",
    "patched",
    "posted",
    "published",
    "pushed",
    "ran",
    "refactored",
    "refunded",
    "registered",
    "removed",
    "renamed",
    "replaced",
    "reset",
    "restarted",
    "run",
    "saved",
    "scheduled",
    "sent",
    "stored",
    "submitted",
    "tested",
    "transferred",
    "updated",
    "uploaded",
    "upgraded",
    "verified",
    "wrote",
    "written",
    "checked",
];
/// Participles that are a word's past tense too: `I created`, without a `have`. `run` and
/// `written` are not, and `I run` says what somebody does.
const NOT_PAST: [&str; 3] = ["run", "sent", "written"];
/// Words that may stand between subject and deed without changing what is said.
const FILLERS: [&str; 10] = [
    "also",
    "already",
    "just",
    "now",
    "successfully",
    "then",
    "both",
    "all",
    "finally",
    "since",
];
/// What stands before `been`: `the file has been created`. `was created` is left out, as it tells
/// of things that others did long ago.
const PASSIVE: [&str; 2] = ["has", "have"];
/// Words before a deed within a sentence that make it no claim: asked, wished, denied or put off.
const UNSAID: [&str; 16] = [
    "if", "once", "when", "after", "unless", "until", "not", "never", "cannot", "whether",
    "should", "would", "could", "will", "must", "nothing",
];
/// Words of an output that says that all is done and nothing else.
const BARE: [&str; 15] = [
    "done",
    "complete",
    "completed",
    "finished",
    "all",
    "the",
    "task",
    "work",
    "job",
    "is",
    "has",
    "been",
    "now",
    "everything",
    "successfully",
];
/// Longest output that says nothing else, in bytes: some ten words.
const BARE_BYTES_MAX: usize = 100;
/// Those of them that say it.
const BARELY_SAID: [&str; 4] = ["done", "complete", "completed", "finished"];
/// Longest output that is read: claims stand at the beginning or the end of what an agent says,
/// and this many bytes hold both.
const READ_BYTES_MAX: usize = 64 * 1024;
/// Most characters of the sentence that evidence shows.
const SENTENCE_CHARS_MAX: usize = 300;

/// Says so when the output claims a deed in the world and no call stands behind it.
#[must_use]
pub fn empty_claim(place: Place<'_>, output: &str, backing: Backing) -> Option<Divergence> {
    if backing.calls > 0 || !backing.could_act {
        return None;
    }
    let sentence = claim(output).or_else(|| bare(output))?;
    let shown = bounded(sentence, SENTENCE_CHARS_MAX);
    let words = format!("the agent made no call, and says: {shown}");
    Some(place.found(DivergenceRule::EmptyClaim, &[], &words))
}

/// An output that says that all is done, and not what.
fn bare(output: &str) -> Option<&str> {
    let output = output.trim();
    if output.len() > BARE_BYTES_MAX {
        return None;
    }
    let words = words(output);
    let is_bare = words.iter().all(|word| BARE.contains(&word.as_str()))
        && words
            .iter()
            .any(|word| BARELY_SAID.contains(&word.as_str()));
    (is_bare && !output.ends_with('?')).then_some(output)
}

/// The first sentence that claims a deed. What stands in fences and quoted lines is shown and
/// not said.
pub(super) fn claim(text: &str) -> Option<&str> {
    let end = (0..=READ_BYTES_MAX.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end))?;
    let said = text[..end]
        .split("```")
        .step_by(2)
        .flat_map(str::lines)
        .filter(|line| !line.trim_start().starts_with('>'));
    said.flat_map(|line| line.split_inclusive(['.', '!', '?', ';']))
        .map(str::trim)
        .find(|sentence| claims(sentence))
}

fn claims(sentence: &str) -> bool {
    if sentence.ends_with('?') {
        return false;
    }
    let words = words(sentence);
    let deed = words
        .iter()
        .enumerate()
        .find(|(at, word)| DEEDS.contains(&word.as_str()) && is_said(&words[..*at], word));
    deed.is_some_and(|(at, _)| {
        let before = &words[..at];
        let unsaid = |word: &String| UNSAID.contains(&word.as_str()) || word.ends_with("n't");
        // `Created by …` and `has been tested by …` tell whose deed it was.
        let by_others = words.get(at + 1).is_some_and(|next| next == "by");
        !by_others && !before.iter().any(unsaid)
    })
}

/// Whether the words before a deed make it one that was done: `I have`, `I've`, `we`, `it has
/// been`, or nothing at all (`Created the file.`, `Successfully updated …`).
fn is_said(before: &[String], deed: &str) -> bool {
    let mut before = before
        .iter()
        .map(String::as_str)
        .rev()
        .skip_while(|word| FILLERS.contains(word));
    let past = !NOT_PAST.contains(&deed);
    match before.next() {
        None => past,
        Some("i've" | "we've") => true,
        Some("have") => matches!(
            before.find(|word| !FILLERS.contains(word)),
            Some("i" | "we")
        ),
        Some("been") => {
            let having = before.find(|word| !FILLERS.contains(word));
            having.is_some_and(|word| PASSIVE.contains(&word))
        }
        Some("i" | "we") => past,
        Some(_) => false,
    }
}
