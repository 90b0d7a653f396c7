//! Chooses the next token from the scores: the likeliest one, or a seeded draw from the
//! likeliest few. What is allowed at all is decided elsewhere; forbidden tokens come in
//! with a score of minus infinity.

/// Tokens less likely than the best one by more than this factor (e^-12) are never drawn,
/// which spares sorting the whole vocabulary.
const LOG_RATIO_MAX: f32 = 12.0;

/// How to choose.
pub(crate) struct Sampler {
    pub(crate) temperature: f32,
    pub(crate) top_p: f32,
    pub(crate) repetition_penalty: f32,
    /// State of the generator (`SplitMix64`, Steele and others, 2014).
    pub(crate) state: u64,
}

impl Sampler {
    /// The next token, or `None` if all are forbidden. `answer` are the tokens so far.
    pub(crate) fn choose(&mut self, scores: &mut [f32], answer: &[u32]) -> Option<u32> {
        self.penalize(scores, answer);
        let (best, best_score) = best(scores)?;
        let temperature = self.temperature;
        // Other than 0, this also takes in what is no temperature.
        if temperature.is_nan() || temperature <= 0.0 {
            return Some(best);
        }
        let floor = best_score - LOG_RATIO_MAX * temperature;
        let mut likely: Vec<(u32, f32)> = scores
            .iter()
            .enumerate()
            .filter(|(_, score)| **score >= floor)
            .map(|(token, score)| (token as u32, ((score - best_score) / temperature).exp()))
            .collect();
        likely.sort_by(|a, b| b.1.total_cmp(&a.1));
        let total: f32 = likely.iter().map(|(_, weight)| weight).sum();
        let wanted = total * self.top_p.clamp(0.0, 1.0);
        let mut kept = 0.0;
        let mut count = 0;
        while count < likely.len() && (count == 0 || kept < wanted) {
            kept += likely[count].1;
            count += 1;
        }
        let mut left = self.random() * kept;
        for &(token, weight) in &likely[..count] {
            left -= weight;
            if left <= 0.0 {
                return Some(token);
            }
        }
        Some(likely[count - 1].0)
    }

    /// Lowers the scores of tokens the answer already holds (Keskar and others, 2019).
    fn penalize(&self, scores: &mut [f32], answer: &[u32]) {
        let penalty = self.repetition_penalty;
        if penalty == 1.0 || !penalty.is_finite() || penalty <= 0.0 {
            return;
        }
        let mut seen = answer.to_vec();
        seen.sort_unstable();
        seen.dedup();
        for token in seen {
            if let Some(score) = scores.get_mut(token as usize) {
                *score = if *score > 0.0 {
                    *score / penalty
                } else {
                    *score * penalty
                };
            }
        }
    }

    /// A number from 0 up to 1.
    fn random(&mut self) -> f32 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        (mixed >> 40) as f32 / (1_u64 << 24) as f32
    }
}

/// The token with the highest score, the first of equals.
fn best(scores: &[f32]) -> Option<(u32, f32)> {
    let mut best = None;
    let mut best_score = f32::NEG_INFINITY;
    for (token, &score) in scores.iter().enumerate() {
        if score > best_score {
            best_score = score;
            best = Some((token as u32, score));
        }
    }
    best
}
