//! What `resume` adds to the bounds of a run. More is more than the bound, and more than what was
//! spent where that went over it.

use crate::failure::Failure;
use crate::goal::micro_usd;
use clap::Args;
use leadhand::rooms::engine::Run;
use leadhand::rooms::protocol::Start;
use leadhand::{Budget, Limits, PersonInput, SettingChange};

/// What is added to what a run may spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Args)]
pub(crate) struct AddedBudget {
    /// Let it spend so many US dollars more
    #[arg(long, value_name = "USD", value_parser = micro_usd, allow_negative_numbers = true)]
    add_budget_usd: Option<u64>,
    /// Let it spend so many tokens more
    #[arg(long, value_name = "TOKENS")]
    add_budget_tokens: Option<u64>,
    /// Let it make so many tool calls more
    #[arg(long, value_name = "CALLS")]
    add_tool_calls: Option<u64>,
    /// Let it take so many seconds more
    #[arg(long, value_name = "SECONDS")]
    add_seconds: Option<u64>,
    /// Let it call models so many times more
    #[arg(long, value_name = "TURNS")]
    add_turns: Option<u64>,
    /// Let it start so many agents more
    #[arg(long, value_name = "AGENTS")]
    add_agents: Option<u64>,
    /// Let its manager revise the plan so many times more
    #[arg(long, value_name = "REVISIONS")]
    add_revisions: Option<u64>,
}

/// An option, what it adds to, and what gives a run such a bound.
type Bound = (&'static str, &'static str, &'static str);

const MONEY: Bound = ("--add-budget-usd", "money", "--budget-usd");
const TOKENS: Bound = ("--add-budget-tokens", "tokens", "--budget-tokens");
const TOOL_CALLS: Bound = (
    "--add-tool-calls",
    "tool calls",
    "tool_calls_max of a goal file",
);
const SECONDS: Bound = ("--add-seconds", "seconds", "--max-seconds");
const TURNS: Bound = ("--add-turns", "turns", "turns_max of a goal file");
const AGENTS: Bound = ("--add-agents", "agents", "agents_max of a goal file");
const REVISIONS: Bound = (
    "--add-revisions",
    "revisions",
    "revisions_max of a goal file",
);

impl AddedBudget {
    /// The order that raises the bounds of a run, if anything is added.
    ///
    /// # Errors
    /// [`Failure::Usage`]: nothing is added to something, or there is no bound.
    pub(crate) fn order(self, run: &Run) -> Result<Option<PersonInput>, Failure> {
        let Some(setting) = run.setting() else {
            return Ok(None);
        };
        let start = &setting.start;
        let mut change = SettingChange {
            budget: self.amounts(run, &start.goal.budget)?,
            ..SettingChange::default()
        };
        self.add_time(run, start, &mut change)?;
        self.add_revisions(run, start, &mut change)?;
        let is_raised = change != SettingChange::default();
        Ok(is_raised.then(|| PersonInput::Change(Box::new(change))))
    }

    /// The bounds that stand in a budget only.
    fn amounts(self, run: &Run, bounds: &Budget) -> Result<Budget, Failure> {
        let spent = run.spent();
        let agents = u64::from(run.agents_started());
        let tokens = spent.usage.total();
        Ok(Budget {
            micro_usd_max: raised(
                MONEY,
                self.add_budget_usd,
                bounds.micro_usd_max,
                spent.micro_usd,
            )?,
            tokens_max: raised(TOKENS, self.add_budget_tokens, bounds.tokens_max, tokens)?,
            tool_calls_max: raised(
                TOOL_CALLS,
                self.add_tool_calls,
                bounds.tool_calls_max,
                spent.tool_calls,
            )?,
            turns_max: raised(TURNS, self.add_turns, bounds.turns_max, spent.turns)?,
            agents_max: raised(AGENTS, self.add_agents, bounds.agents_max, agents)?,
            seconds_max: None,
            revisions_max: None,
        })
    }

    /// Time is bounded by the budget and by the limits: both must leave room.
    fn add_time(self, run: &Run, start: &Start, change: &mut SettingChange) -> Result<(), Failure> {
        let limit = start.limits.run_seconds_max;
        let limit = (limit > 0).then_some(limit);
        let budget = start.goal.budget.seconds_max;
        let bound = limit.into_iter().chain(budget).min();
        let taken = run.at_work_ms().div_ceil(1_000);
        let Some(seconds) = raised(SECONDS, self.add_seconds, bound, taken)? else {
            return Ok(());
        };
        change.budget.seconds_max = budget.map(|budget| budget.max(seconds));
        if limit.is_some_and(|limit| limit < seconds) {
            limits_of(change, start).run_seconds_max = seconds;
        }
        Ok(())
    }

    /// So are revisions, of which a ready plan has none.
    fn add_revisions(
        self,
        run: &Run,
        start: &Start,
        change: &mut SettingChange,
    ) -> Result<(), Failure> {
        let limit = u64::from(start.limits.revisions_max);
        let budget = start.goal.budget.revisions_max;
        let bound = budget.map_or(limit, |budget| budget.min(limit));
        let made = u64::from(run.revised());
        let Some(revisions) = raised(REVISIONS, self.add_revisions, Some(bound), made)? else {
            return Ok(());
        };
        if start.plan.is_some() {
            return Err(Failure::usage(
                "--add-revisions: the plan of this run was given to it, and no manager revises it",
                "leave the option out, and change the plan with `leadhand edit`",
            ));
        }
        change.budget.revisions_max = budget.map(|budget| budget.max(revisions));
        if limit < revisions {
            let revisions = u32::try_from(revisions).unwrap_or(u32::MAX);
            limits_of(change, start).revisions_max = revisions;
        }
        Ok(())
    }
}

/// The limits of a change, which are those of the run as far as they are not changed yet.
fn limits_of<'a>(change: &'a mut SettingChange, start: &Start) -> &'a mut Limits {
    change.limits.get_or_insert_with(|| start.limits.clone())
}

