//! What happened in a run, told from its records: nothing here takes part in a run, and all of it
//! works where there is nothing but a journal or a trace.
//!
//! In reading order: [`Timeline`] puts records together to tasks, agents, turns and calls,
//! [`Progress`] follows a run record by record, [`words`] says single things, [`escape`] makes
//! texts of models and tools safe to show.

pub mod account;
mod coordinated;
mod drawing;
pub mod escape;
mod filter;
pub mod graph;
mod imported;
mod live_spans;
mod otlp;
mod progress;
mod said;
mod span;
mod timeline;
mod why;
pub mod words;

pub use drawing::{Drawing, Node};
pub use filter::Filter;
pub use imported::{Imported, imported};
pub use live_spans::LiveSpans;
pub use otlp::{SPANS_PER_DOCUMENT_MAX, to_otlp};
pub use progress::{Progress, Row, State};
pub use said::said;
pub use span::{Attribute, AttributeValue, Content, Span, SpanEvent, SpanKind, forms_to_mask};
pub use timeline::{
    AgentLine, Note, NoteKind, Reached, Spent, Standing, Step, TEXT_BYTES_MAX, TEXT_BYTES_MIN,
    TEXTS_BYTES_MAX, TaskLine, Timeline,
};
pub use why::{LINKS_MAX, Link, why};
