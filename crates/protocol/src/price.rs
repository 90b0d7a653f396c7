//! What model calls cost, and what is set aside for one before it is made.

use crate::Usage;
use serde::{Deserialize, Serialize};

/// Prices in millionths of a US dollar for a million tokens, which is the usual price list
/// in dollars times a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Price {
    /// Tokens of the prompt.
    pub input_micro_usd: u64,
    /// Tokens of the prompt that came out of the provider's cache; none is the full price.
    pub cached_micro_usd: Option<u64>,
    /// Tokens written, those of reasoning among them.
    pub output_micro_usd: u64,
}

impl Price {
    /// What these tokens cost, in millionths of a US dollar, rounded up.
    #[must_use]
    pub fn of(&self, usage: Usage) -> u64 {
        let cached = usage.cached_tokens.min(usage.input_tokens);
        let fresh = usage.input_tokens - cached;
        let cached_price = self.cached_micro_usd.unwrap_or(self.input_micro_usd);
        let sum = u128::from(fresh) * u128::from(self.input_micro_usd)
            + u128::from(cached) * u128::from(cached_price)
            + u128::from(usage.output_tokens) * u128::from(self.output_micro_usd);
        u64::try_from(sum.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
}

/// What is set aside for one model call, so that calls made at once cannot overspend together.
/// What the call really cost takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reservation {
    /// Bytes of the prompt.
    pub input_bytes: u64,
    /// Tokens, in and out.
    pub tokens: u64,
    /// Money, in millionths of a US dollar.
    pub micro_usd: u64,
    /// Tokens that the reply may have: fewer than usual where no more can be paid for.
    pub output_tokens_max: u32,
}

/// What carrying out a plan may cost, from one turn for each task to all that the bounds allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Forecast {
    /// Model calls, at least.
    pub turns_min: u64,
    /// Model calls, at most.
    pub turns_max: u64,
    /// Tokens, at least.
    pub tokens_min: u64,
    /// Tokens, at most.
    pub tokens_max: u64,
    /// Money, in millionths of a US dollar, at least.
    pub micro_usd_min: u64,
    /// Money, in millionths of a US dollar, at most.
    pub micro_usd_max: u64,
}
