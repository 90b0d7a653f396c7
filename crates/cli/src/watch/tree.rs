//! The tree of a run's work, redrawn in place on a terminal.

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use leadhand::rooms::inspector::words;
use leadhand::rooms::inspector::{Progress, Row, State};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Lines of the terminal that are left to what was there before.
const LINES_LEFT: usize = 4;
const SPINNER: [&str; 4] = ["|", "/", "-", "\\"];

/// One block of lines at the bottom of the terminal.
pub(super) struct Tree {
    block: Option<ProgressBar>,
    turns: usize,
}

impl Tree {
    pub(super) fn new() -> Self {
        Self {
            block: Some(block()),
            turns: 0,
        }
    }

    /// Takes the block off the terminal until it is shown again.
    pub(super) fn hide(&mut self) {
        if let Some(block) = self.block.take() {
            block.finish_and_clear();
        }
    }

    pub(super) fn show(&mut self) {
        self.block.get_or_insert_with(block);
    }

    /// Lets something be written above the block.
    pub(super) fn above(&self, write: impl FnOnce()) {
        match &self.block {
            Some(block) => block.suspend(write),
            None => write(),
        }
    }

    pub(super) fn redraw(&mut self, progress: &Progress) {
        self.turns += 1;
        if let Some(block) = &self.block {
            let (lines_max, columns) = Term::stderr().size();
            let lines = lines(progress, now_ms(), usize::from(lines_max), self.turns);
            let cut = |line: &String| {
                console::truncate_str(line, usize::from(columns).saturating_sub(1), "…")
                    .into_owned()
            };
            block.set_message(lines.iter().map(cut).collect::<Vec<_>>().join("\n"));
        }
    }
}

fn block() -> ProgressBar {
    let block = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    block.set_style(
        ProgressStyle::with_template("{msg}").unwrap_or(ProgressStyle::default_spinner()),
    );
    block
}

fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A head line, then a line for each row; those at work first where not all have room.
fn lines(progress: &Progress, now_ms: u64, lines_max: usize, turns: usize) -> Vec<String> {
    let rows: Vec<&Row> = progress
        .rows
        .iter()
        .filter(|row| row.state != State::Dropped)
        .collect();
    let room = lines_max.saturating_sub(LINES_LEFT).max(1);
    let rank = |row: &Row| match row.state {
        State::Running => 0,
        State::Failed => 1,
        State::Waiting => 2,
        State::Done | State::Dropped => 3,
    };
    let mut shown: Vec<usize> = (0..rows.len()).collect();
    shown.sort_by_key(|place| rank(rows[*place]));
    shown.truncate(room);
    shown.sort_unstable();
    let is_task = |row: &&&Row| !row.id.is_empty();
    let tasks = rows.iter().filter(is_task).count();
    let done = rows
        .iter()
        .filter(is_task)
        .filter(|row| row.state == State::Done)
        .count();
    let spent = if progress.began_ms == 0 {
        0
    } else {
        now_ms.saturating_sub(progress.began_ms)
    };
    let left_out = match rows.len() - shown.len() {
        0 => String::new(),
        number => format!(", {number} more rows"),
    };
    let head = match tasks {
        0 => "no plan yet".to_owned(),
        _ => format!("{done} of {} done", words::count(tasks, "task")),
    };
    let mut lines = vec![format!(
        "{head}, {} tokens, {}{left_out}",
        words::number(progress.usage.total()),
        words::seconds(spent)
    )];
    lines.extend(
        shown
            .into_iter()
            .map(|place| line(rows[place], now_ms, turns)),
    );
    lines
}

fn line(row: &Row, now_ms: u64, turns: usize) -> String {
    let mark = match row.state {
        State::Waiting | State::Dropped => " ",
        State::Running => SPINNER[turns % SPINNER.len()],
        State::Done => "+",
        State::Failed => "x",
    };
    let until_ms = if row.state == State::Running {
        now_ms
    } else {
        row.ended_ms
    };
    let time = match row.began_ms {
        0 => "waits".to_owned(),
        began_ms => words::seconds(until_ms.saturating_sub(began_ms)),
    };
    let mut line = format!(
        "{mark} {:<6} {:<10} {time:>9}  {}",
        row.id, row.role, row.title
    );
    if row.tokens > 0 {
        line.push_str(&format!("  {} tokens", words::number(row.tokens)));
    }
    if !row.doing.is_empty() {
        line.push_str(&format!("  {}", row.doing));
    }
    if row.chars > 0 && row.state == State::Running {
        line.push_str(&format!(", {} characters", words::number(row.chars as u64)));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_at_work_are_shown_where_there_is_no_room_for_all() {
        let row = |id: &str, state| Row {
            id: id.to_owned(),
            title: "Count".to_owned(),
            role: "writer".to_owned(),
            state,
            doing: if state == State::Running {
                "read_file".to_owned()
            } else {
                String::new()
            },
            tokens: 1_200,
            began_ms: if state == State::Waiting { 0 } else { 1_000 },
            ended_ms: 3_000,
            ..Row::default()
        };
        let rows = vec![
            row("t1", State::Done),
            row("t2", State::Running),
            row("t3", State::Waiting),
        ];
        let mut progress = Progress::default();
        (progress.rows, progress.began_ms) = (rows, 1_000);
        let text = |lines_max| lines(&progress, 5_500, lines_max, 0).join("\n");
        assert_eq!(
            text(20),
            "1 of 3 tasks done, 0 tokens, 4.5 s\n\
             + t1     writer         2.0 s  Count  1,200 tokens\n\
             | t2     writer         4.5 s  Count  1,200 tokens  read_file\n\
             \x20 t3     writer         waits  Count  1,200 tokens"
        );
        assert_eq!(
            text(5),
            "1 of 3 tasks done, 0 tokens, 4.5 s, 2 more rows\n\
             | t2     writer         4.5 s  Count  1,200 tokens  read_file"
        );
    }
}
