//! The spans of a run as OTLP JSON, as collectors read and write such files
//! (<https://opentelemetry.io/docs/specs/otlp/>).

use crate::span::{Attribute, AttributeValue, Content, Span, SpanEvent, SpanKind};
use crate::timeline::Timeline;
use leadhand_protocol::{RunTrace, SpanId};
use serde_json::{Value, json};

/// Most spans in one document.
pub const SPANS_PER_DOCUMENT_MAX: usize = 512;
/// Kinds of spans by OTLP's numbers.
const INTERNAL: u8 = 1;
const CLIENT: u8 = 3;
/// A status that says that it failed.
const FAILED: u8 = 2;

/// The documents of a run, each with at most [`SPANS_PER_DOCUMENT_MAX`] spans; together they are
/// one trace. What is still at work ends with the last record.
#[must_use]
pub fn to_otlp(timeline: &Timeline, content: Content) -> Vec<Value> {
    let trace = timeline.trace();
    let spans = Span::all(timeline, content);
    let all: Vec<Value> = spans
        .iter()
        .map(|span| written(span, &trace, timeline))
        .collect();
    let resource = json!({"attributes": [json_of(&Attribute {
        key: "service.name",
        value: AttributeValue::Text("leadhand".to_owned()),
    })]});
    let scope = json!({"name": "leadhand", "version": env!("CARGO_PKG_VERSION")});
    all.chunks(SPANS_PER_DOCUMENT_MAX)
        .map(|spans| {
            json!({"resourceSpans": [{
                "resource": resource,
                "scopeSpans": [{"scope": scope, "spans": spans}],
            }]})
        })
        .collect()
}

fn written(span: &Span, trace: &RunTrace, timeline: &Timeline) -> Value {
    let link = |to: &SpanId| json!({"traceId": trace.id().to_string(), "spanId": to.to_string()});
    let attributes: Vec<Value> = span.attributes.iter().map(json_of).collect();
    let mut written = json!({
        "traceId": trace.id().to_string(),
        "spanId": span.id.to_string(),
        "name": span.name,
        "kind": match span.kind {
            SpanKind::Internal => INTERNAL,
            SpanKind::Client => CLIENT,
        },
        "startTimeUnixNano": span.began_ns.to_string(),
        "endTimeUnixNano": span.ended_ns.to_string(),
        "attributes": attributes,
        "status": match &span.failure {
            Some(why) => json!({"code": FAILED, "message": why}),
            None => json!({}),
        },
    });
    if let Some(parent) = span.parent {
        written["parentSpanId"] = parent.to_string().into();
    }
    if !timeline.trace_state().is_empty() {
        written["traceState"] = timeline.trace_state().into();
    }
    if !span.events.is_empty() {
        written["events"] = span.events.iter().map(event).collect();
    }
    if !span.links.is_empty() {
        written["links"] = span.links.iter().map(link).collect();
    }
    written
}

fn event(event: &SpanEvent) -> Value {
    let attributes: Vec<Value> = event.attributes.iter().map(json_of).collect();
    json!({"timeUnixNano": event.at_ns.to_string(), "name": event.name, "attributes": attributes})
}

/// Whole numbers are written as strings in OTLP JSON, so that all of their digits arrive.
fn json_of(attribute: &Attribute) -> Value {
    let value = match &attribute.value {
        AttributeValue::Text(text) => json!({"stringValue": text}),
        AttributeValue::Number(number) => json!({"intValue": number.to_string()}),
    };
    json!({"key": attribute.key, "value": value})
}
