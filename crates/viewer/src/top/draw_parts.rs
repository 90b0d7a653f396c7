//! The three parts of the screen: runs, the tasks of one, the steps of a task. Of each list only
//! the lines that are seen are made.

use super::paint::{Chosen, Paint, first, rows};
use super::plan_tree::{RowKey, TreeRow};
use super::state::{Looked, Pane, Reading, Top};
use super::steps::{self, Item, Look};
use super::text;
use crate::RunLine;
use crate::runs::TRACE;
use leadhand_inspector::{AgentLine, TaskLine, words};
use ratatui::layout::Rect;

/// Lines of a run in the list.
const RUN_LINES: u16 = 2;
/// Tasks that a task is shown to stand below at most; more would leave no room for its title.
const DEPTH_MAX: usize = 8;
/// Tasks that are named behind a title.
const AFTER_MAX: usize = 4;
/// Columns of tokens and time at the end of a task's line.
const NUMBERS_COLUMNS: usize = 15;
/// A line with fewer columns has no room for them.
const NUMBERS_FROM_COLUMNS: usize = 36;

pub(super) fn runs(top: &Top, paint: &mut Paint<'_>, at: Rect) {
    let is_here = top.pane == Pane::Runs;
    let here = Chosen::of(true, is_here);
    let live = top.runs.iter().filter(|line| line.live).count();
    let title = match live {
        0 => format!("runs {}", top.runs.len()),
        live => format!("runs {}, {live} live", top.runs.len()),
    };
    let within = paint.part(at, &title, here);
    if top.runs.is_empty() {
        let said = match top.is_listed {
            false => "reading …",
            true => "there are no runs in this project yet; one begins with: leadhand run \"goal\"",
        };
        let lines = text::wrapped(said, usize::from(within.width).saturating_sub(1));
        for (row, line) in rows(within).zip(lines) {
            paint.line(row, Look::Quiet, &line);
        }
        return;
    }
    let room = usize::from((within.height / RUN_LINES).max(1));
    let place = top.place();
    let from = first(place.unwrap_or(0), top.runs.len(), room);
    let shown = top.runs.iter().enumerate().skip(from).take(room);
    for ((number, line), slot) in shown.zip(0..) {
        let y = within.y + slot * RUN_LINES;
        let height = RUN_LINES.min(within.bottom().saturating_sub(y));
        let here = Rect {
            y,
            height,
            width: within.width.saturating_sub(1),
            ..within
        };
        run(line, numbers(top, line), paint, here);
        paint.choose(here, Chosen::of(place == Some(number), is_here));
    }
}

/// Tasks done, tasks and tokens; of the run that is looked at those of its records, which are
/// newer than its summary.
fn numbers(top: &Top, line: &RunLine) -> (usize, usize, u64) {
    let looked = top.looked.as_ref().filter(|looked| looked.run == line.run);
    match looked.filter(|looked| looked.reading == Reading::UpToDate) {
        Some(looked) => {
            let tokens = looked.timeline.spent.usage.total();
            (looked.tasks_done(), looked.tasks_planned(), tokens)
        }
        None => (line.tasks_done, line.tasks, line.tokens),
    }
}

fn run(line: &RunLine, numbers: (usize, usize, u64), paint: &mut Paint<'_>, at: Rect) {
    let (done, tasks, tokens) = numbers;
    let (look, sign) = run_sign(line);
    let mut lines = rows(at);
    if let Some(row) = lines.next() {
        let goal = text::line(&line.goal);
        paint.parts(row, &[(look, format!("{sign} ")), (Look::Plain, goal)]);
    }
    let state = line.state.replace('_', " ");
    let tokens = text::short(tokens);
    let tasks = match line.state.as_str() {
        TRACE => words::count(tasks, "part"),
        _ => format!("{done}/{tasks}"),
    };
    let asks = match line.questions {
        0 => String::new(),
        number => format!(" ?{number}"),
    };
    if let Some(row) = lines.next() {
        let numbers = format!(" {tasks} {tokens}");
        let taken = 2 + text::columns(&numbers) + text::columns(&asks);
        let room = usize::from(row.width).saturating_sub(taken);
        let state = text::cut(&text::line(&state), room);
        let state = (look, format!("  {state}"));
        paint.parts(row, &[state, (Look::Quiet, numbers), (Look::Busy, asks)]);
    }
}

fn run_sign(line: &RunLine) -> (Look, char) {
    if line.live {
        return (Look::Busy, '>');
    }
    match line.state.as_str() {
        "done" | "planned" => (Look::Good, '✓'),
        TRACE => (Look::Plain, '■'),
        "waiting_for_person" => (Look::Busy, '?'),
        "stopped" | "interrupted" | "budget_spent" | "model_unreachable" => (Look::Quiet, '-'),
        _ => (Look::Bad, '✗'),
    }
}

