//! One span: what of its attributes says who did what, and what came of it.

use super::attributes::{AtMost, Attributes, unquoted};
use super::said::said;
use super::told::told;
use crate::Came;
use crate::trace::{Answered, TraceArguments, TraceCall, kept};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A status of OTLP that says that it failed, as number and as name.
const FAILED: [&str; 2] = ["2", "STATUS_CODE_ERROR"];
/// A status of OTLP that says that it did what it is for; none says nothing.
const DONE: [&str; 2] = ["1", "STATUS_CODE_OK"];
/// The label of a span whose writer gives it no kind.
pub(super) const NO_KIND: &str = "span";
/// Nanoseconds of a millisecond.
const NANOS: u64 = 1_000_000;
/// Longest name or id that is kept, in bytes; OTLP's own ids have 32 digits.
const NAME_BYTES_MAX: usize = 1024;

/// A span as it is written; what is null is as if it was not there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Raw<'a> {
    #[serde(default, alias = "trace_id")]
    trace_id: Option<String>,
    #[serde(default, alias = "span_id")]
    span_id: Option<String>,
    #[serde(default, alias = "parent_span_id")]
    parent_span_id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default, borrow, alias = "start_time_unix_nano")]
    start_time_unix_nano: Option<&'a RawValue>,
    #[serde(default, borrow, alias = "end_time_unix_nano")]
    end_time_unix_nano: Option<&'a RawValue>,
    #[serde(default, borrow)]
    attributes: Option<Attributes<'a>>,
    #[serde(default, borrow)]
    status: Option<Status<'a>>,
    #[serde(default, borrow)]
    events: Option<AtMost<&'a RawValue>>,
}

#[derive(Deserialize, Default)]
struct Status<'a> {
    #[serde(default, borrow)]
    code: Option<&'a RawValue>,
    #[serde(default)]
    message: Option<String>,
}

#[derive(Deserialize)]
struct Happened<'a> {
    #[serde(default)]
    name: Option<String>,
    #[serde(default, borrow)]
    attributes: Option<Attributes<'a>>,
}

/// A span as far as it matters.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) id: String,
    pub(super) parent: String,
    pub(super) name: String,
    pub(super) agent: Option<String>,
    pub(super) began_nanos: u64,
    pub(super) ended_nanos: u64,
    /// Why it failed, in its writer's words; none where it did not.
    pub(super) failure: Option<String>,
    /// What its writer calls it: the operation, or the kind.
    pub(super) label: String,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// A model was asked.
    Model {
        told: String,
        said: String,
        calls: Vec<Wanted>,
        answered: Answered,
    },
    /// A tool was called; the id is the model's name for the call.
    Tool { id: String, call: TraceCall },
    /// What goes on around those.
    Other,
}

/// A call that a model wants.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) id: String,
    pub(super) tool: String,
    pub(super) arguments: TraceArguments,
}

impl Span {
    pub(super) fn began_ms(&self) -> Option<u64> {
        (self.began_nanos > 0).then_some(self.began_nanos / NANOS)
    }

    pub(super) fn ended_ms(&self) -> Option<u64> {
        (self.ended_nanos > 0).then_some(self.ended_nanos / NANOS)
    }

    /// Lets go of what a model was told where more than `most` bytes are kept of that; gives how
    /// many there are, after those before.
    pub(super) fn keep_told(&mut self, before: usize, most: usize) -> usize {
        let Kind::Model { told, .. } = &mut self.kind else {
            return before;
        };
        if before.saturating_add(told.len()) > most {
            *told = String::new();
        }
        before + told.len()
    }

    /// How much room it takes.
    pub(super) fn bytes(&self) -> usize {
        let agent = self.agent.as_ref().map_or(0, String::len);
        let named = self.id.len() + self.parent.len() + self.name.len() + agent + self.label.len();
        let wanted = |call: &Wanted| {
            size_of::<Wanted>() + call.id.len() + call.tool.len() + call.arguments.bytes()
        };
        let held = match &self.kind {
            Kind::Model {
                told,
                said,
                calls,
                answered,
            } => {
                told.len()
                    + said.len()
                    + answered.model.len()
                    + calls.iter().map(wanted).sum::<usize>()
            }
            Kind::Tool { id, call } => {
                id.len() + call.tool.len() + call.arguments.bytes() + call.result.len()
            }
            Kind::Other => 0,
        };
        let why = self.failure.as_ref().map_or(0, String::len);
        size_of::<Self>() + named + why + held
    }
}

