//! What one message costs in process, send and receive together, beside a bare bounded channel of
//! tokio that carries the same envelopes, and what writing one as JSON and reading it costs.
//! The bar: under 2 µs a message. `cargo bench -p leadhand-channel`.

#![allow(clippy::print_stdout, reason = "a benchmark shows what it measured")]

use leadhand_channel::{Clock, Dispatch, Hub, MESSAGE_VERSION, Mailbox, Post, Thread, open};
use leadhand_protocol::{
    Address, AgentId, CallId, Done, Envelope, Label, Message, MessageId, RunId, ToolOutput,
};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

const MESSAGES: u32 = 500_000;
const INBOX: usize = 64;
/// Every measurement is made so often, in turn with the others; the least counts.
const ROUNDS: usize = 5;
const AGENT: AgentId = AgentId(1);

type Measured = (&'static str, fn() -> Duration);

fn main() {
    let measured: [Measured; 7] = [
        ("bare tokio mpsc, one task", bare_in_turn),
        ("to an agent, one task", to_agent_in_turn),
        (
            "to an agent with a deadline, one task",
            with_deadline_in_turn,
        ),
        ("bare tokio mpsc, two threads", bare_at_once),
        ("agent to hub, two threads", to_hub_at_once),
        ("request and answer, one thread", request),
        ("to JSON and back (checked twice)", json),
    ];
    let mut least = [Duration::MAX; 7];
    for _ in 0..ROUNDS {
        for (least, (_, measure)) in least.iter_mut().zip(measured) {
            *least = measure().min(*least);
        }
    }
    println!("{MESSAGES} messages of {} bytes", size_of::<Envelope>());
    for ((what, _), took) in measured.iter().zip(least) {
        println!("{what:40} {:>7} ns", took.as_nanos());
    }
}

fn one_thread() -> Runtime {
    let built = Builder::new_current_thread().enable_time().build();
    built.expect("a runtime is built")
}

fn channel() -> (Hub, Post, Mailbox) {
    let run = RunId::new("20261123-k3f9").expect("the id is well formed");
    let clock: Clock = Arc::new(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        u64::try_from(now.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
    });
    let (hub, post) = open(run, INBOX, clock);
    let mailbox = post.register(AGENT).expect("nobody is registered yet");
    (hub, post, mailbox)
}

fn result() -> Message {
    Message::Result(Done::Acted {
        call: CallId {
            agent: AGENT,
            turn: 1,
            index: 0,
        },
        output: Box::default(),
    })
}

fn envelope(run: &RunId) -> Envelope {
    let id = MessageId {
        agent: Some(AGENT),
        count: 1,
    };
    Envelope {
        id,
        run: run.clone(),
        from: Address::Agent(AGENT),
        to: Address::Hub,
        correlation: Some(id),
        cause: Some(id),
        sequence: 0,
        deadline_ms: None,
        version: MESSAGE_VERSION,
        label: Label::default(),
        message: result(),
    }
}

fn each(began: Instant) -> Duration {
    began.elapsed() / MESSAGES
}

fn bare_in_turn() -> Duration {
    one_thread().block_on(async {
        let run = RunId::new("20261123-k3f9").expect("the id is well formed");
        let (sender, mut receiver) = mpsc::channel(INBOX);
        let began = Instant::now();
        for _ in 0..MESSAGES {
            assert!(sender.send(envelope(&run)).await.is_ok());
            assert!(receiver.recv().await.is_some());
        }
        each(began)
    })
}

fn in_turn(dispatch: impl Fn() -> Dispatch) -> Duration {
    one_thread().block_on(async {
        let (_hub, post, mut mailbox) = channel();
        let began = Instant::now();
        for _ in 0..MESSAGES {
            assert!(post.send(AGENT, dispatch()).await.is_ok());
            assert!(mailbox.recv().await.is_some());
        }
        each(began)
    })
}

fn to_agent_in_turn() -> Duration {
    in_turn(|| result().into())
}

fn with_deadline_in_turn() -> Duration {
    in_turn(|| Dispatch::from(result()).until(u64::MAX))
}

fn bare_at_once() -> Duration {
    let (sender, mut receiver) = mpsc::channel(INBOX);
    let began = Instant::now();
    let sending = std::thread::spawn(move || {
        let run = RunId::new("20261123-k3f9").expect("the id is well formed");
        one_thread().block_on(async {
            for _ in 0..MESSAGES {
                assert!(sender.send(envelope(&run)).await.is_ok());
            }
        });
    });
    one_thread().block_on(async { while receiver.recv().await.is_some() {} });
    sending.join().expect("the sender does not panic");
    each(began)
}

fn to_hub_at_once() -> Duration {
    let (mut hub, post, mailbox) = channel();
    drop(post);
    let began = Instant::now();
    let sending = std::thread::spawn(move || {
        one_thread().block_on(async {
            for _ in 0..MESSAGES {
                assert!(mailbox.send(result()).await.is_ok());
            }
        });
    });
    one_thread().block_on(async { while hub.recv().await.is_some() {} });
    sending.join().expect("the sender does not panic");
    each(began)
}

fn request() -> Duration {
    let count = MESSAGES / 10;
    one_thread().block_on(async {
        let (mut hub, post, mut mailbox) = channel();
        let outbox = mailbox.outbox();
        tokio::spawn(async move { while mailbox.recv().await.is_some() {} });
        tokio::spawn(async move {
            while let Some(asked) = hub.recv().await {
                let answer = Dispatch::from(Message::Cancel).answering(Thread::of(&asked));
                assert!(post.send(AGENT, answer).await.is_ok());
            }
        });
        let began = Instant::now();
        for _ in 0..count {
            assert!(outbox.request(result()).await.is_ok());
        }
        began.elapsed() / count
    })
}

fn json() -> Duration {
    let count = MESSAGES / 50;
    let run = RunId::new("20261123-k3f9").expect("the id is well formed");
    let mut envelope = envelope(&run);
    envelope.message = Message::Result(Done::Acted {
        call: CallId {
            agent: AGENT,
            turn: 1,
            index: 0,
        },
        output: Box::new(ToolOutput::text("The file has 12 lines.")),
    });
    let began = Instant::now();
    for _ in 0..count {
        let bytes = leadhand_channel::to_json(&envelope).expect("it fits its schema");
        let read = leadhand_channel::from_json(&bytes).expect("it is what was written");
        assert_eq!(read.id, envelope.id);
    }
    began.elapsed() / count
}
