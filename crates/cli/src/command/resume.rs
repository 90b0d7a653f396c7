//! `leadhand resume`: takes a run up where it stopped or where its process died.

use crate::added_budget::AddedBudget;
use crate::failure::Failure;
use crate::model_choice::ModelOptions;
use crate::project::{Project, ProjectOptions};
use crate::run_name;
use crate::screen;
use crate::session::Session;
use crate::telemetry::TelemetryOptions;
use crate::watch::Show;
use clap::Args;
use leadhand::{Journal, PersonInput, RunId, rebuild};

/// Take up a run that was paused, waits for a person, found no model, ran out of time or crashed
///
/// A run keeps the goal, plan, level, rules, limits and budget it began with. What may be spent
/// is raised with the options that begin with --add.
#[derive(Debug, Args)]
pub(crate) struct ResumeArguments {
    /// The run, its first letters, or `last`
    run: String,
    #[command(flatten)]
    added: AddedBudget,
    #[command(flatten)]
    models: ModelOptions,
    #[command(flatten)]
    telemetry: TelemetryOptions,
    /// Write every new event as JSON, one a line, to standard output; the outcome last
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    project: ProjectOptions,
}

pub(crate) async fn run(
    arguments: ResumeArguments,
    before: &ProjectOptions,
) -> Result<u8, Failure> {
    let options = &arguments.project.after(before);
    let project = Project::open(options)?;
    let id = run_name::find(&project.journal(), &arguments.run)?;
    let show = if arguments.json {
        Show::Json
    } else {
        Show::People
    };
    // Before a model is looked for: what is wrong with the run or the options needs none.
    let before = before_going_on(&project, &id, arguments.added)?;
    let session = Session::open(&project, &arguments.models, &arguments.telemetry, show).await?;
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
    let history = project.journal().read(id)?;
    if let Some(damage) = history.damage {
        return Err(Failure::damaged(id, damage));
    }
    let order = added.order(&rebuild(&history.records))?;
    Ok(order.into_iter().collect())
}
