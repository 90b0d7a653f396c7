//! The names by which a run takes part in a trace that goes on in other programs, as W3C Trace
//! Context has it (<https://www.w3.org/TR/trace-context/>).

use crate::{AgentId, CallId, ContentHash};
use serde::{Deserialize, Serialize};
use std::fmt::{self, Write};
use std::str::FromStr;

/// Most bytes of a `tracestate` that is passed on; of a longer one nothing is, as the
/// recommendation allows.
pub const TRACE_STATE_BYTES_MAX: usize = 512;
/// The bit of the flags that says that the trace is recorded.
const SAMPLED: u8 = 1;
/// Characters of a `traceparent` of version 00.
const PARENT_CHARS: usize = 55;

/// The name of a trace: 16 bytes, not all of them zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId(pub [u8; 16]);

/// The name of a span within its trace: 8 bytes, not all of them zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId(pub [u8; 8]);

/// A place in a trace, as programs tell it one another.
///
/// ```
/// use leadhand_protocol::TraceContext;
///
/// let told = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// let context: TraceContext = told.parse()?;
/// assert!(context.is_sampled());
/// assert_eq!(context.to_string(), told);
/// # Ok::<(), leadhand_protocol::TraceContextError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Headers", into = "Headers")]
pub struct TraceContext {
    /// The trace.
    pub trace: TraceId,
    /// The span that what comes is a part of.
    pub span: SpanId,
    flags: u8,
    state: String,
}

/// Why something is no place in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no traceparent: it wants 00-TRACE-SPAN-FLAGS, of 2, 32, 16 and 2 hexadecimal digits in \
     lower case, and neither trace nor span may be all zeros"
)]
pub struct TraceContextError;

/// The headers `traceparent` and `tracestate`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Headers {
    traceparent: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    tracestate: String,
}

impl TraceContext {
    /// Whether who began the trace wants it to be recorded.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// What other systems keep in the trace: the header `tracestate`, empty where there is none.
    #[must_use]
    pub fn state(&self) -> &str {
        &self.state
    }

    /// The same with what other systems keep in the trace. What could be no header, or is longer
    /// than [`TRACE_STATE_BYTES_MAX`], is left out.
    #[must_use]
    pub fn with_state(mut self, state: &str) -> Self {
        let state = state.trim();
        let is_shown = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        self.state.clear();
        if state.len() <= TRACE_STATE_BYTES_MAX && state.bytes().all(is_shown) {
            self.state.push_str(state);
        }
        self
    }
}

impl FromStr for TraceContext {
    type Err = TraceContextError;

    /// A version that is not known yet is read as far as version 00 goes, and told on as 00.
    fn from_str(text: &str) -> Result<Self, TraceContextError> {
        let known = text.get(..PARENT_CHARS).ok_or(TraceContextError)?;
        let rest = &text[PARENT_CHARS..];
        let mut parts = known.split('-');
        let [version] = digits(parts.next())?;
        let trace: [u8; 16] = digits(parts.next())?;
        let span: [u8; 8] = digits(parts.next())?;
        let [flags] = digits(parts.next())?;
        let is_later = version != 0 && (rest.is_empty() || rest.starts_with('-'));
        let is_version = version != 0xff && (rest.is_empty() || is_later);
        if !is_version || trace == [0; 16] || span == [0; 8] || parts.next().is_some() {
            return Err(TraceContextError);
        }
        Ok(Self {
            trace: TraceId(trace),
            span: SpanId(span),
            // Others may come to mean something; they are not passed on.
            flags: flags & SAMPLED,
            state: String::new(),
        })
    }
}

/// Bytes out of exactly as many pairs of digits in lower case.
fn digits<const N: usize>(text: Option<&str>) -> Result<[u8; N], TraceContextError> {
    let text = text.filter(|text| text.len() == 2 * N).map(str::as_bytes);
    let text = text.ok_or(TraceContextError)?;
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(TraceContextError),
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = (value(pair[0])? << 4) | value(pair[1])?;
    }
    Ok(bytes)
}

/// The header `traceparent`.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace, self.span, self.flags)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hexadecimal(&self.0, f)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hexadecimal(&self.0, f)
    }
}

fn hexadecimal(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        f.write_char(DIGITS[usize::from(byte >> 4)].into())?;
        f.write_char(DIGITS[usize::from(byte & 15)].into())?;
    }
    Ok(())
}

impl TryFrom<Headers> for TraceContext {
    type Error = TraceContextError;

    fn try_from(headers: Headers) -> Result<Self, TraceContextError> {
        let context: Self = headers.traceparent.parse()?;
        Ok(context.with_state(&headers.tracestate))
    }
}

impl From<TraceContext> for Headers {
    fn from(context: TraceContext) -> Self {
        Self {
            traceparent: context.to_string(),
            tracestate: context.state,
        }
    }
}

