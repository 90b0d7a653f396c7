//! Any OpenAI-compatible endpoint, with types of our own, since typed answers fail on most
//! servers' deviations; streams come through async-openai. Retries and the time-out of the whole
//! call belong to [`crate::ModelSet`]; here is one request, sent again at once only when the
//! server does not know an optional part of it.

use crate::dialect::{self, Prompt, choose_style};
use crate::model::fault;
use crate::{BoxFuture, Model, ModelInfo, Pieces, Price, ToolStyle};
use futures::StreamExt;
use leadhand_protocol::{Limits, ModelFault, ModelFaultKind, ModelReply, ModelRequest, Usage};
use tokio::sync::watch;

mod answer;
mod body;
mod fault;
mod frames;
mod part;
mod schema;
mod transport;
mod wire;

use answer::Answer;
use body::{LeftOut, body};
use fault::{HttpFault, Offence};
use part::Part;
use transport::{Endpoint, Transport, fault_of};

/// OpenAI's own service.
pub const OPENAI_BASE_URL: &str = "https://api.openai.com/v1";

/// Parts of a request that may be left out one after the other, see [`Offence`].
const LEFT_OUT_MAX: usize = 7;

/// How to reach an endpoint.
#[derive(Clone)]
pub struct OpenAiOptions {
    /// Where `/chat/completions` is appended.
    pub base_url: String,
    /// The key, if the endpoint wants one. It is sent and never shown.
    pub key: Option<String>,
    /// The model's name at the endpoint.
    pub model: String,
    /// How it calls tools; none decides by [`choose_style`] and by what the server says.
    pub tool_style: Option<ToolStyle>,
    /// Whether the answer is streamed.
    pub streams: bool,
    /// Tokens that prompt and reply may have together, as far as known.
    pub context_tokens: Option<u32>,
    /// What it costs.
    pub price: Price,
    /// How long the connection may be silent, in milliseconds.
    pub idle_ms: u64,
    /// Largest reply that is taken, in bytes.
    pub reply_bytes_max: usize,
}

impl OpenAiOptions {
    /// The usual settings: streaming, two minutes of silence, the limits' reply bound.
    #[must_use]
    pub fn new(base_url: &str, key: Option<&str>, model: &str) -> Self {
        Self {
            base_url: base_url.to_owned(),
            key: key.map(str::to_owned),
            model: model.to_owned(),
            tool_style: None,
            streams: true,
            context_tokens: None,
            price: Price::default(),
            idle_ms: 120_000,
            reply_bytes_max: Limits::default().reply_bytes_max,
        }
    }
}

impl std::fmt::Debug for OpenAiOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenAiOptions")
            .field("base_url", &self.base_url)
            .field("key", &self.key.as_ref().map(|_| "(not shown)"))
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

/// A model behind an OpenAI-compatible endpoint. Keeps its connections and what it learnt
/// about the endpoint.
pub struct OpenAiModel {
    options: OpenAiOptions,
    transport: Transport,
    is_openai: bool,
    /// What the address alone tells.
    usual_style: ToolStyle,
    left_out: LeftOut,
}

impl OpenAiModel {
    /// Prepares the connection; nothing is sent yet.
    ///
    /// # Errors
    /// Words about a base URL or a key that cannot be used.
    pub fn new(options: OpenAiOptions) -> Result<Self, String> {
        let url = reqwest::Url::parse(&options.base_url)
            .map_err(|why| format!("the base URL `{}` is no URL: {why}", options.base_url))?;
        if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() {
            let what = "wants http:// or https:// and no user name in it";
            return Err(format!("the base URL {what}; put the key into api_key_env"));
        }
        let endpoint = Endpoint::new(&options.base_url, options.key.as_deref());
        let transport = Transport::new(endpoint, options.idle_ms, options.reply_bytes_max)?;
        Ok(Self {
            transport,
            is_openai: url.host_str() == Some("api.openai.com"),
            usual_style: choose_style(options.tool_style, &options.base_url, None),
            left_out: LeftOut::default(),
            options,
        })
    }

