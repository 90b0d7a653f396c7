//! A conversation whose plan is sentences. Whether sentences were followed is for a second model
//! to judge; what can be said without one is that words stand where an execution should.

use super::{Place, bounded};
use crate::Step;
use leadhand_protocol::{Divergence, DivergenceRule};

/// Phrases of what stands in for a thing that the agent does not have, in lower case: a key, a
/// path or data that it made up. Common words (`assume`, `sample`) are left out, as they are said
/// of honest work too.
const STAND_INS: [&str; 12] = [
    "your_api",
    "your-api-key",
    "api_key_here",
    "path/to/your",
    "path_to_your",
    "your_key",
    "mock data",
    "dummy data",
    "simulated data",
    "synthetic data",
    "simulated dataset",
    "hypothetical data",
];
/// What an agent says that has looked, or that ends the conversation as if it had.
const LOOKED: [&str; 8] = [
    "have verified",
    "have reviewed",
    "have checked",
    "have confirmed",
    "have cross-referenced",
    "have double-checked",
    "having carefully reviewed",
    "terminate",
];
/// Most bytes of a message that are read, and most characters of it that evidence shows.
const READ_BYTES_MAX: usize = 64 * 1024;
const SHOWN_CHARS_MAX: usize = 200;

/// What came of the code that ran last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Ran {
    /// None ran, and nothing was looked up.
    #[default]
    Nothing,
    /// Something came back.
    Well,
    /// It failed, and nobody spoke since.
    JustFailed,
}

/// Reads a conversation message by message, of which the first gives the task. Bounded: it keeps
/// nothing of what was said.
#[derive(Debug, Clone, Default)]
pub struct TalkWatch {
    ran: Ran,
    begun: bool,
}

impl TalkWatch {
    /// Takes a message into account. Where messages and calls are mixed, calls that were made
    /// count as an execution.
    pub fn see(&mut self, index: u64, step: &Step<'_>) -> Option<Divergence> {
        let said = step.said;
        let end = (0..=READ_BYTES_MAX.min(said.len()))
            .rev()
            .find(|end| said.is_char_boundary(*end))?;
        let text = said[..end].trim_start().to_lowercase();
        // What the task is given as is not the agent's own doing.
        if !std::mem::replace(&mut self.begun, true) {
            return None;
        }
        if let Some(ran) = executed(&text) {
            self.ran = ran.unwrap_or(self.ran);
            return None;
        }
        let before = self.ran;
        if before == Ran::JustFailed {
            self.ran = Ran::Nothing;
        }
        if !step.calls.is_empty() {
            self.ran = Ran::Well;
        }
        let what = finding(&text, before, step.calls.is_empty())?;
        let here = Place {
            agent: step.agent,
            task: None,
            step: Some(index),
        };
        let shown = bounded(said.trim(), SHOWN_CHARS_MAX);
        let words = format!("{what}: {shown}");
        Some(here.found(DivergenceRule::EmptyClaim, &[what], &words))
    }
}

/// What a message says of an execution: nothing where it is no report of one; where it is, how it
/// went, or that there was none.
fn executed(text: &str) -> Option<Option<Ran>> {
    if let Some(code) = text.strip_prefix("exitcode:") {
        let well = code.trim_start().starts_with("0 ");
        return Some(Some(if well { Ran::Well } else { Ran::JustFailed }));
    }
    if text.starts_with("there is no code from the last") {
        return Some(None);
    }
    // A browser's report begins with the address that it shows.
    text.starts_with("address:").then_some(Some(Ran::Well))
}

fn finding(text: &str, before: Ran, no_calls: bool) -> Option<&'static str> {
    let holds = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    let runs_code = text.contains("```");
    if holds(&STAND_INS) {
        return Some("something made up stands for what is not at hand");
    }
    if runs_code || !no_calls || !holds(&LOOKED) {
        return None;
    }
    match before {
        Ran::Well => None,
        Ran::Nothing => Some("success is claimed, and nothing was run"),
        Ran::JustFailed => Some("success is claimed, and what ran last has failed"),
    }
}
