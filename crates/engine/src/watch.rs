//! What is done about a finding: what stays however often it is found climbs a ladder, one rung
//! for each time. The agent is told, then something is changed, then its task is tried from the
//! beginning, then the manager plans from the evidence, then a person is asked, and at last the
//! run stops. A rung that there is not is left out. What is found is for `detectors` to say.

use crate::agent::{Agent, AgentState};
use crate::bars::{calls_back, key};
use crate::drift::Drift;
use crate::named::{Named, named};
use crate::run::Run;
use crate::turn::{attempts_max, fail_task, give_up};
use leadhand_detectors::Loops;
use leadhand_protocol::{
    AgentId, Ask, Autonomy, ContentHash, Event, Finding, Grade, Identity, LoopFinding, OutcomeKind,
    Purpose, RequestId,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Contents of files that are kept in mind as seen before, at most: by the first 8 bytes of
/// their hashes, so that a run of any length keeps no more than some tens of kilobytes.
const CONTENTS_MAX: usize = 4_096;
/// Findings that wait until their agents can be told, at most; more are left out, and are found
/// again if they stay.
const PENDING_MAX: usize = 256;

/// What is watched, and what was done about what was found.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Watch {
    pub(crate) loops: Loops,
    /// What was found and nothing was done about yet.
    pending: Vec<Finding>,
    /// How often each thing was found, by who was at it.
    climbed: BTreeMap<Identity, Vec<Climbed>>,
    /// Who was found at something without a task that could be marked.
    pub(crate) found: BTreeSet<Purpose>,
    contents: BTreeSet<u64>,
    pub(crate) drift: Drift,
    /// What calls were barred for, as it was found.
    barred_for: BTreeMap<Identity, Finding>,
}

/// How far up the ladder one finding is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Climbed {
    purpose: Purpose,
    times: u32,
}

/// What is done about a finding next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rung {
    Tell,
    Change,
    Anew,
    Revise,
    Ask,
    Stop,
}

impl Watch {
    /// What calls were barred for is tried again.
    pub(crate) fn note_again(
        &mut self,
        agent: AgentId,
        found: Option<LoopFinding>,
        barred: Identity,
    ) {
        match (self.barred_for.get(&barred).cloned(), found) {
            (Some(Finding::Loop(before)), found) => self.note(Finding::Loop(LoopFinding {
                agent,
                times: before.times.saturating_add(self.times_of(barred)),
                since: found.map_or(before.since, |found| found.since.min(before.since)),
                ..before
            })),
            (Some(before), _) => self.note(before),
            (None, Some(found)) => self.note(Finding::Loop(found)),
            (None, None) => {}
        }
    }

    fn times_of(&self, identity: Identity) -> u32 {
        let climbed = self.climbed.get(&identity).into_iter().flatten();
        climbed.map(|one| one.times).sum()
    }

    /// Keeps a finding until its agent can be told.
    pub(crate) fn note(&mut self, finding: Finding) {
        let name = |finding: &Finding| named(finding).map(|it| (it.agent, it.identity));
        let own = name(&finding);
        let is_new = self.pending.iter().all(|pending| name(pending) != own);
        if self.pending.len() < PENDING_MAX && is_new {
            self.pending.push(finding);
        }
    }

    pub(crate) fn note_all(&mut self, findings: Vec<Finding>) {
        findings.into_iter().for_each(|finding| self.note(finding));
    }

    /// An agent is no more: nothing is left to be done about what was found of it.
    pub(crate) fn over(&mut self, agent: AgentId) {
        self.loops.forget(agent);
        self.pending
            .retain(|finding| named(finding).is_none_or(|named| named.agent != agent));
    }

    /// Whether a file has never had this content before, as far back as is kept in mind.
    pub(crate) fn is_new(&mut self, content: &ContentHash) -> bool {
        let first = content.first_number();
        if self.contents.contains(&first) {
            return false;
        }
        if self.contents.len() >= CONTENTS_MAX {
            self.contents.pop_first();
        }
        self.contents.insert(first)
    }

    fn times(&self, purpose: &Purpose, identity: Identity) -> u32 {
        let climbed = self.climbed.get(&identity).into_iter().flatten();
        let mut own = climbed.filter(|climbed| climbed.purpose == *purpose);
        own.next().map_or(0, |climbed| climbed.times)
    }