    /// The style now: what was set, or what is known of the server so far.
    fn style(&self) -> ToolStyle {
        let style = match self.options.tool_style {
            None if self.transport.is_llama_server() => ToolStyle::Structured,
            _ => self.usual_style,
        };
        match style {
            ToolStyle::Native if self.left_out.has(Offence::Tools) => ToolStyle::Text,
            style => style,
        }
    }

    async fn ask(
        &self,
        request: &ModelRequest,
        pieces: Pieces<'_>,
    ) -> Result<ModelReply, ModelFault> {
        for _ in 0..=LEFT_OUT_MAX {
            let style = self.style();
            let prompt = dialect::render(request, style);
            match self.ask_once(request, &prompt, pieces).await {
                Ok((raw, usage)) => {
                    let usage = usage.unwrap_or_else(|| estimate(&prompt, &raw));
                    return Ok(ModelReply {
                        usage,
                        ..dialect::read(request, style, raw)
                    });
                }
                Err(HttpFault { fault, offence }) => match offence {
                    Some(part) if self.left_out.add(part) => {
                        tracing::debug!(?part, "the endpoint does not take this; left out");
                    }
                    _ => return Err(fault),
                },
            }
        }
        Err(fault_words(self.transport.url()))
    }

    async fn ask_once(
        &self,
        request: &ModelRequest,
        prompt: &Prompt<'_>,
        pieces: Pieces<'_>,
    ) -> Result<(dialect::RawReply, Option<Usage>), HttpFault> {
        let streams = self.options.streams && !self.left_out.has(Offence::Stream);
        let model = &self.options.model;
        let body = body(
            model,
            request,
            prompt,
            &self.left_out,
            self.is_openai,
            streams,
        );
        let trace = request.trace.as_ref();
        let (url, key) = (self.transport.url(), self.transport.key());
        let mut answer = Answer::new(url, key, self.options.reply_bytes_max, pieces);
        if streams {
            let (taken, ahead_of) = watch::channel(0);
            let client = self.transport.client(ahead_of, trace)?;
            let opened = client.chat().create_stream_byot::<_, Part>(body).await;
            let mut events = opened.map_err(|error| fault_of(error, url))?;
            while let Some(event) = events.next().await {
                taken.send_modify(|taken| *taken += 1);
                answer.take(&event.map_err(|error| fault_of(error, url))?)?;
            }
        } else {
            for event in &self.transport.whole(&body, trace).await? {
                answer.take(event)?;
            }
        }
        Ok(answer.finish()?)
    }
}

impl Model for OpenAiModel {
    fn describe(&self) -> ModelInfo {
        ModelInfo {
            name: self.options.model.clone(),
            provider: "openai".to_owned(),
            context_tokens: self.options.context_tokens,
            tool_style: self.style(),
            price: self.options.price,
        }
    }

    fn call<'a>(
        &'a self,
        request: &'a ModelRequest,
        pieces: Pieces<'a>,
    ) -> BoxFuture<'a, Result<ModelReply, ModelFault>> {
        Box::pin(self.ask(request, pieces))
    }
}

fn fault_words(url: &str) -> ModelFault {
    fault(
        ModelFaultKind::Refused,
        format!("{url} refuses every form of the request"),
    )
}

/// Four bytes a token, so that a budget of tokens holds where a server counts none.
fn estimate(prompt: &Prompt<'_>, raw: &dialect::RawReply) -> Usage {
    let entry_bytes = |entry: dialect::PromptEntry<'_>| match entry {
        dialect::PromptEntry::System(text) | dialect::PromptEntry::User(text) => text.len(),
        dialect::PromptEntry::Assistant(text, calls) => text.len() + 64 * calls.len(),
        dialect::PromptEntry::Tool { text, .. } => text.len(),
    };
    let input = prompt.entries().map(entry_bytes).sum::<usize>();
    let calls = raw
        .calls
        .iter()
        .map(|call| call.name.len() + call.arguments.len());
    let output = raw.text.len() + calls.sum::<usize>();
    Usage {
        input_tokens: input.div_ceil(4) as u64,
        output_tokens: output.div_ceil(4) as u64,
        ..Usage::default()
    }
}
