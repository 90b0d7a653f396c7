//! One answer while it is being written: which token comes next, what was said so far and
//! who hears of it. Knows nothing of how tokens are scored.

use std::ops::ControlFlow;

use super::error::InferenceError;
use super::grammar::Grammar;
use super::pieces::Pieces;
use super::request::{GenerateRequest, Stopped};
use super::sampler::Sampler;
use super::vocabulary::Vocabulary;

/// An answer being written.
pub(crate) struct Answer<'a> {
    grammar: Option<Grammar>,
    sampler: Sampler,
    output_tokens_max: usize,
    tokens: Vec<u32>,
    pieces: Pieces,
    on_piece: &'a mut dyn FnMut(&str) -> ControlFlow<()>,
}

impl<'a> Answer<'a> {
    pub(crate) fn new(
        request: &GenerateRequest,
        grammar: Option<Grammar>,
        on_piece: &'a mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Self {
        let sampler = Sampler {
            temperature: request.temperature,
            top_p: request.top_p,
            repetition_penalty: request.repetition_penalty,
            state: request.seed,
        };
        Self {
            grammar,
            sampler,
            output_tokens_max: request.output_tokens_max,
            tokens: Vec::new(),
            pieces: Pieces::default(),
            on_piece,
        }
    }

    /// Tokens the grammar leaves no choice about.
    pub(crate) fn forced(&mut self) -> Vec<u32> {
        self.grammar.as_mut().map_or_else(Vec::new, Grammar::forced)
    }

    pub(crate) fn complete(&self) -> bool {
        self.grammar.as_ref().is_some_and(Grammar::complete)
    }

    /// Why no further token fits, if so; `room` is what the context has left.
    pub(crate) fn full(&self, room: usize) -> Option<Stopped> {
        if self.tokens.len() >= self.output_tokens_max {
            Some(Stopped::OutputLimit)
        } else if room == 0 {
            Some(Stopped::ContextFull)
        } else {
            None
        }
    }

    pub(crate) fn choose(
        &mut self,
        scores: &mut [f32],
        vocabulary: &Vocabulary,
    ) -> Result<u32, InferenceError> {
        let output_tokens = self.tokens.len();
        let failed = |reason| InferenceError::Constraint {
            output_tokens,
            reason,
        };
        let mut forbid = |token: usize| {
            if let Some(score) = scores.get_mut(token) {
                *score = f32::NEG_INFINITY;
            }
        };
        match &mut self.grammar {
            Some(grammar) => grammar
                .allowed()
                .map_err(failed)?
                .iter_unset_entries(forbid),
            None => vocabulary
                .silent
                .iter()
                .for_each(|&token| forbid(token as usize)),
        }
        let token = self
            .sampler
            .choose(scores, &self.tokens)
            .ok_or_else(|| failed("no token may follow".to_owned()))?;
        if let Some(grammar) = &mut self.grammar
            && !vocabulary.stops.contains(&token)
        {
            grammar.accept(token).map_err(failed)?;
        }
        Ok(token)
    }

    pub(crate) fn say(&mut self, token: u32, bytes: &[u8]) -> ControlFlow<()> {
        self.tokens.push(token);
        let piece = self.pieces.push(bytes);
        if piece.is_empty() {
            ControlFlow::Continue(())
        } else {
            (self.on_piece)(piece)
        }
    }

    pub(crate) fn finish(mut self) -> (String, Vec<u32>) {
        let rest = self.pieces.finish();
        if !rest.is_empty() {
            // The answer is over: breaking off changes nothing any more.
            let _ = (self.on_piece)(rest);
        }
        (self.pieces.into_text(), self.tokens)
    }
}
