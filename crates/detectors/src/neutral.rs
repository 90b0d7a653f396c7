//! Traces of others in neutral JSON lines: one record a line, with an id, its steps, and a plan
//! where there is one. All of it is hostile until read: what is missing is left out, what is too
//! long is cut, and what is no such record is named.

use crate::Trace;
use crate::divergence::PlannedCall;
use crate::trace::{TraceCall, TraceStep, kept};
use leadhand_protocol::AgentId;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;

/// A record of a line.
#[derive(Debug, Deserialize)]
struct Record {
    #[serde(default)]
    id: Option<String>,
    steps: Vec<Row>,
    #[serde(default)]
    plan: Value,
}

#[derive(Debug, Deserialize)]
struct Row {
    #[serde(default)]
    agent: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    tool: Option<String>,
    #[serde(default)]
    args: Value,
    #[serde(default)]
    text: Option<String>,
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

impl Trace {
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
    pub fn read(line: &str) -> Result<Self, String> {
        let record: Record = serde_json::from_str(line).map_err(|why| why.to_string())?;
        let mut trace = Self {
            id: record.id.unwrap_or_default(),
            plan: planned(&record.plan),
            ..Self::default()
        };
        let mut known: BTreeMap<String, AgentId> = BTreeMap::new();
        for mut row in record.steps {
            let name = row.agent.take().unwrap_or_default();
            let next = AgentId(u32::try_from(known.len()).unwrap_or(u32::MAX));
            let agent = *known.entry(name).or_insert(next);
            trace.steps.push(row.step(agent));
        }
        trace.agents = known
            .into_iter()
            .map(|(name, agent)| (agent, name))
            .collect();
        Ok(trace)
    }
}

impl Row {
    fn step(self, agent: AgentId) -> TraceStep {
        let is_call = match self.kind.as_deref() {
            Some(kind) => kind == "tool",
            None => self.tool.is_some(),
        };
        let observation = self.observation.map(kept);
        let said = kept(self.text.unwrap_or_default());
        if !is_call {
            return TraceStep {
                said,
                answered: observation,
                ..TraceStep::of(agent)
            };
        }
        let call = TraceCall {
            tool: self.tool.unwrap_or_default(),
            arguments: self.args,
            result: observation.unwrap_or_default(),
            ..TraceCall::default()
        };
        TraceStep {
            said,
            calls: vec![call],
            ..TraceStep::of(agent)
        }
    }
}

fn planned(plan: &Value) -> Option<Vec<PlannedCall>> {
    let calls = plan.as_array()?.iter().map(|call| {
        let arguments = call.get("kwargs").or_else(|| call.get("arguments"));
        Some(PlannedCall {
            tool: call.get("name")?.as_str()?.to_owned(),
            arguments: arguments.cloned().unwrap_or_default(),
        })
    });
    calls.collect()
}
