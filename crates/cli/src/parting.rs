//! Two runs, or traces of others, side by side: how far they are the same, and what they came to.

use crate::apart;
use leadhand::rooms::engine::Run;
use leadhand::rooms::inspector::account;
use leadhand::rooms::inspector::escape;
use leadhand::rooms::inspector::{TaskLine, Timeline, words};
use leadhand::rooms::protocol::canonical_json;
use leadhand::{Event, OutcomeKind, PersonInput, Record, TaskId, rebuild};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Tool calls of one run only that are shown.
const CALLS_SHOWN_MAX: usize = 20;
const TEXT_CHARS_MAX: usize = 200;
const ANSWER_CHARS_MAX: usize = 600;

/// What two runs have in common and what not.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    pub(crate) equal: bool,
    /// Records that are the same from the first on.
    same: usize,
    /// The first that differ.
    first: Option<[Option<Placed>; 2]>,
    runs: [Account; 2],
    tasks: Vec<TaskApart>,
    calls: CallsApart,
    answer_equal: bool,
}

/// A record in its run.
#[derive(Debug, Serialize)]
struct Placed {
    seq: u64,
    event: Value,
}

/// What a run came to.
#[derive(Debug, Serialize)]
struct Account {
    run: String,
    /// A trace of others, of which nobody says how it ended and what its answer is.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    foreign: bool,
    /// How it ended; none while it has not.
    outcome: Option<OutcomeKind>,
    records: usize,
    turns: u64,
    tool_calls: u64,
    input_tokens: u64,
    output_tokens: u64,
    micro_usd: u64,
    revisions: u32,
    answer: String,
}

/// A task that is not the same in both runs.
#[derive(Debug, Serialize)]
struct TaskApart {
    task: TaskId,
    /// What became of it; none where there is no such task.
    states: [Option<String>; 2],
}

/// Tool calls by what they do.
#[derive(Debug, Serialize)]
struct CallsApart {
    in_both: usize,
    only: [Vec<String>; 2],
}

impl Comparison {
    /// Compares two runs.
    pub(crate) fn of(one: (&str, &[Record]), other: (&str, &[Record])) -> Self {
        let sides = [one, other].map(|(_, records)| comparable(records));
        let both = sides[0].iter().zip(&sides[1]);
        let same = both
            .take_while(|(one, other)| one.event == other.event)
            .count();
        let [first, second] = sides;
        let equal = same == first.len() && same == second.len();
        let parted = (!equal).then(|| [first, second].map(|side| side.into_iter().nth(same)));
        let [(one_is, one_has), (other_is, other_has)] = [one, other].map(came_to);
        Self {
            equal,
            same,
            first: parted,
            answer_equal: one_is.answer == other_is.answer,
            tasks: tasks(&[one_has, other_has]),
            calls: calls([one.1, other.1]),
            runs: [one_is, other_is],
        }
    }

    /// For people.
    pub(crate) fn to_text(&self) -> String {
        let mut text = String::new();
        for (name, run) in ["A", "B"].iter().zip(&self.runs) {
            let _ = writeln!(text, "{name}  {}", line(run));
        }
        if self.equal {
            let _ = writeln!(
                text,
                "both are the same, {}",
                words::count(self.same, "record")
            );
            return text;
        }
        let _ = writeln!(
            text,
            "the first {} are the same, then",
            words::count(self.same, "record")
        );
        if let Some(first) = &self.first {
            let names = [0, 1].map(|side| {
                let place = first[side].as_ref().map(|placed| placed.seq);
                let place = place.map_or_else(|| "end".to_owned(), |seq| seq.to_string());
                format!("{} {place}", ["A", "B"][side])
            });
            let events = [0, 1].map(|side| first[side].as_ref().map(|placed| &placed.event));
            text.push_str(&apart::sides([&names[0], &names[1]], events));
        }
        self.tasks_text(&mut text);
        self.calls_text(&mut text);
        if self.runs.iter().any(|run| run.foreign) {
            return text;
        }
        if self.answer_equal {
            text.push_str("the answer is the same\n");
        } else {
            text.push_str("the answer differs\n");
            for (name, run) in ["A", "B"].iter().zip(&self.runs) {
                let answer = escape::line(&run.answer, ANSWER_CHARS_MAX);
                let _ = writeln!(text, "  {name}  {answer}");
            }
        }
        text
    }

