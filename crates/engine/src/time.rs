//! How long a run and its tasks are at work, by the times of records: the engine has no clock.
//! While a run stands still, or its process is dead, nothing is counted.

use crate::agent::{Agent, CallStatus, PendingCall};
use crate::coordination;
use crate::decide::stop;
use crate::run::Run;
use crate::turn::fail_task;
use leadhand_protocol::{Event, OutcomeKind, Record, TaskId};
use serde::{Deserialize, Serialize};

/// Time at work, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct AtWork {
    /// What is counted.
    pub(crate) ms: u64,
    /// What is counted as well unless the next record is that the run was resumed: people may
    /// also give orders to a run whose process is dead.
    unsure_ms: u64,
}

impl Run {
    /// Counts the time up to a record.
    pub(crate) fn pass_time(&mut self, record: &Record) {
        let passed = record.at_ms.saturating_sub(self.at_ms);
        self.at_ms = record.at_ms;
        if self.setting.is_none() || self.outcome.is_some() {
            return;
        }
        let at_work = &mut self.at_work;
        match &*record.event {
            Event::RunResumed | Event::Forked { .. } => at_work.unsure_ms = 0,
            Event::PersonAnswered { .. } | Event::PersonOrdered { .. } | Event::Steered { .. } => {
                at_work.unsure_ms += passed;
            }
            _ => {
                at_work.ms += at_work.unsure_ms + passed;
                at_work.unsure_ms = 0;
            }
        }
    }

    /// Milliseconds until a bound of time or the end of somebody's wait is reached, from `now_ms`
    /// on; `None` where there is neither, or the run is over.
    #[must_use]
    pub fn left_ms(&self, now_ms: u64) -> Option<u64> {
        if self.setting.is_none() || self.outcome.is_some() {
            return None;
        }
        let deadline = self.coordination.room.next_deadline_ms();
        let of_waits = deadline.map(|at_ms| at_ms.saturating_sub(now_ms));
        of_waits.into_iter().chain(self.bound_ms(now_ms)).min()
    }

    /// Milliseconds until a bound of time is reached; `None` for a run that is about to stop
    /// anyway.
    fn bound_ms(&self, now_ms: u64) -> Option<u64> {
        if self.stop.is_some() {
            return None;
        }
        let worked = self.worked_ms(now_ms);
        let of_run = self.run_ms_max().map(|max| max.saturating_sub(worked));
        let timed = self.plan.timed.then(|| self.agents.values());
        let of_tasks = timed
            .into_iter()
            .flatten()
            .filter(|agent| self.harmful_call(agent).is_none())
            .filter_map(|agent| {
                let (_, max, used) = self.task_time(agent, worked)?;
                Some(max.saturating_sub(used))
            });
        of_run.into_iter().chain(of_tasks).min()
    }

    /// How long it will have been at work at a time, if it works on until then.
    fn worked_ms(&self, at_ms: u64) -> u64 {
        let passed = at_ms.saturating_sub(self.at_ms);
        self.at_work.ms + self.at_work.unsure_ms + passed
    }

    fn run_ms_max(&self) -> Option<u64> {
        let start = &self.started().start;
        let limit = start.limits.run_seconds_max;
        let limit = (limit > 0).then_some(limit);
        let seconds = limit.into_iter().chain(start.goal.budget.seconds_max).min();
        seconds.map(|seconds| seconds.saturating_mul(1_000))
    }

    /// The task that an agent carries out, how long all attempts at it may take and have taken,
    /// in milliseconds, when the run was at work for `worked`; `None` where that is not bounded.
    fn task_time(&self, agent: &Agent, worked: u64) -> Option<(TaskId, u64, u64)> {
        let id = agent.task()?;
        let seconds_max = self.graph()?.task(id)?.budget.seconds_max?;
        let before = self.task(id).map_or(0, |record| record.at_work_ms);
        let used = before + worked.saturating_sub(agent.began_ms);
        Some((id.clone(), seconds_max.saturating_mul(1_000), used))
    }

    /// The task of an agent whose time is over.
    pub(crate) fn task_time_over(&self, agent: &Agent, worked: u64) -> Option<(TaskId, String)> {
        let (id, max, used) = self.task_time(agent, worked)?;
        (used >= max).then(|| {
            let why = format!(
                "the {} seconds that the task may take are over",
                max / 1_000
            );
            (id, why)
        })
    }

    /// A call at work that cannot be given up: what it did must be known.
    pub(crate) fn harmful_call<'a>(&self, agent: &'a Agent) -> Option<&'a PendingCall> {
        agent.calls().iter().find(|call| {
            call.status == CallStatus::Running && !self.started().is_repeatable(&call.call.name)
        })
    }
}

/// What follows when a bound of time, or the end of a wait, may be reached.
pub(crate) fn up(run: &Run, at_ms: u64) -> Vec<Event> {
    if run.outcome.is_some() {
        return Vec::new();
    }
    let mut follows = bounds_reached(run, at_ms);
    follows.extend(coordination::due(run, at_ms));
    if !follows.is_empty() {
        follows.insert(0, Event::TimeUp);
    }
    follows
}

fn bounds_reached(run: &Run, at_ms: u64) -> Vec<Event> {
    if run.stop.is_some() {
        return Vec::new();
    }
    let worked = run.worked_ms(at_ms);
    if run.run_ms_max().is_some_and(|max| worked >= max) {
        let why = "the time allowed is over".to_owned();
        return vec![stop(OutcomeKind::BudgetSpent, why)];
    }
    let over = run
        .agents
        .values()
        .filter(|agent| run.harmful_call(agent).is_none());
    over.filter_map(|agent| {
        let (task, why) = run.task_time_over(agent, worked)?;
        Some(fail_task(agent, task, why))
    })
    .flatten()
    .collect()
}
