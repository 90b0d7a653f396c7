//! What changed in a run since a page was last told of it: its head, rows of tasks and agents that
//! are others than they were, what was noted, and where the tasks stand in the graph when it has
//! become another one.

use super::rows::{
    AgentRow, AgentSeen, TEXT_CHARS_MAX, TITLE_CHARS_MAX, TaskRow, TaskSeen, WHY_CHARS_MAX,
    agent_row, agent_seen, task_row,
};
use super::{Book, Seat, cut};
use leadhand_inspector::{Drawing, account};
use leadhand_protocol::{CallReport, RunId};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Rows of one kind that a page is sent at once; more come with the next message.
const SENT_MAX: usize = 2_000;
/// Notes that a page is sent by themselves; all of them are in the list of what happened.
const NOTES_MAX: usize = 2_000;
/// Calls in doubt, and calls that were undone, that stand in the head.
const REPORTS_MAX: usize = 100;

/// What was seen of tasks and agents last, and when each changed.
#[derive(Default)]
pub(crate) struct Changes {
    version: u64,
    tasks: Vec<(u64, TaskSeen)>,
    /// Agents in the order of their numbers, and where each is.
    agents: Vec<(u64, (Seat, AgentSeen))>,
    /// Where the tasks stand, and since which version.
    drawing: Option<(u64, Drawing)>,
}

/// What a page has been sent of a run.
#[derive(Debug, Default)]
pub(crate) struct Known {
    version: u64,
    notes: usize,
    /// The version that is being sent, and how many rows were looked through for it.
    sending: Option<u64>,
    tasks: usize,
    agents: usize,
}

/// A message to a page. It is written straight from what is kept: a run of many tasks is told as
/// fast as it is read.
#[derive(Serialize)]
struct News<'a> {
    kind: &'static str,
    run: &'a RunId,
    state: &'a Value,
    head: Value,
    tasks: Vec<(usize, TaskRow<'a>)>,
    agents: Vec<(usize, AgentRow<'a>)>,
    notes: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    drawing: Option<&'a Drawing>,
    rows: usize,
}

impl Book {
    /// Puts what is new into its order and compares all rows with what they were. To be asked
    /// before [`Book::news`].
    pub(crate) fn refresh(&mut self) {
        self.list();
        let mut found: HashMap<&str, usize> = HashMap::new();
        for note in self.timeline.findings() {
            *found
                .entry(note.task.as_deref().unwrap_or_default())
                .or_default() += 1;
        }
        let tasks = self.timeline.tasks.iter();
        let tasks: Vec<TaskSeen> = tasks.map(|it| self.task_seen(it, &found)).collect();
        let seats = self.seats.values();
        let agents: Vec<(Seat, AgentSeen)> = seats
            .filter_map(|seat| Some((*seat, agent_seen(self.line(*seat)?))))
            .collect();
        let changes = &mut self.changes;
        changes.version += 1;
        renew(&mut changes.tasks, tasks, changes.version);
        renew(&mut changes.agents, agents, changes.version);
        if std::mem::take(&mut self.is_planned_anew) {
            let now = Drawing::of(&self.timeline);
            let before = changes.drawing.as_ref().map(|(_, drawing)| drawing);
            if before != Some(&now) {
                changes.drawing = Some((changes.version, now));
            }
        }
    }

    /// Whether there is anything to be told.
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.version == 0
    }

    /// Something of what a page does not know yet, as JSON, and whether there is more; `state` is
    /// how the run is followed.
    pub(crate) fn news(&self, known: &mut Known, run: &RunId, state: &Value) -> (String, bool) {
        let changes = &self.changes;
        let version = *known.sending.get_or_insert(changes.version);
        let tasks = newer(&changes.tasks, known.version, &mut known.tasks);
        let agents = newer(&changes.agents, known.version, &mut known.agents);
        let more = known.tasks < changes.tasks.len() || known.agents < changes.agents.len();
        let notes = self.timeline.notes.iter().take(NOTES_MAX).skip(known.notes);
        let notes: Vec<Value> = notes.map(|note| self.note_row(note)).collect();
        known.notes += notes.len();
        // The graph comes last, when all its tasks are known.
        let drawing = changes.drawing.as_ref();
        let drawing = drawing.filter(|(since, _)| !more && *since > known.version);
        if !more {
            // What has changed while this was sent in pieces is sent with the next version.
            known.version = version;
            (known.sending, known.tasks, known.agents) = (None, 0, 0);
        }
        let line = |at: usize| self.timeline.tasks.get(at);
        let news = News {
            kind: "run",
            run,
            state,
            head: self.head(),
            tasks: tasks
                .filter_map(|(at, seen)| Some((at, task_row(line(at)?, *seen))))
                .collect(),
            agents: agents
                .filter_map(|(at, (seat, _))| {
                    let task = seat.task.and_then(line);
                    Some((at, agent_row(self.line(*seat)?, task)))
                })
                .collect(),
            notes,
            drawing: drawing.map(|(_, drawing)| drawing),
            rows: self.places.len(),
        };
        // Plain data is written to memory, which cannot fail.
        (serde_json::to_string(&news).unwrap_or_default(), more)
    }

    fn head(&self) -> Value {
        let timeline = &self.timeline;
        let spent = timeline.spent;
        json!({
            "goal": cut(&timeline.goal, WHY_CHARS_MAX),
            "autonomy": timeline.autonomy,
            "foreign": timeline.is_foreign(),
            "began_ms": timeline.began_ms,
            "ended_ms": timeline.ended_ms,
            "records": timeline.records,
            "turns": spent.turns,
            "tool_calls": spent.tool_calls,
            "tokens_in": spent.usage.input_tokens,
            "tokens_out": spent.usage.output_tokens,
            "micro_usd": spent.micro_usd,
            "outcome": timeline.outcome.as_ref().map(|outcome| json!({
                "kind": outcome.kind,
                "words": account::ending(outcome.kind),
                "why": cut(&outcome.why, WHY_CHARS_MAX),
                "answer": cut(&outcome.answer, WHY_CHARS_MAX),
                "in_doubt": reports(&outcome.in_doubt),
                "undone": reports(&outcome.undone),
            })),
            "model": self.start.as_ref().map(|start| cut(&start.default_model, TITLE_CHARS_MAX)),
        })
    }
}

