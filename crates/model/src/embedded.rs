//! A language model in this process: one thread that owns the engine, behind a cheap handle.
//! The weights are loaded by the first call. Calls wait in a bounded queue and are answered
//! one after the other; a call whose future is dropped stops at its next token. The
//! arithmetic lives in `leadhand-inference`.

use crate::dialect::{self, Prompt, PromptEntry, RawReply};
use crate::model::fault;
use crate::{BoxFuture, Model, ModelInfo, Pieces, Price, ToolStyle};
use leadhand_inference::{
    Engine, EngineOptions, GenerateRequest, Generation, InferenceError, PromptMessage, PromptRole,
    Stopped,
};
use leadhand_protocol::{
    FinishReason, ModelFault, ModelFaultKind, ModelReply, ModelRequest, OutputFormat, Usage,
};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tokio::sync::mpsc::error::SendError;
use tokio::sync::{mpsc, oneshot};

/// Calls that wait for the model; a further one waits for room.
const QUEUE_CALLS_MAX: usize = 64;
/// Pieces of text on their way to a slow onlooker before the model waits for it.
const PIECES_MAX: usize = 256;
/// Context of the embedded models that is used, in tokens: more would cost memory.
const CONTEXT_TOKENS: usize = 8_192;
/// Conversations whose computed beginnings are kept.
const SLOTS: usize = 4;
/// Sampling settings beyond what a request says. They are Qwen's own recommendation, but
/// for the penalty, which breaks JSON that has to repeat its keys.
const TOP_P: f32 = 0.8;
const REPETITION_PENALTY: f32 = 1.0;

/// How to run a model in this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedOptions {
    /// The GGUF file.
    pub file: PathBuf,
    /// What to call it.
    pub name: String,
    /// Threads that compute; none takes one less than there are cores, but at least one:
    /// threads that spin on busy cores collapse to a tenth of the speed.
    pub threads: Option<usize>,
    /// Tokens that prompt and reply may have together.
    pub context_tokens: Option<usize>,
    /// How it calls tools; none is [`ToolStyle::Structured`].
    pub tool_style: Option<ToolStyle>,
}

impl EmbeddedOptions {
    /// The usual settings for a file.
    #[must_use]
    pub fn new(name: &str, file: &Path) -> Self {
        Self {
            file: file.to_owned(),
            name: name.to_owned(),
            threads: None,
            context_tokens: None,
            tool_style: None,
        }
    }
}

/// A handle to a model in this process. The thread behind it starts with the first call and
/// ends when the handle is dropped and its last call is answered.
pub struct EmbeddedModel {
    options: EmbeddedOptions,
    queue: Mutex<Option<mpsc::Sender<Job>>>,
}

/// One call on its way to the thread.
struct Job {
    request: GenerateRequest,
    pieces: mpsc::Sender<String>,
    answer: oneshot::Sender<Result<Generation, ModelFault>>,
}

impl EmbeddedModel {
    /// A handle; nothing is loaded yet.
    #[must_use]
    pub fn new(options: EmbeddedOptions) -> Self {
        Self {
            options,
            queue: Mutex::new(None),
        }
    }

    fn style(&self) -> ToolStyle {
        match self.options.tool_style {
            // There is no native way: the text style reads what the model was trained on.
            Some(ToolStyle::Native | ToolStyle::Text) => ToolStyle::Text,
            Some(ToolStyle::Structured) | None => ToolStyle::Structured,
        }
    }

    fn context_tokens(&self) -> usize {
        self.options.context_tokens.unwrap_or(CONTEXT_TOKENS)
    }

    /// The queue of the thread, which is started where it does not run.
    fn queue(&self) -> Result<mpsc::Sender<Job>, ModelFault> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = queue.as_ref().filter(|sender| !sender.is_closed()) {
            return Ok(sender.clone());
        }
        let (sender, jobs) = mpsc::channel(QUEUE_CALLS_MAX);
        let file = self.options.file.clone();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let options = EngineOptions {
            threads: self.options.threads.unwrap_or((cores - 1).max(1)),
            context_tokens_max: self.context_tokens(),
            slots_max: SLOTS,
        };
        let thread = std::thread::Builder::new().name("embedded-model".to_owned());
        thread
            .spawn(move || answer_all(&file, options, jobs))
            .map_err(|why| {
                fault(
                    ModelFaultKind::ServerFailed,
                    format!("no thread for the embedded model: {why}"),
                )
            })?;
        *queue = Some(sender.clone());
        Ok(sender)
    }

    async fn ask(
        &self,
        request: &ModelRequest,
        pieces: Pieces<'_>,
    ) -> Result<ModelReply, ModelFault> {
        let style = self.style();
        let prompt = dialect::render(request, style);
        let (piece_sender, mut piece_receiver) = mpsc::channel(PIECES_MAX);
        let (answer_sender, answer) = oneshot::channel();
        let job = Job {
            request: to_generate(request, &prompt, self.context_tokens()),
            pieces: piece_sender,
            answer: answer_sender,
        };
        let gone = || {
            fault(
                ModelFaultKind::ServerFailed,
                "the thread of the embedded model has ended",
            )
        };
        // A thread that is just ending gives the job back, and the next one takes it.
        if let Err(SendError(job)) = self.queue()?.send(job).await {
            self.queue()?.send(job).await.map_err(|_| gone())?;
        }
        // The sender is dropped with the job, so this ends when the answer is there. When
        // this future is dropped instead, the thread sees its pieces refused and stops.
        while let Some(piece) = piece_receiver.recv().await {
            pieces(&piece);
        }
        let generation = answer.await.map_err(|_| gone())??;
        let finish = match generation.stopped {
            Stopped::EndOfText => FinishReason::Stop,
            Stopped::OutputLimit | Stopped::ContextFull => FinishReason::Length,
            Stopped::Cancelled => {
                return Err(fault(ModelFaultKind::Cancelled, "the call was cancelled"));
            }
        };
        let usage = Usage {
            input_tokens: generation.prompt_tokens as u64,
            cached_tokens: generation.cached_tokens as u64,
            output_tokens: generation.output_tokens as u64,
            reasoning_tokens: 0,
        };
        let raw = RawReply {
            text: generation.text,
            calls: Vec::new(),
            finish,
        };
        Ok(ModelReply {
            usage,
            ..dialect::read(request, style, raw)
        })
    }
}

