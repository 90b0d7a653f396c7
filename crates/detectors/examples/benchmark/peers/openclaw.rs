//! OpenClaw, off by default: asked before each call about the last 30 calls since a person last
//! spoke. It warns when the call is among them ten times, whatever came back (a poll: with the
//! same result), or would be the tenth or later of two calls that take turns. Critical is the
//! twentieth with the same result each time, or of two that take turns with results that never
//! changed. At either rung, a tool that does not exist and was named ten times running counts.

use super::{Call, Peer, Rung, beginning, call, is_answered_by_a_person, is_call, pattern};
use super::{push, result};
use crate::data::Row;
use regex::Regex;
use std::collections::HashSet;
use std::sync::LazyLock;

const WINDOW: usize = 30;
const WARNED: usize = 10;
const CRITICAL: usize = 20;
const UNKNOWN_TOOL: usize = 10;
/// How many characters of a result are looked at for the name of a tool that does not exist.
const UNKNOWN_CHARS: usize = 300;

struct Seen {
    call: Call,
    result: String,
    /// The tool that the result says does not exist.
    unknown: Option<String>,
}

/// The last calls.
pub(super) struct OpenClaw {
    rung: Rung,
    window: Vec<Seen>,
}

impl OpenClaw {
    /// The rung that counts.
    pub(super) fn new(rung: Rung) -> Self {
        Self {
            rung,
            window: Vec::new(),
        }
    }

    fn times_max(&self) -> usize {
        match self.rung {
            Rung::Warn => WARNED,
            Rung::Stop => CRITICAL,
        }
    }

    /// How often running this tool was called and found not to exist, by one name.
    fn names_no_tool(&self, this: &Call) -> bool {
        let name = self.window.last().and_then(|it| it.unknown.as_ref());
        let same = |it: &&Seen| it.call.0 == this.0 && it.unknown.as_ref() == name;
        let times = self.window.iter().rev().take_while(same).count();
        name.is_some() && times >= UNKNOWN_TOOL
    }

    fn repeats(&self, this: &Call, is_poll: bool) -> bool {
        let mine = || self.window.iter().rev().filter(|it| it.call == *this);
        let latest = mine().next().map(|it| &it.result);
        let same = mine().take_while(|it| Some(&it.result) == latest).count();
        let times = match self.rung {
            Rung::Warn if !is_poll => mine().count(),
            Rung::Warn | Rung::Stop => same,
        };
        times >= self.times_max()
    }

    fn takes_turns(&self, this: &Call) -> bool {
        let [.., before, other] = self.window.as_slice() else {
            return false;
        };
        if other.call == *this || before.call != *this {
            return false;
        }
        let expected = [&other.call, this].into_iter().cycle();
        let turns: Vec<&Seen> = self
            .window
            .iter()
            .rev()
            .zip(expected)
            .take_while(|(seen, call)| seen.call == **call)
            .map(|(seen, _)| seen)
            .collect();
        let outcomes: HashSet<_> = turns.iter().map(|it| (&it.call, &it.result)).collect();
        let is_stable = outcomes.len() == 2;
        turns.len() + 1 >= self.times_max() && (self.rung == Rung::Warn || is_stable)
    }
}

impl Peer for OpenClaw {
    fn calls(&mut self, row: &Row) -> bool {
        if is_answered_by_a_person(row) {
            self.window.clear();
        }
        if !is_call(row) {
            return false;
        }
        let this = call(row);
        let is_loop = self.names_no_tool(&this)
            || self.repeats(&this, is_poll(row))
            || self.takes_turns(&this);
        let seen = Seen {
            call: this,
            result: result(row).trim().to_owned(),
            unknown: unknown_tool(result(row)),
        };
        push(&mut self.window, WINDOW, seen);
        is_loop
    }
}

/// The product's own tools that look whether something has changed.
fn is_poll(row: &Row) -> bool {
    let action = row.args.get("action").and_then(|it| it.as_str());
    row.tool == "command_status"
        || row.tool == "process" && action.is_some_and(|it| it == "poll" || it == "log")
}

fn unknown_tool(result: &str) -> Option<String> {
    static NAMED: LazyLock<Regex> = LazyLock::new(|| {
        let before = r"\bunknown tool\W+([\w.-]+)";
        let after = r"\btool\W+([\w.-]+)\W+(?:is )?not (?:found|available)\b";
        pattern(&format!("{before}|{after}"))
    });
    let found = NAMED.captures(beginning(result, UNKNOWN_CHARS))?;
    let name = found.get(1).or_else(|| found.get(2))?;
    Some(name.as_str().to_lowercase())
}
