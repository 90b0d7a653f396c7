//! The channel under real threads, by seeds: agents that send, are ended and come back while the
//! hub reads and stops. Whatever happens when, each message is read once, or a dead letter, or
//! was refused; none is lost and none comes twice.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use leadhand_channel::{ChannelError, DEAD_LETTERS_MAX, open};
use leadhand_protocol::{AgentId, Message, MessageId, RunId};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::thread;

const ROUNDS: u64 = 300;
const AGENTS: u32 = 4;
const MESSAGES: u64 = 12;

fn message() -> Message {
    Message::Steer {
        text: String::new(),
    }
}

/// A number that follows from a seed: splitmix64 (Steele, Lea, Flood 2014).
fn chance(seed: &mut u64, bound: u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = (*seed ^ (*seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) % bound
}

fn wait_for<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.unwrap().block_on(future)
}

/// Agents send at once from threads of their own; the hub reads so many and is dropped. Gives the
/// names that were sent, read, and refused.
fn round(mut seed: u64) -> (Vec<MessageId>, Vec<MessageId>, u64, u64) {
    let inbox = usize::try_from(1 + chance(&mut seed, 4)).unwrap();
    let reads = chance(&mut seed, u64::from(AGENTS) * MESSAGES + 8);
    let (mut hub, post) = open(RunId::new("run").unwrap(), inbox, Arc::new(|| 0));
    let mailboxes: Vec<_> = (0..AGENTS)
        .map(|agent| post.register(AgentId(agent)).unwrap())
        .collect();
    let senders: Vec<_> = mailboxes
        .into_iter()
        .map(|mailbox| {
            thread::spawn(move || {
                wait_for(async {
                    let mut sent = Vec::new();
                    let mut refused = 0;
                    for _ in 0..MESSAGES {
                        match mailbox.send(message()).await {
                            Ok(id) => sent.push(id),
                            Err(ChannelError::Gone { .. }) => refused += 1,
                            Err(other) => panic!("{other}"),
                        }
                    }
                    (sent, refused)
                })
            })
        })
        .collect();
    let reader = thread::spawn(move || {
        wait_for(async {
            let mut read = Vec::new();
            let all = u64::from(AGENTS) * MESSAGES;
            let mut last = HashMap::new();
            for _ in 0..reads.min(all) {
                let envelope = hub.recv().await.unwrap();
                let next = last.entry(envelope.id.agent).or_insert(0);
                assert_eq!(envelope.sequence, *next, "out of order");
                *next += 1;
                read.push(envelope.id);
            }
            read
        })
    });
    let read = reader.join().unwrap();
    let (mut sent, mut refused) = (Vec::new(), 0);
    for sender in senders {
        let (names, gone) = sender.join().unwrap();
        sent.extend(names);
        refused += gone;
    }
    let letters = post.dead_letters();
    assert!(letters.kept.len() <= DEAD_LETTERS_MAX);
    let unread = letters
        .kept
        .iter()
        .filter(|letter| matches!(letter.why, ChannelError::Unread { .. }))
        .map(|letter| letter.envelope.id);
    let mut came: Vec<_> = read;
    came.extend(unread);
    (sent, came, refused, letters.count)
}

#[test]
fn no_message_is_lost_or_read_twice_whatever_the_threads_do() {
    let mut some_refused = 0;
    for seed in 0..ROUNDS {
        let (sent, came, refused, letters) = round(seed);
        let once: BTreeSet<_> = came.iter().copied().collect();
        assert_eq!(once.len(), came.len(), "seed {seed}: twice");
        assert_eq!(
            once,
            sent.iter().copied().collect(),
            "seed {seed}: what was taken is read or a dead letter, and nothing else is"
        );
        let all = u64::from(AGENTS) * MESSAGES;
        assert_eq!(sent.len() as u64 + refused, all, "seed {seed}");
        assert!(
            letters >= refused,
            "seed {seed}: a refused one is a dead letter"
        );
        some_refused += u64::from(refused > 0);
    }
    assert!(some_refused > 0, "no round met a hub that was dropped");
}

#[test]
fn an_agent_that_is_ended_while_it_is_sent_to_loses_nothing() {
    for seed in 0..ROUNDS {
        let mut seed = seed;
        let (_hub, post) = open(RunId::new("run").unwrap(), 2, Arc::new(|| 0));
        let agent = AgentId(7);
        let mut mailbox = post.register(agent).unwrap();
        let sender = thread::spawn({
            let post = post.clone();
            move || {
                wait_for(async {
                    let mut sent = 0;
                    for _ in 0..MESSAGES {
                        sent += u64::from(post.send(agent, message()).await.is_ok());
                    }
                    sent
                })
            }
        });
        let reads = chance(&mut seed, MESSAGES);
        let closes = chance(&mut seed, 2) == 0;
        let read = wait_for(async {
            for _ in 0..reads {
                mailbox.recv().await.unwrap();
            }
            let mut read = reads;
            if closes {
                post.close(agent);
                while mailbox.recv().await.is_some() {
                    read += 1;
                }
            }
            drop(mailbox);
            read
        });
        let sent = sender.join().unwrap();
        let letters = post.dead_letters();
        let unread = letters
            .kept
            .iter()
            .filter(|letter| matches!(letter.why, ChannelError::Unread { .. }))
            .count() as u64;
        assert_eq!(sent, read + unread);
        assert_eq!(MESSAGES - sent, letters.count - unread);
    }
}
