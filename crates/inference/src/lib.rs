//! A quantized language model in the process: GGUF weights of the Qwen2 family on the CPU,
//! a key-value cache that conversations with a common beginning share, and answers held to
//! a JSON schema. Blocking and single-threaded towards its caller; what makes it an actor,
//! fetches files or chooses models lives elsewhere. Inside, candle reads the file and
//! llguidance the schema.

// The engine and what it takes and gives.
mod engine;
mod error;
mod request;

// From messages to tokens and back.
mod chat;
mod pieces;
mod vocabulary;

// Choosing the next token.
mod answer;
mod grammar;
mod sampler;

// The network.
mod attention;
mod cache;
mod slots;
mod transformer;

// Weights and arithmetic.
mod activations;
mod gguf;
#[cfg(target_arch = "x86_64")]
mod kernels;
#[cfg(target_arch = "x86_64")]
mod lanes;
mod matrix;
mod simd;
mod tiles;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tiny;

pub use engine::{Engine, EngineOptions};
pub use error::InferenceError;
pub use request::{GenerateRequest, Generation, PromptMessage, PromptRole, Stopped};