    fn climb(&mut self, purpose: &Purpose, identity: Identity) {
        let climbed = self.climbed.entry(identity).or_default();
        match climbed.iter_mut().find(|one| one.purpose == *purpose) {
            Some(one) => one.times = one.times.saturating_add(1),
            None => climbed.push(Climbed {
                purpose: purpose.clone(),
                times: 1,
            }),
        }
    }

    /// A person lets it go on: it is as if it had never been found.
    pub(crate) fn forget(&mut self, purpose: &Purpose, identity: Identity) {
        if let Some(climbed) = self.climbed.get_mut(&identity) {
            climbed.retain(|one| one.purpose != *purpose);
        }
    }
}

/// What is done next about something that this agent was found at.
fn rung(run: &Run, agent: &Agent, named: &Named<'_>) -> Rung {
    let limits = &run.started().start.limits;
    let times = run.watch.times(&agent.purpose, named.identity);
    if times < limits.finding_tellings_max {
        return Rung::Tell;
    }
    let can_change = agent.equipment.models.len() > 1 || !calls_back(agent, named.steps).is_empty();
    let changes_max = if can_change {
        limits.finding_changes_max
    } else {
        0
    };
    if times < limits.finding_tellings_max.saturating_add(changes_max) {
        return Rung::Change;
    }
    last_rung(run, agent)
}

/// What is done about what stays whatever is done within an attempt.
pub(crate) fn last_rung(run: &Run, agent: &Agent) -> Rung {
    let others_go_on = match &agent.purpose {
        Purpose::Task(id) if agent.attempt < attempts_max(run, id) => return Rung::Anew,
        Purpose::Task(_) => run.may_revise(),
        Purpose::Judge { .. } | Purpose::Drift { .. } | Purpose::Reply { .. } => true,
        Purpose::Plan | Purpose::Revise | Purpose::Answer | Purpose::RollBack => false,
    };
    // Nobody is asked at L5.
    if others_go_on {
        Rung::Revise
    } else if run.started().start.goal.autonomy < Autonomy::L5 {
        Rung::Ask
    } else {
        Rung::Stop
    }
}

/// What follows from findings: one at a time, once its agent stands between two turns.
pub(crate) fn settle(run: &Run) -> Vec<Event> {
    if run.stop.is_some() {
        return Vec::new();
    }
    let ready = run.watch.pending.iter().find_map(|finding| {
        let named = named(finding)?;
        let agent = run.agents.get(&named.agent)?;
        let between = match (&agent.state, finding) {
            (AgentState::Due, _) => true,
            // What is wrong with an output is told before the output counts.
            (AgentState::Delivered(delivery), _) => delivery.call.is_none() && !delivery.checking,
            _ => false,
        };
        between.then_some((finding, named, agent))
    });
    let Some((finding, named, agent)) = ready else {
        return Vec::new();
    };
    let mut events = vec![Event::Found(finding.clone())];
    events.extend(intervene(run, agent, finding, &named));
    events
}

fn intervene(run: &Run, agent: &Agent, finding: &Finding, named: &Named<'_>) -> Vec<Event> {
    let why = format!("{}: {}", named.what, named.evidence);
    let tell = |text: String| Event::Told {
        agent: agent.id,
        fault: matches!(agent.state, AgentState::Delivered(_)),
        text,
    };
    match rung(run, agent, named) {
        Rung::Tell => vec![tell(format!("Your {why} {}", named.advice))],
        Rung::Change if calls_back(agent, named.steps).is_empty() => vec![tell(format!(
            "Your {why} You were told. Go another way, or give the final result with what you know."
        ))],
        Rung::Change => vec![tell(format!(
            "Your {why} You were told. From now on these calls are not made until something changes, such as the content of a file. Go another way, or give the final result with what you know."
        ))],
        Rung::Anew => give_up(run, agent, &why),
        Rung::Revise => match agent.task() {
            Some(task) => fail_task(agent, task.clone(), why),
            None => give_up(run, agent, &why),
        },
        Rung::Ask => vec![asked(run, agent, finding, done(run, agent, named))],
        Rung::Stop => stopped(agent, named.kind, why),
    }
}

