//! What stands behind an agent: it does what its mailbox says (think, act, stop), several
//! tool calls at once, and sends back what came of it. It knows nothing of plans.

use crate::run_handle::{Desk, RunHandle};
use crate::runtime::Clock;
use crate::toolbox::{CallInfo, Toolbox};
use futures::FutureExt;
use futures::future::BoxFuture;
use leadhand_channel::{ChannelError, Dispatch, Mailbox, Outbox, Thread};
use leadhand_model::ModelSet;
use leadhand_protocol::{
    Assignment, CallId, Done, Envelope, Failed, Label, Message, ModelFault, ModelFaultKind,
    ModelRequest, Permit, RunTrace, SpanId, ToolCall, ToolFault, ToolFaultKind, ToolOutput,
    TraceContext,
};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::task::JoinSet;
use tracing::Instrument;

/// What workers work with.
#[derive(Clone)]
pub(crate) struct Equipment {
    pub(crate) models: ModelSet,
    pub(crate) tools: Toolbox,
    pub(crate) clock: Clock,
    /// The run's trace, where models and servers are told of it.
    pub(crate) trace: Option<RunTrace>,
}

impl Equipment {
    /// What is told of a span of the run.
    fn told(&self, span: impl FnOnce(&RunTrace) -> SpanId) -> Option<TraceContext> {
        let trace = self.trace.as_ref()?;
        Some(trace.at(span(trace)))
    }
}

/// Serves one agent until its mailbox is closed. Dropping the future ends all it has in flight.
///
/// Each job sends what came of it by itself, so that somebody is always there to take what the
/// hub sends: an agent that waited for room at the hub, which waits for room here, would wait
/// for ever.
pub(crate) async fn work(mut mailbox: Mailbox, equipment: Arc<Equipment>) {
    let mut jobs: JoinSet<()> = JoinSet::new();
    let mut thought: Option<BoxFuture<'static, ()>> = None;
    // A cancel overtakes work: what the hub sent before it is given up when it comes.
    let mut cancelled_before = 0;
    let desk = Desk::default();
    loop {
        let outbox = mailbox.outbox();
        let envelope = tokio::select! {
            biased;
            came = mailbox.recv() => match came {
                Some(envelope) => envelope,
                None => return,
            },
            () = desk.woken() => {
                let desk = desk.clone();
                jobs.spawn(async move { took(desk.send(&outbox, None).await) });
                continue;
            }
            () = over(&mut thought) => {
                thought = None;
                continue;
            }
        };
        let answer = Answering::to(&envelope, &outbox);
        let is_cancelled = envelope.id.count < cancelled_before;
        match envelope.message {
            Message::Assign(Assignment::Think { .. }) if is_cancelled => {}
            Message::Assign(Assignment::Think { turn, mut request }) => {
                request.trace = equipment.told(|trace| trace.turn(mailbox.agent(), turn));
                let thinking = think(equipment.models.clone(), turn, request, answer);
                thought = Some(Box::pin(thinking));
            }
            Message::Assign(Assignment::Act {
                call,
                tool_call,
                permit,
                key,
            }) => {
                let clock = Arc::clone(&equipment.clock);
                let info = CallInfo {
                    id: call,
                    key,
                    now_ms: clock(),
                    trace: equipment.told(|trace| trace.call(call)),
                    run: RunHandle::new(call, Some(outbox), desk.clone(), clock),
                };
                let acting = carry_out(equipment.tools.clone(), tool_call, permit, info, &desk);
                // Spawning moves what is spawned some times, and a call is large.
                let acting = Box::pin(acting);
                jobs.spawn(async move { answer.with(acting.await).await }.in_current_span());
            }
            Message::Cancel => {
                cancelled_before = envelope.id.count;
                thought = None;
            }
            Message::Assign(Assignment::Begin { role, purpose }) => {
                tracing::debug!(agent = %mailbox.agent(), role, ?purpose, "assigned");
            }
            Message::Granted { wait, told } => desk.answer(mailbox.agent(), wait, told),
            Message::Steer { text } => desk.steer(&text),
            Message::Progress { .. }
            | Message::Result(_)
            | Message::Failure(_)
            | Message::Request { .. } => {
                tracing::warn!(agent = %mailbox.agent(), "a message for the hub came to an agent");
            }
        }
        // Finished jobs are let go of as new ones come.
        while jobs.try_join_next().is_some() {}
    }
}

/// Ends when the model that is at work has answered; never while none is.
async fn over(thought: &mut Option<BoxFuture<'static, ()>>) {
    match thought {
        Some(thought) => thought.await,
        None => std::future::pending().await,
    }
}

/// The hub is gone only when the run is over, and then nobody wants to know.
fn took<T>(sent: Result<T, ChannelError>) {
    if let Err(error) = sent {
        tracing::debug!(%error, "nobody took what came of a job");
    }
}

/// The way back to the hub for what comes of an assignment: what it was made of is in the answer
/// as well.
struct Answering {
    outbox: Outbox,
    thread: Thread,
    label: Label,
}

impl Answering {
    fn to(assignment: &Envelope, outbox: &Outbox) -> Self {
        Self {
            outbox: outbox.clone(),
            thread: Thread::of(assignment),
            label: assignment.label.clone(),
        }
    }

