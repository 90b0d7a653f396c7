//! Traces of others in OTLP JSON: spans by the GenAI semantic conventions of OpenTelemetry, as
//! pydantic-ai writes them, or by OpenInference. A document is one JSON value; a file holds one,
//! or one a line. Spans of one trace may lie in several, and children before their parents.

mod span;
mod turns;

use crate::Trace;
use serde::Deserialize;
use span::Span;
use std::collections::BTreeMap;

/// Most spans that are held at once.
pub const SPANS_MAX: usize = 1_000_000;

/// Why a document was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OtlpFault {
    /// It is cut off, no JSON, or holds no spans as OTLP has them.
    #[error("this is no OTLP document: {why}; export the trace again as OTLP JSON")]
    NoDocument {
        /// What is wrong, with line and column within the document.
        why: String,
        /// Whether it only ends too early.
        cut_off: bool,
    },
    /// There are more than are held.
    #[error("there are more than {SPANS_MAX} spans; split the file by trace")]
    TooMany,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans {
    #[serde(default)]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Deserialize)]
struct ScopeSpans {
    #[serde(default)]
    spans: Vec<span::Raw>,
}

/// Spans that were taken so far.
#[derive(Debug, Default)]
pub struct Spans {
    /// By trace, in the order in which they came up.
    traces: Vec<(String, Vec<Span>)>,
    places: BTreeMap<String, usize>,
    count: usize,
}

impl Spans {
    /// Takes the spans of one document; gives how many there are.
    ///
    /// # Errors
    /// [`OtlpFault`], with which nothing of it was taken.
    pub fn take(&mut self, document: &str) -> Result<usize, OtlpFault> {
        let document: Document =
            serde_json::from_str(document).map_err(|why| OtlpFault::NoDocument {
                cut_off: why.is_eof(),
                why: why.to_string(),
            })?;
        let scopes = document.resource_spans.into_iter();
        let scopes = scopes.flat_map(|resource| resource.scope_spans);
        let raw: Vec<span::Raw> = scopes.flat_map(|scope| scope.spans).collect();
        if self.count.saturating_add(raw.len()) > SPANS_MAX {
            return Err(OtlpFault::TooMany);
        }
        let taken = raw.len();
        self.count += taken;
        for raw in raw {
            let (trace, span) = span::read(raw);
            let next = self.traces.len();
            let at = *self.places.entry(trace.clone()).or_insert(next);
            if at == next {
                self.traces.push((trace, Vec::new()));
            }
            self.traces[at].1.push(span);
        }
        Ok(taken)
    }

    /// The traces, in the order in which they came up, each with its steps in the order in which
    /// they ended. Spans of which nothing is a step leave a trace without steps.
    #[must_use]
    pub fn into_traces(self) -> Vec<Trace> {
        let traces = self.traces.into_iter();
        traces.map(|(id, spans)| turns::trace(id, spans)).collect()
    }
}