pub(super) fn tasks(top: &Top, paint: &mut Paint<'_>, at: Rect) {
    let is_here = top.pane == Pane::Tasks;
    let here = Chosen::of(true, is_here);
    let Some(looked) = &top.looked else {
        paint.part(at, "tasks", here);
        return;
    };
    let title = format!("tasks {}", looked.timeline.tasks.len());
    let within = paint.part(at, &title, here);
    if looked.rows.is_empty() {
        let said = match looked.reading {
            Reading::Behind => "reading …",
            Reading::UpToDate | Reading::Ended | Reading::Broken(_) => "no agent has begun yet",
        };
        paint.line(within, Look::Quiet, said);
    }
    let place = looked.place();
    let from = first(place, looked.rows.len(), usize::from(within.height));
    let shown = looked.rows.iter().enumerate().skip(from);
    for ((number, row), line) in shown.zip(rows(within)) {
        match row.key {
            RowKey::Task(task) => {
                if let Some(task) = looked.timeline.tasks.get(task) {
                    task_line(top, looked, (row, task), paint, line);
                }
            }
            RowKey::Other(other) => {
                if let Some(agent) = looked.timeline.others.get(other) {
                    other_line(top, looked, agent, paint, line);
                }
            }
        }
        paint.choose(line, Chosen::of(number == place, is_here));
    }
}

/// The state of a task; nobody is at work in a run that stands still or is over.
fn task_state(top: &Top, task: &TaskLine) -> &'static str {
    match task.state {
        "running" if !top.is_live() => "was at work",
        state => state,
    }
}

/// Sign and look of a task's state.
fn task_sign(state: &str) -> (Look, char) {
    match state {
        "running" => (Look::Busy, '>'),
        "done" => (Look::Good, '✓'),
        "failed" => (Look::Bad, '✗'),
        "dropped" | "was at work" => (Look::Quiet, '-'),
        "ended" => (Look::Plain, '■'),
        _ => (Look::Quiet, '.'),
    }
}

fn task_line(
    top: &Top,
    looked: &Looked,
    row: (&TreeRow, &TaskLine),
    paint: &mut Paint<'_>,
    at: Rect,
) {
    let (row, task) = row;
    let (look, sign) = task_sign(task_state(top, task));
    let depth = row.depth.min(DEPTH_MAX);
    let deeper = match row.depth - depth {
        0 => String::new(),
        more => format!("+{more} "),
    };
    let doing = match task.state {
        "running" if top.is_live() => steps::doing(&task.agents),
        _ => String::new(),
    };
    let indent = format!("{}{deeper}", "  ".repeat(depth));
    let name = format!("{sign} {} ", task.id);
    // What is being done has room in any case, and the title what is left.
    let taken = text::columns(&indent) + text::columns(&name);
    let room = text_columns(at).saturating_sub(taken);
    let doing = text::cut(&doing, room / 2);
    let title = match doing.is_empty() {
        true => text::line(&task.title),
        false => {
            let left = room.saturating_sub(text::columns(&doing) + 2);
            text::cut(&text::line(&task.title), left)
        }
    };
    let mut parts = vec![(Look::Quiet, indent), (look, name), (Look::Plain, title)];
    if !doing.is_empty() {
        parts.push((Look::Busy, format!("  {doing}")));
    }
    if !row.also_after.is_empty() {
        parts.push((Look::Quiet, format!("  {}", also(looked, &row.also_after))));
    }
    let took = task.began_ms.map(|began| {
        let ended = task.ended_ms.unwrap_or(now(top, looked));
        ended.saturating_sub(began)
    });
    numbered(paint, at, &parts, task.spent.usage.total(), took);
}

fn other_line(top: &Top, looked: &Looked, agent: &AgentLine, paint: &mut Paint<'_>, at: Rect) {
    let state = match (&agent.failure, agent.ended_ms) {
        (Some(_), _) => "failed",
        (None, Some(_)) => "done",
        (None, None) if top.is_live() => "running",
        (None, None) => "was at work",
    };
    let (look, sign) = task_sign(state);
    let ended = agent.ended_ms.unwrap_or(now(top, looked));
    let mut parts = vec![
        (look, format!("{sign} ")),
        (Look::Plain, text::line(&agent.purpose)),
        (Look::Quiet, format!("  {}", text::line(&agent.role))),
    ];
    let doing = match top.is_live() {
        true => steps::doing(std::slice::from_ref(agent)),
        false => String::new(),
    };
    if !doing.is_empty() {
        parts.push((Look::Busy, format!("  {doing}")));
    }
    let took = Some(ended.saturating_sub(agent.began_ms));
    numbered(paint, at, &parts, agent.spent.usage.total(), took);
}