pub(crate) fn asked(run: &Run, agent: &Agent, finding: &Finding, done: Vec<String>) -> Event {
    Event::PersonAsked {
        request: RequestId(run.people.asked),
        ask: Ask::Finding {
            role: agent.role.clone(),
            task: agent.task().cloned(),
            finding: Box::new(finding.clone()),
            done,
        },
    }
}

fn done(run: &Run, agent: &Agent, named: &Named<'_>) -> Vec<String> {
    let limits = &run.started().start.limits;
    let times = run.watch.times(&agent.purpose, named.identity);
    let mut done = Vec::new();
    if times > 0 && limits.finding_tellings_max > 0 {
        done.push("it was told".to_owned());
    }
    if times > limits.finding_tellings_max {
        done.push("its calls were refused, or its model was changed".to_owned());
    }
    done
}

/// The end of a run that helps itself no more. What others are at comes to its end.
pub(crate) fn stopped(agent: &Agent, kind: OutcomeKind, why: String) -> Vec<Event> {
    let mut events = match agent.task() {
        Some(task) => fail_task(agent, task.clone(), why.clone()),
        None => Vec::new(),
    };
    events.push(Event::StopOrdered {
        kind,
        why,
        grade: Grade::WrapUp,
    });
    events
}

/// Ends the run for what a person was asked about: nobody is there, or it is not to go on.
pub(crate) fn stop_for(run: &Run, finding: &Finding, because: &str) -> Vec<Event> {
    let Some(named) = named(finding) else {
        return Vec::new();
    };
    let why = format!("{}: {} {because}", named.what, named.evidence);
    match run.agents.get(&named.agent) {
        Some(agent) => stopped(agent, named.kind, why),
        None => Vec::new(),
    }
}

/// What a person wants an agent to know that may go on.
pub(crate) fn steered(finding: &Finding, text: &str) -> Option<Event> {
    named(finding).map(|named| Event::Told {
        agent: named.agent,
        fault: false,
        text: format!("The person you work for says: {text}"),
    })
}

/// Whether an agent waits for what a person says of a finding.
pub(crate) fn holds(run: &Run, agent: &Agent) -> bool {
    let mut open = run.people.open.values();
    open.any(|ask| is_about(ask, agent.id))
}

/// Whether a question is whether this agent may go on.
pub(crate) fn is_about(ask: &Ask, agent: AgentId) -> bool {
    match ask {
        Ask::Finding { finding, .. } => named(finding).is_some_and(|named| named.agent == agent),
        Ask::Plan { .. } | Ask::Tool { .. } | Ask::Outcome { .. } | Ask::Task { .. } => false,
    }
}

impl Run {
    /// A finding is on record: the rung that follows from it is taken.
    pub(crate) fn climbs(&mut self, finding: &Finding) {
        self.watch.pending.retain(|pending| pending != finding);
        let Some(named) = named(finding) else {
            return;
        };
        let Some(agent) = self.agents.get(&named.agent) else {
            return;
        };
        let rung = rung(self, agent, &named);
        let purpose = agent.purpose.clone();
        if rung == Rung::Change {
            let setting = self.started();
            let run = &setting.start.run;
            let bars: Vec<_> = calls_back(agent, named.steps)
                .into_iter()
                .map(|call| (key(run, setting.tool(&call.name), call), named.identity))
                .collect();
            self.watch
                .barred_for
                .insert(named.identity, finding.clone());
            if let Some(agent) = self.agents.get_mut(&named.agent) {
                agent.barred.extend(bars);
                agent.barred.sort_unstable();
                agent.barred.dedup();
                if agent.equipment.models.len() > 1 {
                    agent.equipment.models.rotate_left(1);
                }
            }
        }
        self.watch.climb(&purpose, named.identity);
    }

    /// A person lets an agent go on whatever was found.
    pub(crate) fn lets_go_on(&mut self, finding: &Finding) {
        let Some(named) = named(finding) else {
            return;
        };
        if let Some(agent) = self.agents.get_mut(&named.agent) {
            agent
                .barred
                .retain(|(_, identity)| *identity != named.identity);
            self.watch.forget(&agent.purpose, named.identity);
        }
    }

    /// Whether what was found of the agent of this purpose, or of its task, lowers its autonomy.
    pub(crate) fn is_found(&self, agent: &Agent) -> bool {
        match agent.task() {
            Some(task) => self.task(task).is_some_and(|record| record.found),
            None => self.watch.found.contains(&agent.purpose),
        }
    }
}