/// The span, and the id of its trace.
pub(super) fn read(raw: Raw<'_>) -> (String, Span) {
    let attributes = raw.attributes.unwrap_or_default();
    let events = raw.events.unwrap_or_default();
    let name = short(raw.name.unwrap_or_default());
    let operation = attributes.text(&["gen_ai.operation.name", "llm.request.type"]);
    let written = attributes.text(&["openinference.span.kind", "traceloop.span.kind"]);
    let kind = written.to_uppercase();
    let label = [&*operation, &*written, NO_KIND]
        .into_iter()
        .find(|label| !label.is_empty());
    let label = short(label.unwrap_or_default().to_owned());
    let status = raw.status.unwrap_or_default();
    let came = came(&status);
    let failure = (came == Came::Failed).then(|| why_failed(status, &events));
    let is_agent = operation == "invoke_agent" || kind == "AGENT";
    let of_model = matches!(
        operation.as_str(),
        "chat" | "text_completion" | "generate_content" | "completion"
    );
    let mut named = attributes.text(&["gen_ai.agent.name", "agent_name", "agent.name"]);
    if named.is_empty() && is_agent {
        named = attributes.text(&["traceloop.entity.name"]);
    }
    let agent = match (named.is_empty(), is_agent) {
        (false, _) => Some(short(named)),
        (true, true) => Some(name.clone()),
        (true, false) => None,
    };
    let kind = if operation == "execute_tool" || kind == "TOOL" {
        tool(&attributes, &name, came, failure.as_deref())
    } else if of_model || kind == "LLM" {
        let chosen = happened(&events, "gen_ai.choice");
        let chosen = chosen.map(|event| event.text(&["gen_ai.event.content"]));
        let (said, calls) = said(&attributes, chosen);
        Kind::Model {
            told: told(&attributes),
            said,
            calls,
            answered: answered(&attributes),
        }
    } else {
        Kind::Other
    };
    let nanos = |json: Option<&RawValue>| json.and_then(|json| unquoted(json.get()).parse().ok());
    let span = Span {
        id: short(raw.span_id.unwrap_or_default()),
        parent: short(raw.parent_span_id.unwrap_or_default()),
        name,
        agent,
        began_nanos: nanos(raw.start_time_unix_nano).unwrap_or_default(),
        ended_nanos: nanos(raw.end_time_unix_nano).unwrap_or_default(),
        failure,
        label,
        kind,
    };
    (short(raw.trace_id.unwrap_or_default()), span)
}

fn tool(attributes: &Attributes<'_>, name: &str, came: Came, failure: Option<&str>) -> Kind {
    let named = attributes.text(&["gen_ai.tool.name", "tool.name", "traceloop.entity.name"]);
    let arguments = attributes.text(&[
        "gen_ai.tool.call.arguments",
        "tool_arguments",
        "input.value",
        "traceloop.entity.input",
    ]);
    let mut result = attributes.text(&[
        "gen_ai.tool.call.result",
        "tool_response",
        "output.value",
        "traceloop.entity.output",
    ]);
    if result.is_empty() {
        result = failure.unwrap_or_default().to_owned();
    }
    Kind::Tool {
        id: short(attributes.text(&["gen_ai.tool.call.id", "tool_call.id"])),
        call: TraceCall {
            tool: if named.is_empty() {
                name.to_owned()
            } else {
                short(named)
            },
            arguments: TraceArguments::told(&arguments),
            result: kept(result),
            came,
            ..TraceCall::default()
        },
    }
}

/// Whether a span did what it is for, where its writer says so.
fn came(status: &Status<'_>) -> Came {
    let code = status
        .code
        .map_or(String::new(), |code| unquoted(code.get()));
    if FAILED.contains(&code.as_str()) {
        Came::Failed
    } else if DONE.contains(&code.as_str()) {
        Came::Done
    } else {
        Came::Unknown
    }
}

/// What a span that failed says of why: its exception, else its status.
fn why_failed(status: Status<'_>, events: &AtMost<&RawValue>) -> String {
    let told = happened(events, "exception");
    let mut told = told.map(|event| event.text(&["exception.message"]));
    let exception = told.find(|told| !told.is_empty());
    kept(exception.or(status.message).unwrap_or_default())
}

/// Which model answered, and what that took.
fn answered(attributes: &Attributes<'_>) -> Answered {
    let count = |keys: &[&str]| attributes.text(keys).parse().unwrap_or_default();
    Answered {
        model: short(attributes.text(&[
            "gen_ai.response.model",
            "gen_ai.request.model",
            "llm.model_name",
        ])),
        input_tokens: count(&[
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.prompt_tokens",
            "llm.token_count.prompt",
        ]),
        output_tokens: count(&[
            "gen_ai.usage.output_tokens",
            "gen_ai.usage.completion_tokens",
            "llm.token_count.completion",
        ]),
    }
}

/// The attributes of events of this name, one at a time; what is no event is passed over.
fn happened<'a>(
    events: &'a AtMost<&'a RawValue>,
    name: &'a str,
) -> impl Iterator<Item = Attributes<'a>> {
    events.0.iter().filter_map(move |event| {
        let event: Happened<'a> = serde_json::from_str(event.get()).ok()?;
        (event.name.as_deref() == Some(name)).then_some(event.attributes?)
    })
}

pub(super) fn short(mut name: String) -> String {
    if name.len() > NAME_BYTES_MAX {
        name.truncate(name.floor_char_boundary(NAME_BYTES_MAX));
        name.shrink_to_fit();
    }
    name
}
