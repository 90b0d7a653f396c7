//! The channel under a checker that decides at every lock who goes on: orders by chance, and orders
//! of few changes, which find what takes a certain order of three steps (Burckhardt and others, "A
//! randomized scheduler with probabilistic guarantees of finding bugs", 2010). A thread that waits
//! for ever, such as one that was not woken, is a deadlock to it.
//!
//!     cargo test -p leadhand-channel --features shuttle --test interleavings

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use leadhand_channel::{ChannelError, Hub, Mailbox, Post, open};
use leadhand_protocol::{AgentId, Message, MessageId, RunId};
use shuttle::future::block_on;
use shuttle::thread::{self, JoinHandle};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const ORDERS: usize = 10_000;
/// How many changes of thread a bug may need.
const CHANGES: usize = 3;

/// Every message waits for room behind the first.
const INBOX: usize = 1;

fn in_every_order(check: fn()) {
    shuttle::check_random(check, ORDERS);
    shuttle::check_pct(check, ORDERS, CHANGES);
}

fn channel() -> (Hub, Post) {
    open(RunId::new("run").unwrap(), INBOX, Arc::new(|| 0))
}

fn work() -> Message {
    Message::Progress {
        turn: 1,
        piece: String::new(),
    }
}

/// Sends so many; gives the names of those that were taken, and how many were refused.
fn send(mailbox: &Mailbox, messages: usize) -> (Vec<MessageId>, usize) {
    let (mut taken, mut refused) = (Vec::new(), 0);
    for _ in 0..messages {
        match block_on(mailbox.send(work())) {
            Ok(id) => taken.push(id),
            Err(ChannelError::Gone { .. }) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    (taken, refused)
}

/// Sends an agent so many from a thread of its own, which gives how many were taken.
fn sending(post: &Post, to: AgentId, message: fn() -> Message, times: usize) -> JoinHandle<usize> {
    let post = post.clone();
    thread::spawn(move || {
        let sent = (0..times).map(|_| block_on(post.send(to, message())).is_ok());
        sent.filter(|sent| *sent).count()
    })
}

fn unread(post: &Post) -> impl Iterator<Item = MessageId> {
    let letters = post.dead_letters().kept.into_iter();
    let unread = letters.filter(|letter| matches!(letter.why, ChannelError::Unread { .. }));
    unread.map(|letter| letter.envelope.id)
}

#[test]
fn all_that_agents_send_comes_once_and_in_order() {
    in_every_order(|| {
        let (mut hub, post) = channel();
        let agents: Vec<_> = (0..2)
            .map(|agent| post.register(AgentId(agent)).unwrap())
            .collect();
        let senders: Vec<_> = agents
            .into_iter()
            .map(|mailbox| thread::spawn(move || send(&mailbox, 2)))
            .collect();
        let mut next = BTreeMap::new();
        for _ in 0..4 {
            let envelope = block_on(hub.recv()).unwrap();
            let next = next.entry(envelope.id.agent).or_insert(0);
            assert_eq!(envelope.sequence, *next);
            *next += 1;
        }
        for sender in senders {
            let (taken, refused) = sender.join().unwrap();
            assert_eq!((taken.len(), refused), (2, 0));
        }
        assert_eq!(post.dead_letters().count, 0);
    });
}

#[test]
fn what_a_hub_that_goes_has_taken_is_read_or_a_dead_letter() {
    in_every_order(|| {
        let (mut hub, post) = channel();
        let mailbox = post.register(AgentId(1)).unwrap();
        let sender = thread::spawn(move || send(&mailbox, 3));
        let read = block_on(hub.recv()).unwrap().id;
        drop(hub);
        let (taken, refused) = sender.join().unwrap();
        let mut came: Vec<_> = unread(&post).collect();
        came.push(read);
        let once: BTreeSet<_> = came.iter().copied().collect();
        assert_eq!(once.len(), came.len(), "twice");
        assert_eq!(once, taken.iter().copied().collect());
        assert_eq!(taken.len() + refused, 3);
    });
}

#[test]
fn a_cancel_passes_work_that_waits_for_room() {
    in_every_order(|| {
        let (_hub, post) = channel();
        let agent = AgentId(1);
        let mut mailbox = post.register(agent).unwrap();
        let worker = sending(&post, agent, work, 3);
        let canceller = sending(&post, agent, || Message::Cancel, 1);
        // Nobody reads, so that the work waits; the cancel does not.
        assert_eq!(canceller.join().unwrap(), 1);
        let first = block_on(mailbox.recv()).unwrap();
        assert_eq!(first.message, Message::Cancel);
        drop(mailbox);
        let worked = worker.join().unwrap();
        assert_eq!(worked, unread(&post).count());
    });
}

#[test]
fn an_agent_that_is_let_go_of_reads_all_that_was_sent_and_then_the_end() {
    in_every_order(|| {
        let (_hub, post) = channel();
        let agent = AgentId(1);
        let mut mailbox = post.register(agent).unwrap();
        let sender = sending(&post, agent, work, 2);
        let closer = thread::spawn({
            let post = post.clone();
            move || post.close(agent)
        });
        let mut read = 0;
        while block_on(mailbox.recv()).is_some() {
            read += 1;
        }
        closer.join().unwrap();
        assert_eq!(sender.join().unwrap(), read);
        assert_eq!(unread(&post).count(), 0);
    });
}
