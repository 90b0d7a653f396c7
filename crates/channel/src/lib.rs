//! Typed envelopes between a run's hub and its agents, over bounded inboxes.
//!
//! [`open`] gives a [`Hub`], which receives from all agents, and a [`Post`], which
//! registers agents and sends to them; a registered agent holds a [`Mailbox`]. They are what
//! they are over every [`Transport`]; the one here moves messages within the process. What the
//! messages mean, what is journaled of them, and who gets what is published in a topic, is not
//! decided here.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use leadhand_protocol::{AgentId, Message, RunId};
//! use std::sync::Arc;
//!
//! let (mut hub, post) = leadhand_channel::open(RunId::new("demo")?, 16, Arc::new(|| 0));
//! let mut mailbox = post.register(AgentId(0))?;
//!
//! post.send(AgentId(0), Message::Cancel).await?;
//! assert_eq!(mailbox.recv().await.map(|it| it.message), Some(Message::Cancel));
//!
//! mailbox.try_progress(None, 0, "half a sentence".to_owned());
//! assert_eq!(hub.recv().await.map(|it| it.sequence), Some(0));
//! # Ok(())
//! # }
//! ```

mod codec;
mod dead_letters;
mod dispatch;
mod error;
mod in_process;
mod inbox;
mod lane;
mod mailbox;
mod post;
mod replies;
mod schemas;
mod stamp;
mod sync;
mod transport;
mod upgrade;

pub use codec::{MESSAGE_BYTES_MAX, from_json, to_json};
pub use dead_letters::{DEAD_LETTERS_MAX, DeadLetter, DeadLetters};
pub use dispatch::{Dispatch, Thread};
pub use error::{ChannelError, WireFault};
pub use in_process::InProcess;
pub use inbox::LocalInbox;
pub use lane::{CONTROL_MESSAGES_MAX, Lane};
pub use mailbox::{Mailbox, Outbox};
pub use post::{DELIVERY_MS_MAX, Hub, Post, open, open_over};
pub use replies::REQUESTS_OPEN_MAX;
pub use schemas::{envelope_schema, message_schemas};
pub use stamp::MESSAGE_VERSION;
pub use transport::{Clock, Inbox, Transport};
