//! Everything that can go wrong here, in one type.

use std::path::PathBuf;

/// Why a model could not be loaded or could not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InferenceError {
    /// The weights could not be read from the disk.
    #[error("cannot read the model file {}: {source}; check the path and the permissions", path.display())]
    ModelRead {
        /// The file that was asked for.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is no GGUF file, or it is cut off or damaged.
    #[error(
        "the model file {} is not a usable GGUF file: {reason}; fetch it again and check its SHA-256",
        path.display()
    )]
    ModelDamaged {
        /// The file that was read.
        path: PathBuf,
        /// The first fault found.
        reason: String,
    },
    /// The file is sound, but of a kind this engine does not run.
    #[error("the model in {} cannot be run here: {reason}; use a Qwen2 or Qwen2.5 GGUF", path.display())]
    ModelUnsupported {
        /// The file that was read.
        path: PathBuf,
        /// The property that does not fit.
        reason: String,
    },
    /// The worker threads could not be started.
    #[error("cannot start {threads} inference threads: {reason}; ask for fewer")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What the thread pool said.
        reason: String,
    },
    /// A request held no message.
    #[error("the request holds no message; send at least one")]
    PromptEmpty,
    /// The prompt leaves no room for an answer.
    #[error(
        "the prompt is {tokens} tokens and the context holds {tokens_max}; shorten the messages \
         or load the model with a larger context"
    )]
    PromptTooLong {
        /// Tokens of the rendered prompt.
        tokens: usize,
        /// Tokens the context holds, prompt and answer together.
        tokens_max: usize,
    },
    /// The JSON schema of the request cannot be turned into a grammar.
    #[error("the output schema cannot be used: {reason}; simplify or correct the schema")]
    Schema {
        /// What the schema compiler said.
        reason: String,
    },
    /// The grammar refused a token that it had offered, or ran out of its work limit.
    #[error(
        "constrained decoding failed after {output_tokens} tokens: {reason}; simplify the schema"
    )]
    Constraint {
        /// Tokens generated before the fault.
        output_tokens: usize,
        /// What the grammar engine said.
        reason: String,
    },
    /// The tokenizer refused a text.
    #[error("the tokenizer refused a text of {bytes} bytes: {reason}")]
    Tokenizer {
        /// Length of the text.
        bytes: usize,
        /// What the tokenizer said.
        reason: String,
    },
    /// The numeric library reported a fault.
    #[error("the model could not be evaluated: {source}")]
    Compute {
        /// What the numeric library said.
        #[from]
        source: candle_core::Error,
    },
}
