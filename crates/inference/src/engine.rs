//! The engine: a loaded model that answers one request after the other. Blocking; whoever
//! wants it beside other work gives it a thread of its own.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::answer::Answer;
use super::chat::{self, Answers};
use super::error::InferenceError;
use super::gguf;
use super::grammar::Grammars;
use super::request::{GenerateRequest, Generation, Stopped};
use super::slots::{Slot, Slots};
use super::transformer::{PROMPT_TOKENS_TOGETHER, Transformer};
use super::vocabulary::Vocabulary;

/// Threads beyond this bring nothing: the weights come through one memory.
const THREADS_MAX: usize = 64;

/// How a model is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineOptions {
    /// Threads that compute, 1 to 64. One fewer than the machine has cores is a good
    /// choice: a thread that loses its core holds up the others.
    pub threads: usize,
    /// Tokens of prompt and answer together; cut to what the model was trained for.
    pub context_tokens_max: usize,
    /// Conversations whose evaluated tokens are kept, at least 1. The Qwen2.5-Coder-1.5B
    /// model needs 56 KiB for each token of each.
    pub slots_max: usize,
}

impl Default for EngineOptions {
    /// All cores but one, 8,192 tokens, 4 conversations.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            threads: (cores - 1).max(1),
            context_tokens_max: 8192,
            slots_max: 4,
        }
    }
}

/// A loaded model with the key-value caches of the latest conversations. Owns everything
/// it needs; dropping it ends its threads and frees the weights.
///
/// ```no_run
/// use std::{ops::ControlFlow, path::Path};
/// use leadhand_inference::{Engine, EngineOptions, GenerateRequest, PromptMessage, PromptRole};
///
/// let mut engine = Engine::load(Path::new("model.gguf"), EngineOptions::default())?;
/// let request = GenerateRequest {
///     messages: vec![PromptMessage { role: PromptRole::User, text: "Six times seven?".into() }],
///     schema: Some(serde_json::json!({ "type": "integer" })),
///     output_tokens_max: 8,
///     temperature: 0.0,
///     top_p: 1.0,
///     repetition_penalty: 1.0,
///     seed: 0,
/// };
/// let answer = engine.generate(&request, &mut |_piece| ControlFlow::Continue(()))?;
/// assert_eq!(answer.text, "42");
/// # Ok::<(), leadhand_inference::InferenceError>(())
/// ```
pub struct Engine {
    name: String,
    context_tokens_max: usize,
    pub(crate) transformer: Transformer,
    pub(crate) vocabulary: Vocabulary,
    grammars: Grammars,
    slots: Slots,
    pub(crate) answers: Answers,
    pool: ThreadPool,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Engine")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Whether a file holds a model that can be loaded, as far as its header and its length
    /// tell. Takes a fraction of a second: no weights are read, so that damage among them is
    /// not seen.
    ///
    /// # Errors
    /// [`InferenceError::ModelRead`], [`InferenceError::ModelDamaged`] or
    /// [`InferenceError::ModelUnsupported`].
    pub fn check(path: &Path) -> Result<(), InferenceError> {
        gguf::check(path)
    }

