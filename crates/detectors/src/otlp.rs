//! Traces of others in OTLP JSON: spans by the GenAI semantic conventions of OpenTelemetry, as
//! pydantic-ai writes them, by OpenInference, or by the names of OpenLLMetry. A document is one
//! JSON value; a file holds one, or one a line. Spans of one trace may lie in several, and
//! children before their parents, so all are held until the last: what is held has bounds.

mod attributes;
mod parts;
mod said;
mod span;
mod told;
mod turns;

use crate::Trace;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use span::{Kind, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

/// Most spans that are held at once.
pub const SPANS_MAX: usize = 1_000_000;
/// Most room that spans take that are held at once, in bytes.
pub const SPANS_BYTES_MAX: usize = 512 * 1024 * 1024;
/// Most room that all takes that models were told, in bytes; what comes after that is not kept.
const TOLD_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most attributes of a span or an event, and most events of a span. SDKs of OpenTelemetry keep
/// 128 of each unless they are told otherwise; OpenInference writes one for each part of each
/// message.
pub const ATTRIBUTES_MAX: usize = 16_384;

/// Why a document was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OtlpFault {
    /// It is cut off, no JSON, or holds no spans as OTLP has them.
    #[error("this is no OTLP document: {why}; export the trace again as OTLP JSON")]
    NoDocument {
        /// What is wrong, with line and column within the document, or within a span of it.
        why: String,
        /// Whether it only ends too early.
        cut_off: bool,
    },
    /// There are more than are held.
    #[error(
        "there are more than {SPANS_MAX} spans, or more than {SPANS_BYTES_MAX} bytes of them; split the file by trace"
    )]
    TooMany,
}

impl From<serde_json::Error> for OtlpFault {
    fn from(why: serde_json::Error) -> Self {
        Self::NoDocument {
            cut_off: why.is_eof(),
            why: why.to_string(),
        }
    }
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow, rename = "resourceSpans", alias = "resource_spans")]
    resources: AllOf<'a, Resource<'a>>,
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(borrow, default, rename = "scopeSpans", alias = "scope_spans")]
    scopes: Option<AllOf<'a, Scope<'a>>>,
}

#[derive(Deserialize)]
struct Scope<'a> {
    #[serde(borrow, default)]
    spans: Option<AllOf<'a, &'a RawValue>>,
}

/// The spans below the items of a list, as they are written; the items leave nothing behind.
struct AllOf<'a, T> {
    spans: Vec<&'a RawValue>,
    of: PhantomData<T>,
}

trait HasSpans<'a> {
    fn spans(self) -> Vec<&'a RawValue>;
}

impl<'a> HasSpans<'a> for &'a RawValue {
    fn spans(self) -> Vec<&'a RawValue> {
        vec![self]
    }
}

impl<'a> HasSpans<'a> for Scope<'a> {
    fn spans(self) -> Vec<&'a RawValue> {
        self.spans.map(|all| all.spans).unwrap_or_default()
    }
}

impl<'a> HasSpans<'a> for Resource<'a> {
    fn spans(self) -> Vec<&'a RawValue> {
        self.scopes.map(|all| all.spans).unwrap_or_default()
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de> + HasSpans<'a>> Deserialize<'de> for AllOf<'a, T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(AllOf {
            spans: Vec::new(),
            of: PhantomData,
        })
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de> + HasSpans<'a>> Visitor<'de> for AllOf<'a, T> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Self, A::Error> {
        while let Some(item) = items.next_element::<T>()? {
            // One more than are taken shows that there are too many.
            let room = (SPANS_MAX + 1).saturating_sub(self.spans.len());
            self.spans.extend(item.spans().into_iter().take(room));
        }
        Ok(self)
    }
}

/// What spans hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// How many spans.
    pub spans: usize,
    /// Of how many traces.
    pub traces: usize,
    /// How many of them say that they failed.
    pub error_spans: usize,
    /// The agents that they name.
    pub agents: BTreeSet<String>,
    /// The tools that were called.
    pub tools: BTreeSet<String>,
    /// How many of each kind, as their writer calls it: the operation of the conventions, or the
    /// kind of OpenInference; `span` for those of no kind.
    pub kinds: BTreeMap<String, usize>,
}

/// Spans that were taken so far.
#[derive(Debug, Default)]
pub struct Spans {
    /// By trace, in the order in which they came up.
    traces: Vec<(String, Vec<Span>)>,
    places: BTreeMap<String, usize>,
    count: usize,
    bytes: usize,
    told_bytes: usize,
}

impl Spans {
    /// Takes the spans of one document; gives how many there are.
    ///
    /// # Errors
    /// [`OtlpFault`], with which nothing of it was taken.
    pub fn take(&mut self, document: &str) -> Result<usize, OtlpFault> {
        let document: Document<'_> = serde_json::from_str(document)?;
        let all = document.resources.spans;
        if self.count.saturating_add(all.len()) > SPANS_MAX {
            return Err(OtlpFault::TooMany);
        }
        let (mut bytes, mut told_bytes) = (self.bytes, self.told_bytes);
        let mut taken = Vec::new();
        for raw in &all {
            let (trace, mut span) = span::read(serde_json::from_str(raw.get())?);
            told_bytes = span.keep_told(told_bytes, TOLD_BYTES_MAX);
            bytes = bytes.saturating_add(span.bytes() + trace.len());
            taken.push((trace, span));
            if bytes > SPANS_BYTES_MAX {
                return Err(OtlpFault::TooMany);
            }
        }
        (self.count, self.bytes) = (self.count + taken.len(), bytes);
        self.told_bytes = told_bytes;
        for (trace, span) in taken {
            let next = self.traces.len();
            let at = *self.places.entry(trace.clone()).or_insert(next);
            if at == next {
                self.traces.push((trace, Vec::new()));
            }
            self.traces[at].1.push(span);
        }
        Ok(all.len())
    }

    /// What was taken so far, counted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts {
            spans: self.count,
            traces: self.traces.len(),
            ..Counts::default()
        };
        for span in self.traces.iter().flat_map(|(_, spans)| spans) {
            counts.error_spans += usize::from(span.failure.is_some());
            *counts.kinds.entry(span.label.clone()).or_default() += 1;
            counts.agents.extend(span.agent.clone());
            if let Kind::Tool { call, .. } = &span.kind {
                counts.tools.insert(call.tool.clone());
            }
        }
        counts
    }

    /// The traces, in the order in which they came up, each with its steps in the order in which
    /// they ended. Spans of which nothing is a step leave a trace without steps.
    #[must_use]
    pub fn into_traces(self) -> Vec<Trace> {
        let traces = self.traces.into_iter();
        traces.map(|(id, spans)| turns::trace(id, spans)).collect()
    }
}