/// Calls that are in doubt, or were to be undone, and what is known of each.
fn reports(all: &[CallReport]) -> Vec<Value> {
    let shown = all.iter().take(REPORTS_MAX);
    shown
        .map(|report| {
            let arguments = report.tool_call.arguments.to_string();
            json!({
                "tool": cut(&report.tool_call.name, TITLE_CHARS_MAX),
                "arguments": cut(&arguments, TEXT_CHARS_MAX),
                "state": report.state,
                "what": cut(&report.what, TEXT_CHARS_MAX),
            })
        })
        .collect()
}

fn renew<T: PartialEq>(rows: &mut Vec<(u64, T)>, now: Vec<T>, version: u64) {
    for (at, row) in now.into_iter().enumerate() {
        match rows.get_mut(at) {
            Some((_, before)) if *before == row => {}
            Some(slot) => *slot = (version, row),
            None => rows.push((version, row)),
        }
    }
}

/// What changed after a version, from a place on, with its number. The place is moved on.
fn newer<'a, T>(
    rows: &'a [(u64, T)],
    version: u64,
    from: &mut usize,
) -> impl Iterator<Item = (usize, &'a T)> + use<'a, T> {
    let first = (*from).min(rows.len());
    let fresh = |(changed, _): &(u64, T)| *changed > version;
    let mut left = SENT_MAX;
    let last = rows[first..].iter().position(|row| {
        left -= usize::from(fresh(row));
        left == 0
    });
    *from = last.map_or(rows.len(), |last| first + last + 1);
    let some = rows[first..*from].iter().enumerate();
    some.filter(move |(_, (changed, _))| *changed > version)
        .map(move |(at, (_, row))| (first + at, row))
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadhand_protocol::Record;

    fn plan(tasks: &[&str]) -> Value {
        let tasks = tasks.iter().map(|id| {
            let after: Vec<&str> = match *id {
                "t1" => Vec::new(),
                _ => vec!["t1"],
            };
            json!({"id": id, "role": "analyst", "instruction": "Do it.", "depends_on": after})
        });
        json!({"event": "plan_accepted", "revision": 0, "plan": {"tasks": tasks.collect::<Vec<_>>()}})
    }

    /// What a page is told after this happened.
    fn told(book: &mut Book, known: &mut Known, event: &Value) -> Value {
        let record = json!({"seq": book.next(), "at_ms": 1_000, "event": event});
        let record: Record = serde_json::from_value(record).unwrap();
        book.take(&[record]);
        book.refresh();
        let run = RunId::new("run").unwrap();
        let (news, more) = book.news(known, &run, &Value::Null);
        assert!(!more, "one message does");
        serde_json::from_str(&news).unwrap()
    }

    #[test]
    fn the_graph_is_told_again_only_when_it_has_become_another_one() {
        let mut book = Book::new(&RunId::new("run").unwrap());
        let mut known = Known::default();
        let news = told(&mut book, &mut known, &plan(&["t1", "t2"]));
        let node = |column, row| json!({"column": column, "row": row});
        assert_eq!(news["drawing"]["nodes"], json!([node(0, 0), node(1, 0)]));
        assert_eq!(news["drawing"]["edges"], json!([[0, 1]]));
        let began = json!({"event": "agent_started", "agent": 0, "role": "analyst", "purpose": {"task": "t1"}, "attempt": 1, "opening": "Begin."});
        let news = told(&mut book, &mut known, &began);
        assert_eq!(news["tasks"][0][1]["state"], "running");
        assert_eq!(news["drawing"], Value::Null);
        let news = told(&mut book, &mut known, &plan(&["t1", "t2"]));
        assert_eq!(news["drawing"], Value::Null);
        let news = told(&mut book, &mut known, &plan(&["t1", "t2", "t3"]));
        assert_eq!(news["drawing"]["rows"], 2);
        // A page that comes later is told all of it at once.
        let news = told(
            &mut book,
            &mut Known::default(),
            &json!({"event": "time_up"}),
        );
        assert_eq!(news["drawing"]["nodes"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn many_tasks_are_told_of_in_pieces_and_none_is_left_out() {
        let ids: Vec<String> = (0..2 * SENT_MAX + 10).map(|at| format!("t{at}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let run = RunId::new("run").unwrap();
        let mut book = Book::new(&run);
        let take = |book: &mut Book, event: &Value| {
            let record = json!({"seq": book.next(), "at_ms": 1_000, "event": event});
            book.take(&[serde_json::from_value(record).unwrap()]);
            book.refresh();
        };
        take(&mut book, &plan(&ids));
        let mut known = Known::default();
        let mut states: Vec<String> = vec![String::new(); ids.len()];
        for piece in 0..4 {
            let (news, more) = book.news(&mut known, &run, &Value::Null);
            let news: Value = serde_json::from_str(&news).unwrap();
            for row in news["tasks"].as_array().unwrap() {
                let at = usize::try_from(row[0].as_u64().unwrap()).unwrap();
                states[at] = row[1]["state"].as_str().unwrap().to_owned();
            }
            assert_eq!(
                news["drawing"].is_object(),
                piece == 2,
                "with the last piece"
            );
            assert_eq!(more, piece < 2);
            // A task whose row was sent changes before all of them are.
            if piece == 0 {
                let began = json!({"event": "agent_started", "agent": 0, "role": "analyst", "purpose": {"task": "t5"}, "attempt": 1, "opening": "Begin."});
                take(&mut book, &began);
            }
        }
        assert_eq!(
            states.iter().filter(|state| *state == "waiting").count(),
            ids.len() - 1
        );
        assert_eq!(states[5], "running");
    }
}
