//! A network in memory whose wire repeats messages and changes their order, by a seed. Senders
//! wait for room as over any transport; on the receiving end stands [`Orderly`], unless the wire
//! is left bare.

use crate::orderly::Orderly;
use leadhand_channel::{
    CONTROL_MESSAGES_MAX, ChannelError, Clock, DEAD_LETTERS_MAX, DeadLetter, DeadLetters, Inbox,
    Lane, Transport,
};
use leadhand_protocol::{Address, AgentId, Envelope};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout};

/// Messages that the wire mixes up with each other.
const MIXED_MAX: usize = 3;

#[derive(Clone)]
pub(crate) struct Network {
    state: Arc<Mutex<State>>,
    inbox_messages_max: usize,
    clock: Clock,
    seed: u64,
    bare: bool,
}

#[derive(Default)]
struct State {
    nodes: HashMap<Address, Node>,
    names: Vec<(Address, Address)>,
    letters: DeadLetters,
}

/// How many messages were sent, by sender and lane.
type Sent = HashMap<(Option<AgentId>, usize), u64>;

#[derive(Clone)]
struct Node {
    wire: mpsc::UnboundedSender<Envelope>,
    room: Arc<[Semaphore; 3]>,
    sent: Arc<Mutex<Sent>>,
}

pub(crate) struct Receiver {
    owner: Address,
    network: Network,
    wire: mpsc::UnboundedReceiver<Envelope>,
    room: Arc<[Semaphore; 3]>,
    mixed: Vec<Envelope>,
    orderly: Orderly,
    chance: u64,
}

impl Network {
    pub(crate) fn new(inbox_messages_max: usize, clock: Clock, seed: u64) -> Self {
        Self {
            state: Arc::default(),
            inbox_messages_max,
            clock,
            seed,
            bare: false,
        }
    }

    /// The same without what makes it fit.
    pub(crate) fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn bury(&self, envelope: Envelope, why: ChannelError) -> ChannelError {
        let letters = &mut self.state().letters;
        letters.count += 1;
        if letters.kept.len() == DEAD_LETTERS_MAX {
            letters.kept.pop_front();
        }
        letters.kept.push_back(DeadLetter {
            envelope,
            why: why.clone(),
        });
        why
    }

    fn node(&self, envelope: &Envelope) -> Result<Node, ChannelError> {
        let state = self.state();
        let (to, kind) = (envelope.to.clone(), envelope.message.kind());
        let bearers = state.names.iter().filter(|(name, _)| *name == to);
        let owners: Vec<_> = match to {
            Address::Hub | Address::Agent(_) => vec![&to],
            Address::Role(_) | Address::Task(_) => bearers.map(|(_, owner)| owner).collect(),
        };
        let node = owners.first().and_then(|owner| state.nodes.get(owner));
        match (owners.len(), node) {
            (1, Some(node)) => Ok(node.clone()),
            (0 | 1, _) => Err(ChannelError::UnknownReceiver { to, kind }),
            (agents, _) => Err(ChannelError::ManyReceivers { to, kind, agents }),
        }
    }

    fn left(&self, envelope: &Envelope) -> Result<Option<Duration>, ChannelError> {
        let now_ms = (self.clock)();
        match envelope.deadline_ms {
            Some(deadline_ms) if deadline_ms <= now_ms => Err(ChannelError::DeadlinePassed {
                to: envelope.to.clone(),
                kind: envelope.message.kind(),
                deadline_ms,
                now_ms,
            }),
            deadline_ms => Ok(deadline_ms.map(|it| Duration::from_millis(it - now_ms))),
        }
    }

    /// Puts an envelope on the wire once there is room for it at the other end.
    async fn put(&self, envelope: &Envelope, wait: Option<Duration>) -> Result<(), ChannelError> {
        let node = self.node(envelope)?;
        let left = self.left(envelope)?;
        let lane = Lane::of(&envelope.message) as usize;
        let (to, kind) = (envelope.to.clone(), envelope.message.kind());
        let began = Instant::now();
        let room = node.room[lane].acquire();
        let shortest = wait.into_iter().chain(left).min();
        let room = match shortest {
            Some(wait) => timeout(wait, room).await,
            None => Ok(room.await),
        };
        match room {
            Ok(Ok(room)) => room.forget(),
            Ok(Err(_)) => return Err(ChannelError::Gone { to, kind }),
            Err(_) => {
                self.left(envelope)?;
                let waited_ms = u64::try_from(began.elapsed().as_millis()).unwrap();
                return Err(ChannelError::TimedOut {
                    to,
                    kind,
                    waited_ms,
                });
            }
        }
        let mut sent = node.sent.lock().unwrap();
        let next = sent.entry((envelope.id.agent, lane)).or_default();
        let numbered = Envelope {
            sequence: *next,
            ..envelope.clone()
        };
        if node.wire.send(numbered).is_err() {
            return Err(ChannelError::Gone { to, kind });
        }
        *next += 1;
        Ok(())
    }
}

