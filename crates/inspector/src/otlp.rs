//! A run as spans of OpenTelemetry, in OTLP JSON, by the semantic conventions for generative AI:
//! one span for the run, one for each agent, and below it one for each time it asked its model
//! and for each tool call. What was found about an agent's work are events of its span, and an
//! agent's span links to those of the agents whose results its task was given.
//!
//! Texts (the goal, replies, arguments, results, evidence) leave only where they are asked for.

use crate::timeline::{AgentLine, Note, Step, TaskLine, Timeline};
use leadhand_protocol::{ContentHash, Decision, Seq};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Most spans in one document.
pub const SPANS_PER_DOCUMENT_MAX: usize = 512;
/// Nanoseconds of a millisecond.
const NANOS: u64 = 1_000_000;
/// Kinds of spans by OTLP's numbers: what goes on inside, and a call of a service.
const INTERNAL: u8 = 1;
const CLIENT: u8 = 3;
/// A status that says that it failed.
const FAILED: u8 = 2;

/// Whether texts leave with the spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Only names, counts and times.
    Left,
    /// Also what was said, called and brought, each as far as the timeline keeps it.
    Sent,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Span {
    trace_id: String,
    span_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    parent_span_id: String,
    name: String,
    kind: u8,
    start_time_unix_nano: String,
    end_time_unix_nano: String,
    attributes: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Value>,
    status: Value,
}

/// The documents of a run, each with at most [`SPANS_PER_DOCUMENT_MAX`] spans; together they are
/// one trace. What is still at work ends with the last record.
#[must_use]
pub fn to_otlp(timeline: &Timeline, content: Content) -> Vec<Value> {
    let mut writer = Writer {
        timeline,
        content,
        trace: digits(&[&timeline.run], 32),
        spans: Vec::new(),
        documents: Vec::new(),
    };
    writer.run();
    let of_tasks = timeline
        .tasks
        .iter()
        .flat_map(|task| task.agents.iter().map(move |agent| (Some(task), agent)));
    let others = timeline.others.iter().map(|agent| (None, agent));
    for (task, agent) in others.chain(of_tasks) {
        writer.agent(task, agent);
    }
    writer.flush();
    writer.documents
}

/// Names of spans are hashes of what they are of, so that the same run exports the same.
fn digits(of: &[&str], length: usize) -> String {
    let mut digits = ContentHash::of(of.join("\n").as_bytes()).to_string();
    digits.truncate(length);
    digits
}

struct Writer<'a> {
    timeline: &'a Timeline,
    content: Content,
    trace: String,
    spans: Vec<Span>,
    documents: Vec<Value>,
}

