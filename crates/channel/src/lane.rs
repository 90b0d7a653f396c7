//! Which messages overtake which.

use leadhand_protocol::Message;

/// Steers, and beside them cancels, that may wait in an inbox beside its work.
pub const CONTROL_MESSAGES_MAX: usize = 16;

/// A queue of an inbox; what stands first is read first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Cancels, which no number of steers holds up.
    Cancel,
    /// Steers.
    Steer,
    /// Everything else.
    Work,
}

impl Lane {
    /// All of them, in the order in which they are read.
    pub const ALL: [Self; 3] = [Self::Cancel, Self::Steer, Self::Work];

    /// That of a message.
    #[must_use]
    pub fn of(message: &Message) -> Self {
        match message {
            Message::Cancel => Self::Cancel,
            Message::Steer { .. } => Self::Steer,
            Message::Assign(_)
            | Message::Granted { .. }
            | Message::Progress { .. }
            | Message::Result(_)
            | Message::Failure(_)
            | Message::Request { .. } => Self::Work,
        }
    }
}
