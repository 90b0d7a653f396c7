//! `leadhand edit`: changes the plan of a run.

use super::steer::task_id;
use crate::answer::given;
use crate::failure::Failure;
use crate::goal::{micro_usd, plan_of};
use crate::project::ProjectOptions;
use crate::reach::Reach;
use clap::Args;
use leadhand::rooms::inspector::words;
use leadhand::{Budget, PersonInput, Plan, PlanEdit, TaskId};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Change the plan of a run: all changes or none; what has begun or is done stays what it is
///
/// Tasks are added first and dropped last. An option can be given several times.
#[derive(Debug, Args)]
pub(crate) struct EditArguments {
    /// The run, its first letters, or `last`
    run: String,
    /// Add the tasks of this file (TOML or JSON), which holds them as a plan does
    #[arg(long, value_name = "FILE")]
    add: Vec<PathBuf>,
    /// Give a task to another role
    #[arg(long, value_name = "TASK=ROLE")]
    role: Vec<String>,
    /// Give a task another instruction
    #[arg(long, value_name = "TASK=TEXT")]
    instruction: Vec<String>,
    /// Have a task wait for these and no others; for none with `TASK=`
    #[arg(long, value_name = "TASK=TASK,…")]
    after: Vec<String>,
    /// Tokens that a task may spend
    #[arg(long, value_name = "TASK=TOKENS")]
    budget_tokens: Vec<String>,
    /// Money that a task may spend, in US dollars
    #[arg(long, value_name = "TASK=USD")]
    budget_usd: Vec<String>,
    /// Tool calls that a task may make
    #[arg(long, value_name = "TASK=CALLS")]
    budget_tool_calls: Vec<String>,
    /// Seconds that all attempts at a task may take
    #[arg(long, value_name = "TASK=SECONDS")]
    budget_seconds: Vec<String>,
    /// Have a task wait until it is released
    #[arg(long, value_name = "TASK")]
    hold: Vec<String>,
    /// Let a task begin that was held or had a breakpoint
    #[arg(long, value_name = "TASK")]
    release: Vec<String>,
    /// Have a person asked before a task begins
    #[arg(long, value_name = "TASK")]
    break_before: Vec<String>,
    /// Take a task out that is not done and that no other one waits for
    #[arg(long, value_name = "TASK")]
    drop: Vec<String>,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    project: ProjectOptions,
}

pub(crate) async fn run(arguments: EditArguments, before: &ProjectOptions) -> Result<u8, Failure> {
    let mut edits = Vec::new();
    for file in &arguments.add {
        let tasks = plan_of(file)?.tasks.into_iter().map(Box::new);
        edits.extend(tasks.map(|task| PlanEdit::Add { task }));
    }
    edits.extend(arguments.of_tasks()?);
    let budgets = arguments.budgets()?;
    let last = arguments.endings()?;
    if edits.is_empty() && budgets.is_empty() && last.is_empty() {
        return Err(Failure::usage(
            "there is nothing to change",
            "say what, such as --hold TASK; `leadhand edit --help` shows all that can be changed",
        ));
    }
    let reach = Reach::open(&arguments.run, &arguments.project, before)?;
    if !budgets.is_empty() {
        let plan = reach.plan().await?.unwrap_or_default();
        edits.extend(bounded(&plan, &budgets));
    }
    edits.extend(last);
    let what = format!("the plan is changed: {}", words::edits(&edits));
    given(
        &reach,
        PersonInput::EditPlan { edits },
        arguments.json,
        &what,
    )
    .await?;
    Ok(0)
}

impl EditArguments {
    fn of_tasks(&self) -> Result<Vec<PlanEdit>, Failure> {
        let mut edits = Vec::new();
        for text in &self.role {
            let (task, role) = pair("--role", text)?;
            edits.push(PlanEdit::Role { task, role });
        }
        for text in &self.instruction {
            let (task, instruction) = pair("--instruction", text)?;
            edits.push(PlanEdit::Instruction { task, instruction });
        }
        for text in &self.after {
            let (task, others) = pair("--after", text)?;
            let others = others.split(',').filter(|other| !other.trim().is_empty());
            let depends_on = others.map(task_id).collect::<Result<_, _>>()?;
            edits.push(PlanEdit::DependsOn { task, depends_on });
        }
        Ok(edits)
    }

    /// What is laid over the budgets of tasks.
    fn budgets(&self) -> Result<BTreeMap<TaskId, Budget>, Failure> {
        let mut budgets: BTreeMap<TaskId, Budget> = BTreeMap::new();
        for text in &self.budget_tokens {
            let (task, tokens) = bound("--budget-tokens", text, whole)?;
            budgets.entry(task).or_default().tokens_max = Some(tokens);
        }
        for text in &self.budget_usd {
            let (task, usd) = bound("--budget-usd", text, micro_usd)?;
            budgets.entry(task).or_default().micro_usd_max = Some(usd);
        }
        for text in &self.budget_tool_calls {
            let (task, calls) = bound("--budget-tool-calls", text, whole)?;
            budgets.entry(task).or_default().tool_calls_max = Some(calls);
        }
        for text in &self.budget_seconds {
            let (task, seconds) = bound("--budget-seconds", text, whole)?;
            budgets.entry(task).or_default().seconds_max = Some(seconds);
        }
        Ok(budgets)
    }

    fn endings(&self) -> Result<Vec<PlanEdit>, Failure> {
        let mut edits = Vec::new();
        for text in &self.hold {
            let task = task_id(text)?;
            edits.push(PlanEdit::Hold { task });
        }
        for text in &self.release {
            let task = task_id(text)?;
            edits.push(PlanEdit::Release { task });
        }
        for text in &self.break_before {
            let task = task_id(text)?;
            edits.push(PlanEdit::BreakBefore { task });
        }
        for text in &self.drop {
            let task = task_id(text)?;
            edits.push(PlanEdit::Drop { task });
        }
        Ok(edits)
    }
}

/// The edits that give tasks other bounds; what is not named stays as it is.
fn bounded(plan: &Plan, budgets: &BTreeMap<TaskId, Budget>) -> Vec<PlanEdit> {
    let edits = budgets.iter().map(|(id, new)| {
        let known = plan.tasks.iter().find(|task| task.id == *id);
        let known = known.map(|task| task.budget).unwrap_or_default();
        PlanEdit::Budget {
            task: id.clone(),
            budget: Budget {
                tokens_max: new.tokens_max.or(known.tokens_max),
                micro_usd_max: new.micro_usd_max.or(known.micro_usd_max),
                tool_calls_max: new.tool_calls_max.or(known.tool_calls_max),
                seconds_max: new.seconds_max.or(known.seconds_max),
                ..known
            },
        }
    });
    edits.collect()
}

fn pair(option: &str, text: &str) -> Result<(TaskId, String), Failure> {
    let (task, value) = text.split_once('=').ok_or_else(|| {
        Failure::usage(
            format!(
                "{option} {}: this names no task",
                leadhand::rooms::inspector::escape::line(text, 80)
            ),
            format!("write {option} TASK=…"),
        )
    })?;
    Ok((task_id(task)?, value.trim().to_owned()))
}

fn bound(
    option: &str,
    text: &str,
    read: impl Fn(&str) -> Result<u64, String>,
) -> Result<(TaskId, u64), Failure> {
    let (task, value) = pair(option, text)?;
    let number = read(&value).map_err(|how| {
        let shown = leadhand::rooms::inspector::escape::line(text, 80);
        Failure::usage(format!("{option} {shown}: this is no bound"), how)
    })?;
    Ok((task, number))
}

fn whole(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "write a whole number".to_owned())
}
