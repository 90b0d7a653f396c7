//! Where on the screen things stand, by its size alone.

use ratatui::layout::Rect;

/// From here on all three parts stand side by side.
const WIDE_COLUMNS_MIN: u16 = 110;
/// From here on all three parts are shown.
const MIDDLE_COLUMNS_MIN: u16 = 64;
/// From here on all three parts are shown.
const MIDDLE_LINES_MIN: u16 = 16;
/// With less than this nothing can be read.
const COLUMNS_MIN: u16 = 30;
/// With less than this nothing can be read.
const LINES_MIN: u16 = 8;
/// Columns of the list of runs, where all stand side by side and where not.
const RUNS_COLUMNS: [u16; 2] = [32, 24];
/// Lines of what is said below the parts at most, keys not counted.
pub(super) const NOTICE_LINES_MAX: usize = 6;
/// Lines above the parts.
pub(super) const HEAD_LINES: u16 = 2;

/// What the screen has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Places {
    /// All three parts.
    All {
        runs: Rect,
        tasks: Rect,
        steps: Rect,
    },
    /// The part that the keys are in.
    One(Rect),
    /// Nothing.
    None,
}

/// Columns and lines of what fills the screen, without its head and its foot.
pub(super) fn page(size: (u16, u16)) -> (usize, usize) {
    let columns = usize::from(size.0).saturating_sub(2).max(1);
    (columns, usize::from(size.1).saturating_sub(3).max(1))
}

/// Where the parts stand when so many lines are wanted below them.
pub(super) fn of(screen: Rect, lines_below: usize) -> Places {
    let (width, height) = (screen.width, screen.height);
    if width < COLUMNS_MIN || height < LINES_MIN {
        return Places::None;
    }
    let below = u16::try_from(lines_below).unwrap_or(u16::MAX);
    let body = Rect {
        y: screen.y + HEAD_LINES,
        height: height.saturating_sub(HEAD_LINES).saturating_sub(below),
        ..screen
    };
    if width < MIDDLE_COLUMNS_MIN || height < MIDDLE_LINES_MIN {
        return Places::One(body);
    }
    let is_wide = width >= WIDE_COLUMNS_MIN;
    let runs_columns = RUNS_COLUMNS[usize::from(!is_wide)];
    let rest = Rect {
        x: body.x + runs_columns,
        width: body.width - runs_columns,
        ..body
    };
    let runs = Rect {
        width: runs_columns,
        ..body
    };
    let (tasks, steps) = if is_wide {
        let half = rest.width / 2;
        let tasks = Rect {
            width: half,
            ..rest
        };
        let steps = Rect {
            x: rest.x + half,
            width: rest.width - half,
            ..rest
        };
        (tasks, steps)
    } else {
        let half = rest.height / 2;
        let tasks = Rect {
            height: half,
            ..rest
        };
        let steps = Rect {
            y: rest.y + half,
            height: rest.height - half,
            ..rest
        };
        (tasks, steps)
    };
    Places::All { runs, tasks, steps }
}
