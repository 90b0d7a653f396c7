//! `leadhand resume`: takes a run up where it stopped or where its process died.

use crate::failure::Failure;
use crate::goal::micro_usd;
use crate::model_choice::ModelOptions;
use crate::project::{Project, ProjectOptions};
use crate::run_name;
use crate::screen;
use crate::session::Session;
use crate::watch::Show;
use clap::Args;
use leadhand::rooms::engine::Run;
use leadhand::rooms::protocol::Start;
use leadhand::{Budget, Journal, Limits, PersonInput, RunId, SettingChange, rebuild};

/// Take up a run that was paused, waits for a person, found no model, ran out of time or crashed
///
/// A run keeps the goal, plan, level, rules, limits and budget it began with. What may be spent
/// is raised with --add-budget-usd, --add-budget-tokens, --add-tool-calls and --add-seconds.
#[derive(Debug, Args)]
pub(crate) struct ResumeArguments {
    /// The run, its first letters, or `last`
    run: String,
    #[command(flatten)]
    added: AddedBudget,
    #[command(flatten)]
    models: ModelOptions,
    /// Write every new event as JSON, one a line, to standard output; the outcome last
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    project: ProjectOptions,
}

/// What is added to what a run may spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Args)]
struct AddedBudget {
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
}

impl AddedBudget {
    /// The order that raises the bounds of a run, if anything is added. More is more than the
    /// bound, and more than what was spent where that went over it.
    ///
    /// # Errors
    /// [`Failure::Usage`]: nothing is added to something, or there is no bound.
    fn order(self, run: &Run) -> Result<Option<PersonInput>, Failure> {
        let Some(setting) = run.setting() else {
            return Ok(None);
        };
        let (bounds, spent) = (setting.start.goal.budget, run.spent());
        let budget = Budget {
            micro_usd_max: raised(
                ("--add-budget-usd", "money", "--budget-usd"),
                self.add_budget_usd,
                bounds.micro_usd_max,
                spent.micro_usd,
            )?,
            tokens_max: raised(
                ("--add-budget-tokens", "tokens", "--budget-tokens"),
                self.add_budget_tokens,
                bounds.tokens_max,
                spent.usage.total(),
            )?,
            tool_calls_max: raised(
                (
                    "--add-tool-calls",
                    "tool calls",
                    "tool_calls_max of a goal file",
                ),
                self.add_tool_calls,
                bounds.tool_calls_max,
                spent.tool_calls,
            )?,
            ..Budget::default()
        };
        let mut change = SettingChange {
            budget,
            ..SettingChange::default()
        };
        self.add_time(&setting.start, &mut change)?;
        let is_raised = change != SettingChange::default();
        Ok(is_raised.then(|| PersonInput::Change(Box::new(change))))
    }
}

impl AddedBudget {
    /// Time is bounded by the budget and by the limits: both must leave room.
    fn add_time(self, start: &Start, change: &mut SettingChange) -> Result<(), Failure> {
        let limit = start.limits.run_seconds_max;
        let limit = (limit > 0).then_some(limit);
        let budget = start.goal.budget.seconds_max;
        let option = ("--add-seconds", "seconds", "--max-seconds");
        let bound = limit.into_iter().chain(budget).min();
        let Some(seconds) = raised(option, self.add_seconds, bound, 0)? else {
            return Ok(());
        };
        change.budget.seconds_max = budget.map(|budget| budget.max(seconds));
        if limit.is_some_and(|limit| limit < seconds) {
            change.limits = Some(Limits {
                run_seconds_max: seconds,
                ..start.limits.clone()
            });
        }
        Ok(())
    }
}

fn raised(
    (option, what, of_run): (&str, &str, &str),
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
            format!("leave the option out; runs get a bound with {of_run}"),
        )
    })?;
    Ok(Some(bound.max(spent).saturating_add(added)))
}

pub(crate) async fn run(
    arguments: ResumeArguments,
    before: &ProjectOptions,
) -> Result<u8, Failure> {
    let options = &arguments.project.after(before);
    let project = Project::open(options)?;
    let id = run_name::find(&project.journal()?, &arguments.run)?;
    let show = if arguments.json {
        Show::Json
    } else {
        Show::People
    };
    // Before a model is looked for: what is wrong with the run or the options needs none.
    let before = before_going_on(&project, &id, arguments.added)?;
    let session = Session::open(&project, &arguments.models, show).await?;
    // What is wrong with a journal is told by resuming it.
    if let Ok(history) = session.leadhand.journal().read(&id) {
        session.watch.before(history.records);
    }
    let run = session.leadhand.resume_with(&id, before);
    let outcome = session.carry(run, options).await?;
    if !arguments.json && !outcome.answer.is_empty() {
        screen::out_foreign(&outcome.answer);
    }
    Ok(outcome.kind.exit_code())
}

/// The orders that count before the run goes on.
fn before_going_on(
    project: &Project,
    id: &RunId,
    added: AddedBudget,
) -> Result<Vec<PersonInput>, Failure> {
    if added == AddedBudget::default() {
        return Ok(Vec::new());
    }
    let history = project.journal()?.read(id)?;
    if let Some(damage) = history.damage {
        return Err(Failure::damaged(id, damage));
    }
    let order = added.order(&rebuild(&history.records))?;
    Ok(order.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadhand::{Event, Goal, Record};
    use std::collections::BTreeMap;

    /// A run with these bounds of time that has done nothing yet.
    fn started(budget_seconds: Option<u64>, limit_seconds: u64) -> Run {
        let mut goal = Goal::new("Go.");
        goal.budget.seconds_max = budget_seconds;
        let limits = Limits {
            run_seconds_max: limit_seconds,
            ..Limits::default()
        };
        let start = Start {
            run: RunId::new("run").unwrap(),
            goal,
            roles: Vec::new(),
            tools: Vec::new(),
            rules: Vec::new(),
            grants: Vec::new(),
            approvals: Vec::new(),
            labels: Vec::new(),
            limits,
            plan: None,
            files: Vec::new(),
            files_left_out: 0,
            instructions: String::new(),
            seed: 0,
            prices: BTreeMap::new(),
            default_model: String::new(),
        };
        let event = Event::RunStarted(Box::new(start));
        rebuild(&[Record {
            seq: 0,
            at_ms: 0,
            event,
        }])
    }

    #[test]
    fn time_is_added_to_whatever_bounds_it() {
        let check =
            |budget: Option<u64>, limit: u64, expected: Option<(Option<u64>, Option<u64>)>| {
                let added = AddedBudget {
                    add_seconds: Some(10),
                    ..AddedBudget::default()
                };
                let order = added.order(&started(budget, limit)).ok().flatten();
                let seen = order.map(|order| match order {
                    PersonInput::Change(change) => (
                        change.budget.seconds_max,
                        change.limits.map(|limits| limits.run_seconds_max),
                    ),
                    other => panic!("{other:?}"),
                });
                assert_eq!(seen, expected, "{budget:?} {limit}");
            };
        check(None, 0, None);
        check(Some(60), 0, Some((Some(70), None)));
        check(None, 60, Some((None, Some(70))));
        check(Some(60), 3_600, Some((Some(70), None)));
        check(Some(60), 65, Some((Some(70), Some(70))));
        check(Some(3_600), 60, Some((Some(3_600), Some(70))));
    }
}
