//! What each key does in the panes. Those of what lies over them are in `dialog_keys`.

use super::dialog::{Asked, Dialog, Editor, Intent, Purpose};
use super::dialog_keys;
use super::input::{Key, Wish};
use super::places;
use super::plan_tree::{RowKey, TreeRow};
use super::state::{Looked, Pane, Top};
use super::steps;
use crate::RunLine;
use leadhand_protocol::TaskId;

/// Which way it is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Forward,
    Back,
}

pub(super) fn pressed(top: &mut Top, key: Key) -> Vec<Wish> {
    top.message = None;
    match top.dialog.take() {
        Some(dialog) => dialog_keys::pressed(top, dialog, key),
        None => in_panes(top, key),
    }
}

fn in_panes(top: &mut Top, key: Key) -> Vec<Wish> {
    let page = isize::try_from(places::page(top.size).1 / 2)
        .unwrap_or(1)
        .max(1);
    match key {
        Key::Char('q') if top.is_ordering => {
            top.complain("an order is still being given: wait for it, or quit at once with ctrl-c");
        }
        Key::Char('q') => return vec![Wish::Close { interrupted: false }],
        Key::Up | Key::Char('k') => return moved(top, -1),
        Key::Down | Key::Char('j') => return moved(top, 1),
        Key::PageUp => return moved(top, -page),
        Key::PageDown => return moved(top, page),
        Key::Home | Key::Char('g') => return moved(top, isize::MIN),
        Key::End | Key::Char('G') => return moved(top, isize::MAX),
        Key::Right | Key::Tab | Key::Char('l') => top.pane = beside(top.pane, key),
        Key::Left | Key::BackTab | Key::Char('h') => top.pane = before(top.pane, key),
        Key::Escape => top.pane = before(top.pane, Key::Left),
        Key::Enter => enter(top),
        Key::Char('?') => top.dialog = Some(Dialog::Help { top: 0 }),
        Key::Char('f') if top.looked.is_some() => top.dialog = Some(Dialog::Notes { top: 0 }),
        Key::Char('/') => top.dialog = Some(Dialog::Editor(Editor::new(Purpose::Search))),
        Key::Char('n') => return search(top, Way::Forward),
        Key::Char('N') => return search(top, Way::Back),
        Key::Char('p') => pause(top),
        Key::Char('s') => steer(top),
        Key::Char('a') => ask(top, Intent::Approve),
        Key::Char('d') => ask(top, Intent::Deny),
        Key::Char('c') => cancel(top),
        Key::Char(_) | Key::Backspace | Key::Delete | Key::ClearLine => {}
    }
    Vec::new()
}

/// The pane beside; tab goes round.
fn beside(pane: Pane, key: Key) -> Pane {
    match pane {
        Pane::Runs => Pane::Tasks,
        Pane::Tasks => Pane::Steps,
        Pane::Steps if key == Key::Tab => Pane::Runs,
        Pane::Steps => Pane::Steps,
    }
}

fn before(pane: Pane, key: Key) -> Pane {
    match pane {
        Pane::Runs if key == Key::BackTab => Pane::Steps,
        Pane::Runs | Pane::Tasks => Pane::Runs,
        Pane::Steps => Pane::Tasks,
    }
}

/// Goes into what is chosen.
fn enter(top: &mut Top) {
    match (top.pane, &top.looked) {
        (_, None) => {}
        (Pane::Runs, Some(_)) => top.pane = Pane::Tasks,
        (Pane::Tasks, Some(_)) => top.pane = Pane::Steps,
        (Pane::Steps, Some(looked)) => {
            let place = looked.step_place();
            top.dialog = looked.at().map(|key| Dialog::Step { key, place, top: 0 });
        }
    }
}

/// Moves what is chosen in the pane by so many lines.
fn moved(top: &mut Top, by: isize) -> Vec<Wish> {
    match top.pane {
        Pane::Runs => {
            let Some(at) = shifted(top.place().unwrap_or(0), by, top.runs.len()) else {
                return Vec::new();
            };
            return choose_run(top, at);
        }
        Pane::Tasks => {
            if let Some(looked) = &mut top.looked
                && let Some(at) = shifted(looked.place(), by, looked.rows.len())
            {
                choose_row(looked, at);
            }
        }
        Pane::Steps => {
            if let Some(looked) = &mut top.looked {
                let count = steps::count(looked.agents());
                let at = shifted(looked.step_place(), by, count);
                choose_step(looked, at.unwrap_or(0));
            }
        }
    }
    Vec::new()
}

fn shifted(at: usize, by: isize, count: usize) -> Option<usize> {
    Some(at.saturating_add_signed(by).min(count.checked_sub(1)?))
}

fn choose_run(top: &mut Top, at: usize) -> Vec<Wish> {
    if top.place() == Some(at) {
        return Vec::new();
    }
    let run = top.runs[at].run.clone();
    vec![top.look_at(run)]
}

fn choose_row(looked: &mut Looked, at: usize) {
    (looked.row, looked.step) = (looked.rows.get(at).map(|row| row.key), None);
}

