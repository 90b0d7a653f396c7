//! Puts texts with a look onto the screen. Colours only add to what signs and words say, and
//! are left out where none are wanted.

use super::places::HEAD_LINES;
use super::steps::Look;
use super::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

/// The screen that is being drawn.
pub(super) struct Paint<'a> {
    pub(super) buffer: &'a mut Buffer,
    pub(super) colour: bool,
}

/// How a chosen line is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chosen {
    No,
    /// The keys are elsewhere.
    Aside,
    /// The keys act on it.
    Here,
}

impl Chosen {
    pub(super) fn of(is_chosen: bool, is_here: bool) -> Self {
        match (is_chosen, is_here) {
            (false, _) => Self::No,
            (true, false) => Self::Aside,
            (true, true) => Self::Here,
        }
    }
}

impl Paint<'_> {
    pub(super) fn style(&self, look: Look) -> Style {
        let (colour, modifier) = match look {
            Look::Head => (None, Modifier::BOLD),
            Look::Plain => (None, Modifier::empty()),
            Look::Said => (Some(Color::Cyan), Modifier::empty()),
            Look::Good => (Some(Color::Green), Modifier::empty()),
            Look::Bad => (Some(Color::Red), Modifier::empty()),
            Look::Busy => (Some(Color::Yellow), Modifier::BOLD),
            Look::Quiet => (None, Modifier::DIM),
        };
        let style = Style::new().add_modifier(modifier);
        match colour.filter(|_| self.colour) {
            Some(colour) => style.fg(colour),
            None => style,
        }
    }

    /// One line at the top of a place, cut to its width.
    pub(super) fn line(&mut self, at: Rect, look: Look, text: &str) {
        let style = self.style(look);
        if at.height > 0 {
            let width = usize::from(at.width);
            let text = text::cut(text, width);
            self.buffer.set_stringn(at.x, at.y, text, width, style);
        }
    }

    /// Parts of one line, one after the other.
    pub(super) fn parts(&mut self, at: Rect, parts: &[(Look, String)]) {
        let mut left = at;
        for (look, text) in parts {
            self.line(left, *look, text);
            let taken = u16::try_from(text::columns(text)).unwrap_or(u16::MAX);
            let taken = taken.min(left.width);
            left.x += taken;
            left.width -= taken;
        }
    }

    /// Shows a place as chosen.
    pub(super) fn choose(&mut self, at: Rect, chosen: Chosen) {
        let modifier = match chosen {
            Chosen::No => return,
            Chosen::Aside => Modifier::UNDERLINED,
            Chosen::Here => Modifier::REVERSED,
        };
        self.buffer
            .set_style(at, Style::new().add_modifier(modifier));
    }

    /// The head of a part, and the line at its left; gives the place within.
    pub(super) fn part(&mut self, at: Rect, title: &str, here: Chosen) -> Rect {
        let (look, is_here) = match here {
            Chosen::Here => (Look::Head, true),
            Chosen::No | Chosen::Aside => (Look::Quiet, false),
        };
        let rule = "─".repeat(usize::from(at.width));
        self.line(at, Look::Quiet, &rule);
        let title = format!(
            " {} ",
            text::cut(title, usize::from(at.width).saturating_sub(4))
        );
        let place = Rect {
            x: at.x + 1,
            width: at.width.saturating_sub(1),
            height: 1,
            ..at
        };
        self.line(place, look, &title);
        if is_here {
            let width = u16::try_from(text::columns(&title)).unwrap_or(0);
            self.choose(Rect { width, ..place }, Chosen::Here);
        }
        let mut within = Rect {
            y: at.y + 1,
            height: at.height.saturating_sub(1),
            ..at
        };
        // What is at the left edge needs no line there.
        if at.x > 0 {
            let corner = if at.y == HEAD_LINES { "┬" } else { "├" };
            self.line(at, Look::Quiet, corner);
            for row in within.top()..within.bottom() {
                self.line(
                    Rect {
                        y: row,
                        height: 1,
                        ..within
                    },
                    Look::Quiet,
                    "│",
                );
            }
            within.x += 1;
            within.width = within.width.saturating_sub(1);
        }
        within
    }
}

/// The rows of a place, from the top.
pub(super) fn rows(at: Rect) -> impl Iterator<Item = Rect> {
    (at.top()..at.bottom()).map(move |y| Rect { y, height: 1, ..at })
}

/// The first of so many lines that is shown, so that the chosen one is in the middle as far as
/// that goes.
pub(super) fn first(chosen: usize, count: usize, room: usize) -> usize {
    let last = count.saturating_sub(room);
    chosen.saturating_sub(room / 2).min(last)
}
