//! The loop rules of other products, restated from descriptions of what they do: no code of
//! theirs is here. Each file says what a rule is and where it comes from; what all of them read
//! of a row stands below. A rule sees one row after another and says when it first calls a loop.

mod consecutive;
mod crush;
mod gemini_cli;
mod openclaw;
mod openfang;
mod openhands;
mod openrouter;
mod per_agent;
mod stella;
mod step_cap;
mod zeroclaw;

use crate::data::{Kind, Row, Trace};
use crate::score::Fire;
use consecutive::Consecutive;
use per_agent::PerAgent;
use regex::{Regex, RegexBuilder};
use std::sync::LazyLock;

/// A rule of a peer.
pub(crate) trait Peer {
    /// Takes one row into account; whether a loop is called at it.
    fn calls(&mut self, row: &Row) -> bool;
}

/// At which rung of a product's own ladder a loop counts as called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rung {
    /// The agent is told.
    Warn,
    /// The call is refused, or the run is stopped.
    Stop,
}

/// How a rule is made anew for each trace.
type Maker = fn() -> Box<dyn Peer>;

/// The rules, as their products ship them; what is not on unless somebody asks for it says so.
pub(crate) const PEERS: [(&str, Maker); 32] = [
    ("OpenHands SDK", || Box::new(openhands::Sdk::new(true))),
    ("OpenHands SDK, thoughts not compared", || {
        Box::new(openhands::Sdk::new(false))
    }),
    ("OpenHands classic", openhands_classic),
    ("Gemini CLI", || Box::new(gemini_cli::GeminiCli::default())),
    ("Goose, 3 repetitions (off by default)", || {
        Box::new(Consecutive::new(4))
    }),
    ("Goose, 5 repetitions (off by default)", || {
        Box::new(Consecutive::new(6))
    }),
    ("Roo Code", || Box::new(Consecutive::new(4))),
    ("Cline, soft", cline_soft),
    ("Cline, hard", || Box::new(Consecutive::new(5))),
    ("Crush", || Box::new(crush::Crush::default())),
    ("OpenFang, block", || {
        Box::new(openfang::OpenFang::new(Rung::Stop, true))
    }),
    ("OpenFang, block, without its cap", openfang_block),
    ("OpenFang, warn", || {
        Box::new(openfang::OpenFang::new(Rung::Warn, false))
    }),
    ("ZeroClaw, warn", zeroclaw_warn),
    ("ZeroClaw, block", || {
        Box::new(zeroclaw::ZeroClaw::new(Rung::Stop))
    }),
    ("Stella, steer", stella_steer),
    ("Stella, abort", stella_abort),
    ("OpenRouter, block (opt-in)", openrouter_block),
    ("OpenRouter, stop (opt-in)", openrouter_stop),
    ("OpenClaw, warn (off by default)", openclaw_warn),
    ("OpenClaw, critical (off by default)", openclaw_critical),
    ("one per agent: OpenHands classic", || {
        Box::new(PerAgent::new(openhands_classic))
    }),
    ("one per agent: Cline, soft", || {
        Box::new(PerAgent::new(cline_soft))
    }),
    ("one per agent: OpenFang, block", || {
        Box::new(PerAgent::new(openfang_block))
    }),
    ("one per agent: ZeroClaw, warn", || {
        Box::new(PerAgent::new(zeroclaw_warn))
    }),
    ("one per agent: Stella, steer", || {
        Box::new(PerAgent::new(stella_steer))
    }),
    ("one per agent: Stella, abort", || {
        Box::new(PerAgent::new(stella_abort))
    }),
    ("one per agent: OpenRouter, block", || {
        Box::new(PerAgent::new(openrouter_block))
    }),
    ("one per agent: OpenRouter, stop", || {
        Box::new(PerAgent::new(openrouter_stop))
    }),
    ("one per agent: OpenClaw, warn", || {
        Box::new(PerAgent::new(openclaw_warn))
    }),
    ("one per agent: OpenClaw, critical", || {
        Box::new(PerAgent::new(openclaw_critical))
    }),
    ("a cap of 25 steps", || Box::new(step_cap::StepCap::new(25))),
];