    async fn with(self, message: Message) {
        let answer = Dispatch::from(message).answering(self.thread);
        took(self.outbox.send(answer.labelled(self.label)).await);
    }
}

/// Asks a model, and tells the hub what came of it.
async fn think(models: ModelSet, turn: u32, request: Box<ModelRequest>, answer: Answering) {
    let pieces = |piece: &str| {
        let Answering { outbox, thread, .. } = &answer;
        outbox.try_progress(Some(*thread), turn, piece.to_owned());
    };
    let called = AssertUnwindSafe(models.call(&request, &pieces))
        .catch_unwind()
        .await;
    let result = called.unwrap_or_else(|_| {
        Err(ModelFault {
            kind: ModelFaultKind::BadAnswer,
            message: "the code of the model panicked; this is a defect of that code".to_owned(),
            retry_after_ms: None,
        })
    });
    let message = match result {
        Ok(reply) => Message::Result(Done::Thought {
            turn,
            reply: Arc::new(reply),
        }),
        Err(fault) => Message::Failure(Failed::Thought { turn, fault }),
    };
    answer.with(message).await;
}

/// A call, which is at the desk from now on until it has ended.
fn carry_out(
    tools: Toolbox,
    tool_call: Arc<ToolCall>,
    permit: Arc<Permit>,
    info: CallInfo,
    desk: &Desk,
) -> impl Future<Output = Message> + use<> {
    desk.begin(&info.run);
    let desk = desk.clone();
    async move {
        let acting = tools.call(&tool_call, &permit, &info);
        let harmful = !tools.is_repeatable(&tool_call.name);
        let message = act(info.id, &tool_call.name, harmful, acting).await;
        desk.end(info.id);
        message
    }
}

/// What came of a call. One that must not be made twice and broke off is in doubt.
async fn act(
    call: CallId,
    name: &str,
    harmful: bool,
    acting: impl Future<Output = Result<ToolOutput, ToolFault>>,
) -> Message {
    let acted = AssertUnwindSafe(acting).catch_unwind().await;
    let outcome = acted.unwrap_or_else(|_| {
        Err(ToolFault {
            kind: if harmful {
                ToolFaultKind::InDoubt
            } else {
                ToolFaultKind::Failed
            },
            message: format!("the code of `{name}` panicked; try another tool"),
            retryable: false,
        })
    });
    match outcome {
        Ok(output) => Message::Result(Done::Acted {
            call,
            output: Box::new(output),
        }),
        Err(fault) => Message::Failure(Failed::Acted { call, fault }),
    }
}

#[cfg(test)]
mod tests {
    use super::{Equipment, work};
    use crate::toolbox::Toolbox;
    use leadhand_channel::{Dispatch, open};
    use leadhand_model::{ModelSet, ScriptedModel};
    use leadhand_protocol::{
        AgentId, Assignment, Done, Label, Message, MessageId, ModelRequest, OutputFormat, RunId,
        Source, ToolLimits,
    };
    use leadhand_sandbox::{ToolHost, Workspace};
    use std::path::Path;
    use std::sync::Arc;

    fn think(turn: u32) -> Message {
        Message::Assign(Assignment::Think {
            turn,
            request: Box::new(ModelRequest {
                models: Vec::new(),
                messages: Vec::new(),
                tools: Arc::new([]),
                output: OutputFormat::Text,
                output_tokens_max: 10,
                temperature_milli: 0,
                seed: 0,
                trace: None,
            }),
        })
    }

    fn equipment() -> Equipment {
        let script = r#"{"reply": {"text": "done"}, "times": 9}"#;
        let model = ScriptedModel::parse(Path::new("script"), script).unwrap();
        let models = ModelSet::builder().add("scripted", model).unwrap();
        let host = ToolHost::builder().standard_tools(false).build().unwrap();
        let workspace = Workspace::open(env!("CARGO_MANIFEST_DIR")).unwrap();
        let (host, workspace) = (Arc::new(host), Arc::new(workspace));
        let limits = ToolLimits::default();
        Equipment {
            models: models.build().unwrap(),
            tools: Toolbox::new(host, Vec::new(), workspace, limits).unwrap(),
            clock: Arc::new(|| 0),
            trace: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancel_that_overtakes_a_model_call_keeps_it_from_being_made() {
        let (mut hub, post) = open(RunId::new("run").unwrap(), 8, Arc::new(|| 0));
        let agent = AgentId(1);
        let mailbox = post.register(agent).unwrap();
        post.send(agent, think(1)).await.unwrap();
        post.send(agent, Message::Cancel).await.unwrap();
        let label = Label::from(Source::Web);
        let labelled = Dispatch::from(think(2)).labelled(label.clone());
        let wanted = post.send(agent, labelled).await.unwrap();
        let working = tokio::spawn(work(mailbox, Arc::new(equipment())));
        let mut answers: Vec<(u32, Option<MessageId>, Label)> = Vec::new();
        while answers.is_empty() {
            let envelope = hub.recv().await.unwrap();
            if let Message::Result(Done::Thought { turn, .. }) = envelope.message {
                answers.push((turn, envelope.cause, envelope.label));
            }
        }
        assert_eq!(answers, [(2, Some(wanted), label)]);
        post.close(agent);
        working.await.unwrap();
        drop(post);
        assert_eq!(hub.recv().await, None);
    }
}
