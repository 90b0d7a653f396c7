//! Every bound of the room. Whatever is asked, the state stays within the product of these.

use serde_json::Value;

/// Semaphores, barriers, latches, quorums, board entries and topics together. Locks are not counted:
/// one that nobody holds or waits for takes no room.
pub const PRIMITIVES_MAX: usize = 65_536;
/// Waits at once, of all parties.
pub const WAITS_MAX: usize = 65_536;
/// Names in all waits together: a wait for a set of locks has several.
pub const WAITED_NAMES_MAX: usize = 262_144;
/// Locks and semaphores held, of all parties.
pub const HOLDS_MAX: usize = 262_144;
/// Locks and semaphores that one party holds.
pub const HOLDS_PER_PARTY_MAX: usize = 1_024;
/// Locks asked for at once.
pub use leadhand_protocol::coordination::LOCKS_PER_REQUEST_MAX;
/// Latches that one join waits for.
pub const LATCHES_PER_JOIN_MAX: usize = 1_024;
/// Parties named by one declaration, votes of one quorum, and parties of one barrier.
pub const MEMBERS_MAX: usize = 1_024;
/// Choices that one quorum names.
pub const CHOICES_MAX: usize = 64;
/// Size of one vote or named choice, in bytes of JSON.
pub const VOTE_BYTES_MAX: usize = 4_096;
/// Size of one value of the board, in bytes of JSON.
pub const BOARD_VALUE_BYTES_MAX: usize = 262_144;
/// Size of one message, question or answer, in bytes of JSON.
pub const PAYLOAD_BYTES_MAX: usize = 65_536;
/// Messages in one inbox.
pub const INBOX_MESSAGES_MAX: usize = 1_024;
/// What the messages of one inbox take, in bytes: what a party that never reads can take from
/// all others.
pub const INBOX_BYTES_MAX: usize = 1024 * 1024;
/// Topics to which one party has subscribed.
pub const SUBSCRIPTIONS_MAX: usize = 256;
/// Parties that have subscribed to one topic: each message is a step for each of them.
pub const SUBSCRIBERS_MAX: usize = 4_096;
/// Dead letters that are kept; older ones are only counted.
pub const DEAD_LETTERS_MAX: usize = 1_024;
/// What dead letters take, in bytes, beside [`KEPT_BYTES_MAX`].
pub const DEAD_LETTER_BYTES_MAX: usize = 1024 * 1024;
/// What declarations, votes, values of the board, subscriptions, messages that were not read
/// and open questions take together, in bytes.
pub const KEPT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What a thing with a name costs beside what it holds: nodes of trees and counters.
pub(crate) const ENTRY_BYTES: usize = 128;
/// What a named party costs: its place in the declaration, and the note that it is named.
pub(crate) const MEMBER_BYTES: usize = 256;

/// About how many bytes of JSON a value is: exact but for characters that are escaped. Counts
/// no further than `bytes_max`, so that a huge value costs no more than a large one.
pub(crate) fn value_bytes(value: &Value, bytes_max: usize) -> usize {
    let mut bytes = 0;
    let mut open = vec![value];
    while let Some(next) = open.pop() {
        bytes += match next {
            Value::Null | Value::Bool(true) => 4,
            Value::Bool(false) => 5,
            Value::Number(number) => number.to_string().len(),
            Value::String(text) => text.len() + 2,
            Value::Array(items) => {
                open.extend(items);
                items.len() + 2
            }
            Value::Object(fields) => {
                open.extend(fields.values());
                fields.keys().map(|key| key.len() + 4).sum::<usize>() + 2
            }
        };
        if bytes > bytes_max {
            break;
        }
    }
    bytes
}
