//! What carries envelopes. `tests/conformance` is the suite that every transport passes; what
//! stands here in words is held there.

use crate::{ChannelError, DeadLetters};
use leadhand_protocol::{Address, Envelope};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

/// The time, in milliseconds since the Unix epoch: deadlines are held against it.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Inboxes by address, and the ways to them. A clone is another handle on the same inboxes.
///
/// - What one sender sends to one inbox in one lane is handed over in that order, each message
///   once. The lanes are cancels, steers and everything else; a lane that comes first overtakes.
/// - An inbox is bounded. A sender waits for room; nothing that was not handed over vanishes:
///   it is a dead letter, and an error wherever somebody can be told.
/// - No message is handed over past its deadline.
pub trait Transport: Clone + Debug + Send + Sync + 'static {
    /// The receiving end.
    type Inbox: Inbox;

    /// Gives an owner an inbox, which is also reached by the other names.
    ///
    /// # Errors
    /// [`ChannelError::AlreadyRegistered`] while it has one.
    fn register(&self, owner: &Address, names: &[Address]) -> Result<Self::Inbox, ChannelError>;

    /// Sends, and waits while the inbox is full: at most for `wait` where given, and until the
    /// deadline. The envelope's sequence is set as it takes its place. Dropped before it is
    /// done, it has sent nothing.
    ///
    /// # Errors
    /// Why it was not sent; the message is then a dead letter.
    fn send(
        &self,
        envelope: Envelope,
        wait: Option<Duration>,
    ) -> impl Future<Output = Result<(), ChannelError>> + Send;

    /// Sends if there is room at once, and gives whether there was; what was not sent is
    /// counted as progress that was left out.
    fn try_send(&self, envelope: Envelope) -> bool;

    /// Takes an inbox from its owner, who reads what is in there, then nothing more.
    fn close(&self, owner: &Address);

    /// Closes the inboxes of all agents.
    fn shut(&self);

    /// What reached nobody so far.
    fn dead_letters(&self) -> DeadLetters;
}

/// The receiving end of an inbox. What is left in it when it is dropped becomes dead letters.
pub trait Inbox: Debug + Send + 'static {
    /// The next message, control first; none once the inbox is closed, or every sender gone, and
    /// all is read. Dropping the future loses no message.
    fn recv(&mut self) -> impl Future<Output = Option<Envelope>> + Send;
}
