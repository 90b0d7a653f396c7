//! Far more spent than the task was estimated to take.

use super::Place;
use leadhand_protocol::{Divergence, DivergenceRule};

/// Spend above the estimate at which the plan was wrong about the task. Estimates
/// of models are guesses made before anything was read; an order of two either way says little,
/// and at four times it is another task than the one that was planned.
pub const OVER_ESTIMATE_FACTOR: u64 = 4;
/// Seconds below which nothing is said: five minutes of one worker are not worth a revision,
/// and a task estimated at ten seconds that takes a minute has met one slow model.
pub const OVER_ESTIMATE_SECONDS_MIN: u64 = 300;
/// Tokens below which nothing is said: about one full context of a common model, which a single
/// large file that is read fills.
pub const OVER_ESTIMATE_TOKENS_MIN: u64 = 100_000;

/// What a task has spent and was estimated to; an estimate of 0 is unknown and judges nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// Seconds at work, over all attempts.
    pub seconds: u64,
    /// Seconds that were estimated.
    pub estimate_seconds: u64,
    /// Tokens, over all attempts.
    pub tokens: u64,
    /// Tokens that were estimated.
    pub estimate_tokens: u64,
}

/// Says so when more than [`OVER_ESTIMATE_FACTOR`] times the estimate is spent, be it of time or
/// of tokens; again with another identity at each further multiple, so that it is told of
/// seldom and grows with the harm.
#[must_use]
pub fn over_estimate(place: Place<'_>, spent: Spent) -> Option<Divergence> {
    let seconds = (
        "seconds",
        spent.seconds,
        spent.estimate_seconds,
        OVER_ESTIMATE_SECONDS_MIN,
    );
    let tokens = (
        "tokens",
        spent.tokens,
        spent.estimate_tokens,
        OVER_ESTIMATE_TOKENS_MIN,
    );
    let over = |(_, spent, estimate, least): &(&str, u64, u64, u64)| {
        *estimate > 0 && *spent >= *least && *spent > estimate.saturating_mul(OVER_ESTIMATE_FACTOR)
    };
    let (unit, spent, estimate, _) = [seconds, tokens].into_iter().find(over)?;
    // How often the factor went into it: 4 to 16 times is one level, 16 to 64 the next.
    let level = (spent / estimate).checked_ilog(OVER_ESTIMATE_FACTOR)?;
    let words = format!("{spent} {unit} are spent, and {estimate} were estimated");
    let parts = [unit, &level.to_string()];
    Some(place.found(DivergenceRule::OverEstimate, &parts, &words))
}