/// The names of all spans of a run. They are hashes of what they are of, so that everybody who
/// knows the run comes to the same: who exports it, who calls a model, who looks at it later.
///
/// ```
/// use leadhand_protocol::{AgentId, RunTrace};
///
/// let trace = RunTrace::new("r1", None);
/// let told = trace.at(trace.turn(AgentId(1), 3));
/// assert_eq!(told.trace, trace.id());
/// assert!(told.is_sampled());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunTrace {
    run: String,
    trace: TraceId,
    parent: Option<TraceContext>,
}

impl RunTrace {
    /// The trace of the run of this name, which is a part of another where it has a parent.
    #[must_use]
    pub fn new(run: &str, parent: Option<&TraceContext>) -> Self {
        let own = || TraceId(named(&[run]));
        Self {
            run: run.to_owned(),
            trace: parent.map_or_else(own, |parent| parent.trace),
            parent: parent.cloned(),
        }
    }

    /// The trace.
    #[must_use]
    pub fn id(&self) -> TraceId {
        self.trace
    }

    /// The span in another program that the run is a part of.
    #[must_use]
    pub fn parent(&self) -> Option<SpanId> {
        self.parent.as_ref().map(|parent| parent.span)
    }

    /// Whether the trace is to be recorded: unless who began it says that it is not.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.parent.as_ref().is_none_or(TraceContext::is_sampled)
    }

    /// The span of the run itself.
    #[must_use]
    pub fn run(&self) -> SpanId {
        self.span("run")
    }

    /// The span of an agent.
    #[must_use]
    pub fn agent(&self, agent: AgentId) -> SpanId {
        self.span(&agent.to_string())
    }

    /// The span of an agent's turn.
    #[must_use]
    pub fn turn(&self, agent: AgentId, turn: u32) -> SpanId {
        self.span(&format!("{agent} turn {turn}"))
    }

    /// The span of a tool call.
    #[must_use]
    pub fn call(&self, call: CallId) -> SpanId {
        self.span(&call.to_string())
    }

    /// The span of something else that has this name within the run.
    #[must_use]
    pub fn span(&self, of: &str) -> SpanId {
        SpanId(named(&[&self.run, of]))
    }

    /// What other programs are told that are called from a span.
    #[must_use]
    pub fn at(&self, span: SpanId) -> TraceContext {
        let (flags, state) = match &self.parent {
            Some(parent) => (parent.flags, parent.state.clone()),
            None => (SAMPLED, String::new()),
        };
        TraceContext {
            trace: self.trace,
            span,
            flags,
            state,
        }
    }
}

/// The first bytes of a hash.
fn named<const N: usize>(of: &[&str]) -> [u8; N] {
    let mut name = [0; N];
    let hash = ContentHash::of(of.join("\n").as_bytes());
    name.copy_from_slice(&hash.digest()[..N]);
    name
}

#[cfg(test)]
mod tests {
    use super::{RunTrace, TRACE_STATE_BYTES_MAX, TraceContext};
    use crate::AgentId;

    const TOLD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

    #[test]
    fn what_is_no_traceparent_is_refused() {
        for told in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333é-01",
            "00-0af7651916cd43dd-448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert!(told.parse::<TraceContext>().is_err(), "{told}");
        }
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        let told = TOLD.replacen("00", "cc", 1);
        for told in [format!("{told}-what-comes"), told] {
            let context: TraceContext = told.parse().unwrap();
            assert_eq!(context.to_string(), TOLD);
        }
    }

    #[test]
    fn a_run_goes_on_with_the_trace_that_it_was_told() {
        let parent: TraceContext = TOLD.parse().unwrap();
        let parent = parent.with_state("vendor=1");
        let trace = RunTrace::new("r1", Some(&parent));
        let told = trace.at(trace.agent(AgentId(2)));
        assert_eq!((told.trace, told.state()), (parent.trace, "vendor=1"));
        assert!(!told.is_sampled() && !trace.is_sampled());
        assert_eq!(trace.parent(), Some(parent.span));
        let own = RunTrace::new("r1", None);
        assert_ne!(own.id(), trace.id());
        assert_eq!(own.run(), trace.run());
    }

    #[test]
    fn a_state_that_could_be_no_header_is_left_out() {
        let parent: TraceContext = TOLD.parse().unwrap();
        let long = "x".repeat(TRACE_STATE_BYTES_MAX + 1);
        for state in ["a=1\r\nHost: elsewhere", "a=ü", &long] {
            assert_eq!(parent.clone().with_state(state).state(), "");
        }
        let json = serde_json::to_string(&parent.with_state("a=1,b=2")).unwrap();
        let read: TraceContext = serde_json::from_str(&json).unwrap();
        assert_eq!(read.state(), "a=1,b=2");
    }
}
