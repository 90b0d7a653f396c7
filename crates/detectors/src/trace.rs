//! Traces of others in neutral JSON lines: one record a line, with an id, its steps, and a plan
//! where there is one. All of it is hostile until read: what is missing is left out, what is too
//! long is cut, and what is no such record is named.

use crate::divergence::PlannedCall;
use crate::{Arguments, Call, Came, Manner, Step};
use leadhand_protocol::AgentId;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Most bytes of one observation or text that are looked at; the rest says no more about whether
/// it is the same as another.
pub const TEXT_BYTES_MAX: usize = 256 * 1024;

/// A record, borrowed from its line.
#[derive(Debug, Deserialize)]
struct Record<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    steps: Vec<Row<'a>>,
    #[serde(default)]
    plan: Value,
}

#[derive(Debug, Deserialize)]
struct Row<'a> {
    #[serde(borrow, default)]
    agent: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    tool: Option<Cow<'a, str>>,
    #[serde(default)]
    args: Value,
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "as_text")]
    observation: Option<String>,
}

/// An observation is a text in most traces, and a value in some.
fn as_text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::Null => None,
        Value::String(text) => Some(text),
        value @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Some(value.to_string())
        }
    })
}

/// One run of somebody's agents.
#[derive(Debug)]
pub struct Trace<'a> {
    record: Record<'a>,
    agents: Vec<String>,
    places: Vec<AgentId>,
}

impl<'a> Trace<'a> {
    /// Reads one line.
    ///
    /// # Errors
    /// What is wrong with it, in words, with the column: it is no JSON, or holds no `steps`.
    ///
    /// ```
    /// use leadhand_detectors::Trace;
    /// let line = r#"{"id": "t1", "steps": [{"agent": "a", "tool": "ls", "observation": "x"}]}"#;
    /// let trace = Trace::read(line)?;
    /// assert_eq!((trace.id(), trace.len()), ("t1", 1));
    /// # Ok::<(), String>(())
    /// ```
    pub fn read(line: &'a str) -> Result<Self, String> {
        let record: Record<'a> = serde_json::from_str(line).map_err(|why| why.to_string())?;
        let mut agents: Vec<String> = Vec::new();
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        let places = record.steps.iter().map(|row| {
            let name = row.agent.as_deref().unwrap_or_default();
            // By name, for a trace may name another agent in each of a million steps.
            let next = agents.len();
            let at = *numbers.entry(name).or_insert(next);
            if at == next {
                agents.push(name.to_owned());
            }
            AgentId(u32::try_from(at).unwrap_or(u32::MAX))
        });
        let places = places.collect();
        Ok(Self {
            record,
            agents,
            places,
        })
    }

    /// Its id; empty where it has none.
    #[must_use]
    pub fn id(&self) -> &str {
        self.record.id.as_deref().unwrap_or_default()
    }

    /// How many steps it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.record.steps.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.record.steps.is_empty()
    }

    /// The name of an agent of its.
    #[must_use]
    pub fn name(&self, agent: AgentId) -> &str {
        let at = usize::try_from(agent.0).unwrap_or(usize::MAX);
        self.agents.get(at).map_or("", String::as_str)
    }

    /// The calls that were planned; none where it has no plan of calls.
    #[must_use]
    pub fn plan(&self) -> Option<Vec<PlannedCall>> {
        let calls = self.record.plan.as_array()?.iter().map(|call| {
            let arguments = call.get("kwargs").or_else(|| call.get("arguments"));
            Some(PlannedCall {
                tool: call.get("name")?.as_str()?.to_owned(),
                arguments: arguments.cloned().unwrap_or_default(),
            })
        });
        calls.collect()
    }

    /// Shows its steps one by one until `look` has an answer.
    pub fn find<T>(&self, mut look: impl FnMut(usize, &Step<'_>) -> Option<T>) -> Option<T> {
        self.record.steps.iter().enumerate().find_map(|(at, row)| {
            let observation = row.observation.as_deref().map(bounded);
            let is_call = match row.kind.as_deref() {
                Some(kind) => kind == "tool",
                None => row.tool.is_some(),
            };
            let call = Call {
                tool: row.tool.as_deref().unwrap_or_default(),
                arguments: match &row.args {
                    Value::String(text) => Arguments::Text(text),
                    args @ (Value::Null
                    | Value::Bool(_)
                    | Value::Number(_)
                    | Value::Array(_)
                    | Value::Object(_)) => Arguments::Json(args),
                },
                result: observation.unwrap_or_default(),
                came: Came::Unknown,
                manner: Manner::default(),
            };
            let calls = [call];
            let step = Step {
                agent: self.places[at],
                said: bounded(row.text.as_deref().unwrap_or_default()),
                calls: if is_call { &calls } else { &[] },
                answered: if is_call { None } else { observation },
                at_ms: None,
                gained: false,
            };
            look(at, &step)
        })
    }
}

/// A text up to what is looked at of it.
fn bounded(text: &str) -> &str {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
