//! Traces of others in neutral JSON lines: one record a line, with an id, its steps, and a plan
//! where there is one. All of it is hostile until read: what is missing is left out, what is too
//! long is cut, and what is no such record is named. A step is put away as soon as it is read, so
//! that a trace takes little more room than its line.

use crate::Trace;
use crate::divergence::PlannedCall;
use crate::trace::{Asked, Part, STEPS_MAX, TraceArguments, TraceCall, TraceStep, begun, kept};
use leadhand_protocol::AgentId;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// Longest plan that is read, in bytes of its JSON.
pub const PLAN_BYTES_MAX: usize = 1024 * 1024;
/// Longest observation that is no text and is compared as the value that it is, whatever the
/// order of its keys; a longer one is compared as it is written. In bytes of its JSON.
const VALUE_BYTES_MAX: usize = 256 * 1024;

/// A record of a line.
#[derive(Debug, Deserialize)]
struct Record<'a> {
    #[serde(default, borrow)]
    id: Option<&'a RawValue>,
    steps: Steps,
    #[serde(default, borrow)]
    plan: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct Row<'a> {
    #[serde(default)]
    agent: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    tool: Option<String>,
    #[serde(default, borrow)]
    args: Option<&'a RawValue>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default, borrow)]
    observation: Option<&'a RawValue>,
}

/// The steps, and the number of each agent in the order in which they came up.
#[derive(Debug, Default)]
struct Steps {
    steps: Vec<TraceStep>,
    known: BTreeMap<String, AgentId>,
}

impl<'de> Deserialize<'de> for Steps {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OneByOne;
        impl<'de> Visitor<'de> for OneByOne {
            type Value = Steps;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Steps, A::Error> {
                let mut all = Steps::default();
                while let Some(row) = rows.next_element::<Row<'de>>()? {
                    if all.steps.len() == STEPS_MAX {
                        return Err(A::Error::custom(format!("more than {STEPS_MAX} steps")));
                    }
                    all.take(row);
                }
                Ok(all)
            }
        }
        from.deserialize_seq(OneByOne)
    }
}

impl Steps {
    fn take(&mut self, mut row: Row<'_>) {
        let name = row.agent.take().unwrap_or_default();
        let next = AgentId(u32::try_from(self.known.len()).unwrap_or(u32::MAX));
        let agent = *self.known.entry(name).or_insert(next);
        self.steps.push(TraceStep {
            part: agent.0 as usize,
            ..row.step(agent)
        });
    }
}

impl Trace {
    /// Reads one line.
    ///
    /// # Errors
    /// What is wrong with it, in words, with the column: it is no JSON, holds no `steps` or more
    /// than [`STEPS_MAX`], or its plan is longer than [`PLAN_BYTES_MAX`].
    ///
    /// ```
    /// use leadhand_detectors::Trace;
    /// let line = r#"{"id": "t1", "steps": [{"agent": "a", "tool": "ls", "observation": "x"}]}"#;
    /// let trace = Trace::read(line)?;
    /// assert_eq!((trace.id(), trace.len()), ("t1", 1));
    /// # Ok::<(), String>(())
    /// ```
    pub fn read(line: &str) -> Result<Self, String> {
        let record: Record<'_> = serde_json::from_str(line).map_err(|why| why.to_string())?;
        let agents = record.steps.known.into_iter();
        let agents: BTreeMap<AgentId, String> = agents.map(|(name, agent)| (agent, name)).collect();
        // Their numbers are those of the parts.
        let parts = agents.values().map(|name| Part {
            agent: name.clone(),
            ..Part::default()
        });
        Ok(Self {
            id: record.id.map(text).unwrap_or_default(),
            parts: parts.collect(),
            agents,
            steps: record.steps.steps,
            plan: record.plan.map(planned).transpose()?.flatten(),
        })
    }
}

impl Row<'_> {
    fn step(self, agent: AgentId) -> TraceStep {
        let is_call = match self.kind.as_deref() {
            Some(kind) => kind == "tool",
            None => self.tool.is_some(),
        };
        let observation = self.observation.map(text);
        let said = kept(self.text.unwrap_or_default());
        // Who says something is taken to be a model.
        let asked = (!said.is_empty()).then(Box::<Asked>::default);
        if !is_call {
            return TraceStep {
                said,
                asked,
                answered: observation,
                ..TraceStep::of(agent)
            };
        }
        let arguments = self.args.map(|json| TraceArguments::written(json.get()));
        let call = TraceCall {
            tool: self.tool.unwrap_or_default(),
            arguments: arguments.unwrap_or_default(),
            made: Some((None, None)),
            result: observation.unwrap_or_default(),
            ..TraceCall::default()
        };
        TraceStep {
            said,
            asked,
            calls: vec![call],
            ..TraceStep::of(agent)
        }
    }
}

/// An id or an observation is a text in most traces, and a value in some.
fn text(json: &RawValue) -> String {
    let json = json.get();
    if json.starts_with('"') {
        return serde_json::from_str(json).map_or_else(|_| begun(json), kept);
    }
    if json.len() > VALUE_BYTES_MAX {
        return begun(json);
    }
    serde_json::from_str(json).map_or_else(|_| begun(json), |value: Value| value.to_string())
}

/// The calls of a plan; none where it is anything but a list of calls.
fn planned(plan: &RawValue) -> Result<Option<Vec<PlannedCall>>, String> {
    let plan = plan.get();
    if plan.len() > PLAN_BYTES_MAX {
        return Err(format!("its plan is longer than {PLAN_BYTES_MAX} bytes"));
    }
    let plan: Value = serde_json::from_str(plan).map_err(|why| why.to_string())?;
    let Some(calls) = plan.as_array() else {
        return Ok(None);
    };
    let calls = calls.iter().map(|call| {
        let arguments = call.get("kwargs").or_else(|| call.get("arguments"));
        Some(PlannedCall {
            tool: call.get("name")?.as_str()?.to_owned(),
            arguments: arguments.cloned().unwrap_or_default(),
        })
    });
    Ok(calls.collect())
}
