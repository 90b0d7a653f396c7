//! Our spans as those of the exporter.

use leadhand_inspector::{Attribute, AttributeValue, Span, SpanKind};
use leadhand_protocol::RunTrace;
use opentelemetry::trace::{
    Event, Link, SpanContext, SpanId, SpanKind as Kind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What made the spans, as receivers show it.
pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("leadhand")
        .with_version(env!("CARGO_PKG_VERSION"))
        .build()
}

/// A span of a run's trace.
pub(crate) fn span(span: Span, trace: &RunTrace, scope: &InstrumentationScope) -> SpanData {
    let is_root = span.id == trace.run();
    let context = |id| context(trace, id);
    let mut events = SpanEvents::default();
    events.events.extend(span.events.into_iter().map(|event| {
        let attributes = event.attributes.into_iter().map(attribute).collect();
        Event::new(event.name, time(event.at_ns), attributes, 0)
    }));
    let mut links = SpanLinks::default();
    let linked = span.links.into_iter();
    links
        .links
        .extend(linked.map(|id| Link::new(context(id), Vec::new(), 0)));
    SpanData {
        span_context: context(span.id),
        parent_span_id: span
            .parent
            .map_or(SpanId::INVALID, |id| SpanId::from_bytes(id.0)),
        parent_span_is_remote: is_root && span.parent.is_some(),
        span_kind: match span.kind {
            SpanKind::Internal => Kind::Internal,
            SpanKind::Client => Kind::Client,
        },
        name: span.name.into(),
        start_time: time(span.began_ns),
        end_time: time(span.ended_ns),
        attributes: span.attributes.into_iter().map(attribute).collect(),
        dropped_attributes_count: 0,
        events,
        links,
        status: match span.failure {
            Some(why) => Status::error(why),
            None => Status::Unset,
        },
        instrumentation_scope: scope.clone(),
    }
}

fn context(trace: &RunTrace, id: leadhand_protocol::SpanId) -> SpanContext {
    let state = trace.at(id);
    // What a receiver could not read is left out.
    let state = TraceState::from_str(state.state()).unwrap_or_default();
    let (trace, id) = (TraceId::from_bytes(trace.id().0), SpanId::from_bytes(id.0));
    SpanContext::new(trace, id, TraceFlags::SAMPLED, false, state)
}

fn attribute(attribute: Attribute) -> KeyValue {
    match attribute.value {
        AttributeValue::Text(text) => KeyValue::new(attribute.key, text),
        AttributeValue::Number(number) => {
            KeyValue::new(attribute.key, i64::try_from(number).unwrap_or(i64::MAX))
        }
    }
}

fn time(ns: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(ns)
}
