//! What a sender says of a message beside what it says.

use leadhand_protocol::{Envelope, Label, Message, MessageId};

/// A message that is to be sent. A plain [`Message`] is one that begins something, has no
/// deadline, and of whose origin nothing is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Dispatch {
    /// What it says.
    pub message: Message,
    /// What it belongs to.
    pub thread: Option<Thread>,
    /// When nobody wants it any more, in milliseconds since the Unix epoch.
    pub deadline_ms: Option<u64>,
    /// Where what it says came from.
    pub label: Label,
}

/// What a message belongs to, and what led to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thread {
    /// The message that began it.
    pub correlation: MessageId,
    /// The message that is answered.
    pub cause: MessageId,
}

impl Thread {
    /// Of what answers `envelope`.
    #[must_use]
    pub fn of(envelope: &Envelope) -> Self {
        Self {
            correlation: envelope.thread(),
            cause: envelope.id,
        }
    }
}

impl Dispatch {
    /// The same, as an answer.
    #[must_use]
    pub fn answering(mut self, thread: Thread) -> Self {
        self.thread = Some(thread);
        self
    }

    /// The same, wanted until then, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn until(mut self, deadline_ms: u64) -> Self {
        self.deadline_ms = Some(deadline_ms);
        self
    }

    /// The same, of this origin.
    #[must_use]
    pub fn labelled(mut self, label: Label) -> Self {
        self.label = label;
        self
    }
}

impl From<Message> for Dispatch {
    fn from(message: Message) -> Self {
        Self {
            message,
            thread: None,
            deadline_ms: None,
            label: Label::default(),
        }
    }
}
