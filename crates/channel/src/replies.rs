//! Answers that somebody waits for, by the message they answer.

use crate::sync::{Mutex, MutexGuard};
use crate::{ChannelError, Clock, Transport};
use leadhand_protocol::{Envelope, MessageId};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Most requests of one sender that may be open at once.
pub const REQUESTS_OPEN_MAX: usize = 1_024;

/// The requests of one sender that are not answered yet. Its receiving end hands answers over.
#[derive(Debug, Default)]
pub(crate) struct Replies(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    by_request: HashMap<MessageId, oneshot::Sender<Envelope>>,
    /// Whether nobody reads answers any more.
    over: bool,
}

/// Takes a request out when whoever made it waits no longer.
struct Open<'a> {
    replies: &'a Replies,
    id: MessageId,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.replies.lock().by_request.remove(&self.id);
    }
}

impl Replies {
    /// Sends a request and waits for its answer, until its deadline if it has one.
    pub(crate) async fn request<T: Transport>(
        self: &Arc<Self>,
        transport: &T,
        clock: &Clock,
        envelope: Envelope,
        wait: Option<Duration>,
    ) -> Result<Envelope, ChannelError> {
        let (id, to, kind) = (envelope.id, envelope.to.clone(), envelope.message.kind());
        let deadline_ms = envelope.deadline_ms;
        let (answer, answered) = oneshot::channel();
        self.open(id, answer)?;
        let _open = Open { replies: self, id };
        transport.send(envelope, wait).await?;
        let answered = match deadline_ms {
            Some(deadline_ms) => {
                let left_ms = deadline_ms.saturating_sub(clock());
                let waited = timeout(Duration::from_millis(left_ms), answered).await;
                waited.map_err(|_| ChannelError::NoAnswer {
                    to: to.clone(),
                    kind,
                    deadline_ms,
                })?
            }
            None => answered.await,
        };
        answered.map_err(|_| ChannelError::Gone { to, kind })
    }

    /// Hands an answer to whoever waits for it; gives back what nobody waits for.
    pub(crate) fn hand_over(&self, envelope: Envelope) -> Option<Envelope> {
        let Some(cause) = envelope.cause else {
            return Some(envelope);
        };
        let waiting = self.lock().by_request.remove(&cause);
        match waiting {
            Some(waiting) => waiting.send(envelope).err(),
            None => Some(envelope),
        }
    }

    /// Nobody reads answers any more: nobody is to wait for one.
    pub(crate) fn end(&self) {
        let mut waiting = self.lock();
        waiting.over = true;
        waiting.by_request.clear();
    }

    fn open(&self, id: MessageId, answer: oneshot::Sender<Envelope>) -> Result<(), ChannelError> {
        let mut waiting = self.lock();
        if waiting.by_request.len() >= REQUESTS_OPEN_MAX {
            return Err(ChannelError::TooManyRequests {
                open_max: REQUESTS_OPEN_MAX,
            });
        }
        if !waiting.over {
            waiting.by_request.insert(id, answer);
        }
        Ok(())
    }

    /// The table is whole after every statement, so a panic cannot have spoiled it.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
