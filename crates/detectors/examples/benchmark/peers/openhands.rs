//! OpenHands, feature `StuckDetector`, in two versions. Both look for the same call with the same
//! result four times, the same call failing again and again, an agent that talks to itself, and
//! two calls that take turns for three rounds.
//!
//! - The agent SDK's looks at the last 20 events since a person last spoke; a call and what came
//!   of it are two. A fourth failure in a row counts, and a third message. Two calls differ when
//!   the thoughts before them do, unless it is told otherwise.
//! - The classic one looks at the whole history. A third failure in a row counts, and a third
//!   equal message. Two results of a shell are equal when command and exit status are, whatever
//!   was printed; the traces hold no exit status, so that it reads like an error stands for it.

use super::{Call, Peer, call, is_answered_by_a_person, is_call, is_error, last, push, result};
use crate::data::Row;

/// A call as these rules compare it: who, what, and the thoughts where they count.
type Action = (String, Call, Option<String>);

fn all_equal<T: PartialEq>(of: &[T]) -> bool {
    of.windows(2).all(|pair| pair[0] == pair[1])
}

/// Whether the last `count` are there, and equal.
fn ends_equal<T: PartialEq>(of: &[T], count: usize) -> bool {
    of.len() >= count && all_equal(last(of, count))
}

/// Whether the last six are two that take turns.
fn ends_in_turns<T: PartialEq>(of: &[T]) -> bool {
    of.len() >= 6 && last(of, 6).windows(3).all(|three| three[0] == three[2])
}

const EVENTS: usize = 20;

enum Event {
    Call(Action),
    Result { is_error: bool, text: String },
    Message { of: String },
}

/// The agent SDK's.
pub(super) struct Sdk {
    thoughts_count: bool,
    events: Vec<Event>,
}

impl Sdk {
    /// Whether calls differ when the thoughts before them do.
    pub(super) fn new(thoughts_count: bool) -> Self {
        Self {
            thoughts_count,
            events: Vec::new(),
        }
    }

    fn see(&mut self, row: &Row) {
        if is_answered_by_a_person(row) {
            self.events.clear();
        } else if is_call(row) {
            let thoughts = row.text.clone().filter(|_| self.thoughts_count);
            let action = (row.agent.clone(), call(row), thoughts);
            push(&mut self.events, EVENTS, Event::Call(action));
            let result = Event::Result {
                is_error: is_error(row),
                text: result(row).to_owned(),
            };
            push(&mut self.events, EVENTS, result);
        } else {
            let of = row.agent.clone();
            push(&mut self.events, EVENTS, Event::Message { of });
        }
    }

    /// Three messages of one agent, and nothing since.
    fn talks_to_itself(&self) -> bool {
        let speakers = last(&self.events, 3).iter().map(|event| match event {
            Event::Message { of } => Some(of),
            Event::Call(_) | Event::Result { .. } => None,
        });
        let speakers: Option<Vec<&String>> = speakers.collect();
        speakers.is_some_and(|them| ends_equal(&them, 3))
    }
}

impl Peer for Sdk {
    fn calls(&mut self, row: &Row) -> bool {
        self.see(row);
        let (mut actions, mut results) = (Vec::new(), Vec::new());
        for event in &self.events {
            match event {
                Event::Call(action) => actions.push(action),
                Event::Result { is_error, text } => results.push((*is_error, text)),
                Event::Message { .. } => {}
            }
        }
        let fails = results.len() >= 4 && last(&results, 4).iter().all(|it| it.0);
        ends_equal(&actions, 4) && (ends_equal(&results, 4) || fails)
            || self.talks_to_itself()
            || ends_in_turns(&actions) && ends_in_turns(&results)
    }
}

/// What came of a call, as the classic one compares it.
#[derive(PartialEq)]
struct Came {
    is_error: bool,
    shell: Option<Call>,
    text: Option<String>,
}

/// The most of anything that the classic rules look back at.
const BACK: usize = 6;
/// Tools of the traces that are shells or run code like one.
const SHELLS: [&str; 5] = ["shell", "bash", "sql", "python", "ctf"];

/// The classic one.
#[derive(Default)]
pub(super) struct Classic {
    actions: Vec<Action>,
    results: Vec<Came>,
    /// Messages since the last call or answer, and the one before an answer.
    messages: Vec<(String, Option<String>)>,
}

impl Classic {
    fn see(&mut self, row: &Row) {
        if is_call(row) {
            let action = (row.agent.clone(), call(row), row.text.clone());
            push(&mut self.actions, BACK, action);
            let is_shell = SHELLS.contains(&row.tool.as_str());
            let came = Came {
                is_error: is_error(row),
                shell: is_shell.then(|| call(row)),
                text: (!is_shell).then(|| result(row).to_owned()),
            };
            push(&mut self.results, BACK, came);
            self.messages.clear();
        } else {
            let kept = if is_answered_by_a_person(row) { 1 } else { 3 };
            let message = (row.agent.clone(), row.text.clone());
            push(&mut self.messages, kept, message);
        }
    }
}

impl Peer for Classic {
    fn calls(&mut self, row: &Row) -> bool {
        self.see(row);
        let fails = self.results.len() >= 3 && last(&self.results, 3).iter().all(|it| it.is_error);
        ends_equal(&self.actions, 4) && ends_equal(&self.results, 4)
            || ends_equal(&self.actions, 3) && fails
            || ends_equal(&self.messages, 3)
            || ends_in_turns(&self.actions) && ends_in_turns(&self.results)
    }
}