impl Writer<'_> {
    fn id(&self, of: &str) -> String {
        digits(&[&self.timeline.run, of], 16)
    }

    fn push(&mut self, span: Span) {
        self.spans.push(span);
        if self.spans.len() == SPANS_PER_DOCUMENT_MAX {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if self.spans.is_empty() {
            return;
        }
        let resource = [text("service.name", "leadhand")];
        let scope = json!({"name": "leadhand", "version": env!("CARGO_PKG_VERSION")});
        let spans = std::mem::take(&mut self.spans);
        self.documents.push(json!({"resourceSpans": [{
            "resource": {"attributes": resource},
            "scopeSpans": [{"scope": scope, "spans": spans}],
        }]}));
    }

    fn span(&self, id: String, parent: String, name: String, time_ms: (u64, u64)) -> Span {
        let (began_ms, ended_ms) = time_ms;
        let nanos = |ms: u64| ms.saturating_mul(NANOS).to_string();
        Span {
            trace_id: self.trace.clone(),
            span_id: id,
            parent_span_id: parent,
            name,
            kind: INTERNAL,
            start_time_unix_nano: nanos(began_ms),
            end_time_unix_nano: nanos(ended_ms.max(began_ms)),
            attributes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
            status: json!({}),
        }
    }

    fn run(&mut self) {
        let timeline = self.timeline;
        let time_ms = (timeline.began_ms, timeline.ended_ms);
        let name = "invoke_workflow leadhand".to_owned();
        let mut span = self.span(self.id("run"), String::new(), name, time_ms);
        span.attributes = vec![
            text("gen_ai.operation.name", "invoke_workflow"),
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
                span.status = json!({"code": FAILED, "message": kind});
            }
        }
        self.push(span);
    }

    fn agent(&mut self, task: Option<&TaskLine>, agent: &AgentLine) {
        let id = self.id(&agent.agent.to_string());
        let ended_ms = agent.ended_ms.unwrap_or(self.timeline.ended_ms);
        let plans = agent.purpose == "plan" || agent.purpose == "revise the plan";
        let operation = if plans { "plan" } else { "invoke_agent" };
        let name = format!("{operation} {}", agent.role);
        let time_ms = (agent.began_ms, ended_ms);
        let mut span = self.span(
            id.clone(),
            self.id("run"),
            name.trim_end().to_owned(),
            time_ms,
        );
        span.attributes = vec![
            text("gen_ai.operation.name", operation),
            text("gen_ai.agent.name", &agent.role),
            text("gen_ai.agent.id", &agent.agent.to_string()),
            text("leadhand.purpose", &agent.purpose),
            number("leadhand.attempt", agent.attempt.into()),
        ];
        if let Some(task) = task {
            span.attributes.push(text("leadhand.task.id", &task.id));
            span.links = self.links(task);
        }
        let found = self.timeline.findings();
        let own = found.filter(|note| note.agent == Some(agent.agent));
        span.events = own.map(|note| self.finding(note)).collect();
        if let Some(failure) = &agent.failure {
            let message = self.shown(failure);
            span.status = json!({"code": FAILED, "message": message});
        }
        self.push(span);
        for step in &agent.steps {
            if let Some(span) = self.step(&id, step) {
                self.push(span);
            }
        }
    }

    /// To the agents whose results a task was given.
    fn links(&self, task: &TaskLine) -> Vec<Value> {
        let by_id: BTreeMap<&str, &TaskLine> = self
            .timeline
            .tasks
            .iter()
            .map(|task| (task.id.as_str(), task))
            .collect();
        let before = task.depends_on.iter();
        let before = before.filter_map(|id| by_id.get(id.as_str())?.agents.last());
        let link = |agent: &AgentLine| {
            let span = self.id(&agent.agent.to_string());
            json!({"traceId": self.trace, "spanId": span})
        };
        before.map(link).collect()
    }

    fn finding(&self, note: &Note) -> Value {
        let mut attributes = vec![number("leadhand.record", note.seq)];
        if self.content == Content::Sent {
            attributes.push(text("leadhand.finding", &note.text));
        }
        let at = note.at_ms.saturating_mul(NANOS).to_string();
        json!({"timeUnixNano": at, "name": "leadhand.finding", "attributes": attributes})
    }

    fn step(&self, agent: &str, step: &Step) -> Option<Span> {
        match step {
            Step::Turn {
                seq,
                began_ms,
                took_ms,
                ..
            } => {
                let mut span = self.placed(agent, *seq, *began_ms, *took_ms);
                self.turn(&mut span, step);
                Some(span)
            }
            Step::Call {
                seq,
                began_ms,
                took_ms,
                ..
            } => {
                let mut span = self.placed(agent, *seq, *began_ms, *took_ms);
                self.call(&mut span, step);
                Some(span)
            }
            Step::Told { .. } | Step::Coordinated { .. } | Step::Checked { .. } => None,
        }
    }

    fn turn(&self, span: &mut Span, step: &Step) {
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
        span.kind = CLIENT;
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
            let parts = json!([{"type": "text", "content": said}]);
            let messages = json!([{"role": "assistant", "parts": parts}]).to_string();
            span.attributes
                .push(text("gen_ai.output.messages", &messages));
        }
        if let Some(fault) = fault {
            span.status = json!({"code": FAILED, "message": self.shown(fault)});
        }
    }

    fn call(&self, span: &mut Span, step: &Step) {
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
            span.status = json!({"code": FAILED, "message": self.shown(&fault.message)});
        }
    }

    /// The span of a step; one that is not over ends with the last record.
    fn placed(&self, agent: &str, seq: Seq, began_ms: u64, took_ms: Option<u64>) -> Span {
        let ended_ms = took_ms.map_or(self.timeline.ended_ms, |took| began_ms.saturating_add(took));
        let id = self.id(&format!("record {seq}"));
        self.span(id, agent.to_owned(), String::new(), (began_ms, ended_ms))
    }

    /// A text that may leave, or nothing.
    fn shown<'t>(&self, text: &'t str) -> &'t str {
        match self.content {
            Content::Sent => text,
            Content::Left => "",
        }
    }
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

/// Whole numbers are written as strings in OTLP JSON, so that all of their digits arrive.
fn number(key: &str, value: u64) -> Value {
    json!({"key": key, "value": {"intValue": value.to_string()}})
}