impl Model for EmbeddedModel {
    fn describe(&self) -> ModelInfo {
        ModelInfo {
            name: self.options.name.clone(),
            provider: "embedded".to_owned(),
            context_tokens: u32::try_from(self.context_tokens()).ok(),
            tool_style: self.style(),
            price: Price::default(),
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

/// The thread: loads the model, then answers until the last handle is gone. A model that
/// cannot be loaded is told to every waiting caller; the next call then tries again.
fn answer_all(file: &Path, options: EngineOptions, mut jobs: mpsc::Receiver<Job>) {
    let mut engine = match Engine::load(file, options) {
        Ok(engine) => engine,
        Err(error) => {
            // The call that started the thread may still be on its way.
            let first = jobs.blocking_recv();
            jobs.close();
            let others = std::iter::from_fn(|| jobs.blocking_recv());
            for job in first.into_iter().chain(others) {
                drop(job.answer.send(Err(to_fault(&error))));
            }
            return;
        }
    };
    while let Some(job) = jobs.blocking_recv() {
        let Job {
            request,
            pieces,
            answer,
        } = job;
        if answer.is_closed() {
            continue;
        }
        let mut take = |piece: &str| match pieces.blocking_send(piece.to_owned()) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        };
        let generation = engine.generate(&request, &mut take);
        // The answer first: the caller looks for it once the pieces end.
        drop(answer.send(generation.map_err(|error| to_fault(&error))));
        drop(pieces);
    }
}

fn to_generate(
    request: &ModelRequest,
    prompt: &Prompt<'_>,
    context_tokens: usize,
) -> GenerateRequest {
    let messages = prompt.entries().map(|entry| match entry {
        PromptEntry::System(text) => PromptMessage {
            role: PromptRole::System,
            text: text.into_owned(),
        },
        PromptEntry::User(text) => PromptMessage {
            role: PromptRole::User,
            text: text.into_owned(),
        },
        PromptEntry::Assistant(text, _) => PromptMessage {
            role: PromptRole::Assistant,
            text: text.into_owned(),
        },
        PromptEntry::Tool { text, .. } => PromptMessage {
            role: PromptRole::Tool,
            text: text.to_owned(),
        },
    });
    let limit = usize::try_from(request.output_tokens_max).unwrap_or(usize::MAX);
    GenerateRequest {
        messages: messages.collect(),
        schema: prompt.schema.clone(),
        output_tokens_max: if limit == 0 {
            context_tokens
        } else {
            limit.min(context_tokens)
        },
        temperature: request.temperature_milli as f32 / 1000.0,
        top_p: TOP_P,
        repetition_penalty: if request.output == OutputFormat::Text && request.tools.is_empty() {
            FREE_TEXT_PENALTY
        } else {
            REPETITION_PENALTY
        },
        seed: request.seed,
    }
}

/// Free text may be nudged away from repeating itself; 1.05 is Qwen's own setting.
const FREE_TEXT_PENALTY: f32 = 1.05;

fn to_fault(error: &InferenceError) -> ModelFault {
    let kind = match error {
        InferenceError::PromptTooLong { .. } => ModelFaultKind::ContextFull,
        InferenceError::ModelRead { .. }
        | InferenceError::ModelDamaged { .. }
        | InferenceError::ModelUnsupported { .. } => ModelFaultKind::NotFound,
        InferenceError::PromptEmpty | InferenceError::Schema { .. } => ModelFaultKind::Refused,
        InferenceError::Constraint { .. } | InferenceError::Tokenizer { .. } => {
            ModelFaultKind::BadAnswer
        }
        _ => ModelFaultKind::ServerFailed,
    };
    fault(kind, error.to_string())
}
