//! The whole screen: what run it is, the parts, what is said below them, and what lies over all
//! of it. Only what is seen is put into words.

use super::dialog::{Dialog, Editor, Intent};
use super::draw_parts;
use super::full;
use super::paint::{Chosen, Paint, rows};
use super::places::{self, NOTICE_LINES_MAX, Places};
use super::state::{Pane, Reading, Top};
use super::steps::Look;
use super::text;
use leadhand_inspector::{account, words};
use leadhand_protocol::Grade;
use ratatui::Frame;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthChar;

/// Lines of one trouble or message that are shown.
const SAID_LINES_MAX: usize = 3;
/// Lines of what is typed that are shown.
const TYPED_LINES_MAX: usize = 4;
/// Columns of the bar that shows how many tasks are done.
const BAR_COLUMNS: usize = 10;

type Lines = Vec<(Look, String)>;

/// Draws the view.
pub(super) fn draw(top: &Top, frame: &mut Frame<'_>) {
    let screen = frame.area();
    let mut paint = Paint {
        buffer: frame.buffer_mut(),
        colour: top.colour,
    };
    let fills = top
        .dialog
        .as_ref()
        .filter(|dialog| dialog.scrolled().is_some());
    let below = below(top, usize::from(screen.width));
    let places = places::of(screen, below.len());
    if places == Places::None {
        let lines = text::wrapped("too small to show runs; q quits", usize::from(screen.width));
        for (row, line) in rows(screen).zip(lines) {
            paint.line(row, Look::Plain, &line);
        }
        return;
    }
    head(top, &mut paint, screen);
    if let Some(dialog) = fills {
        page(top, dialog, &mut paint, screen);
        return;
    }
    match places {
        Places::None => {}
        Places::One(body) => match top.pane {
            Pane::Runs => draw_parts::runs(top, &mut paint, body),
            Pane::Tasks => draw_parts::tasks(top, &mut paint, body),
            Pane::Steps => draw_parts::steps(top, &mut paint, body),
        },
        Places::All { runs, tasks, steps } => {
            draw_parts::runs(top, &mut paint, runs);
            draw_parts::tasks(top, &mut paint, tasks);
            draw_parts::steps(top, &mut paint, steps);
        }
    }
    let start = screen
        .bottom()
        .saturating_sub(u16::try_from(below.len()).unwrap_or(0));
    let foot = Rect {
        y: start,
        height: screen.bottom() - start,
        ..screen
    };
    for (row, line) in rows(foot).zip(&below) {
        paint.parts(row, line);
    }
    if let Some(Dialog::Editor(editor)) = &top.dialog {
        typed(editor, &mut paint, foot);
    }
}

/// Which run it is, how far it is and what it is for.
fn head(top: &Top, paint: &mut Paint<'_>, screen: Rect) {
    let name = match screen.width {
        0..64 => "",
        64..100 => "top  ",
        _ => "leadhand top  ",
    };
    let mut parts = vec![(Look::Head, name.to_owned())];
    let mut lines = rows(screen);
    let (Some(first), Some(second)) = (lines.next(), lines.next()) else {
        return;
    };
    let Some(looked) = &top.looked else {
        parts.push((Look::Quiet, words::count(top.runs.len(), "run")));
        paint.parts(first, &parts);
        return;
    };
    let timeline = &looked.timeline;
    let line = top.line();
    let (look, state) = match (top.is_live(), &timeline.outcome, line) {
        (true, _, _) => (Look::Busy, "running"),
        (_, Some(outcome), _) => {
            let is_done = outcome.kind.exit_code() == 0;
            let look = if is_done { Look::Good } else { Look::Bad };
            (look, account::ending(outcome.kind))
        }
        (_, None, Some(line)) => (Look::Bad, line.state.as_str()),
        (_, None, None) => (Look::Quiet, ""),
    };
    let (done, planned) = (looked.tasks_done(), looked.tasks_planned());
    let ended = match top.is_live() {
        true => top.now_ms.max(timeline.ended_ms),
        false => timeline.ended_ms,
    };
    let took = ended.saturating_sub(timeline.began_ms);
    let spent = timeline.spent;
    parts.push((Look::Plain, format!("{}  ", looked.run)));
    parts.push((look, state.to_owned()));
    parts.push((Look::Plain, format!("  {}", bar(done, planned))));
    let cost = match spent.micro_usd {
        0 => String::new(),
        micro_usd => format!("  {}", words::money(micro_usd)),
    };
    let tokens = words::number(spent.usage.total());
    let numbers = format!("  {tokens} tokens{cost}  {}", text::short_time(took));
    parts.push((Look::Plain, numbers));
    if looked.reading == Reading::Behind {
        let so_far = words::count(timeline.records, "record");
        parts.push((Look::Quiet, format!("  reading, {so_far}")));
    }
    paint.parts(first, &parts);
    // The list has the goal's first line before the first record is read.
    let goal = match timeline.records {
        0 => line.map_or("", |line| line.goal.as_str()),
        _ => timeline.goal.as_str(),
    };
    paint.line(second, Look::Plain, &text::line(goal));
}

