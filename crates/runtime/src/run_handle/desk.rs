//! Where answers to the requests of one agent are handed to those who wait for them, and what
//! nobody waits for any more is taken back.

use super::{RunHandle, Shared};
use leadhand_channel::{ChannelError, Outbox};
use leadhand_protocol::coordination::{
    Delivered, LockHeld, Obtained, REQUESTS_PER_CALL_MAX, Request, Told, WaitId,
};
use leadhand_protocol::{AgentId, CallId, Message};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::sync::{Notify, oneshot};

type Answer = Result<Told, String>;

/// The open requests of one agent, and the calls that it has at work. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Desk(Arc<Inner>);

#[derive(Default)]
struct Inner {
    open: Mutex<BTreeMap<WaitId, oneshot::Sender<Answer>>>,
    calls: Mutex<Vec<Weak<Shared>>>,
    errands: Mutex<Errands>,
    /// Messages that came for somebody who did not wait any more: whoever receives next gets them.
    unclaimed: Mutex<VecDeque<Delivered>>,
    woken: Notify,
    /// Held by whoever sends, so that what is taken back goes before what is asked next.
    way: tokio::sync::Mutex<()>,
}

/// What is to be taken back; as much as was asked, which is bounded.
#[derive(Default)]
struct Errands {
    waiting: VecDeque<(WaitId, Request)>,
    /// How much was given back of itself.
    given_back: u32,
}

impl Desk {
    pub(super) fn open(&self, wait: WaitId, tell: oneshot::Sender<Answer>) {
        locked(&self.0.open).insert(wait, tell);
    }

    /// Nobody waits for an answer any more; one that the hub may still wait for is taken back.
    pub(super) fn close(&self, wait: WaitId, take_back: bool) {
        locked(&self.0.open).remove(&wait);
        if take_back {
            let request = Request::CancelWait { wait };
            locked(&self.0.errands).waiting.push_back((wait, request));
            self.0.woken.notify_one();
        }
    }

    /// An answer came. What was granted to somebody who does not wait any more goes back.
    pub(crate) fn answer(&self, agent: AgentId, wait: WaitId, answer: Answer) {
        let tell = locked(&self.0.open).remove(&wait);
        let unwanted = match tell {
            Some(tell) => tell.send(answer).err(),
            None => Some(answer),
        };
        if let Some(unwanted) = unwanted {
            self.unwanted(agent, wait, unwanted);
        }
    }

    /// Gives back what came for somebody who does not wait any more, or keeps it for the next.
    pub(super) fn unwanted(&self, agent: AgentId, wait: WaitId, answer: Answer) {
        let Ok(Told::Obtained(obtained)) = answer else {
            return;
        };
        if let Obtained::Message(message) = obtained {
            locked(&self.0.unclaimed).push_back(message);
            return;
        }
        let (turn, index) = wait.place();
        let call = CallId { agent, turn, index };
        let mut errands = locked(&self.0.errands);
        for request in given_back(obtained) {
            // Counted from the end, so as not to be taken for what the call itself asks.
            let nth = REQUESTS_PER_CALL_MAX.saturating_sub(errands.given_back);
            errands.given_back += 1;
            if let Some(wait) = WaitId::of(call, nth) {
                errands.waiting.push_back((wait, request));
            }
        }
        self.0.woken.notify_one();
    }

    /// The oldest message that came for somebody who did not wait any more.
    pub(super) fn claim(&self) -> Option<Delivered> {
        locked(&self.0.unclaimed).pop_front()
    }

    /// Waits until there is something to [`Self::send`].
    pub(crate) async fn woken(&self) {
        self.0.woken.notified().await;
    }

    /// Sends what is to be taken back, and then this request.
    pub(crate) async fn send(
        &self,
        outbox: &Outbox,
        last: Option<(WaitId, Request)>,
    ) -> Result<(), ChannelError> {
        let _way = self.0.way.lock().await;
        loop {
            let next = locked(&self.0.errands).waiting.front().cloned();
            let Some(next) = next else { break };
            outbox.send(message(next)).await?;
            locked(&self.0.errands).waiting.pop_front();
        }
        match last {
            Some(last) => outbox.send(message(last)).await.map(drop),
            None => Ok(()),
        }
    }

    pub(crate) fn begin(&self, handle: &RunHandle) {
        locked(&self.0.calls).push(Arc::downgrade(&handle.0));
    }

    pub(crate) fn end(&self, call: CallId) {
        let at_work = |it: &Weak<Shared>| it.upgrade().is_some_and(|it| it.call != call);
        locked(&self.0.calls).retain(at_work);
    }

    /// A person said something that all calls at work are to know.
    pub(crate) fn steer(&self, text: &str) {
        for shared in locked(&self.0.calls).iter().filter_map(Weak::upgrade) {
            RunHandle(shared).steer(text);
        }
    }
}

