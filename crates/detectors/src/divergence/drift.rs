//! What a second model says of whether work drifts from the goal. Who asks it, and when, is for
//! `engine`; here is what its answer means.

use super::{Place, bounded};
use leadhand_protocol::{Divergence, DivergenceRule};
use serde_json::Value;

/// Longest answer that is read. A verdict is a line; whoever answers with more did not follow.
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// Most characters of a reason that are kept, which leaves room for the words around it.
const WHY_CHARS_MAX: usize = 500;

/// What the second model says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DriftVerdict {
    /// The work serves the goal.
    OnPlan,
    /// It does not.
    Drifts {
        /// In the model's words.
        why: String,
    },
    /// There is no verdict: the model failed, or its answer is none. Never taken for consent.
    Unknown {
        /// What came instead.
        why: String,
    },
}

impl DriftVerdict {
    /// Reads an answer: the JSON object `{"verdict": "on_plan"}` or
    /// `{"verdict": "drifts", "why": "…"}`, alone or in a fence. Everything else is
    /// [`DriftVerdict::Unknown`]: also a `drifts` without a reason, which nobody could act on,
    /// and also an error, handed in as words.
    #[must_use]
    pub fn read(answer: Result<&str, &str>) -> Self {
        let unknown = |why: &str| Self::Unknown {
            why: bounded(why, WHY_CHARS_MAX),
        };
        let text = match answer {
            Ok(text) => text.trim(),
            Err(why) => return unknown(&format!("the model failed: {why}")),
        };
        if text.len() > ANSWER_BYTES_MAX {
            return unknown("the answer is longer than a verdict can be");
        }
        let Ok(Value::Object(fields)) = serde_json::from_str(without_fence(text)) else {
            return unknown(&format!("the answer is no verdict: {text}"));
        };
        let field = |name: &str| fields.get(name).and_then(Value::as_str).map(str::trim);
        match (field("verdict"), field("why")) {
            (Some("on_plan"), _) => Self::OnPlan,
            (Some("drifts"), Some(why)) if !why.is_empty() => Self::Drifts {
                why: bounded(why, WHY_CHARS_MAX),
            },
            (Some("drifts"), _) => unknown("the model says that it drifts, and not why"),
            _ => unknown(&format!("the answer is no verdict: {text}")),
        }
    }
}

fn without_fence(text: &str) -> &str {
    let inner = text.strip_prefix("```json").or(text.strip_prefix("```"));
    inner
        .and_then(|inner| inner.strip_suffix("```"))
        .unwrap_or(text)
        .trim()
}

/// The finding that a verdict makes. No verdict is no finding, and no consent either: who asked
/// says that the question stands.
#[must_use]
pub fn drift(place: Place<'_>, verdict: &DriftVerdict) -> Option<Divergence> {
    match verdict {
        DriftVerdict::OnPlan | DriftVerdict::Unknown { .. } => None,
        DriftVerdict::Drifts { why } => {
            let words = format!("a second model says that the work drifts: {why}");
            // One identity for a task: models give the same reason in other words each time.
            Some(place.found(DivergenceRule::Drift, &[], &words))
        }
    }
}
