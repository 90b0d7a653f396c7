//! The suite: functions over a way to open transports. Time is tokio's paused clock. It is one
//! file, so that whoever writes a transport reads all that it must do in one go.

use leadhand_channel::{
    CONTROL_MESSAGES_MAX, ChannelError, Clock, DEAD_LETTERS_MAX, Inbox, MESSAGE_VERSION, Transport,
};
use leadhand_protocol::{
    Address, AgentId, Envelope, Label, Message, MessageId, MessageKind, RunId,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;
use tokio::time::Instant;

/// Work that an inbox holds in these cases.
const INBOX: usize = 4;
const READER: Address = Address::Agent(AgentId(9));

/// A way to open transports.
pub(crate) trait Subject {
    type Transport: Transport;

    fn open(&self, inbox_messages_max: usize, clock: Clock) -> Self::Transport;

    /// The owner of an inbox dies.
    fn lose(&self, inbox: <Self::Transport as Transport>::Inbox) {
        drop(inbox);
    }
}

/// Holds a transport to all of it.
pub(crate) async fn holds(subject: &impl Subject) {
    each_sender_is_heard_in_its_order_and_once(subject).await;
    a_full_inbox_holds_its_senders_back(subject).await;
    control_overtakes_work_and_nothing_holds_a_cancel_up(subject).await;
    nothing_is_handed_over_past_its_deadline(subject).await;
    what_a_lost_peer_has_not_read_is_a_dead_letter(subject).await;
    whoever_waits_for_a_lost_peer_is_told(subject).await;
    a_send_that_is_given_up_has_sent_nothing(subject).await;
    a_read_that_is_given_up_loses_nothing(subject).await;
    a_closed_inbox_is_read_to_its_end(subject).await;
    dead_letters_are_all_counted_and_the_last_are_kept(subject).await;
    a_name_reaches_the_one_who_bears_it(subject).await;
}

/// An open transport with the inbox of a reader, and what is sent to it.
struct World<S: Subject> {
    transport: S::Transport,
    reader: <S::Transport as Transport>::Inbox,
}

impl<S: Subject> World<S> {
    fn open(subject: &S) -> Self {
        let transport = subject.open(INBOX, clock());
        let reader = transport.register(&READER, &[]).unwrap();
        Self { transport, reader }
    }

    async fn send(&self, envelope: Envelope) -> Result<(), ChannelError> {
        let wait = Some(Duration::from_millis(50));
        self.transport.send(envelope, wait).await
    }

    async fn read(&mut self) -> u64 {
        self.reader.recv().await.unwrap().id.count
    }
}

fn clock() -> Clock {
    let began = Instant::now();
    Arc::new(move || u64::try_from(began.elapsed().as_millis()).unwrap())
}

fn work() -> Message {
    Message::Progress {
        turn: 0,
        piece: "piece".to_owned(),
    }
}

fn steer() -> Message {
    Message::Steer {
        text: "mind the gap".to_owned(),
    }
}

fn envelope(agent: Option<u32>, count: u64, message: Message) -> Envelope {
    let id = MessageId {
        agent: agent.map(AgentId),
        count,
    };
    Envelope {
        id,
        run: RunId::new("run").unwrap(),
        from: id.sender(),
        to: READER,
        correlation: None,
        cause: None,
        sequence: 0,
        deadline_ms: None,
        version: MESSAGE_VERSION,
        label: Label::default(),
        message,
    }
}

/// A message of the hub.
fn plain(count: u64) -> Envelope {
    envelope(None, count, work())
}

fn until(deadline_ms: u64, envelope: Envelope) -> Envelope {
    Envelope {
        deadline_ms: Some(deadline_ms),
        ..envelope
    }
}

pub(crate) async fn each_sender_is_heard_in_its_order_and_once<S: Subject>(subject: &S) {
    let mut world = World::open(subject);
    let senders = [None, Some(1), Some(2)];
    for sender in senders {
        let transport = world.transport.clone();
        tokio::spawn(async move {
            for count in 0..100 {
                let sent = envelope(sender, count, work());
                transport.send(sent, None).await.unwrap();
            }
        });
    }
    let mut heard: BTreeMap<_, Vec<(u64, u64)>> = BTreeMap::new();
    for _ in 0..300 {
        let envelope = world.reader.recv().await.unwrap();
        let from = heard.entry(envelope.id.agent).or_default();
        from.push((envelope.id.count, envelope.sequence));
    }
    let in_order: Vec<_> = (0..100).map(|count| (count, count)).collect();
    let expected = senders.map(|sender| (sender.map(AgentId), in_order.clone()));
    assert_eq!(heard, BTreeMap::from(expected));
    assert!(idle(&mut world.reader), "something came twice");
    assert_eq!(world.transport.dead_letters().count, 0);
}

async fn a_full_inbox_holds_its_senders_back<S: Subject>(subject: &S) {
    let mut world = World::open(subject);
    for count in 0..INBOX as u64 {
        world.send(plain(count)).await.unwrap();
    }
    let refused = world.send(plain(90)).await;
    let expected = ChannelError::TimedOut {
        to: READER,
        kind: MessageKind::Progress,
        waited_ms: 50,
    };
    assert_eq!(refused, Err(expected));
    assert!(!world.transport.try_send(plain(91)));
    let transport = world.transport.clone();
    let waiting = tokio::spawn(async move { transport.send(plain(4), None).await });
    tokio::time::advance(Duration::from_secs(3_600)).await;
    assert!(!waiting.is_finished());
    for count in 0..=INBOX as u64 {
        assert_eq!(world.read().await, count);
    }
    assert_eq!(waiting.await.unwrap(), Ok(()));
    let letters = world.transport.dead_letters();
    assert_eq!((letters.count, letters.progress_dropped), (1, 1));
}

async fn control_overtakes_work_and_nothing_holds_a_cancel_up<S: Subject>(subject: &S) {
    let mut world = World::open(subject);
    let steers = CONTROL_MESSAGES_MAX as u64;
    let mut count = 0;
    let mut next = |message| {
        count += 1;
        envelope(None, count, message)
    };
    for _ in 0..INBOX {
        world.send(next(work())).await.unwrap();
    }
    for _ in 0..steers {
        world.send(next(steer())).await.unwrap();
    }
    assert!(world.send(next(work())).await.is_err());
    assert!(world.send(next(steer())).await.is_err());
    world.send(next(Message::Cancel)).await.unwrap();
    let (first_steer, last_steer) = (INBOX as u64 + 1, INBOX as u64 + steers);
    let cancel = last_steer + 3;
    let expected = [cancel]
        .into_iter()
        .chain(first_steer..=last_steer)
        .chain(1..first_steer);
    for count in expected {
        assert_eq!(world.read().await, count);
    }
}

async fn nothing_is_handed_over_past_its_deadline<S: Subject>(subject: &S) {
    let mut world = World::open(subject);
    let passed = |deadline_ms, now_ms| ChannelError::DeadlinePassed {
        to: READER,
        kind: MessageKind::Progress,
        deadline_ms,
        now_ms,
    };
    tokio::time::advance(Duration::from_millis(100)).await;
    let late = world.send(until(100, plain(0))).await;
    assert_eq!(late, Err(passed(100, 100)), "before it is sent");

    world.send(until(200, plain(1))).await.unwrap();
    world.send(plain(2)).await.unwrap();
    tokio::time::advance(Duration::from_millis(100)).await;
    assert_eq!(world.read().await, 2, "while it lies in the inbox");

    for count in 3..3 + INBOX as u64 {
        world.send(plain(count)).await.unwrap();
    }
    let transport = world.transport.clone();
    let waiting = tokio::spawn(async move { transport.send(until(500, plain(9)), None).await });
    assert_eq!(
        waiting.await.unwrap(),
        Err(passed(500, 500)),
        "while there is no room"
    );
    let letters = world.transport.dead_letters();
    let kept: Vec<_> = letters
        .kept
        .iter()
        .map(|letter| (letter.envelope.id.count, letter.why.clone()))
        .collect();
    let expected = [
        (0, passed(100, 100)),
        (1, passed(200, 200)),
        (9, passed(500, 500)),
    ];
    assert_eq!((letters.count, kept), (3, expected.to_vec()));
}

async fn what_a_lost_peer_has_not_read_is_a_dead_letter<S: Subject>(subject: &S) {
    let mut world = World::open(subject);
    for count in 0..3 {
        world.send(plain(count)).await.unwrap();
    }
    assert_eq!(world.read().await, 0);
    subject.lose(world.reader);
    let refused = world.transport.send(plain(3), None).await.unwrap_err();
    let gone = ChannelError::Gone {
        to: READER,
        kind: MessageKind::Progress,
    };
    assert_eq!(refused, gone);
    let unread = ChannelError::Unread {
        to: READER,
        kind: MessageKind::Progress,
    };
    let letters = world.transport.dead_letters();
    let kept: Vec<_> = letters
        .kept
        .into_iter()
        .map(|letter| (letter.envelope.id.count, letter.why))
        .collect();
    assert_eq!(kept, [(1, unread.clone()), (2, unread), (3, gone)]);
    let again = world.transport.register(&READER, &[]);
    assert!(again.is_ok(), "a peer that was lost may come back");
}

async fn whoever_waits_for_a_lost_peer_is_told<S: Subject>(subject: &S) {
    let world = World::open(subject);
    for count in 0..INBOX as u64 {
        world.send(plain(count)).await.unwrap();
    }
    let transport = world.transport.clone();
    let waiting = tokio::spawn(async move { transport.send(plain(9), None).await });
    tokio::task::yield_now().await;
    subject.lose(world.reader);
    let gone = ChannelError::Gone {
        to: READER,
        kind: MessageKind::Progress,
    };
    assert_eq!(waiting.await.unwrap(), Err(gone));
    let count = world.transport.dead_letters().count;
    assert_eq!(count, INBOX as u64 + 1);
}

async fn a_send_that_is_given_up_has_sent_nothing<S: Subject>(subject: &S) {
    let mut world = World::open(subject);
    for count in 0..INBOX as u64 {
        world.send(plain(count)).await.unwrap();
    }
    // One waits in vain; one is given room and does not take it; one comes after both.
    let mut in_vain = Box::pin(world.transport.send(plain(80), None));
    assert!(poll(&mut in_vain).is_none());
    let mut offered = Box::pin(world.transport.send(plain(81), None));
    drop(in_vain);
    assert!(poll(&mut offered).is_none());
    assert_eq!(world.reader.recv().await.unwrap().id.count, 0);
    drop(offered);
    world.transport.send(plain(4), None).await.unwrap();
    for count in 1..=INBOX as u64 {
        let received = world.reader.recv().await.unwrap();
        assert_eq!((received.id.count, received.sequence), (count, count));
    }
    assert!(idle(&mut world.reader));
    assert_eq!(world.transport.dead_letters().count, 0);
}

async fn a_read_that_is_given_up_loses_nothing<S: Subject>(subject: &S) {
    let mut world = World::open(subject);
    for count in 0..20 {
        assert!(idle(&mut world.reader));
        world.send(plain(count)).await.unwrap();
        assert_eq!(world.read().await, count);
    }
}

async fn a_closed_inbox_is_read_to_its_end<S: Subject>(subject: &S) {
    let mut world = World::open(subject);
    let refused = world.transport.register(&READER, &[]).err();
    let expected = ChannelError::AlreadyRegistered { owner: READER };
    assert_eq!(refused, Some(expected));
    world.send(plain(0)).await.unwrap();
    world.transport.close(&READER);
    let unknown = ChannelError::UnknownReceiver {
        to: READER,
        kind: MessageKind::Progress,
    };
    assert_eq!(world.send(plain(1)).await, Err(unknown));
    assert_eq!(world.read().await, 0);
    assert_eq!(world.reader.recv().await, None);
    assert_eq!(world.transport.dead_letters().count, 1);
}

async fn dead_letters_are_all_counted_and_the_last_are_kept<S: Subject>(subject: &S) {
    let world = World::open(subject);
    world.transport.close(&READER);
    let sent = DEAD_LETTERS_MAX as u64 + 40;
    for count in 0..sent {
        world.send(plain(count)).await.unwrap_err();
    }
    let letters = world.transport.dead_letters();
    let kept: Vec<_> = letters
        .kept
        .iter()
        .map(|letter| letter.envelope.id.count)
        .collect();
    assert_eq!((letters.count, kept), (sent, (40..sent).collect()));
}

async fn a_name_reaches_the_one_who_bears_it<S: Subject>(subject: &S) {
    let transport = subject.open(INBOX, clock());
    let role = Address::Role("writer".to_owned());
    let to_role = |count| Envelope {
        to: role.clone(),
        ..plain(count)
    };
    let unknown = ChannelError::UnknownReceiver {
        to: role.clone(),
        kind: MessageKind::Progress,
    };
    assert_eq!(transport.send(to_role(0), None).await, Err(unknown.clone()));
    let names = [role.clone()];
    let mut one = transport.register(&READER, &names).unwrap();
    transport.send(to_role(1), None).await.unwrap();
    let received = one.recv().await.unwrap();
    assert_eq!((received.id.count, received.to), (1, role.clone()));
    let other = Address::Agent(AgentId(10));
    let _other = transport.register(&other, &names).unwrap();
    let many = ChannelError::ManyReceivers {
        to: role.clone(),
        kind: MessageKind::Progress,
        agents: 2,
    };
    assert_eq!(transport.send(to_role(2), None).await, Err(many));
    transport.close(&other);
    transport.send(to_role(3), None).await.unwrap();
    transport.shut();
    assert_eq!(transport.send(to_role(4), None).await, Err(unknown));
    assert_eq!(one.recv().await.map(|it| it.id.count), Some(3));
    assert_eq!(one.recv().await, None);
}

/// So many messages to one who reads nothing: each is refused by name, and what is kept of them
/// stays what it was.
pub(crate) async fn a_stopped_receiver_is_sent<S: Subject>(subject: &S, messages: u64) {
    let world = World::open(subject);
    let expected = ChannelError::TimedOut {
        to: READER,
        kind: MessageKind::Progress,
        waited_ms: 0,
    };
    for count in 0..messages {
        let sent = world.transport.send(plain(count), Some(Duration::ZERO));
        let wanted = if count < INBOX as u64 {
            Ok(())
        } else {
            Err(expected.clone())
        };
        assert_eq!(sent.await, wanted);
    }
    let letters = world.transport.dead_letters();
    let lost = messages - INBOX as u64;
    assert_eq!(
        (letters.count, letters.kept.len()),
        (lost, DEAD_LETTERS_MAX)
    );
}

/// What a future gives at once.
fn poll<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    let mut context = Context::from_waker(Waker::noop());
    match std::pin::Pin::new(future).poll(&mut context) {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    }
}

/// Whether there is nothing to read.
fn idle(inbox: &mut impl Inbox) -> bool {
    poll(&mut Box::pin(inbox.recv())).is_none()
}
