//! The words of coordination: what a party can ask of locks and their kin, of topics and of
//! each other, the facts that follow, and what is told to whom. Plain data; who is granted what
//! is decided in the room `coordination`. The kind of a primitive is its namespace: a lock and an entry of the board
//! may have the same name.

mod fact;
mod letter;
mod name;
mod request;
mod wait_id;
mod want;

pub use fact::{CycleStep, Fact, LockHeld, Notice, Obtained, Told, WaitEnd};
pub use letter::{DeadLetter, DeadLetterCause, Delivered, Payload, QuestionId};
pub use name::{NAME_BYTES_MAX, NameError, PrimitiveName};
pub use request::{
    Asker, Declaration, Elector, Electorate, LOCKS_PER_REQUEST_MAX, LockAsk, LockMode, Need,
    PrimitiveKind, Request,
};
pub use wait_id::{REQUESTS_PER_CALL_MAX, WaitId};
pub use want::Want;
