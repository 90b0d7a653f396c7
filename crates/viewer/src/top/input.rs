//! What comes to the terminal view, and what it wants done: it decides by these alone.

use crate::{Given, OpenRunQuestion, RunLine, Trouble};
use leadhand_protocol::{PersonInput, RunId, Seq};

/// What comes from the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// A key.
    Key(Key),
    /// A text that was pasted.
    Paste(String),
    /// The terminal has so many columns and lines now.
    Size(u16, u16),
    /// The program is to end.
    End,
}

/// A key, as far as one means something here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A character.
    Char(char),
    /// Enter.
    Enter,
    /// Escape.
    Escape,
    /// Tab.
    Tab,
    /// Tab with shift.
    BackTab,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// Takes out the character before the cursor.
    Backspace,
    /// Takes out the character at the cursor.
    Delete,
    /// Takes out the whole line (Ctrl-U).
    ClearLine,
}

/// Everything that comes.
#[derive(Debug)]
pub(super) enum Input {
    Typed(Typed),
    /// The runs of the project.
    Listed(Result<Vec<RunLine>, Trouble>),
    /// From the run that is followed.
    Given(Given),
    /// No more comes of it.
    FollowEnded(Result<(), Trouble>),
    /// The questions that are open in a run.
    Questions(RunId, Result<Vec<OpenRunQuestion>, Trouble>),
    /// What came of an order, and what it was; true where the run is live.
    Ordered(Order, Result<bool, Trouble>),
    /// The time, in milliseconds since the Unix epoch.
    Clock(u64),
}

/// An order to a run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Order {
    pub(super) run: RunId,
    pub(super) order: PersonInput,
    /// What is said when it is on record.
    pub(super) said: String,
}

/// What is to be done.
#[derive(Debug, PartialEq)]
pub(super) enum Wish {
    /// The view is closed; true where a signal asked for it.
    Close { interrupted: bool },
    /// The list of runs, now.
    List,
    /// Follow this run and no other, from a record on.
    Follow(RunId, Seq),
    /// The questions that are open in a run.
    Questions(RunId),
    /// Give an order.
    Order(Order),
}
