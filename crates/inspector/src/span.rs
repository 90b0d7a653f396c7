//! A span of a run, by the semantic conventions for generative AI
//! (<https://opentelemetry.io/docs/specs/semconv/gen-ai/>): one for the run, one for each agent,
//! and below it one for each time it asked its model and for each tool call. What was found about
//! an agent's work are events of its span, and an agent's span links to those of the agents whose
//! results its task was given, and whose messages it got.
//!
//! Texts (the goal, replies, arguments, results, evidence) leave only where they are asked for.

use crate::timeline::{AgentLine, Note, Step, TaskLine, Timeline};
use leadhand_protocol::{AgentId, Decision, RunTrace, SpanId};

mod masked;

pub use masked::forms_to_mask;

/// Nanoseconds of a millisecond.
const NANOS: u64 = 1_000_000;
/// What receivers that go by the OpenInference conventions know a span by. They know most of ours
/// by the names of those for generative AI, but neither a plan nor a workflow.
const OPENINFERENCE_KIND: &str = "openinference.span.kind";

/// Whether texts leave with the spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Only names, counts and times.
    Left,
    /// Also what was said, called and brought, each as far as the timeline keeps it.
    Sent,
}

/// What somebody did from when to when, ready to be sent or written.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Its name within the run's trace.
    pub id: SpanId,
    /// The span that it is a part of; that of the run may be one of another program.
    pub parent: Option<SpanId>,
    /// What was done by whom, such as `execute_tool read_file`.
    pub name: String,
    /// What kind of work it is.
    pub kind: SpanKind,
    /// When it began, in nanoseconds since the Unix epoch.
    pub began_ns: u64,
    /// When it ended, not before it began.
    pub ended_ns: u64,
    /// What is known of it.
    pub attributes: Vec<Attribute>,
    /// What was found about it.
    pub events: Vec<SpanEvent>,
    /// Spans of the same trace whose results or messages it was given.
    pub links: Vec<SpanId>,
    /// Why it failed: empty where the text stays here, none where it did not.
    pub failure: Option<String>,
}

/// A name and a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// The name.
    pub key: &'static str,
    /// The value.
    pub value: AttributeValue,
}

/// What an attribute can be.
#[derive(Debug, Clone, PartialEq)]
pub enum AttributeValue {
    /// A text.
    Text(String),
    /// A whole number.
    Number(u64),
}

/// The kinds of spans that a run has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// What goes on inside.
    Internal,
    /// A call of a service, such as a model.
    Client,
}

/// Something at one moment of a span.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanEvent {
    /// When, in nanoseconds since the Unix epoch.
    pub at_ns: u64,
    /// What.
    pub name: &'static str,
    /// What is known of it.
    pub attributes: Vec<Attribute>,
}

impl Span {
    /// The spans of a run, itself first. What is still at work ends with the last record.
    #[must_use]
    pub fn all(timeline: &Timeline, content: Content) -> Vec<Self> {
        let trace = timeline.trace();
        let spans = Spans {
            timeline,
            trace: &trace,
            content,
        };
        let others = timeline.others.iter().map(|agent| (None, agent));
        let of_tasks = timeline
            .tasks
            .iter()
            .flat_map(|task| task.agents.iter().map(move |agent| (Some(task), agent)));
        let of_agents = others.chain(of_tasks).flat_map(|(task, agent)| {
            let steps = agent.steps.iter();
            let steps = steps.filter_map(move |step| spans.step(agent, step));
            std::iter::once(spans.agent(task, agent)).chain(steps)
        });
        std::iter::once(spans.run()).chain(of_agents).collect()
    }

    /// The text of an attribute, if it has one of this name.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.value(key)? {
            AttributeValue::Text(text) => Some(text),
            AttributeValue::Number(_) => None,
        }
    }

    /// The number of an attribute, if it has one of this name.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<u64> {
        match self.value(key)? {
            AttributeValue::Number(number) => Some(*number),
            AttributeValue::Text(_) => None,
        }
    }

    fn value(&self, key: &str) -> Option<&AttributeValue> {
        let found = self.attributes.iter().find(|it| it.key == key);
        found.map(|attribute| &attribute.value)
    }
}

