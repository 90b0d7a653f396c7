//! OpenRouter's agent SDK, option `doomLoop`, off unless somebody asks for it. For each tool: in
//! how many of its turns running it was called with the same arguments, whatever came back and
//! whatever other tools did meanwhile. For words: the same reply over and over, and a block of up
//! to 16 words that ends a reply at least four times in a row, over at least 12 words. The third
//! equal call is blocked and the sixth stops; words are only ever stopped, at six.

use super::{Peer, Rung, is_call, last};
use crate::data::Row;
use serde_json::Value;
use std::collections::HashMap;

const BLOCKED: usize = 3;
const STOPPED: usize = 6;
const BLOCK_WORDS_MAX: usize = 16;
const BLOCK_TIMES_MIN: usize = 4;
const REPEATED_WORDS_MIN: usize = 12;
const TAIL_WORDS: usize = 400;

/// What each tool was called with last, and what was said last, and how often by now.
pub(super) struct OpenRouter {
    times_max: usize,
    tools: HashMap<String, (String, usize)>,
    reply: (String, usize),
}

impl OpenRouter {
    /// The rung that counts.
    pub(super) fn new(rung: Rung) -> Self {
        Self {
            times_max: match rung {
                Rung::Warn => BLOCKED,
                Rung::Stop => STOPPED,
            },
            tools: HashMap::new(),
            reply: (String::new(), 0),
        }
    }

    fn hears(&mut self, text: &str) -> bool {
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.is_empty() {
            return false;
        }
        let times = again(&mut self.reply, words.join(" "));
        times >= STOPPED || repeated_at_the_end(last(&words, TAIL_WORDS)) >= STOPPED
    }
}

impl Peer for OpenRouter {
    fn calls(&mut self, row: &Row) -> bool {
        let chants = self.hears(row.text.as_deref().unwrap_or_default());
        if !is_call(row) {
            return chants;
        }
        let its = self.tools.entry(row.tool.clone()).or_default();
        chants || again(its, canonical(&row.args)) >= self.times_max
    }
}

/// Counts `now` in: how often it came in a row.
fn again(before: &mut (String, usize), now: String) -> usize {
    let times = if before.0 == now { before.1 + 1 } else { 1 };
    *before = (now, times);
    times
}

/// Of the block of words that fills most of the end of a text: how often it stands there.
fn repeated_at_the_end(words: &[&str]) -> usize {
    let mut longest = (0, 0);
    if words.len() < REPEATED_WORDS_MIN {
        return 0;
    }
    for block in 1..=BLOCK_WORDS_MAX.min(words.len() / 2) {
        let earlier = words[..words.len() - block].iter().rev();
        let alike = earlier.zip(words.iter().rev()).take_while(|(a, b)| a == b);
        let times = (block + alike.count()) / block;
        let covered = times * block;
        if times >= BLOCK_TIMES_MIN && covered >= REPEATED_WORDS_MIN && covered > longest.0 {
            longest = (covered, times);
        }
    }
    longest.1
}

/// JSON in the canonical form of RFC 8785, as far as it matters for whether two are equal: keys
/// in order, and whole numbers without a fraction.
fn canonical(value: &Value) -> String {
    let mut sorted = value.clone();
    sorted.sort_all_objects();
    whole_numbers(&mut sorted);
    sorted.to_string()
}

fn whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let whole = number.as_f64().filter(|it| it.fract() == 0.0);
            // Beyond this, floats no longer tell one whole number from the next.
            if let Some(whole) = whole.filter(|it| number.is_f64() && it.abs() < 2f64.powi(53)) {
                let text = format!("{:.0}", whole + 0.0);
                *value = serde_json::from_str(&text).expect("a whole number is JSON");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Object(fields) => fields.values_mut().for_each(whole_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}