/// The first loop that a rule calls in a trace. None of them says whose it is.
pub(crate) fn first_fire(make: Maker, trace: &Trace) -> Option<Fire> {
    let mut peer = make();
    let at = trace.steps.iter().position(|row| peer.calls(row))?;
    Some(Fire { at, agent: None })
}

fn openhands_classic() -> Box<dyn Peer> {
    Box::new(openhands::Classic::default())
}

fn cline_soft() -> Box<dyn Peer> {
    Box::new(Consecutive::new(3))
}

fn openfang_block() -> Box<dyn Peer> {
    Box::new(openfang::OpenFang::new(Rung::Stop, false))
}

fn zeroclaw_warn() -> Box<dyn Peer> {
    Box::new(zeroclaw::ZeroClaw::new(Rung::Warn))
}

fn stella_steer() -> Box<dyn Peer> {
    Box::new(stella::Stella::new(Rung::Warn))
}

fn stella_abort() -> Box<dyn Peer> {
    Box::new(stella::Stella::new(Rung::Stop))
}

fn openrouter_block() -> Box<dyn Peer> {
    Box::new(openrouter::OpenRouter::new(Rung::Warn))
}

fn openrouter_stop() -> Box<dyn Peer> {
    Box::new(openrouter::OpenRouter::new(Rung::Stop))
}

fn openclaw_warn() -> Box<dyn Peer> {
    Box::new(openclaw::OpenClaw::new(Rung::Warn))
}

fn openclaw_critical() -> Box<dyn Peer> {
    Box::new(openclaw::OpenClaw::new(Rung::Stop))
}

/// A call: its tool, and its arguments whatever the order of their keys.
type Call = (String, String);

fn call(row: &Row) -> Call {
    (row.tool.clone(), row.sorted_args.clone())
}

fn is_call(row: &Row) -> bool {
    row.kind == Kind::Tool
}

/// What came back, where nothing is as good as an empty text.
fn result(row: &Row) -> &str {
    row.observation.as_deref().unwrap_or_default()
}

/// Whether a person answered to what an agent only said: for many rules the count begins anew.
fn is_answered_by_a_person(row: &Row) -> bool {
    !is_call(row) && !result(row).is_empty()
}

/// The first `count` characters of a text.
fn beginning(text: &str, count: usize) -> &str {
    text.char_indices()
        .nth(count)
        .map_or(text, |(end, _)| &text[..end])
}

/// The last `count` of a list, or all.
fn last<T>(of: &[T], count: usize) -> &[T] {
    &of[of.len().saturating_sub(count)..]
}

/// Adds to a window that holds the last `bound` of what is added.
fn push<T>(window: &mut Vec<T>, bound: usize, what: T) {
    window.push(what);
    let surplus = window.len().saturating_sub(bound);
    window.drain(..surplus);
}

/// How many characters of a result are looked at for an error.
const ERROR_CHARS: usize = 300;

/// Whether a result reads like an error. The traces hold no exit codes, which the products have:
/// how shells, interpreters and tools of these runs begin when they complain stands for them.
fn is_error(row: &Row) -> bool {
    static OPENING: LazyLock<Regex> = LazyLock::new(|| {
        let words = [
            "error",
            "exception",
            "traceback",
            r"/bin/\w+:",
            "your proposed edit has introduced",
            "bash:",
            "sh:",
            r"\w+: cannot",
            "could not find",
            "no results",
            "malformed",
            "invalid",
        ];
        pattern(&format!("^(?:{})", words.join("|")))
    });
    static ANYWHERE: LazyLock<Regex> = LazyLock::new(|| {
        let words = [
            "error executing",
            "command not found",
            "no such file",
            r"traceback \(most",
        ];
        pattern(&words.join("|"))
    });
    let text = beginning(result(row), ERROR_CHARS);
    OPENING.is_match(text) || ANYWHERE.is_match(text)
}

/// A pattern that does not care for the case of letters.
fn pattern(text: &str) -> Regex {
    let built = RegexBuilder::new(text).case_insensitive(true).build();
    built.expect("the pattern is a constant and sound")
}
