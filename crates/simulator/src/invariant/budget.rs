//! The books of a run kept once more, from its records alone and by other means than the engine's:
//! at every level (run, task, agent of a role) no more is begun than may be spent. Only what a
//! reply cost beyond what was set aside for it may go over; that can be known by nobody before.

use super::permits;
use crate::trace::Trace;
use leadhand_engine::Run;
use leadhand_protocol::{
    AgentId, Budget, Decision, Event, Outcome, Purpose, Record, Reservation, TaskId,
};
use std::collections::BTreeMap;

/// Who may spend.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Run,
    Task(TaskId),
    Agent(AgentId),
}

#[derive(Debug, Clone, Copy, Default)]
struct Amounts {
    tokens: u64,
    micro_usd: u64,
    turns: u64,
    tool_calls: u64,
}

/// What one level has spent, and what it may.
#[derive(Debug, Default)]
struct Account {
    spent: Amounts,
    /// What replies cost beyond what was set aside for them.
    beyond: Amounts,
    /// What was spent and set aside when the budget last became another one: one that is made
    /// smaller takes nothing back.
    floor: Amounts,
    budget: Option<Budget>,
}

#[derive(Default)]
struct Books {
    accounts: BTreeMap<Level, Account>,
    roles: BTreeMap<AgentId, (String, Purpose)>,
    set_aside: BTreeMap<AgentId, Option<Reservation>>,
    agents: u64,
}

pub(super) fn check(trace: &Trace) -> Result<(), String> {
    let mut run = Run::new();
    let mut books = Books::default();
    for record in &trace.records {
        books
            .take(&run, record)
            .map_err(|why| format!("record {}: {why}", record.seq))?;
        run.apply(record);
    }
    Ok(())
}

impl Books {
    fn take(&mut self, run: &Run, record: &Record) -> Result<(), String> {
        match &*record.event {
            Event::AgentStarted {
                agent,
                role,
                purpose,
                ..
            } => {
                self.roles.insert(*agent, (role.clone(), purpose.clone()));
                self.agents += 1;
                self.agents_within(run, purpose)?;
            }
            Event::TurnStarted {
                agent, reserved, ..
            } => {
                self.change(run, *agent, |spent| spent.turns += 1);
                self.set_aside.insert(*agent, *reserved);
                self.within(*agent)?;
            }
            Event::ModelReplied { agent, reply, .. } => {
                let aside = self.set_aside.remove(agent).flatten().unwrap_or_default();
                let tokens = reply.usage.total();
                self.change(run, *agent, |spent| {
                    spent.tokens += tokens;
                    spent.micro_usd += reply.micro_usd;
                });
                for level in self.levels(*agent) {
                    let beyond = &mut self.accounts.entry(level).or_default().beyond;
                    beyond.tokens += tokens.saturating_sub(aside.tokens);
                    beyond.micro_usd += reply.micro_usd.saturating_sub(aside.micro_usd);
                }
                self.within(*agent)?;
            }
            Event::ModelFailed { agent, .. } | Event::AgentEnded { agent, .. } => {
                self.set_aside.remove(agent);
            }
            // One that waits for permits is begun by a record of its own.
            Event::ToolCalled {
                call,
                verdict,
                tool_call,
                ..
            } if verdict.decision == Decision::Allow && !permits::are_kept(run, tool_call) => {
                self.called(run, call.agent)?;
            }
            Event::CallStarted { call } | Event::ProbeOrdered { call, .. } => {
                self.called(run, call.agent)?;
            }
            // What the other run spent is not spent again.
            Event::Forked { .. } => {
                let is_agent = |level: &Level| matches!(level, Level::Agent(_));
                self.accounts.retain(|level, _| is_agent(level));
            }
            Event::RunSuspended(outcome) | Event::RunEnded(outcome) => self.told(outcome)?,
            _ => {}
        }
        Ok(())
    }

    fn called(&mut self, run: &Run, agent: AgentId) -> Result<(), String> {
        self.change(run, agent, |spent| spent.tool_calls += 1);
        let undoes = matches!(self.roles.get(&agent), Some((_, Purpose::RollBack)));
        // What a person has undone is not for a budget to keep.
        if undoes { Ok(()) } else { self.within(agent) }
    }