    fn tasks_text(&self, text: &mut String) {
        if !self.tasks.is_empty() {
            text.push_str("tasks that differ\n");
        }
        for apart in &self.tasks {
            let [one, other] = apart.states.each_ref().map(|state| {
                state
                    .as_ref()
                    .map_or("not there".to_owned(), |state| escape::line(state, 80))
            });
            let _ = writeln!(text, "  {:<6} A {one}, B {other}", apart.task.as_str());
        }
    }

    fn calls_text(&self, text: &mut String) {
        let in_both = words::count(self.calls.in_both, "tool call");
        let _ = writeln!(text, "{in_both} in both");
        for (name, only) in ["A", "B"].iter().zip(&self.calls.only) {
            for call in only.iter().take(CALLS_SHOWN_MAX) {
                let call = escape::line(call, TEXT_CHARS_MAX);
                let _ = writeln!(text, "  only in {name}: {call}");
            }
            if only.len() > CALLS_SHOWN_MAX {
                let more = only.len() - CALLS_SHOWN_MAX;
                let _ = writeln!(text, "  only in {name}: {more} more");
            }
        }
    }
}

/// The records without what differs between runs that go the same way: their names, which model
/// answers, its price and how often it was asked, marks that a run was taken up or branched.
fn comparable(records: &[Record]) -> Vec<Placed> {
    let counts = |record: &&Record| match &*record.event {
        Event::RunResumed | Event::Forked { .. } => false,
        Event::PersonOrdered { order } => {
            !matches!(&**order, PersonInput::Change(change) if change.is_of_prices())
        }
        _ => true,
    };
    let placed = |record: &Record| {
        let mut event = serde_json::to_value(&record.event).unwrap_or_default();
        if matches!(*record.event, Event::RunStarted(_)) {
            for field in ["run", "default_model", "prices"] {
                forget(&mut event, field);
            }
        }
        if matches!(*record.event, Event::TraceImported { .. }) {
            forget(&mut event, "trace");
        }
        if let Some(reply) = event.get_mut("reply") {
            forget(reply, "model");
            forget(reply, "attempts");
        }
        Placed {
            seq: record.seq,
            event,
        }
    };
    records.iter().filter(counts).map(placed).collect()
}

fn forget(value: &mut Value, field: &str) {
    if let Some(fields) = value.as_object_mut() {
        fields.shift_remove(field);
    }
}

/// What became of each task.
type States = BTreeMap<TaskId, String>;

/// What a run or a trace came to, and its tasks.
fn came_to((name, records): (&str, &[Record])) -> (Account, States) {
    match records.first().map(|record| &*record.event) {
        Some(Event::TraceImported { .. }) => of_others(name, records),
        Some(_) | None => {
            let run = rebuild(records);
            (account(name, records, &run), states(&run))
        }
    }
}

fn of_others(name: &str, records: &[Record]) -> (Account, States) {
    let mut timeline = Timeline::default();
    records.iter().for_each(|record| timeline.take(record));
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let spent = timeline.spent;
    let account = Account {
        run: name.to_owned(),
        foreign: true,
        outcome: None,
        records: records.len(),
        turns: count(spent.turns),
        tool_calls: count(spent.tool_calls),
        input_tokens: spent.usage.input_tokens,
        output_tokens: spent.usage.output_tokens,
        micro_usd: spent.micro_usd,
        revisions: 0,
        answer: String::new(),
    };
    let state = |task: &TaskLine| Some((TaskId::new(&task.id).ok()?, task.state.to_owned()));
    (account, timeline.tasks.iter().filter_map(state).collect())
}

