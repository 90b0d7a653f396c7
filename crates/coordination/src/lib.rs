//! Locks and their kin as one state machine: locks, semaphores, barriers, latches and joins,
//! quorums, a board of values with versions, topics, and questions. [`Coordination::decide`] says what follows from
//! a request, [`Coordination::ended`] what follows when a party ends, [`Coordination::due`] what
//! follows from time; [`Coordination::apply`] alone changes the state. What does not live here:
//! who may ask for what (policy), and when anything is asked (the engine).
//!
//! ```
//! use leadhand_coordination::Coordination;
//! use leadhand_protocol::AgentId;
//! use leadhand_protocol::coordination::{Asker, LockAsk, LockMode, PrimitiveName, Request, WaitId};
//!
//! let mut locks = Coordination::default();
//! let asker = Asker { party: AgentId(1), wait: WaitId(0) };
//! let lock = PrimitiveName::new("src/main.rs")?;
//! let wanted = vec![LockAsk { lock, mode: LockMode::Exclusive }];
//! let request = Request::Acquire { locks: wanted, deadline_ms: None };
//! for fact in locks.decide(asker, 0, 1_000, &request)? {
//!     for notice in locks.apply(&fact) {
//!         assert_eq!(notice.asker, asker);
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bounds;
mod refusal;
mod state;

mod decide;
mod declare;
mod draft;

mod barrier;
mod board;
mod inbox;
mod latch;
mod lock;
mod question;
mod quorum;
mod semaphore;
mod topic;

mod apply;
mod deadlock;
mod priority;
mod view;

pub use bounds::{
    BOARD_VALUE_BYTES_MAX, CHOICES_MAX, DEAD_LETTER_BYTES_MAX, DEAD_LETTERS_MAX, HOLDS_MAX,
    HOLDS_PER_PARTY_MAX, INBOX_BYTES_MAX, INBOX_MESSAGES_MAX, KEPT_BYTES_MAX, LATCHES_PER_JOIN_MAX,
    LOCKS_PER_REQUEST_MAX, MEMBERS_MAX, PAYLOAD_BYTES_MAX, PRIMITIVES_MAX, SUBSCRIBERS_MAX,
    SUBSCRIPTIONS_MAX, VOTE_BYTES_MAX, WAITED_NAMES_MAX, WAITS_MAX,
};
pub use question::Question;
pub use refusal::Refusal;
pub use state::{Coordination, Wait};
pub use view::{Holder, SemaphoreView};