/// What a bound becomes; none where nothing is added.
fn raised(
    (option, what, set_by): Bound,
    added: Option<u64>,
    bound: Option<u64>,
    spent: u64,
) -> Result<Option<u64>, Failure> {
    let Some(added) = added else {
        return Ok(None);
    };
    if added == 0 {
        return Err(Failure::usage(
            format!("{option} 0: nothing would be added"),
            "give more than zero",
        ));
    }
    let bound = bound.ok_or_else(|| {
        Failure::usage(
            format!("{option}: the run has no bound of {what} that could be raised"),
            format!("leave the option out; runs get a bound with {set_by}"),
        )
    })?;
    Ok(Some(bound.max(spent).saturating_add(added)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadhand::{Event, Goal, Plan, Record, RunId, rebuild};
    use std::collections::BTreeMap;
    use std::sync::Arc;

    /// A run with these bounds that has done nothing yet but be there for some time.
    fn started(budget: Budget, limits: Limits, plan: Option<Plan>, at_work_ms: u64) -> Run {
        let mut goal = Goal::new("Go.");
        goal.budget = budget;
        let start = Start {
            run: RunId::new("run").unwrap(),
            goal,
            roles: Arc::default(),
            tools: Arc::default(),
            rules: Vec::new(),
            grants: Vec::new(),
            approvals: Vec::new(),
            labels: Vec::new(),
            limits,
            plan: plan.map(Into::into),
            files: Vec::new(),
            files_left_out: 0,
            instructions: String::new(),
            seed: 0,
            prices: BTreeMap::new(),
            message_types: Vec::new(),
            permits: BTreeMap::new(),
            default_model: String::new(),
        };
        let events = [Event::RunStarted(Arc::new(start)), Event::TimeUp].map(Arc::new);
        let times = [0, at_work_ms];
        let records = (0..).zip(times).zip(events);
        let records: Vec<Record> = records
            .map(|((seq, at_ms), event)| Record { seq, at_ms, event })
            .collect();
        rebuild(&records)
    }

    /// What an addition changes of a run, or why it is refused.
    fn changed(added: AddedBudget, run: &Run) -> Result<SettingChange, String> {
        let order = added.order(run).map_err(|failure| failure.to_string())?;
        match order {
            None => Ok(SettingChange::default()),
            Some(PersonInput::Change(change)) => Ok(*change),
            Some(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_option_adds_to_its_own_bound() {
        let budget = Budget {
            tokens_max: Some(1),
            micro_usd_max: Some(2),
            tool_calls_max: Some(3),
            seconds_max: Some(4),
            turns_max: Some(5),
            agents_max: Some(6),
            revisions_max: Some(1),
        };
        let all = AddedBudget {
            add_budget_tokens: Some(10),
            add_budget_usd: Some(10),
            add_tool_calls: Some(10),
            add_seconds: Some(10),
            add_turns: Some(10),
            add_agents: Some(10),
            add_revisions: Some(1),
        };
        let expected = SettingChange {
            budget: Budget {
                tokens_max: Some(11),
                micro_usd_max: Some(12),
                tool_calls_max: Some(13),
                seconds_max: Some(14),
                turns_max: Some(15),
                agents_max: Some(16),
                revisions_max: Some(2),
            },
            ..SettingChange::default()
        };
        let run = started(budget, Limits::default(), None, 0);
        assert_eq!(changed(all, &run), Ok(expected));
        let nothing = AddedBudget::default();
        assert_eq!(changed(nothing, &run), Ok(SettingChange::default()));
    }

    #[test]
    fn time_is_added_to_whatever_bounds_it_and_to_what_was_taken() {
        let check = |budget: Option<u64>,
                     limit: u64,
                     at_work_ms: u64,
                     expected: Option<(Option<u64>, Option<u64>)>| {
            let added = AddedBudget {
                add_seconds: Some(10),
                ..AddedBudget::default()
            };
            let budget = Budget {
                seconds_max: budget,
                ..Budget::default()
            };
            let limits = Limits {
                run_seconds_max: limit,
                ..Limits::default()
            };
            let seen = changed(added, &started(budget, limits, None, at_work_ms));
            let seen = seen.ok().map(|change| {
                let limit = change.limits.map(|limits| limits.run_seconds_max);
                (change.budget.seconds_max, limit)
            });
            assert_eq!(seen, expected, "{budget:?} {limit} {at_work_ms}");
        };
        check(None, 0, 0, None);
        check(Some(60), 0, 0, Some((Some(70), None)));
        check(None, 60, 0, Some((None, Some(70))));
        check(Some(60), 3_600, 0, Some((Some(70), None)));
        check(Some(60), 65, 0, Some((Some(70), Some(70))));
        check(Some(3_600), 60, 0, Some((Some(3_600), Some(70))));
        // A tool call that had to be waited for took it over its bound.
        check(Some(60), 0, 74_001, Some((Some(85), None)));
    }

    #[test]
    fn revisions_are_added_to_what_bounds_them_where_there_can_be_any() {
        let check = |budget: Option<u64>,
                     plan: Option<Plan>,
                     expected: Option<(Option<u64>, Option<u32>)>| {
            let added = AddedBudget {
                add_revisions: Some(3),
                ..AddedBudget::default()
            };
            let budget = Budget {
                revisions_max: budget,
                ..Budget::default()
            };
            let limits = Limits {
                revisions_max: 2,
                ..Limits::default()
            };
            let seen = changed(added, &started(budget, limits, plan, 0));
            let seen = seen.ok().map(|change| {
                let limit = change.limits.map(|limits| limits.revisions_max);
                (change.budget.revisions_max, limit)
            });
            assert_eq!(seen, expected, "{budget:?}");
        };
        check(None, None, Some((None, Some(5))));
        check(Some(0), None, Some((Some(3), Some(3))));
        check(Some(9), None, Some((Some(9), Some(5))));
        check(None, Some(Plan::default()), None);
    }
}
