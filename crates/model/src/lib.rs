//! One trait for every language model, and the models: OpenAI-compatible, embedded,
//! scripted, recorded. A [`ModelSet`] asks them by name, with retries, fallbacks, time-outs
//! and prices. No environment, home folder or terminal is touched here: keys, folders and
//! settings are handed in.

// What a model is, and asking many of them.
mod config;
mod error;
mod gate;
mod model;
mod pause;
mod retry;
mod retry_after;
mod set;

// How a request is put to a model and how its reply is read.
#[cfg(any(test, feature = "openai", feature = "embedded"))]
mod dialect;

// The models, and what they, tools and checks said on file.
mod cassette;
#[cfg(feature = "embedded")]
mod embedded;
#[cfg(feature = "openai")]
mod openai;
mod scripted;
#[cfg(feature = "test-support")]
mod stub;

// Where models come from.
pub mod catalog;
#[cfg(feature = "openai")]
mod discover;
#[cfg(feature = "fetch")]
mod fetch;
#[cfg(feature = "net")]
mod net;

pub use cassette::{
    AskedParts, CASSETTE_BYTES_MAX, CASSETTE_VERSION, CassetteHead, CassetteLine, CassettePart,
    CassettePlayer, CassetteRecorder, RecordedAnswer, RecordedCall, RecordedChecks, RecordedFiles,
    RecordedTools, request_key,
};
pub use config::{ModelConfig, Provider};
#[cfg(any(test, feature = "openai", feature = "embedded"))]
pub use dialect::choose_style;
#[cfg(feature = "openai")]
pub use discover::{FoundServer, discover};
#[cfg(feature = "embedded")]
pub use embedded::{EmbeddedModel, EmbeddedOptions};
pub use error::ModelError;
#[cfg(feature = "fetch")]
pub use fetch::{FetchProgress, FetchSource, Fetcher, OnProgress, verify_file};
pub use leadhand_protocol::Price;
pub use model::{BoxFuture, Model, ModelInfo, Pieces, ToolStyle};
#[cfg(feature = "openai")]
pub use openai::{OPENAI_BASE_URL, OpenAiModel, OpenAiOptions};
pub use retry::{RetryPolicy, is_worth_another_attempt};
pub use retry_after::retry_after_ms;
pub use scripted::ScriptedModel;
pub use set::{ModelSet, ModelSetBuilder, ModelTerms};
#[cfg(feature = "test-support")]
pub use stub::{StubAnswer, StubRequest, StubServer};