/// Makes the spans of a timeline.
#[derive(Clone, Copy)]
pub(crate) struct Spans<'a> {
    pub(crate) timeline: &'a Timeline,
    pub(crate) trace: &'a RunTrace,
    pub(crate) content: Content,
}

impl Spans<'_> {
    /// The span of the run as far as it went.
    pub(crate) fn run(self) -> Span {
        let timeline = self.timeline;
        let name = "invoke_workflow leadhand".to_owned();
        let time_ms = (timeline.began_ms, timeline.ended_ms);
        let mut span = span(self.trace.run(), self.trace.parent(), name, time_ms);
        span.attributes = vec![
            text("gen_ai.operation.name", "invoke_workflow"),
            text(OPENINFERENCE_KIND, "CHAIN"),
            text("gen_ai.agent.name", "leadhand"),
            text("gen_ai.conversation.id", &timeline.run),
            text("leadhand.autonomy", &timeline.autonomy),
            number("leadhand.tasks", timeline.tasks.len() as u64),
            number("leadhand.micro_usd", timeline.spent.micro_usd),
        ];
        if self.content == Content::Sent {
            span.attributes.push(text("leadhand.goal", &timeline.goal));
        }
        if let Some(outcome) = &timeline.outcome {
            let kind = crate::account::ending(outcome.kind);
            span.attributes.push(text("leadhand.outcome", kind));
            if outcome.kind.exit_code() != 0 {
                span.failure = Some(kind.to_owned());
            }
        }
        span
    }

    /// The span of an agent; of one that is still at work as far as the run went.
    pub(crate) fn agent(self, task: Option<&TaskLine>, agent: &AgentLine) -> Span {
        let ended_ms = agent.ended_ms.unwrap_or(self.timeline.ended_ms);
        let plans = agent.purpose == "plan" || agent.purpose == "revise the plan";
        let operation = if plans { "plan" } else { "invoke_agent" };
        let name = format!("{operation} {}", agent.role).trim_end().to_owned();
        let (id, parent) = (self.trace.agent(agent.agent), self.trace.run());
        let mut span = span(id, Some(parent), name, (agent.began_ms, ended_ms));
        span.attributes = vec![
            text("gen_ai.operation.name", operation),
            text("gen_ai.agent.name", &agent.role),
            text("gen_ai.agent.id", &agent.agent.to_string()),
            text("leadhand.purpose", &agent.purpose),
            number("leadhand.attempt", agent.attempt.into()),
        ];
        if plans {
            span.attributes.push(text(OPENINFERENCE_KIND, "AGENT"));
        }
        if let Some(task) = task {
            span.attributes.push(text("leadhand.task.id", &task.id));
        }
        span.links = self.links(task, agent.agent);
        let found = self.timeline.findings_about(agent.agent);
        span.events = found.map(|note| self.finding(note)).collect();
        span.failure = agent.failure.as_deref().map(|why| self.shown(why));
        span
    }

    /// To the agents whose results a task was given, and those whose messages its agent got.
    fn links(self, task: Option<&TaskLine>, agent: AgentId) -> Vec<SpanId> {
        let before = task.into_iter().flat_map(|task| &task.depends_on);
        let before = before.filter_map(|id| self.timeline.task_line(id)?.agents.last());
        let mut links: Vec<AgentId> = before.map(|agent| agent.agent).collect();
        let heard = self.timeline.heard_by(agent);
        links.extend(heard.filter(|from| *from != agent));
        links.sort_unstable();
        links.dedup();
        links.into_iter().map(|it| self.trace.agent(it)).collect()
    }

    fn finding(self, note: &Note) -> SpanEvent {
        let mut attributes = vec![number("leadhand.record", note.seq)];
        if self.content == Content::Sent {
            attributes.push(text("leadhand.finding", &note.text));
        }
        SpanEvent {
            at_ns: note.at_ms.saturating_mul(NANOS),
            name: "leadhand.finding",
            attributes,
        }
    }

    /// The span of a step that takes time. One that is not over ends with its agent, or as far as
    /// the run went.
    pub(crate) fn step(self, agent: &AgentLine, step: &Step) -> Option<Span> {
        let open_until = agent.ended_ms.unwrap_or(self.timeline.ended_ms);
        let parent = Some(self.trace.agent(agent.agent));
        match step {
            Step::Turn {
                turn,
                began_ms,
                took_ms,
                ..
            } => {
                let ended = took_ms.map_or(open_until, |took| began_ms.saturating_add(took));
                let id = self.trace.turn(agent.agent, *turn);
                let mut span = span(id, parent, String::new(), (*began_ms, ended));
                self.turn(&mut span, step);
                Some(span)
            }
            Step::Call {
                call,
                began_ms,
                took_ms,
                ..
            } => {
                let ended = took_ms.map_or(open_until, |took| began_ms.saturating_add(took));
                let id = self.trace.span(call);
                let mut span = span(id, parent, String::new(), (*began_ms, ended));
                self.call(&mut span, step);
                Some(span)
            }
            Step::Told { .. } | Step::Coordinated { .. } | Step::Checked { .. } => None,
        }
    }

    fn turn(self, span: &mut Span, step: &Step) {
        let Step::Turn {
            model,
            usage,
            micro_usd,
            fault,
            text: said,
            ..
        } = step
        else {
            return;
        };
        // The conventions' word for what is not known.
        let provider = model
            .split_once(':')
            .map_or("_OTHER", |(provider, _)| provider);
        span.name = format!("chat {model}").trim_end().to_owned();
        span.kind = SpanKind::Client;
        span.attributes = vec![
            text("gen_ai.operation.name", "chat"),
            text("gen_ai.provider.name", provider),
            text("gen_ai.request.model", model),
            text("gen_ai.response.model", model),
            number("gen_ai.usage.input_tokens", usage.input_tokens),
            number("gen_ai.usage.output_tokens", usage.output_tokens),
            number("leadhand.micro_usd", *micro_usd),
        ];
        if self.content == Content::Sent && !said.is_empty() {
            let parts = serde_json::json!([{"type": "text", "content": said}]);
            let messages = serde_json::json!([{"role": "assistant", "parts": parts}]);
            let messages = messages.to_string();
            span.attributes
                .push(text("gen_ai.output.messages", &messages));
        }
        span.failure = fault.as_deref().map(|why| self.shown(why));
    }

    fn call(self, span: &mut Span, step: &Step) {
        let Step::Call {
            call,
            tool,
            arguments,
            decision,
            because,
            result,
            ..
        } = step
        else {
            return;
        };
        let decision = match decision {
            Decision::Allow => "allow",
            Decision::Ask => "ask",
            Decision::Deny => "deny",
        };
        span.name = format!("execute_tool {tool}");
        span.attributes = vec![
            text("gen_ai.operation.name", "execute_tool"),
            text("gen_ai.tool.name", tool),
            text("gen_ai.tool.type", "function"),
            text("gen_ai.tool.call.id", call),
            text("leadhand.decision", decision),
            text("leadhand.rule", because),
        ];
        if self.content == Content::Sent {
            let arguments = arguments.to_string();
            span.attributes
                .push(text("gen_ai.tool.call.arguments", &arguments));
            if let Some(Ok(brought)) = result {
                span.attributes
                    .push(text("gen_ai.tool.call.result", brought));
            }
        }
        if let Some(Err(fault)) = result {
            span.failure = Some(self.shown(&fault.message));
        }
    }

    /// A text that may leave, or nothing.
    fn shown(self, text: &str) -> String {
        match self.content {
            Content::Sent => text.to_owned(),
            Content::Left => String::new(),
        }
    }
}

fn span(id: SpanId, parent: Option<SpanId>, name: String, time_ms: (u64, u64)) -> Span {
    let (began_ms, ended_ms) = time_ms;
    Span {
        id,
        parent,
        name,
        kind: SpanKind::Internal,
        began_ns: began_ms.saturating_mul(NANOS),
        ended_ns: ended_ms.max(began_ms).saturating_mul(NANOS),
        attributes: Vec::new(),
        events: Vec::new(),
        links: Vec::new(),
        failure: None,
    }
}

fn text(key: &'static str, value: &str) -> Attribute {
    let value = AttributeValue::Text(value.to_owned());
    Attribute { key, value }
}

fn number(key: &'static str, value: u64) -> Attribute {
    let value = AttributeValue::Number(value);
    Attribute { key, value }
}