fn message((wait, request): (WaitId, Request)) -> Message {
    let request = Box::new(request);
    Message::Request { wait, request }
}

/// The requests that give back what was granted.
fn given_back(obtained: Obtained) -> Vec<Request> {
    match obtained {
        Obtained::Locks(held) => {
            let release = |LockHeld { lock, fence, .. }| Request::Release { lock, fence };
            held.into_iter().map(release).collect()
        }
        Obtained::Permits { semaphore, permits } => vec![Request::Give { semaphore, permits }],
        Obtained::Passed { .. }
        | Obtained::Joined { .. }
        | Obtained::Decided { .. }
        | Obtained::Changed { .. }
        | Obtained::Message(_)
        | Obtained::Answered { .. } => Vec::new(),
    }
}

pub(super) fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{Desk, RunHandle};
    use futures::FutureExt;
    use leadhand_protocol::coordination::{
        Delivered, LockHeld, LockMode, Obtained, Payload, PrimitiveName, Request, Told, WaitId,
    };
    use leadhand_protocol::{AgentId, CallId, Message, RunId};
    use std::sync::Arc;
    use tokio::sync::oneshot;

    fn letter(text: &str) -> Delivered {
        Delivered::Published {
            topic: PrimitiveName::new("news").expect("it is a name"),
            sequence: 0,
            from: AgentId(2),
            payload: Payload::text(text),
        }
    }

    #[tokio::test]
    async fn what_came_for_somebody_who_did_not_wait_any_more_comes_to_the_next() {
        let run = RunId::new("run").expect("it is an id");
        let (_hub, post) = leadhand_channel::open(run, 8, Arc::new(|| 0));
        let mailbox = post.register(AgentId(1)).expect("there is no other");
        let desk = Desk::default();
        let outbox = Some(mailbox.outbox());
        let handle = RunHandle::new(call(), outbox, desk.clone(), Arc::new(|| 0));
        let came = |nth, text| {
            let told = Told::Obtained(Obtained::Message(letter(text)));
            desk.answer(AgentId(1), wait(nth), Ok(told));
        };
        // Given up after the message came, and before.
        let mut receiving = Box::pin(handle.receive(None));
        assert_eq!((&mut receiving).now_or_never(), None);
        came(1, "one");
        drop(receiving);
        let mut receiving = Box::pin(handle.receive(None));
        assert_eq!((&mut receiving).now_or_never(), Some(Ok(letter("one"))));
        let mut receiving = Box::pin(handle.receive(None));
        assert_eq!((&mut receiving).now_or_never(), None);
        drop(receiving);
        came(2, "two");
        assert_eq!(handle.receive(None).await, Ok(letter("two")));
    }

    fn call() -> CallId {
        CallId {
            agent: AgentId(1),
            turn: 2,
            index: 0,
        }
    }

    fn wait(nth: u32) -> WaitId {
        WaitId::of(call(), nth).expect("it is a name")
    }

    /// What a hub hears of a desk, once this was sent last.
    async fn heard(desk: &Desk, last: Request) -> Vec<Request> {
        let run = RunId::new("run").expect("it is an id");
        let (mut hub, post) = leadhand_channel::open(run, 8, Arc::new(|| 0));
        let mailbox = post.register(AgentId(1)).expect("there is no other");
        let outbox = mailbox.outbox();
        let sent = desk.send(&outbox, Some((wait(9), last.clone())));
        sent.await.expect("the hub is there");
        let mut heard = Vec::new();
        while heard.last() != Some(&last) {
            match hub.recv().await.map(|envelope| envelope.message) {
                Some(Message::Request { request, .. }) => heard.push(*request),
                other => panic!("no request: {other:?}"),
            }
        }
        heard
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_goes_back_before_anything_else_is_asked() {
        let lock = PrimitiveName::new("db").expect("it is a name");
        let held = LockHeld {
            lock: lock.clone(),
            mode: LockMode::Exclusive,
            fence: 7,
        };
        let read = Request::Read { key: lock.clone() };
        let granted = || Ok(Told::Obtained(Obtained::Locks(vec![held.clone()])));

        let desk = Desk::default();
        let (tell, told) = oneshot::channel();
        desk.open(wait(1), tell);
        desk.answer(AgentId(1), wait(1), granted());
        assert_eq!(told.await, Ok(granted()));
        assert_eq!(heard(&desk, read.clone()).await, vec![read.clone()]);

        desk.close(wait(2), true);
        desk.answer(AgentId(1), wait(2), granted());
        let fence = held.fence;
        let back = vec![
            Request::CancelWait { wait: wait(2) },
            Request::Release { lock, fence },
            read.clone(),
        ];
        assert_eq!(heard(&desk, read).await, back);
    }
}