/// How many are done of how many.
fn bar(done: usize, planned: usize) -> String {
    if planned == 0 {
        return "no plan yet".to_owned();
    }
    let full = done.min(planned) * BAR_COLUMNS / planned;
    let (full, empty) = ("=".repeat(full), "-".repeat(BAR_COLUMNS - full));
    format!("[{full}{empty}] {done}/{planned} done")
}

/// What is said below the parts, a line each, the keys last.
fn below(top: &Top, columns: usize) -> Vec<Lines> {
    let mut lines = Vec::new();
    let mut say = |look, text: &str| {
        let wrapped = text::wrapped(&text::lines(text), columns);
        let cut = wrapped.into_iter().take(SAID_LINES_MAX);
        lines.extend(cut.map(|line| vec![(look, line)]));
    };
    if let Some(why) = &top.list_trouble {
        say(Look::Bad, &format!("the runs cannot be listed: {why}"));
    }
    if let Some(looked) = &top.looked
        && let Reading::Broken(why) = &looked.reading
    {
        say(Look::Bad, &format!("shown as far as it goes: {why}"));
    }
    if let Some(message) = &top.message {
        let look = if message.is_trouble {
            Look::Bad
        } else {
            Look::Good
        };
        say(look, &message.text);
    }
    lines.extend(questions(top, columns).map(|line| vec![line]));
    lines.extend(findings(top).map(|line| vec![line]));
    lines.truncate(NOTICE_LINES_MAX);
    let ask = |text: &str| vec![(Look::Head, text.to_owned())];
    match &top.dialog {
        Some(Dialog::Editor(editor)) => {
            lines.push(ask(&editor.head()));
            let typed = type_lines(editor, columns).0.len().min(TYPED_LINES_MAX);
            lines.extend(std::iter::repeat_n(Vec::new(), typed));
            lines.push(vec![(
                Look::Quiet,
                "enter sends it off, esc does not".to_owned(),
            )]);
        }
        Some(Dialog::Pause(run)) => {
            lines.push(ask(&format!("Pause run {run}? y yes, any other key no")));
        }
        Some(Dialog::Cancel { run, grade }) => {
            lines.extend(cancel(*grade).into_iter().map(|line| vec![line]));
            lines.push(ask(&match grade {
                None => format!("Cancel run {run}? w, s or a; any other key no"),
                Some(_) => format!("Cancel run {run} so? y yes, any other key no"),
            }));
        }
        Some(
            Dialog::Help { .. } | Dialog::Step { .. } | Dialog::Notes { .. } | Dialog::Question(_),
        )
        | None => lines.push(vec![(Look::Quiet, keys(columns).to_owned())]),
    }
    lines
}

fn keys(columns: usize) -> &'static str {
    match columns {
        0..64 => "tab part  ? help  q quit",
        64..100 => "tab part  enter in  / search  a yes  d no  s steer  p pause  c cancel  ? help",
        _ => {
            "tab part  enter go in  / search  f findings  a approve  d deny  s steer  p pause  c cancel  ? help  q quit"
        }
    }
}

/// The grades of cancelling; the chosen one is marked.
fn cancel(chosen: Option<Grade>) -> Lines {
    let grades = [
        (Grade::WrapUp, "w wrap up: what is at work comes to its end"),
        (
            Grade::Stop,
            "s stop: nothing is called any more, calls in flight are waited for",
        ),
        (
            Grade::Abort,
            "a abort: nothing is waited for, what calls in flight did is in doubt",
        ),
    ];
    let line = |(grade, text): (Grade, &str)| match chosen == Some(grade) {
        true => (Look::Head, format!("> {text}")),
        false => (Look::Quiet, format!("  {text}")),
    };
    grades.into_iter().map(line).collect()
}

/// What waits for a person, in a line.
fn questions(top: &Top, columns: usize) -> Option<(Look, String)> {
    let open = &top.looked.as_ref()?.questions;
    let first = open.first()?;
    let count = words::count(open.len(), "open question");
    let head = format!("? {count} (a or d shows it): ");
    let room = columns.saturating_sub(text::columns(&head));
    let asked = crate::asked(&first.ask);
    let parts: Vec<&str> = asked.split_whitespace().collect();
    let what = text::line(&parts.join(" "));
    Some((Look::Busy, head + &text::cut(&what, room)))
}

