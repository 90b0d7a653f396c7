//! A second model says from time to time whether work still serves its task, where the limits of
//! the run allow it any such judgement. Who is judged goes on meanwhile. A verdict that work
//! drifts is a finding like any other; a judge that fails gave no verdict, which stands on record,
//! and is followed by another one.

use crate::agent::{Agent, Delivery};
use crate::brief;
use crate::run::Run;
use crate::turn::give_up;
use leadhand_detectors::divergence::{DriftVerdict, Place, drift};
use leadhand_protocol::{AgentId, Event, Finding, Purpose};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Turns of an agent between two verdicts: fewer would judge what has hardly begun, and cost as
/// much as the work; an agent has 16 turns unless its role says more.
const TURNS_BETWEEN: u32 = 8;

/// What was asked of second models.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Drift {
    asked: u32,
    /// Judges at work, and whose work they judge.
    judges: BTreeMap<AgentId, AgentId>,
}

/// A judge for an agent that is about to take a turn, if one is due.
pub(crate) fn due(run: &Run, agent: &Agent) -> Option<Event> {
    let task = agent.task()?;
    let drift = &run.watch.drift;
    let is_due = agent.turns >= TURNS_BETWEEN.saturating_mul(agent.verdicts + 1)
        && drift.asked < run.started().start.limits.drift_judgements_max
        && run.stop.is_none()
        && !drift.judges.values().any(|judged| *judged == agent.id);
    let planned = run.graph()?.task(task)?;
    is_due.then(|| Event::AgentStarted {
        agent: AgentId(run.agents_started),
        role: brief::JUDGE_ROLE.into(),
        purpose: Purpose::Drift {
            task: task.clone(),
            of: agent.id,
        },
        attempt: 1,
        opening: Some(brief::drift(run, planned, agent)),
    })
}

/// A judge whose agent is no more has nothing left to say.
pub(crate) fn settle(run: &Run) -> Vec<Event> {
    let mut judges = run.watch.drift.judges.iter();
    let idle = judges.find(|(_, judged)| !run.agents.contains_key(judged));
    let ended = idle.map(|(judge, _)| Event::AgentEnded {
        agent: *judge,
        failure: Some("whose work it was to judge has ended".to_owned()),
    });
    ended.into_iter().collect()
}

/// The answer of a judge, once what it says is noted.
pub(crate) fn accept(run: &Run, agent: &Agent, delivery: &Delivery) -> Vec<Event> {
    match DriftVerdict::read(Ok(&delivery.content)) {
        DriftVerdict::OnPlan | DriftVerdict::Drifts { .. } => vec![Event::AgentEnded {
            agent: agent.id,
            failure: None,
        }],
        DriftVerdict::Unknown { why } => give_up(run, agent, &why),
    }
}

/// The form of a verdict.
pub(crate) fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "why": {"type": "string", "minLength": 1, "maxLength": 300},
            "verdict": {"enum": ["on_plan", "drifts"]},
        },
        "required": ["why", "verdict"],
        "additionalProperties": false,
    })
}

impl Run {
    /// A judge begins.
    pub(crate) fn judges(&mut self, judge: AgentId, purpose: &Purpose) {
        if let Purpose::Drift { of, .. } = purpose {
            self.watch.drift.asked += 1;
            self.watch.drift.judges.insert(judge, *of);
        }
    }

    /// A judge is no more.
    pub(crate) fn judges_no_more(&mut self, judge: AgentId) {
        self.watch.drift.judges.remove(&judge);
    }

    /// A judge has answered: of a verdict it counts that there is one, and what follows from it.
    pub(crate) fn drifts(&mut self, judge: AgentId, output: &str) {
        let Some(Purpose::Drift { task, of }) =
            self.agents.get(&judge).map(|it| it.purpose.clone())
        else {
            return;
        };
        let verdict = DriftVerdict::read(Ok(output));
        let place = Place {
            agent: of,
            task: Some(&task),
            step: Some(self.watch.loops.steps()),
        };
        let found = drift(place, &verdict);
        if let Some(judged) = self.agents.get_mut(&of) {
            if !matches!(verdict, DriftVerdict::Unknown { .. }) {
                judged.verdicts += 1;
            }
            self.watch
                .note_all(found.map(Finding::Divergence).into_iter().collect());
        }
    }
}