impl Transport for Network {
    type Inbox = Receiver;

    fn register(&self, owner: &Address, names: &[Address]) -> Result<Receiver, ChannelError> {
        let mut state = self.state();
        if state
            .nodes
            .get(owner)
            .is_some_and(|it| !it.wire.is_closed())
        {
            return Err(ChannelError::AlreadyRegistered {
                owner: owner.clone(),
            });
        }
        let (wire, wire_end) = mpsc::unbounded_channel();
        let room = Lane::ALL.map(|lane| {
            Semaphore::new(match lane {
                Lane::Cancel | Lane::Steer => CONTROL_MESSAGES_MAX,
                Lane::Work => self.inbox_messages_max,
            })
        });
        let room = Arc::new(room);
        let node = Node {
            wire,
            room: Arc::clone(&room),
            sent: Arc::default(),
        };
        state.nodes.insert(owner.clone(), node);
        let named = names.iter().map(|name| (name.clone(), owner.clone()));
        state.names.extend(named);
        Ok(Receiver {
            owner: owner.clone(),
            network: self.clone(),
            wire: wire_end,
            room,
            mixed: Vec::new(),
            orderly: Orderly::default(),
            chance: self.seed,
        })
    }

    async fn send(&self, envelope: Envelope, wait: Option<Duration>) -> Result<(), ChannelError> {
        let sent = self.put(&envelope, wait).await;
        sent.map_err(|why| self.bury(envelope, why))
    }

    fn try_send(&self, envelope: Envelope) -> bool {
        let sent = futures::FutureExt::now_or_never(self.put(&envelope, None));
        let sent = matches!(sent, Some(Ok(())));
        if !sent {
            self.state().letters.progress_dropped += 1;
        }
        sent
    }

    fn close(&self, owner: &Address) {
        let mut state = self.state();
        state.nodes.remove(owner);
        state.names.retain(|(_, bearer)| bearer != owner);
    }

    fn shut(&self) {
        let mut state = self.state();
        state.nodes.retain(|owner, _| *owner == Address::Hub);
        state.names.clear();
    }

    fn dead_letters(&self) -> DeadLetters {
        self.state().letters.clone()
    }
}

impl Receiver {
    /// A number below `bound`: xorshift (Marsaglia 2003).
    fn chance(&mut self, bound: usize) -> usize {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        usize::try_from(self.chance % bound as u64).unwrap()
    }

    /// What the wire gives at once: one of a few, and sometimes one that it gave before.
    fn off_the_wire(&mut self) -> Option<Envelope> {
        while self.mixed.len() < MIXED_MAX
            && let Ok(envelope) = self.wire.try_recv()
        {
            self.mixed.push(envelope);
        }
        if self.mixed.is_empty() {
            return None;
        }
        let place = self.chance(self.mixed.len());
        if self.chance(3) == 0 {
            return Some(self.mixed[place].clone());
        }
        Some(self.mixed.swap_remove(place))
    }

    /// The next message in its order that is wanted.
    fn ready(&mut self) -> Option<Envelope> {
        if self.network.bare {
            let envelope = self.off_the_wire()?;
            self.room[Lane::of(&envelope.message) as usize].add_permits(1);
            return Some(envelope);
        }
        while let Some(envelope) = self.off_the_wire() {
            self.orderly.take(envelope);
        }
        while let Some(envelope) = self.orderly.next() {
            let lane = Lane::of(&envelope.message) as usize;
            self.room[lane].add_permits(1);
            match self.network.left(&envelope) {
                Ok(_) => return Some(envelope),
                Err(why) => drop(self.network.bury(envelope, why)),
            }
        }
        None
    }
}

impl Inbox for Receiver {
    async fn recv(&mut self) -> Option<Envelope> {
        loop {
            if let Some(envelope) = self.ready() {
                return Some(envelope);
            }
            let envelope = self.wire.recv().await?;
            self.mixed.push(envelope);
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.room.iter().for_each(Semaphore::close);
        self.wire.close();
        while let Some(envelope) = self.ready() {
            let why = ChannelError::Unread {
                to: self.owner.clone(),
                kind: envelope.message.kind(),
            };
            self.network.bury(envelope, why);
        }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network")
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receiver").field(&self.owner).finish()
    }
}
