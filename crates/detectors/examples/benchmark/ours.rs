//! Our own detector on the traces: each row becomes a step as a program would see it that knows
//! nothing but the trace. The time of steps, how a call ended and what was gained are not in the
//! data, so all that these tell us is left out.

use crate::data::{Kind, Row, Trace};
use crate::score::Fire;
use leadhand_detectors::{Arguments, Call, Came, Loops, Manner, Step};
use leadhand_protocol::AgentId;
use serde_json::Value;

/// The first loop that is called in a trace, and whose it is said to be.
pub(crate) fn first_fire(trace: &Trace) -> Option<Fire> {
    let mut names = Names::default();
    let mut loops = Loops::default();
    trace.steps.iter().enumerate().find_map(|(at, row)| {
        let id = names.id_of(&row.agent);
        let call = call(row);
        let finding = loops.see(&step(row, id, call.as_slice()))?;
        let agent = names.name_of(finding.agent);
        Some(Fire { at, agent })
    })
}

/// Has a fresh detector see every step of a trace, also after it has called a loop; says how many
/// there were. For measuring.
pub(crate) fn see_all(trace: &Trace) -> usize {
    let mut names = Names::default();
    let mut loops = Loops::default();
    for row in &trace.steps {
        let id = names.id_of(&row.agent);
        let call = call(row);
        std::hint::black_box(loops.see(&step(row, id, call.as_slice())));
    }
    trace.steps.len()
}

/// The agents of a trace, numbered as they come.
#[derive(Default)]
struct Names<'a>(Vec<&'a str>);

impl<'a> Names<'a> {
    fn id_of(&mut self, name: &'a str) -> AgentId {
        let known = self.0.iter().position(|it| *it == name);
        let at = known.unwrap_or_else(|| {
            self.0.push(name);
            self.0.len() - 1
        });
        AgentId(u32::try_from(at).expect("a trace has fewer than 2^32 agents"))
    }

    fn name_of(&self, id: AgentId) -> Option<String> {
        let name = self.0.get(usize::try_from(id.0).ok()?)?;
        Some((*name).to_owned())
    }
}

fn call(row: &Row) -> Option<Call<'_>> {
    let arguments = match &row.args {
        Value::String(text) => Arguments::Text(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Arguments::Json(&row.args)
        }
    };
    (row.kind == Kind::Tool).then(|| Call {
        tool: &row.tool,
        arguments,
        result: row.observation.as_deref().unwrap_or_default(),
        came: Came::Unknown,
        manner: Manner::default(),
    })
}

fn step<'a>(row: &'a Row, agent: AgentId, calls: &'a [Call<'a>]) -> Step<'a> {
    Step {
        agent,
        said: row.text.as_deref().unwrap_or_default(),
        calls,
        answered: match row.kind {
            Kind::Tool => None,
            Kind::Message => row.observation.as_deref(),
        },
        at_ms: None,
        gained: false,
    }
}
