//! `leadhand plan`: makes the plan of a goal and carries out nothing.

use crate::failure::Failure;
use crate::goal::{BudgetOptions, GoalOptions};
use crate::model_choice::ModelOptions;
use crate::project::{Project, ProjectOptions};
use crate::screen;
use crate::session::Session;
use crate::telemetry::{TelemetryOptions, trace_parent};
use crate::watch::Show;
use clap::Args;
use leadhand::rooms::inspector::escape;
use leadhand::{Autonomy, rebuild, to_dot, to_text};
use std::sync::Arc;

/// Make the plan of a goal and carry out nothing
#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    #[command(flatten)]
    goal: GoalOptions,
    #[command(flatten)]
    budget: BudgetOptions,
    #[command(flatten)]
    models: ModelOptions,
    #[command(flatten)]
    telemetry: TelemetryOptions,
    /// Write the plan as JSON, as `run --plan` takes it
    #[arg(long, conflicts_with = "dot")]
    json: bool,
    /// Write the plan in the DOT language of Graphviz
    #[arg(long)]
    dot: bool,
    #[command(flatten)]
    project: ProjectOptions,
}

pub(crate) async fn run(arguments: PlanArguments, before: &ProjectOptions) -> Result<u8, Failure> {
    let options = &arguments.project.after(before);
    let project = Project::open(options)?;
    let goal = arguments.goal.goal(&project.config.limits, Autonomy::L0)?;
    let mut goal = goal.ok_or_else(|| {
        Failure::usage(
            "there is no goal",
            "write leadhand plan \"…\", or name a --goal-file",
        )
    })?;
    arguments.budget.apply(&mut goal);
    goal.autonomy = Autonomy::L0;
    goal.trace_parent = trace_parent().or(goal.trace_parent);
    screen::note(&format!("goal {}", escape::line(&goal.text, 100)));
    let session = Session::open(
        &project,
        &arguments.models,
        &arguments.telemetry,
        Show::People,
    )
    .await?;
    let journal = Arc::clone(session.leadhand.journal());
    let run = session.leadhand.start(goal)?;
    let id = run.id().clone();
    let outcome = session.carry(run, options).await?;
    let records = journal.read(&id)?.records;
    if let Some(graph) = rebuild(&records).graph() {
        let plan = graph.plan();
        match (arguments.json, arguments.dot) {
            (true, _) => screen::out_json(plan),
            (_, true) => screen::out(&to_dot(plan)),
            _ => screen::out(&to_text(plan)),
        }
    }
    Ok(outcome.kind.exit_code())
}
