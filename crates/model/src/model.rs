//! The trait every language model fulfils, and what a model says about itself. Retries,
//! fallbacks, time-outs and prices are not a model's business: [`crate::ModelSet`] has them.

use leadhand_protocol::{ModelFault, ModelFaultKind, ModelReply, ModelRequest, Price};
use serde::{Deserialize, Serialize};
use std::future::Future;
use std::pin::Pin;

/// A future on the heap, so that [`Model`] can be used behind a pointer.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Takes the text of a reply piece by piece as it is written.
///
/// Pieces are for onlookers: an attempt that fails after some pieces is followed by the
/// pieces of the next one, and only the [`ModelReply`] counts.
pub type Pieces<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// One language model that can be asked.
pub trait Model: Send + Sync + 'static {
    /// What it is.
    fn describe(&self) -> ModelInfo;

    /// Asks once: no retry, no fallback, no time-out. Dropping the future cancels the call.
    ///
    /// # Errors
    /// The fault that came instead of an answer. A reply that is merely malformed is not a
    /// fault: it comes back with [`ModelReply::malformed`] set.
    fn call<'a>(
        &'a self,
        request: &'a ModelRequest,
        pieces: Pieces<'a>,
    ) -> BoxFuture<'a, Result<ModelReply, ModelFault>>;
}

/// What a model says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// The provider's name for it.
    pub name: String,
    /// Who answers: `openai`, `embedded`, `scripted` or `cassette`.
    pub provider: String,
    /// Tokens that prompt and reply may have together; none where nobody said.
    pub context_tokens: Option<u32>,
    /// How it is made to call tools.
    pub tool_style: ToolStyle,
    /// What it costs.
    pub price: Price,
}

/// How a model is made to call tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolStyle {
    /// The endpoint's own `tools` and `tool_calls`. A reply that holds a fenced call in its
    /// text instead is understood as well.
    #[default]
    Native,
    /// The reply is held to a JSON Schema that is either one tool call or the final answer.
    Structured,
    /// The tools stand in the prompt and calls are read from the text.
    Text,
}

/// A fault without a wish to be asked later.
pub(crate) fn fault(kind: ModelFaultKind, message: impl Into<String>) -> ModelFault {
    ModelFault {
        kind,
        message: message.into(),
        retry_after_ms: None,
    }
}