/// The time that counts for what has not ended: that of the clock where somebody is at work.
fn now(top: &Top, looked: &Looked) -> u64 {
    match top.is_live() {
        true => top.now_ms.max(looked.timeline.ended_ms),
        false => looked.timeline.ended_ms,
    }
}

/// Columns of a task's line that are left beside its numbers.
fn text_columns(at: Rect) -> usize {
    match usize::from(at.width) {
        width if width < NUMBERS_FROM_COLUMNS => width,
        width => width - NUMBERS_COLUMNS,
    }
}

/// A line with tokens and time at its end, where there is room.
fn numbered(
    paint: &mut Paint<'_>,
    at: Rect,
    parts: &[(Look, String)],
    tokens: u64,
    took_ms: Option<u64>,
) {
    let width = text_columns(at);
    if width == usize::from(at.width) {
        return paint.parts(at, parts);
    }
    let split = u16::try_from(width).unwrap_or(at.width);
    let (left, right) = (
        Rect { width: split, ..at },
        Rect {
            x: at.x + split,
            width: at.width - split,
            ..at
        },
    );
    paint.parts(left, parts);
    if let Some(took_ms) = took_ms {
        let (tokens, took) = (text::short(tokens), text::short_time(took_ms));
        paint.line(right, Look::Quiet, &format!("{tokens:>7} {took:>7}"));
    }
}

fn also(looked: &Looked, after: &[usize]) -> String {
    let tasks = &looked.timeline.tasks;
    let named = after.iter().take(AFTER_MAX).filter_map(|at| tasks.get(*at));
    let mut names: Vec<String> = named.map(|task| task.id.clone()).collect();
    if after.len() > AFTER_MAX {
        names.push(format!("{} more", after.len() - AFTER_MAX));
    }
    format!("also after {}", names.join(", "))
}

pub(super) fn steps(top: &Top, paint: &mut Paint<'_>, at: Rect) {
    let is_here = top.pane == Pane::Steps;
    let here = Chosen::of(true, is_here);
    let Some(looked) = &top.looked else {
        paint.part(at, "steps", here);
        return;
    };
    let title = match looked.task() {
        Some(task) => {
            let worker = text::line(&task.worker);
            let title = text::line(&task.title);
            let state = task_state(top, task);
            format!("{} [{worker}] {state}: {title}", task.id)
        }
        None => looked.agents().first().map_or("steps".to_owned(), |agent| {
            format!("{}, for the whole run", text::line(&agent.purpose))
        }),
    };
    let mut within = paint.part(at, &title, here);
    if let Some(task) = looked.task().filter(|task| !task.why.is_empty()) {
        paint.line(
            within,
            Look::Bad,
            &format!("failed because: {}", text::line(&task.why)),
        );
        within.y += u16::from(within.height > 0);
        within.height = within.height.saturating_sub(1);
    }
    let agents = looked.agents();
    if agents.is_empty() {
        return paint.line(within, Look::Quiet, "nobody has begun this yet");
    }
    items(agents, looked.step_place(), is_here, paint, within);
}

/// Items around the chosen one, which is near the middle as far as that goes.
fn items(agents: &[AgentLine], chosen: usize, is_here: bool, paint: &mut Paint<'_>, at: Rect) {
    let room = usize::from(at.height);
    let brief = |place: usize| steps::item(agents, place).map_or(Vec::new(), lines_of);
    let count = steps::count(agents);
    let own = brief(chosen).len();
    // What comes after it has half of the room, or less where less comes.
    let mut after = 0;
    for place in chosen + 1..count {
        if after >= room.saturating_sub(own) / 2 {
            break;
        }
        after += brief(place).len();
    }
    let after = after.min(room.saturating_sub(own) / 2);
    let (mut from, mut before) = (chosen, 0);
    while from > 0 {
        let lines = brief(from - 1).len();
        if before + lines + own + after > room {
            break;
        }
        before += lines;
        from -= 1;
    }
    let mut lines = rows(at);
    for place in from..count {
        for (look, line) in brief(place) {
            let Some(row) = lines.next() else {
                return;
            };
            paint.line(row, look, &line);
            paint.choose(row, Chosen::of(place == chosen, is_here));
        }
    }
}

fn lines_of(item: Item<'_>) -> Vec<(Look, String)> {
    steps::brief(item)
}
