//! Gemini CLI, its loop detection service: a round of one to five calls is repeated five times,
//! with the very same arguments in the very same order; what came back is not looked at. Besides,
//! chanting: a piece of 50 characters comes ten times, on average at most 250 characters apart,
//! with at most five different texts from one to the next. Texts with code, lists, headings,
//! quotes or tables are not held against it. Its third check asks a model, and is not run here.

use super::{Peer, is_call, last, pattern, push};
use crate::data::Row;
use regex::Regex;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

const ROUNDS: usize = 5;
const PERIOD_MAX: usize = 5;
const PIECE: usize = 50;
const PIECE_TIMES: usize = 10;
const APART_MAX: usize = 250;
const BETWEEN_MAX: usize = 5;

/// The calls of the last rounds that can matter.
#[derive(Default)]
pub(super) struct GeminiCli {
    calls: Vec<(String, String)>,
}

impl Peer for GeminiCli {
    fn calls(&mut self, row: &Row) -> bool {
        if chants(row.text.as_deref().unwrap_or_default()) {
            return true;
        }
        if !is_call(row) {
            return false;
        }
        // As they were written: two orders of the same keys are two calls.
        let call = (row.tool.clone(), row.args.to_string());
        push(&mut self.calls, ROUNDS * PERIOD_MAX, call);
        (1..=PERIOD_MAX).any(|period| {
            let recent = last(&self.calls, ROUNDS * period);
            recent.len() == ROUNDS * period && recent[period..] == recent[..recent.len() - period]
        })
    }
}

fn chants(text: &str) -> bool {
    static MARKUP: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?:^|\n)\s*(?:[*+-]\s|\d+\.\s|#+\s|>|\|)"));
    let letters: Vec<char> = text.chars().collect();
    if letters.len() < PIECE * PIECE_TIMES || text.contains("```") || MARKUP.is_match(text) {
        return false;
    }
    let mut places: HashMap<&[char], Vec<usize>> = HashMap::new();
    for (at, piece) in letters.windows(PIECE).enumerate() {
        let its = places.entry(piece).or_default();
        its.push(at);
        if its.len() >= PIECE_TIMES && is_chant(&letters, last(its, PIECE_TIMES)) {
            return true;
        }
    }
    false
}

/// Whether a piece that stands at these places stands close together, with much the same between.
fn is_chant(letters: &[char], places: &[usize]) -> bool {
    let spread = places[places.len() - 1] - places[0];
    let between: HashSet<&[char]> = places
        .windows(2)
        .map(|two| &letters[two[0]..two[1]])
        .collect();
    spread <= APART_MAX * (places.len() - 1) && between.len() <= BETWEEN_MAX
}