/// What was found, in a line.
fn findings(top: &Top) -> Option<(Look, String)> {
    let timeline = &top.looked.as_ref()?.timeline;
    let (mut count, mut last) = (0, None);
    for note in timeline.findings() {
        (count, last) = (count + 1, Some(note));
    }
    let last = last?;
    let task = last.task.as_ref().map(|task| format!("{task}: "));
    let found = words::count(count, "finding");
    let text = format!(
        "! {found} (f shows all): {}{}",
        task.unwrap_or_default(),
        last.text
    );
    Some((Look::Bad, text::line(&text)))
}

/// What fills the screen below its first line.
fn page(top: &Top, dialog: &Dialog, paint: &mut Paint<'_>, screen: Rect) {
    let (columns, room) = places::page(top.size);
    let lines = full::lines(top, dialog, columns);
    let last = lines.len().saturating_sub(room);
    let first = dialog.scrolled().unwrap_or(0).min(last);
    let more = match lines.len().saturating_sub(first + room) {
        0 => String::new(),
        more => format!(", {more} more below"),
    };
    let seen = format!(
        "{}-{} of {}{more}",
        first + 1,
        lines.len().min(first + room),
        lines.len()
    );
    let (title, keys) = match dialog {
        Dialog::Help { .. } => ("the keys", "esc back"),
        Dialog::Step { .. } => ("step", "↑↓ scroll  esc back"),
        Dialog::Notes { .. } => ("what happened to the run", "↑↓ scroll  esc back"),
        Dialog::Question(asked) => match asked.intent {
            Intent::Approve => (
                "approve?",
                "↑↓ scroll  ←→ another question  esc leaves it open",
            ),
            Intent::Deny => (
                "deny?",
                "↑↓ scroll  ←→ another question  esc leaves it open",
            ),
        },
        Dialog::Editor(_) | Dialog::Pause(_) | Dialog::Cancel { .. } => ("", ""),
    };
    let all = rows(screen).skip(1);
    let mut all = all.collect::<Vec<_>>();
    let foot = all.pop();
    for row in &all {
        let empty = text::filled("", usize::from(row.width));
        paint.line(*row, Look::Plain, &empty);
    }
    let Some(first_row) = all.first().copied() else {
        return;
    };
    paint.part(first_row, &format!("{title} {seen}"), Chosen::Here);
    for (row, (look, line)) in all.iter().skip(1).zip(lines.iter().skip(first)) {
        let within = Rect {
            x: row.x + 1,
            width: row.width.saturating_sub(1),
            ..*row
        };
        paint.line(within, *look, line);
    }
    if let Some(foot) = foot {
        match &top.message {
            Some(message) => paint.line(foot, Look::Bad, &text::line(&message.text)),
            None => paint.line(foot, Look::Quiet, keys),
        }
    }
}

/// The line that is typed, with the cursor in it.
fn typed(editor: &Editor, paint: &mut Paint<'_>, foot: Rect) {
    let (lines, cursor) = type_lines(editor, usize::from(foot.width));
    let room = lines.len().min(TYPED_LINES_MAX);
    let first = (cursor.1 + 1).saturating_sub(room);
    let start = foot
        .bottom()
        .saturating_sub(1 + u16::try_from(room).unwrap_or(0));
    let place = Rect {
        y: start,
        height: foot.bottom().saturating_sub(start + 1),
        ..foot
    };
    for (at, row) in rows(place).enumerate() {
        if let Some(line) = lines.get(first + at) {
            paint.line(row, Look::Plain, line);
        }
        if first + at == cursor.1 {
            let column = u16::try_from(cursor.0).unwrap_or(0);
            let cell = Rect {
                x: row.x + column.min(row.width.saturating_sub(1)),
                width: 1,
                ..row
            };
            paint.choose(cell, Chosen::Here);
        }
    }
}

/// What is typed as lines, and column and line of the cursor.
fn type_lines(editor: &Editor, columns: usize) -> (Vec<String>, (usize, usize)) {
    let (before, after) = editor.shown();
    let columns = columns.saturating_sub(1).max(2);
    let mut lines = vec![String::new()];
    let mut width = 0;
    let mut cursor = (0, 0);
    let all = before
        .chars()
        .map(|c| (c, true))
        .chain(after.chars().map(|c| (c, false)));
    for (c, is_before) in all {
        let taken = c.width().unwrap_or(0);
        if width + taken > columns {
            lines.push(String::new());
            width = 0;
        }
        if let Some(line) = lines.last_mut() {
            line.push(c);
        }
        width += taken;
        if is_before {
            cursor = (width, lines.len() - 1);
        }
    }
    (lines, cursor)
}
