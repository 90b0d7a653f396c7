//! What is asked of the model and what comes back: plain data.

/// One call of the model: a conversation to continue.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerateRequest {
    /// The conversation so far, oldest message first.
    pub messages: Vec<PromptMessage>,
    /// JSON schema the answer must match; without one the answer is free text.
    pub schema: Option<serde_json::Value>,
    /// Most tokens the answer may have. The only guard against a model that repeats itself.
    pub output_tokens_max: usize,
    /// 0 takes the likeliest token each time; 1 samples the model's own distribution.
    pub temperature: f32,
    /// Sample only from the likeliest tokens that together have this probability, 0 to 1.
    pub top_p: f32,
    /// Divides the score of tokens this answer already holds; 1 changes nothing.
    pub repetition_penalty: f32,
    /// Equal requests with equal seeds give equal answers on one machine.
    pub seed: u64,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptMessage {
    /// Who speaks.
    pub role: PromptRole,
    /// What is said. Text that looks like a control token stays text.
    pub text: String,
}

/// Who speaks in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptRole {
    /// Instructions, first in the conversation.
    System,
    /// The person or program that asks.
    User,
    /// The model.
    Assistant,
    /// The result of a tool call the model made.
    Tool,
}

/// An answer and what it cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// The whole answer; equals the streamed pieces joined.
    pub text: String,
    /// Why the answer ended.
    pub stopped: Stopped,
    /// Tokens of the prompt, those taken from the cache included.
    pub prompt_tokens: usize,
    /// Tokens of the prompt that were already in the cache and cost nothing.
    pub cached_tokens: usize,
    /// Tokens of the answer.
    pub output_tokens: usize,
    /// Time to read the prompt, in milliseconds.
    pub prompt_ms: u64,
    /// Time to write the answer, in milliseconds.
    pub generate_ms: u64,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// The model ended its turn, or the schema was complete.
    EndOfText,
    /// `output_tokens_max` was reached; a constrained answer may be cut off.
    OutputLimit,
    /// Prompt and answer fill the context; a constrained answer may be cut off.
    ContextFull,
    /// The receiver of the pieces said to break off.
    Cancelled,
}
