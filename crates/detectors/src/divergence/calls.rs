//! A trace held against a plan of calls: writes that the plan does not hold, and planned writes
//! that never came. Reads are free: how an agent finds out what to do is not planned.

use super::writes::call_writes;
use super::{Place, bounded};
use crate::canonical::canonical;
use crate::outcome::came_to_nothing;
use crate::{Arguments, Call, Step};
use leadhand_protocol::{AgentId, Divergence, DivergenceRule, Effect, TaskId};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};

/// Most characters of a call's arguments that evidence shows; the tool and the words around it
/// have the rest.
const ARGUMENTS_CHARS_MAX: usize = 300;

/// One call that the plan holds.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedCall {
    /// The tool.
    pub tool: String,
    /// With what.
    pub arguments: Value,
}

/// What is planned and did not come yet. Grows with the plan and never with the trace.
#[derive(Debug, Clone)]
pub struct PlanWatch {
    /// Planned writes by tool and canonical arguments, and for each its places in the plan that
    /// are still to come; none left where it came as often as planned.
    outstanding: BTreeMap<(String, String), VecDeque<usize>>,
    effects: BTreeMap<String, Effect>,
    task: Option<TaskId>,
    /// Whose step was seen last: what never came is said of whoever stopped.
    last: AgentId,
}

impl PlanWatch {
    /// Watches for a plan, with tools of which nothing is known but their names.
    #[must_use]
    pub fn new(plan: &[PlannedCall]) -> Self {
        Self::with_effects(plan, BTreeMap::new())
    }

    /// The same, where tools have declared their effects.
    #[must_use]
    pub fn with_effects(plan: &[PlannedCall], effects: BTreeMap<String, Effect>) -> Self {
        let writes = plan
            .iter()
            .filter(|call| call_writes(&call.tool, effects.get(&call.tool).copied()));
        let mut outstanding: BTreeMap<_, VecDeque<usize>> = BTreeMap::new();
        for (place, call) in writes.enumerate() {
            let made = (call.tool.clone(), canonical(&call.arguments));
            outstanding.entry(made).or_default().push_back(place);
        }
        Self {
            outstanding,
            effects,
            task: None,
            last: AgentId(0),
        }
    }

    /// The same, for the work at one task, which its findings name.
    #[must_use]
    pub fn of_task(mut self, task: TaskId) -> Self {
        self.task = Some(task);
        self
    }

    /// Takes one step into account: a finding for each write of it that the plan does not hold,
    /// or holds less often than it was made.
    ///
    /// Calls that failed changed nothing and do not count, neither for nor against. Order does
    /// not matter: a plan of calls says what is to be changed, and calls that had to come first
    /// show by those that fail.
    pub fn see(&mut self, index: u64, step: &Step<'_>) -> Vec<Divergence> {
        self.last = step.agent;
        let mut found = Vec::new();
        for call in step.calls {
            if !self.wrote(call) {
                continue;
            }
            let made = (call.tool.to_owned(), canonical_arguments(call.arguments));
            let place = self
                .outstanding
                .get_mut(&made)
                .and_then(VecDeque::pop_front);
            if place.is_none() {
                found.push(self.unplanned(index, step.agent, &made));
            }
        }
        found
    }

    /// The planned writes that never came, in the plan's order. Asked when the work has ended.
    #[must_use]
    pub fn finish(&self) -> Vec<Divergence> {
        let outstanding = self.outstanding.iter();
        let mut missing: Vec<_> = outstanding
            .flat_map(|(call, places)| (0_u32..).zip(places).map(move |it| (it.1, it.0, call)))
            .collect();
        missing.sort_unstable();
        let here = Place {
            agent: self.last,
            task: self.task.as_ref(),
            step: None,
        };
        let told = missing.into_iter().map(|(_, nth, (tool, arguments))| {
            let shown = bounded(arguments, ARGUMENTS_CHARS_MAX);
            let words = format!("the plan holds `{tool}` with {shown}, and it never came");
            let nth = nth.to_string();
            here.found(
                DivergenceRule::MissingWrite,
                &[tool, arguments, &nth],
                &words,
            )
        });
        told.collect()
    }

    fn wrote(&self, call: &Call<'_>) -> bool {
        let effect = self.effects.get(call.tool).copied();
        // What the host saw change counts for more than any name.
        let seen = !call.manner.changed.is_empty();
        (seen || call_writes(call.tool, effect)) && !came_to_nothing(call.came, call.result)
    }

    fn unplanned(&self, index: u64, agent: AgentId, made: &(String, String)) -> Divergence {
        let (tool, arguments) = made;
        let shown = bounded(arguments, ARGUMENTS_CHARS_MAX);
        let of_tool = (tool.clone(), String::new());
        let mut from = self.outstanding.range(of_tool..);
        let why = if self.outstanding.contains_key(made) {
            "which the plan holds, but not once more"
        } else if from.next().is_some_and(|((planned, _), _)| planned == tool) {
            "and the plan holds this tool with other arguments only"
        } else {
            "and the plan holds no call of this tool"
        };
        let here = Place {
            agent,
            task: self.task.as_ref(),
            step: Some(index),
        };
        let words = format!("`{tool}` was called with {shown}, {why}");
        here.found(DivergenceRule::UnplannedWrite, &[tool, arguments], &words)
    }
}

fn canonical_arguments(arguments: Arguments<'_>) -> String {
    match arguments {
        Arguments::Json(value) => canonical(value),
        // Some traces write arguments down as JSON in a text.
        Arguments::Text(text) => match serde_json::from_str(text) {
            Ok(value) => canonical(&value),
            Err(_) => canonical(&Value::String(text.to_owned())),
        },
    }
}
