//! An agent that says again what it was just sent back for.

use crate::agent::Agent;
use crate::run::Run;
use crate::steps::last_said;
use crate::turn::give_up;
use crate::watch::{Rung, asked, last_rung, stopped};
use leadhand_protocol::{
    ContentHash, EVIDENCE_CHARS_MAX, Event, Finding, LoopFinding, LoopRule, OutcomeKind,
};

/// Told what is wrong, an agent said the same again: only another attempt can bring another reply.
/// Where the last attempt ends as the one before did, it is a loop like any other.
pub(crate) fn says_again(run: &Run, agent: &Agent, fault: &str) -> Vec<Event> {
    let why = format!("it gave the same reply again after it was told: {fault}");
    let ended = give_up(run, agent, &why);
    let mut events = ended.iter();
    let is_last = events.any(|event| matches!(event, Event::TaskFailed { .. }));
    let record = agent.task().and_then(|task| run.task(task));
    let is_as_before = record.is_some_and(|record| record.failure.as_ref() == Some(&why));
    if !is_last || !is_as_before || run.stop.is_some() {
        return ended;
    }
    let said = last_said(agent);
    let evidence = match said {
        "" => format!("{why} It said nothing."),
        said => format!("{why} It said: {said}"),
    };
    let finding = Finding::Loop(LoopFinding {
        agent: agent.id,
        rule: LoopRule::Chant,
        identity: ContentHash::of(said.as_bytes()).into(),
        since: run.watch.loops.steps().saturating_sub(1),
        period: 1,
        times: agent.attempt.saturating_mul(2),
        evidence: evidence.chars().take(EVIDENCE_CHARS_MAX).collect(),
    });
    let mut events = vec![Event::Found(finding.clone())];
    match last_rung(run, agent) {
        Rung::Tell | Rung::Change | Rung::Anew | Rung::Revise => events.extend(ended),
        Rung::Ask => {
            // It waits between two turns for what the person says.
            events.push(Event::Told {
                agent: agent.id,
                fault: true,
                text: fault.to_owned(),
            });
            let done = vec!["it was told, and another attempt was made".to_owned()];
            events.push(asked(run, agent, &finding, done));
        }
        Rung::Stop => events.extend(stopped(agent, OutcomeKind::LoopFound, why)),
    }
    events
}