    /// Loads a GGUF file of the Qwen2 family. Takes seconds: the weights are read and
    /// rearranged for this processor.
    ///
    /// # Errors
    /// [`InferenceError::ModelRead`], [`InferenceError::ModelDamaged`] or
    /// [`InferenceError::ModelUnsupported`] for the file, [`InferenceError::Threads`].
    pub fn load(path: &Path, options: EngineOptions) -> Result<Self, InferenceError> {
        let EngineOptions {
            threads,
            context_tokens_max,
            slots_max,
        } = options;
        let threads = threads.clamp(1, THREADS_MAX);
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("inference-{index}"))
            .build()
            .map_err(|fault| InferenceError::Threads {
                threads,
                reason: fault.to_string(),
            })?;
        let loaded = pool.install(|| gguf::load(path, context_tokens_max))?;
        Ok(Self {
            name: loaded.name,
            context_tokens_max: loaded.context_tokens_max,
            grammars: Grammars::new(&loaded.vocabulary)?,
            transformer: loaded.transformer,
            vocabulary: loaded.vocabulary,
            slots: Slots::new(slots_max),
            answers: Answers::default(),
            pool,
        })
    }

    /// The name the file gives the model.
    pub fn model_name(&self) -> &str {
        &self.name
    }

    /// Tokens of prompt and answer together.
    pub fn context_tokens_max(&self) -> usize {
        self.context_tokens_max
    }

    /// How many tokens `text` is, without the few that a message adds.
    /// Text the tokenizer refuses counts one token a byte.
    pub fn count_tokens(&self, text: &str) -> usize {
        self.vocabulary
            .encode(text)
            .map_or(text.len(), |tokens| tokens.len())
    }

    /// Answers `request`. `on_piece` gets the answer piece by piece, each whole characters,
    /// and breaks it off with [`ControlFlow::Break`]. While a long prompt is read it is
    /// called with empty pieces, so that it can break off there too.
    ///
    /// # Errors
    /// [`InferenceError::PromptEmpty`], [`InferenceError::PromptTooLong`],
    /// [`InferenceError::Schema`] before any work; [`InferenceError::Constraint`] and
    /// [`InferenceError::Compute`] during it. The engine stays usable.
    pub fn generate(
        &mut self,
        request: &GenerateRequest,
        on_piece: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Generation, InferenceError> {
        if request.messages.is_empty() {
            return Err(InferenceError::PromptEmpty);
        }
        let schema = request.schema.as_ref();
        let grammar = schema
            .map(|schema| self.grammars.compile(schema))
            .transpose()?;
        let prompt = chat::render(&request.messages, &self.vocabulary, &self.answers)?;
        if prompt.len() >= self.context_tokens_max {
            return Err(InferenceError::PromptTooLong {
                tokens: prompt.len(),
                tokens_max: self.context_tokens_max,
            });
        }
        let prompt_started = Instant::now();
        let mut slot = self.slots.take(&prompt, &self.transformer);
        let cached_tokens = slot.tokens.len();
        let scores = self.read(&mut slot, &prompt[cached_tokens..], on_piece)?;
        let prompt_ms = milliseconds(prompt_started);
        let answer_started = Instant::now();
        let mut answer = Answer::new(request, grammar, on_piece);
        let stopped = match scores {
            Some(scores) => self.write(&mut slot, scores, &mut answer)?,
            None => Stopped::Cancelled,
        };
        self.slots.put(slot);
        let (text, tokens) = answer.finish();
        let output_tokens = tokens.len();
        self.answers.remember(&text, tokens);
        Ok(Generation {
            text,
            stopped,
            prompt_tokens: prompt.len(),
            cached_tokens,
            output_tokens,
            prompt_ms,
            generate_ms: milliseconds(answer_started),
        })
    }

    /// Evaluates `tokens` in portions; the scores after the last one, unless broken off.
    fn read(
        &self,
        slot: &mut Slot,
        tokens: &[u32],
        on_piece: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Option<Vec<f32>>, InferenceError> {
        let mut left = tokens;
        loop {
            let (portion, rest) = left.split_at(left.len().min(PROMPT_TOKENS_TOGETHER));
            let scores = self.evaluate(slot, portion, rest.is_empty())?;
            left = rest;
            if left.is_empty() {
                return Ok(scores);
            }
            if on_piece("").is_break() {
                return Ok(None);
            }
        }
    }

    fn evaluate(
        &self,
        slot: &mut Slot,
        tokens: &[u32],
        scores_wanted: bool,
    ) -> Result<Option<Vec<f32>>, InferenceError> {
        let forward = || {
            self.transformer
                .forward(tokens, &mut slot.cache, scores_wanted)
        };
        let scores = self.pool.install(forward)?;
        slot.tokens.extend_from_slice(tokens);
        Ok(scores)
    }

    /// Writes the answer, from the scores after the prompt to whatever ends it.
    fn write(
        &self,
        slot: &mut Slot,
        mut scores: Vec<f32>,
        answer: &mut Answer<'_>,
    ) -> Result<Stopped, InferenceError> {
        // Said, but not yet evaluated.
        let mut ahead: Vec<u32> = Vec::new();
        loop {
            for token in answer.forced() {
                let room = self.context_tokens_max - slot.tokens.len() - ahead.len();
                if let Some(stopped) = answer.full(room) {
                    return Ok(stopped);
                }
                ahead.push(token);
                if answer.say(token, self.vocabulary.bytes(token)).is_break() {
                    return Ok(Stopped::Cancelled);
                }
            }
            let room = self.context_tokens_max - slot.tokens.len() - ahead.len();
            if answer.complete() {
                return Ok(Stopped::EndOfText);
            }
            if let Some(stopped) = answer.full(room) {
                return Ok(stopped);
            }
            for portion in ahead.chunks(PROMPT_TOKENS_TOGETHER) {
                if let Some(newer) = self.evaluate(slot, portion, true)? {
                    scores = newer;
                }
            }
            ahead.clear();
            let token = answer.choose(&mut scores, &self.vocabulary)?;
            if self.vocabulary.stops.contains(&token) {
                return Ok(Stopped::EndOfText);
            }
            ahead.push(token);
            if answer.say(token, self.vocabulary.bytes(token)).is_break() {
                return Ok(Stopped::Cancelled);
            }
        }
    }
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
