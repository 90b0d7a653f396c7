//! The view in the terminal. In reading order: `input` is what comes and what is wished, `state`
//! what is known, `update` what follows (with `keys` and `dialog_keys`), `plan_tree`, `steps` and
//! `full` what is shown, `draw` how, and `event_loop` carries it all. The terminal itself is the
//! caller's: it hands over where to write and what is typed, and sets modes and takes them back.

use crate::Runs;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use std::io::Write;
use std::sync::Arc;
use tokio::sync::mpsc::Receiver;

mod dialog;
mod dialog_keys;
mod draw;
mod draw_parts;
mod event_loop;
mod full;
mod input;
mod keys;
mod paint;
mod places;
mod plan_tree;
mod state;
mod steps;
#[cfg(test)]
mod tests;
mod text;
mod update;

pub use input::{Key, Typed};

/// Columns and lines where a terminal does not say how large it is.
const SIZE_UNKNOWN: (u16, u16) = (80, 24);

/// How the view was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// By the person.
    Quit,
    /// From outside, as by a signal.
    Interrupted,
}

/// Why the view could not go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopError {
    /// The terminal takes no output any more.
    #[error(
        "the terminal cannot be written to: {why}; the runs go on, and `leadhand ps` shows them"
    )]
    Screen {
        /// What it said.
        why: String,
    },
}

impl TopError {
    fn of(why: impl std::fmt::Display) -> Self {
        Self::Screen {
            why: why.to_string(),
        }
    }
}

/// Shows the runs of a project on a terminal until the person quits.
///
/// `out` is the terminal, of `size` columns and lines; it is in raw mode, and stays as it is when
/// this ends or is dropped. `typed` is what comes from it; when that ends, so does the view. With
/// `colour` false, nothing is coloured. One run at a time is held in memory.
///
/// # Errors
/// [`TopError::Screen`] when the terminal cannot be written to.
///
/// # Panics
/// Never by itself; a panic of `runs` is passed on.
pub async fn top(
    runs: Arc<dyn Runs>,
    out: impl Write,
    size: (u16, u16),
    colour: bool,
    typed: Receiver<Typed>,
) -> Result<Closed, TopError> {
    let size = if size.0 == 0 || size.1 == 0 {
        SIZE_UNKNOWN
    } else {
        size
    };
    // Fixed, so that its size is what the caller says and is asked of nothing else.
    let viewport = Viewport::Fixed(Rect::new(0, 0, size.0, size.1));
    let options = TerminalOptions { viewport };
    let mut terminal =
        Terminal::with_options(CrosstermBackend::new(out), options).map_err(TopError::of)?;
    let view = state::Top::new(size, colour, 0);
    event_loop::carry(runs, &mut terminal, view, typed).await
}
