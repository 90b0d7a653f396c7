//! The rules, one a file, each a question to what an agent did of late.

pub(crate) mod chant;
pub(crate) mod cycle;
pub(crate) mod empty_sweep;
pub(crate) mod near_duplicate;
pub(crate) mod repeated_call;
pub(crate) mod same_error;
pub(crate) mod same_result;
pub(crate) mod stall;

use leadhand_protocol::LoopRule;

/// What a rule has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sighting {
    pub(crate) rule: LoopRule,
    /// What repeats.
    pub(crate) what: u64,
    pub(crate) since: u64,
    pub(crate) period: u32,
    pub(crate) times: u32,
}