    /// The levels that what this agent spends counts for.
    fn levels(&self, agent: AgentId) -> Vec<Level> {
        let mut levels = vec![Level::Run, Level::Agent(agent)];
        if let Some((
            _,
            Purpose::Task(task)
            | Purpose::Judge {
                task: Some(task), ..
            }
            | Purpose::Drift { task, .. },
        )) = self.roles.get(&agent)
        {
            levels.push(Level::Task(task.clone()));
        }
        levels
    }

    /// Spends at every level, under the budgets that hold in this moment.
    fn change(&mut self, run: &Run, agent: AgentId, spend: impl Fn(&mut Amounts)) {
        for level in self.levels(agent) {
            let budget = self.budget_of(run, &level);
            let aside = self.aside(&level);
            let account = self.accounts.entry(level).or_default();
            if account.budget != budget {
                account.budget = budget;
                account.floor = Amounts {
                    tokens: account.spent.tokens + aside.tokens,
                    micro_usd: account.spent.micro_usd + aside.micro_usd,
                    ..account.spent
                };
            }
            spend(&mut account.spent);
        }
    }

    fn budget_of(&self, run: &Run, level: &Level) -> Option<Budget> {
        let setting = run.setting()?;
        match level {
            Level::Run => Some(setting.start.goal.budget),
            Level::Task(id) => Some(run.graph()?.task(id)?.budget),
            Level::Agent(id) => Some(setting.role(&self.roles.get(id)?.0)?.budget),
        }
    }

    fn aside(&self, level: &Level) -> Reservation {
        let mut sum = Reservation::default();
        for (agent, aside) in &self.set_aside {
            if self.levels(*agent).contains(level)
                && let Some(aside) = aside
            {
                sum.tokens += aside.tokens;
                sum.micro_usd += aside.micro_usd;
            }
        }
        sum
    }

    fn within(&self, agent: AgentId) -> Result<(), String> {
        for level in self.levels(agent) {
            if let Some(account) = self.accounts.get(&level) {
                account.within().map_err(|why| format!("{level:?} {why}"))?;
            }
        }
        Ok(())
    }

    fn agents_within(&self, run: &Run, purpose: &Purpose) -> Result<(), String> {
        let max = run
            .setting()
            .and_then(|setting| setting.start.goal.budget.agents_max);
        match max {
            Some(max) if self.agents > max && *purpose != Purpose::RollBack => {
                Err(format!("{} agents of {max} were started", self.agents))
            }
            _ => Ok(()),
        }
    }

    /// That the account at the end tells what was spent.
    fn told(&self, outcome: &Outcome) -> Result<(), String> {
        let nothing = Account::default();
        let spent = self.accounts.get(&Level::Run).unwrap_or(&nothing).spent;
        let told = [
            ("tokens", outcome.usage.total(), spent.tokens),
            ("money", outcome.micro_usd, spent.micro_usd),
            ("turns", outcome.turns, spent.turns),
            ("tool calls", outcome.tool_calls, spent.tool_calls),
        ];
        for (what, told, spent) in told {
            if told != spent {
                return Err(format!(
                    "the account tells of {told} {what}, and {spent} are spent"
                ));
            }
        }
        Ok(())
    }
}

impl Account {
    fn within(&self) -> Result<(), String> {
        let Some(budget) = &self.budget else {
            return Ok(());
        };
        let (spent, beyond, floor) = (&self.spent, &self.beyond, &self.floor);
        let bounds = [
            (
                "tokens",
                budget.tokens_max,
                spent.tokens,
                beyond.tokens,
                floor.tokens,
            ),
            (
                "money",
                budget.micro_usd_max,
                spent.micro_usd,
                beyond.micro_usd,
                floor.micro_usd,
            ),
            ("turns", budget.turns_max, spent.turns, 0, floor.turns),
            (
                "tool calls",
                budget.tool_calls_max,
                spent.tool_calls,
                0,
                floor.tool_calls,
            ),
        ];
        for (what, max, spent, beyond, floor) in bounds {
            let Some(max) = max else { continue };
            if spent > max.max(floor) + beyond {
                return Err(format!("spent {spent} {what} of {max}"));
            }
        }
        Ok(())
    }
}