fn account(name: &str, records: &[Record], run: &Run) -> Account {
    let spent = run.spent();
    let given = records
        .iter()
        .rev()
        .find_map(|record| match &*record.event {
            Event::AnswerGiven { content } => Some(content.clone()),
            _ => None,
        });
    let outcome = run.outcome();
    Account {
        run: name.to_owned(),
        foreign: false,
        outcome: outcome.map(|outcome| outcome.kind),
        records: records.len(),
        turns: spent.turns,
        tool_calls: spent.tool_calls,
        input_tokens: spent.usage.input_tokens,
        output_tokens: spent.usage.output_tokens,
        micro_usd: spent.micro_usd,
        revisions: run.revisions(),
        answer: outcome
            .map(|outcome| outcome.answer.clone())
            .or(given)
            .unwrap_or_default(),
    }
}

fn line(run: &Account) -> String {
    let count = |number: u64, of| words::count(usize::try_from(number).unwrap_or(usize::MAX), of);
    let ending = match run.outcome {
        Some(kind) => account::ending(kind),
        None if run.foreign => "a trace of others",
        None => "not ended",
    };
    format!(
        "{}  {ending}: {}, {}, {}, {} tokens in, {} out, {}",
        escape::line(&run.run, 80),
        words::count(run.records, "record"),
        count(run.turns, "model call"),
        count(run.tool_calls, "tool call"),
        words::number(run.input_tokens),
        words::number(run.output_tokens),
        words::money(run.micro_usd)
    )
}

fn tasks(states: &[States; 2]) -> Vec<TaskApart> {
    let all: BTreeSet<&TaskId> = states.iter().flat_map(BTreeMap::keys).collect();
    let apart = all
        .into_iter()
        .filter(|task| states[0].get(*task) != states[1].get(*task));
    apart
        .map(|task| TaskApart {
            task: task.clone(),
            states: states.each_ref().map(|states| states.get(task).cloned()),
        })
        .collect()
}

fn states(run: &Run) -> States {
    let Some(graph) = run.graph() else {
        return BTreeMap::new();
    };
    let state = |task: &leadhand::Task| {
        let known = run.task(&task.id);
        let output = known.and_then(|known| known.output.as_ref());
        let state = match (graph.state(&task.id), output) {
            (_, Some((artifact, _))) => format!("done {}", artifact.hash.short()),
            (Some(state), None) => format!("{state:?}").to_lowercase(),
            (None, None) => "waiting".to_owned(),
        };
        (task.id.clone(), state)
    };
    graph.plan().tasks.iter().map(state).collect()
}

/// Calls that were made, by tool and arguments, as often as they were.
fn calls(sides: [&[Record]; 2]) -> CallsApart {
    let [one, mut other] = sides.map(made);
    let mut apart = CallsApart {
        in_both: 0,
        only: [Vec::new(), Vec::new()],
    };
    for (call, times) in one {
        let theirs = other.remove(&call).unwrap_or_default();
        apart.in_both += times.min(theirs);
        let repeated = |more: usize| std::iter::repeat_n(call.clone(), more);
        apart.only[0].extend(repeated(times.saturating_sub(theirs)));
        apart.only[1].extend(repeated(theirs.saturating_sub(times)));
    }
    for (call, times) in other {
        apart.only[1].extend(std::iter::repeat_n(call, times));
    }
    apart
}

fn made(records: &[Record]) -> BTreeMap<String, usize> {
    let mut calls = BTreeMap::new();
    let finished: BTreeSet<_> = records
        .iter()
        .filter_map(|record| match &*record.event {
            Event::ToolFinished { call, .. } => Some(*call),
            _ => None,
        })
        .collect();
    for record in records {
        if let Event::ToolCalled {
            call, tool_call, ..
        } = &*record.event
            && finished.contains(call)
        {
            let call = format!(
                "{} {}",
                tool_call.name,
                canonical_json(&tool_call.arguments)
            );
            *calls.entry(call).or_default() += 1;
        }
    }
    calls
}
