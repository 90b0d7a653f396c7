//! The name of a request, made from the place of the tool call that makes it, so that a call that
//! is made again after a crash asks again under the same names.

use crate::CallId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const NTH_BITS: u32 = 12;
const INDEX_BITS: u32 = 8;
const TURN_BITS: u32 = u32::BITS - INDEX_BITS - NTH_BITS;

/// Most requests of one tool call.
pub const REQUESTS_PER_CALL_MAX: u32 = (1 << NTH_BITS) - 1;

/// Names a request of one party. Those of a tool call have its turn, its place among the calls of
/// the turn, and a count from 1; those that count 0 are the run's own.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct WaitId(pub u32);

impl WaitId {
    /// The name of the `nth` request of a call, counted from 1; none for a call or a request that
    /// is beyond what a name can say.
    #[must_use]
    pub fn of(call: CallId, nth: u32) -> Option<Self> {
        let fits = call.turn >> TURN_BITS == 0
            && call.index >> INDEX_BITS == 0
            && (1..=REQUESTS_PER_CALL_MAX).contains(&nth);
        fits.then_some(Self(
            (call.turn << INDEX_BITS | call.index) << NTH_BITS | nth,
        ))
    }

    /// Turn and index of the call that asks.
    #[must_use]
    pub fn place(self) -> (u32, u32) {
        let call = self.0 >> NTH_BITS;
        (call >> INDEX_BITS, call & ((1 << INDEX_BITS) - 1))
    }

    /// Its place among the requests of its call, from 1; 0 for one of the run itself.
    #[must_use]
    pub fn nth(self) -> u32 {
        self.0 & REQUESTS_PER_CALL_MAX
    }

    /// Whether a call of this agent made the request.
    #[must_use]
    pub fn is_of(self, call: CallId) -> bool {
        self.nth() > 0 && self.place() == (call.turn, call.index)
    }
}

#[cfg(test)]
mod tests {
    use super::{REQUESTS_PER_CALL_MAX, WaitId};
    use crate::{AgentId, CallId};

    fn check(turn: u32, index: u32, nth: u32, named: bool) {
        let call = CallId {
            agent: AgentId(1),
            turn,
            index,
        };
        let wait = WaitId::of(call, nth);
        let read = wait.map(|it| (it.place(), it.nth(), it.is_of(call)));
        assert_eq!(read, named.then_some(((turn, index), nth, true)));
    }

    #[test]
    fn a_name_says_which_call_asks_and_how_often_it_asked_before() {
        check(0, 0, 1, true);
        check(7, 3, 12, true);
        check(4_095, 255, REQUESTS_PER_CALL_MAX, true);
        check(4_096, 0, 1, false);
        check(0, 256, 1, false);
        check(0, 0, 0, false);
        check(0, 0, REQUESTS_PER_CALL_MAX + 1, false);
    }
}
