//! What the channel promises, as tables: each row is a script of sends and what must come
//! of it. Time is tokio's paused clock, so waiting costs nothing and is exact.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use leadhand_channel::{
    CONTROL_MESSAGES_MAX, ChannelError, DEAD_LETTERS_MAX, DELIVERY_MS_MAX, Hub, MESSAGE_VERSION,
    Post, open,
};
use leadhand_protocol::{
    Address, AgentId, Assignment, Envelope, Failed, Message, MessageKind, Purpose, RunId,
    ToolFault, ToolFaultKind,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const AGENT: AgentId = AgentId(1);
const INBOX: usize = 4;

/// The channel of a run, on tokio's paused clock.
fn channel() -> (Hub, Post) {
    let began = Instant::now();
    let clock = Arc::new(move || u64::try_from(began.elapsed().as_millis()).unwrap());
    open(RunId::new("run").unwrap(), INBOX, clock)
}

fn work(role: &str) -> Message {
    Message::Assign(Assignment::Begin {
        role: role.to_owned(),
        purpose: Purpose::Answer,
    })
}

fn answer(agent: AgentId, index: u32) -> Message {
    Message::Failure(Failed::Acted {
        call: leadhand_protocol::CallId {
            agent,
            turn: 0,
            index,
        },
        fault: ToolFault {
            kind: ToolFaultKind::Failed,
            message: String::new(),
            retryable: false,
        },
    })
}

/// What is known of a received message: sender, receiver, place in its lane, and the message.
type Received = (Address, Address, u64, Message);

fn received(envelope: Envelope) -> Received {
    assert_eq!(envelope.version, MESSAGE_VERSION);
    assert_eq!(envelope.id.sender(), envelope.from);
    (
        envelope.from,
        envelope.to,
        envelope.sequence,
        envelope.message,
    )
}

/// Sends `sent` to an agent that then reads `read`: by the place in `sent`, and the sequence.
async fn check_order(sent: &[Message], read: &[(usize, u64)]) {
    let (_hub, post) = channel();
    let mut mailbox = post.register(AGENT).unwrap();
    for message in sent {
        post.send(AGENT, message.clone()).await.unwrap();
    }
    post.close(AGENT);
    let mut found = Vec::new();
    while let Some(envelope) = mailbox.recv().await {
        found.push(received(envelope));
    }
    let expected: Vec<_> = read
        .iter()
        .map(|(place, sequence)| {
            let to = Address::Agent(AGENT);
            (Address::Hub, to, *sequence, sent[*place].clone())
        })
        .collect();
    assert_eq!(found, expected);
    assert_eq!(post.dead_letters().count, 0);
}

#[tokio::test(start_paused = true)]
async fn work_keeps_its_order_and_cancel_overtakes_it() {
    let steer = || Message::Steer {
        text: "mind the gap".to_owned(),
    };
    check_order(&[], &[]).await;
    check_order(
        &[work("a"), work("b"), work("c")],
        &[(0, 0), (1, 1), (2, 2)],
    )
    .await;
    check_order(
        &[work("a"), work("b"), Message::Cancel],
        &[(2, 0), (0, 0), (1, 1)],
    )
    .await;
    check_order(
        &[work("a"), Message::Cancel, work("b"), Message::Cancel],
        &[(1, 0), (3, 1), (0, 0), (2, 1)],
    )
    .await;
    check_order(
        &[work("a"), steer(), steer(), Message::Cancel],
        &[(3, 0), (1, 0), (2, 1), (0, 0)],
    )
    .await;
    let full = [work("a"), work("b"), work("c"), work("d"), Message::Cancel];
    check_order(&full, &[(4, 0), (0, 0), (1, 1), (2, 2), (3, 3)]).await;
}

/// Sends to the agent in the state that `prepare` leaves; gives the error, which is also
/// the one dead letter, and the time it took.
async fn check_refused(
    prepare: impl AsyncFnOnce(&Post) -> Option<leadhand_channel::Mailbox>,
    expected: ChannelError,
    waited_ms: u64,
) {
    let (_hub, post) = channel();
    let mailbox = prepare(&post).await;
    let earlier = post.dead_letters().kept.len();
    let began = Instant::now();
    let refused = post.send(AGENT, work("late")).await;
    assert_eq!(refused.err(), Some(expected.clone()));
    assert_eq!(began.elapsed(), Duration::from_millis(waited_ms));
    let letters = post.dead_letters();
    let letter = &letters.kept[earlier];
    assert_eq!(
        (&letter.why, &letter.envelope.message),
        (&expected, &work("late"))
    );
    assert_eq!(letters.count, earlier as u64 + 1);
    drop(mailbox);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_delivered_is_refused_and_kept() {
    let kind = MessageKind::Assign;
    let to = Address::Agent(AGENT);
    let unknown = ChannelError::UnknownReceiver {
        to: to.clone(),
        kind,
    };
    check_refused(async |_| None, unknown.clone(), 0).await;
    let closed = async |post: &Post| {
        let mailbox = post.register(AGENT).unwrap();
        post.close(AGENT);
        Some(mailbox)
    };
    check_refused(closed, unknown, 0).await;
    let dead = async |post: &Post| {
        drop(post.register(AGENT).unwrap());
        None
    };
    let gone = ChannelError::Gone {
        to: to.clone(),
        kind,
    };
    check_refused(dead, gone, 0).await;
    let stuck = async |post: &Post| {
        let mailbox = post.register(AGENT).unwrap();
        for _ in 0..INBOX {
            post.send(AGENT, work("early")).await.unwrap();
        }
        Some(mailbox)
    };
    let waited_ms = DELIVERY_MS_MAX;
    check_refused(
        stuck,
        ChannelError::TimedOut {
            to,
            kind,
            waited_ms,
        },
        waited_ms,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_full_inbox_holds_its_sender_back_until_there_is_room() {
    let (_hub, post) = channel();
    let mut mailbox = post.register(AGENT).unwrap();
    let sender = tokio::spawn({
        let post = post.clone();
        async move {
            for number in 0..20 {
                post.send(AGENT, work(&number.to_string())).await.unwrap();
            }
        }
    });
    for number in 0..20 {
        tokio::time::advance(Duration::from_millis(DELIVERY_MS_MAX / 2)).await;
        let received = mailbox.recv().await.unwrap();
        assert_eq!(
            (received.sequence, received.message),
            (number, work(&number.to_string()))
        );
    }
    sender.await.unwrap();
    assert_eq!(post.dead_letters().count, 0);
}

#[tokio::test(start_paused = true)]
async fn many_cancels_wait_like_work_does() {
    let (_hub, post) = channel();
    let _mailbox = post.register(AGENT).unwrap();
    for _ in 0..CONTROL_MESSAGES_MAX {
        post.send(AGENT, Message::Cancel).await.unwrap();
    }
    let wait = Duration::from_millis(50);
    let refused = post.send_within(AGENT, Message::Cancel, wait).await;
    let expected = ChannelError::TimedOut {
        to: Address::Agent(AGENT),
        kind: MessageKind::Cancel,
        waited_ms: 50,
    };
    assert_eq!(refused.err(), Some(expected));
    post.send(AGENT, work("beside it")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_hub_hears_all_agents_each_in_its_order() {
    let (mut hub, post) = channel();
    let agents: Vec<_> = (0..8).map(AgentId).collect();
    let mut workers = tokio::task::JoinSet::new();
    for agent in agents.clone() {
        let mailbox = post.register(agent).unwrap();
        // Two parts of one agent at once: their numbers are the agent's.
        for part in 0..2 {
            let outbox = mailbox.outbox();
            workers.spawn(async move {
                for index in 0..50 {
                    outbox.send(answer(agent, part * 50 + index)).await.unwrap();
                }
            });
        }
    }
    let mut next = [0; 8];
    for _ in 0..800 {
        let received = hub.recv().await.unwrap();
        let Address::Agent(agent) = received.from else {
            panic!("{received:?}");
        };
        assert_eq!(
            (received.to, received.sequence),
            (Address::Hub, next[agent.0 as usize])
        );
        next[agent.0 as usize] += 1;
    }
    assert_eq!(next, [100; 8]);
    workers.join_all().await;
    drop(post);
    assert_eq!(hub.recv().await, None);
}

#[tokio::test(start_paused = true)]
async fn progress_is_dropped_and_counted_where_an_answer_waits() {
    let (mut hub, post) = channel();
    let mailbox = post.register(AGENT).unwrap();
    let fitted = (0..10)
        .filter(|turn| mailbox.try_progress(None, *turn, String::new()))
        .count();
    assert_eq!(fitted, INBOX);
    assert_eq!(
        (
            post.dead_letters().progress_dropped,
            post.dead_letters().count
        ),
        (6, 0)
    );

    let outbox = mailbox.outbox();
    let waiting = tokio::spawn(async move { outbox.send(answer(AGENT, 0)).await });
    tokio::time::advance(Duration::from_secs(3_600)).await;
    assert!(!waiting.is_finished());
    let mut sequences = Vec::new();
    let mut last = None;
    for _ in 0..=INBOX {
        let received = hub.recv().await.unwrap();
        sequences.push(received.sequence);
        last = Some(received.message);
    }
    assert_eq!(
        (sequences, last),
        (vec![0, 1, 2, 3, 4], Some(answer(AGENT, 0)))
    );
    assert!(waiting.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_nobody_read_becomes_dead_letters() {
    let (hub, post) = channel();
    let mailbox = post.register(AGENT).unwrap();
    post.send(AGENT, work("unread")).await.unwrap();
    post.send(AGENT, Message::Cancel).await.unwrap();
    mailbox.send(answer(AGENT, 0)).await.unwrap();
    let outbox = mailbox.outbox();
    drop(mailbox);
    drop(hub);
    let refused = outbox.send(answer(AGENT, 1)).await;
    let gone = ChannelError::Gone {
        to: Address::Hub,
        kind: MessageKind::Failure,
    };
    assert_eq!(refused.err(), Some(gone.clone()));
    let unread = |to: &Address, kind| ChannelError::Unread {
        to: to.clone(),
        kind,
    };
    let (agent, hub) = (Address::Agent(AGENT), Address::Hub);
    let found: Vec<_> = post
        .dead_letters()
        .kept
        .into_iter()
        .map(|letter| (received(letter.envelope), letter.why))
        .collect();
    let expected = vec![
        (
            (hub.clone(), agent.clone(), 0, Message::Cancel),
            unread(&agent, MessageKind::Cancel),
        ),
        (
            (hub.clone(), agent.clone(), 0, work("unread")),
            unread(&agent, MessageKind::Assign),
        ),
        (
            (agent.clone(), hub.clone(), 0, answer(AGENT, 0)),
            unread(&hub, MessageKind::Failure),
        ),
        ((agent, hub, 0, answer(AGENT, 1)), gone),
    ];
    assert_eq!(found, expected);
}

#[tokio::test(start_paused = true)]
async fn dead_letters_are_bounded_and_all_counted() {
    let (_hub, post) = channel();
    let sent = DEAD_LETTERS_MAX as u64 + 40;
    for _ in 0..sent {
        post.send(AGENT, Message::Cancel).await.unwrap_err();
    }
    let letters = post.dead_letters();
    let kept: Vec<_> = letters
        .kept
        .iter()
        .map(|letter| letter.envelope.id.count)
        .collect();
    assert_eq!((letters.count, kept), (sent, (40..sent).collect()));
}

#[tokio::test(start_paused = true)]
async fn an_agent_has_one_mailbox_at_a_time() {
    let (_hub, post) = channel();
    let mailbox = post.register(AGENT).unwrap();
    let refused = post.register(AGENT).map(drop);
    assert_eq!(
        refused,
        Err(ChannelError::AlreadyRegistered {
            owner: Address::Agent(AGENT)
        })
    );
    drop(mailbox);
    let mut mailbox = post.register(AGENT).unwrap();
    post.send(AGENT, Message::Cancel).await.unwrap();
    assert_eq!(
        mailbox.recv().await.map(|it| it.message),
        Some(Message::Cancel)
    );
}
