//! Typed envelopes between a run's hub and its agents, over bounded tokio channels.
//!
//! [`open`] gives a [`Hub`], which receives from all agents, and a [`Post`], which
//! registers agents and sends to them; a registered agent holds a [`Mailbox`]. No type of
//! tokio shows, so that a networked transport can stand behind the same types. What the
//! messages mean, and what is journaled of them, is not decided here.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use leadhand_protocol::{AgentId, Message, RunId};
//!
//! let (mut hub, post) = leadhand_channel::open(RunId::new("demo")?, 16);
//! let mut mailbox = post.register(AgentId(0))?;
//!
//! post.send(AgentId(0), Message::Cancel).await?;
//! assert_eq!(mailbox.recv().await.map(|it| it.message), Some(Message::Cancel));
//!
//! mailbox.try_progress(0, "half a sentence".to_owned());
//! assert_eq!(hub.recv().await.map(|it| it.sequence), Some(0));
//! # Ok(())
//! # }
//! ```

mod dead_letters;
mod error;
mod inbox;
mod mailbox;
mod post;
mod stamp;

pub use dead_letters::{DEAD_LETTERS_MAX, DeadLetter, DeadLetters};
pub use error::ChannelError;
pub use inbox::CONTROL_MESSAGES_MAX;
pub use mailbox::{Mailbox, Outbox};
pub use post::{DELIVERY_MS_MAX, Hub, Post, open};
pub use stamp::MESSAGE_VERSION;