/// At the last step the list goes on with those that come. What follows the work does not change
/// the row under a person who reads its steps.
fn choose_step(looked: &mut Looked, at: usize) {
    looked.row = looked.at();
    let is_last = at + 1 >= steps::count(looked.agents());
    looked.step = (!is_last).then_some(at);
}

/// Goes to the next place of the pane that has what is sought.
pub(super) fn search(top: &mut Top, way: Way) -> Vec<Wish> {
    if top.sought.is_empty() {
        top.complain("nothing was sought yet: / and what to search for");
        return Vec::new();
    }
    let sought = top.sought.to_lowercase();
    let found = match (top.pane, &top.looked) {
        (Pane::Runs, _) => {
            let has = |at: usize| run_has(&top.runs[at], &sought);
            next(top.place().unwrap_or(0), top.runs.len(), way, has)
        }
        (Pane::Tasks, Some(looked)) => {
            let has = |at: usize| row_has(looked, &looked.rows[at], &sought);
            next(looked.place(), looked.rows.len(), way, has)
        }
        (Pane::Steps, Some(looked)) => {
            let agents = looked.agents();
            let has = |at: usize| steps::item(agents, at).is_some_and(|it| steps::has(it, &sought));
            next(looked.step_place(), steps::count(agents), way, has)
        }
        (Pane::Tasks | Pane::Steps, None) => None,
    };
    let Some(at) = found else {
        let text = super::text::line(&top.sought);
        top.complain(format!("`{text}` is not in this part of the screen"));
        return Vec::new();
    };
    match (top.pane, &mut top.looked) {
        (Pane::Runs, _) => return choose_run(top, at),
        (Pane::Tasks, Some(looked)) => choose_row(looked, at),
        (Pane::Steps, Some(looked)) => choose_step(looked, at),
        (Pane::Tasks | Pane::Steps, None) => {}
    }
    Vec::new()
}

/// The next place after one, round to it again.
fn next(at: usize, count: usize, way: Way, has: impl Fn(usize) -> bool) -> Option<usize> {
    (1..=count)
        .map(|by| match way {
            Way::Forward => (at + by) % count,
            Way::Back => (at + count - by) % count,
        })
        .find(|at| has(*at))
}

fn run_has(line: &RunLine, sought: &str) -> bool {
    let all = [line.run.as_str(), &line.goal, &line.state];
    all.iter().any(|text| text.to_lowercase().contains(sought))
}

fn row_has(looked: &Looked, row: &TreeRow, sought: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(sought);
    match row.key {
        RowKey::Task(at) => looked.timeline.tasks.get(at).is_some_and(|task| {
            [&task.id, &task.title, &task.worker, task.state]
                .into_iter()
                .any(has)
        }),
        RowKey::Other(at) => {
            let agent = looked.timeline.others.get(at);
            agent.is_some_and(|agent| has(&agent.role) || has(&agent.purpose))
        }
    }
}

/// The line of a run that can still take orders; else it says why it cannot.
fn taking_orders(top: &mut Top) -> Option<RunLine> {
    let line = top.line().cloned();
    match line {
        None => top.complain("there is no run to give orders to"),
        Some(line) if !line.orders => top.complain("what is read from a file takes no orders"),
        Some(line) if line.live || line.resumable => return Some(line),
        Some(line) => {
            let (run, state) = (line.run, line.state.replace('_', " "));
            top.complain(format!(
                "run {run} is over ({state}): start its goal again, or fork it where it should have gone another way"
            ));
        }
    }
    None
}

fn pause(top: &mut Top) {
    let Some(line) = taking_orders(top) else {
        return;
    };
    if line.live {
        top.dialog = Some(Dialog::Pause(line.run));
    } else {
        let run = line.run;
        top.complain(format!(
            "run {run} is not live: it stands still already; it goes on with: leadhand resume {run}"
        ));
    }
}

fn cancel(top: &mut Top) {
    if let Some(line) = taking_orders(top) {
        let (run, grade) = (line.run, None);
        top.dialog = Some(Dialog::Cancel { run, grade });
    }
}

fn steer(top: &mut Top) {
    let Some(line) = taking_orders(top) else {
        return;
    };
    let looked = top.looked.as_ref();
    let task = looked.and_then(Looked::task);
    let task = task.filter(|task| matches!(task.state, "waiting" | "running"));
    let task = task.and_then(|task| TaskId::new(&*task.id).ok());
    top.dialog = Some(Dialog::Editor(Editor::new(Purpose::Steer {
        run: line.run,
        is_for_task: task.is_some() && top.pane != Pane::Runs,
        task,
    })));
}

fn ask(top: &mut Top, intent: Intent) {
    let Some(looked) = &top.looked else {
        return top.complain("there is no run that asks anything");
    };
    let run = looked.run.clone();
    match looked.questions.first().cloned() {
        Some(question) => {
            top.dialog = Some(Dialog::Question(Asked {
                run,
                question,
                intent,
                top: 0,
            }));
        }
        None => top.complain(format!("no question of run {run} is open")),
    }
}
