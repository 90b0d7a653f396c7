//! What detectors see. A finding is a fact; what is done about it is the engine's to say.

use crate::coordination::{Asker, CycleStep};
use crate::{AgentId, ContentHash, TaskId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a detector saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum Finding {
    /// An agent used up its turns.
    TurnsSpent {
        /// Who.
        agent: AgentId,
        /// How many it had.
        turns: u32,
    },
    /// An agent's replies were unusable too often in a row.
    FaultsInARow {
        /// Who.
        agent: AgentId,
        /// How many.
        times: u32,
    },
    /// Agents waited for each other, and would have for ever; the wait of one was ended.
    Deadlock {
        /// Whose.
        victim: Asker,
        /// Who waited for whom, beginning with the request that closed the cycle.
        cycle: Vec<CycleStep>,
    },
    /// Work goes round in circles, or on without getting anywhere.
    Loop(LoopFinding),
    /// Work left the plan.
    Divergence(Divergence),
}

/// The name of what repeats: the same repetition has the same name, whichever of its steps it is
/// told from. 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Identity(pub u64);

impl From<ContentHash> for Identity {
    /// The first 8 bytes: enough to tell apart what one run finds.
    fn from(hash: ContentHash) -> Self {
        Self(hash.first_number())
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl From<Identity> for String {
    fn from(identity: Identity) -> Self {
        identity.to_string()
    }
}

impl TryFrom<String> for Identity {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        match u64::from_str_radix(&text, 16) {
            Ok(number) if text.len() == 16 => Ok(Self(number)),
            _ => Err(format!("`{text}` is not a name of 16 hexadecimal digits")),
        }
    }
}

/// By which rule a loop was called, the surest first. `docs/detectors.md` says what each sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoopRule {
    /// The same steps with the same results, one to eight of them, over and over.
    Cycle,
    /// One call with one result again and again, with other steps between.
    RepeatedCall,
    /// The same result whatever is asked.
    SameResult,
    /// The same kind of error from calls that are nearly the same.
    SameError,
    /// Calls that are nearly the same, with results that are.
    NearDuplicate,
    /// The same words over and over.
    Chant,
    /// One search after another that finds nothing.
    EmptySweep,
    /// Work goes on and nothing comes of it.
    Stall,
    /// Agents hand the same work to each other.
    HandOff,
    /// The context is compacted, and the same work begins again.
    Compaction,
    /// Agents do the same work beside each other.
    Siblings,
    /// The plan is revised, and what is left to do is what it was before.
    Revision,
}

impl LoopRule {
    /// Its name in logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cycle => "cycle",
            Self::RepeatedCall => "repeated_call",
            Self::SameResult => "same_result",
            Self::SameError => "same_error",
            Self::NearDuplicate => "near_duplicate",
            Self::Chant => "chant",
            Self::EmptySweep => "empty_sweep",
            Self::Stall => "stall",
            Self::HandOff => "hand_off",
            Self::Compaction => "compaction",
            Self::Siblings => "siblings",
            Self::Revision => "revision",
        }
    }
}

/// Work that repeats itself, or gets nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoopFinding {
    /// Whose.
    pub agent: AgentId,
    /// By which rule.
    pub rule: LoopRule,
    /// What repeats.
    pub identity: Identity,
    /// The step of the trace at which it began, from 0; of a run, a turn that had an end counts
    /// as one. In records that were made of a trace of others it is the record.
    pub since: u64,
    /// Steps that one repetition takes.
    pub period: u32,
    /// How often it was seen by now.
    pub times: u32,
    /// What repeats and what came of it, in words; at most [`EVIDENCE_CHARS_MAX`] characters.
    pub evidence: String,
}

/// Longest evidence of a finding, in characters.
pub const EVIDENCE_CHARS_MAX: usize = 600;

/// By which rule work is said to have left the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DivergenceRule {
    /// A call of a tool, or on a path or resource, that the task did not declare.
    Undeclared,
    /// A write that the plan does not hold.
    UnplannedWrite,
    /// A write that the plan holds and that never came.
    MissingWrite,
    /// An output off its contract.
    OffContract,
    /// Work on what has changed since it was begun.
    StaleInput,
    /// Success is claimed, and no call stands behind it.
    EmptyClaim,
    /// Far more is spent than the task was estimated to take.
    OverEstimate,
    /// A second model says that the work drifts from the goal.
    Drift,
}

impl DivergenceRule {
    /// Its name in logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Undeclared => "undeclared",
            Self::UnplannedWrite => "unplanned_write",
            Self::MissingWrite => "missing_write",
            Self::OffContract => "off_contract",
            Self::StaleInput => "stale_input",
            Self::EmptyClaim => "empty_claim",
            Self::OverEstimate => "over_estimate",
            Self::Drift => "drift",
        }
    }
}

/// Work that left the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Divergence {
    /// Whose.
    pub agent: AgentId,
    /// At which task; none where it concerns the whole goal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// By which rule.
    pub rule: DivergenceRule,
    /// What differs: the same difference has the same name.
    pub identity: Identity,
    /// The step of the trace at which it shows, from 0; none for what never came. In records that
    /// were made of a trace of others it is the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u64>,
    /// What was planned and what was done, in words; at most [`EVIDENCE_CHARS_MAX`] characters.
    pub evidence: String,
}
