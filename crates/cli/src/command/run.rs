//! `leadhand run`: carries out a goal, a ready plan or a playbook.

use crate::crashed;
use crate::failure::{Failure, USAGE};
use crate::goal::{BudgetOptions, GoalOptions, plan_of, values_of};
use crate::model_choice::ModelOptions;
use crate::project::{Project, ProjectOptions};
use crate::screen;
use crate::session::Session;
use crate::telemetry::{TelemetryOptions, trace_parent};
use crate::watch::Show;
use clap::Args;
use leadhand::rooms::inspector::escape;
use leadhand::{Autonomy, Goal, Limits, Outcome, Plan, Playbook, Run};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Characters of the goal that are repeated on the first line.
const GOAL_CHARS_SHOWN_MAX: usize = 100;

/// Carry out a goal, a ready plan or a playbook
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    goal: GoalOptions,
    /// Carry out this plan (TOML or JSON, as `plan --json` writes it) instead of making one
    #[arg(long, value_name = "FILE", conflicts_with = "playbook")]
    plan: Option<PathBuf>,
    /// Carry out a playbook: a ready plan with parameters
    #[arg(long, value_name = "NAME", conflicts_with_all = ["goal", "goal_file"])]
    playbook: Option<String>,
    /// A parameter of the playbook
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// What waits for a person, from L0 (plan only) to L5 (nothing) [default: L2 on a terminal,
    /// else L4]
    #[arg(long, value_name = "LEVEL")]
    autonomy: Option<Autonomy>,
    #[command(flatten)]
    budget: BudgetOptions,
    #[command(flatten)]
    models: ModelOptions,
    #[command(flatten)]
    telemetry: TelemetryOptions,
    /// Take up the newest run of this goal whose process died; begin one where there is none
    #[arg(long)]
    resume_on_crash: bool,
    /// Write every event as JSON, one a line, to standard output; the outcome last
    #[arg(long)]
    json: bool,
    /// Write the answer to this file instead of standard output
    #[arg(short = 'o', long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    project: ProjectOptions,
}

impl RunArguments {
    /// Lays budget and level over those of a goal, and says what trace it is a part of.
    fn apply(&self, goal: &mut Goal) {
        self.budget.apply(goal);
        if let Some(parent) = trace_parent() {
            goal.trace_parent = Some(parent);
        }
        goal.autonomy = self.autonomy.unwrap_or(goal.autonomy);
    }
}

/// What is to be run, before the models are there.
enum Wanted {
    Goal(Goal),
    Plan(Goal, Plan),
    Playbook(Box<Playbook>, BTreeMap<String, String>),
}

pub(crate) async fn run(arguments: RunArguments, before: &ProjectOptions) -> Result<u8, Failure> {
    let options = &arguments.project.after(before);
    let project = Project::open(options)?;
    let level = project.config.autonomy.unwrap_or_default();
    let wanted = wanted(&arguments, &project, level)?;
    if let Some(file) = &arguments.output {
        check_writable(file)?;
    }
    let show = if arguments.json {
        Show::Json
    } else {
        Show::People
    };
    let session = Session::open(&project, &arguments.models, &arguments.telemetry, show).await?;
    let run = begin(&session, wanted, &arguments, level)?;
    let outcome = session.carry(run, options).await?;
    let code = outcome.kind.exit_code();
    if let Some(file) = &arguments.output {
        return Ok(write_answer(file, &outcome).max(code));
    }
    if !arguments.json && !outcome.answer.is_empty() {
        screen::out_foreign(&outcome.answer);
    }
    Ok(code)
}

fn wanted(arguments: &RunArguments, project: &Project, level: Autonomy) -> Result<Wanted, Failure> {
    if let Some(name) = &arguments.playbook {
        let playbooks = project.playbooks()?;
        let known: Vec<&str> = playbooks
            .iter()
            .map(|playbook| playbook.name.as_str())
            .collect();
        let known = known.join(", ");
        let found = playbooks
            .into_iter()
            .find(|playbook| playbook.name == *name);
        let playbook = found.ok_or_else(|| {
            Failure::usage(
                format!("there is no playbook `{}`", escape::line(name, 80)),
                format!("there are: {known}"),
            )
        })?;
        screen::note(&format!("playbook {}", escape::line(&playbook.name, 80)));
        let values = values_of(&arguments.set)?;
        try_out(&playbook, &values, &project.config.limits)?;
        return Ok(Wanted::Playbook(Box::new(playbook), values));
    }
    // Left to clap this is not noticed: a goal excludes what is then wanted.
    if !arguments.set.is_empty() {
        return Err(Failure::usage(
            "--set is for a playbook, and none is named",
            "name one with --playbook; `leadhand agents list` shows them",
        ));
    }
    let mut goal = arguments.goal.goal(&project.config.limits, level)?;
    if let Some(goal) = &mut goal {
        arguments.apply(goal);
        screen::note(&format!(
            "goal {}",
            escape::line(&goal.text, GOAL_CHARS_SHOWN_MAX)
        ));
    }
    match (&arguments.plan, goal) {
        (Some(file), goal) => {
            let plan = plan_of(file)?;
            screen::note(&format!(
                "plan {}",
                escape::line(&file.display().to_string(), 200)
            ));
            let goal = goal.unwrap_or_else(|| {
                let text = format!("Carry out the plan in {}.", file.display());
                let mut goal = Goal {
                    autonomy: level,
                    ..Goal::new(text)
                };
                arguments.apply(&mut goal);
                goal
            });
            Ok(Wanted::Plan(goal, plan))
        }
        (None, Some(goal)) => Ok(Wanted::Goal(goal)),
        (None, None) => Err(Failure::usage(
            "there is no goal",
            "write leadhand run \"…\", or name a --goal-file, a --plan or a --playbook",
        )),
    }
}

fn begin(
    session: &Session,
    wanted: Wanted,
    arguments: &RunArguments,
    level: Autonomy,
) -> Result<Run, Failure> {
    // The plan of a playbook is made of the files there are, which a run may have added to.
    let (goal, plan, own_plan) = match wanted {
        Wanted::Goal(goal) => (goal, None, None),
        Wanted::Plan(goal, plan) => (goal, Some(plan.clone()), Some(plan)),
        Wanted::Playbook(playbook, values) => {
            let (mut goal, plan) = session.leadhand.instantiate(&playbook, &values)?;
            goal.autonomy = level;
            arguments.apply(&mut goal);
            (goal, Some(plan), None)
        }
    };
    if arguments.resume_on_crash
        && let Some(run) = crashed::take_up(session, &goal, own_plan.as_ref())?
    {
        return Ok(run);
    }
    Ok(match plan {
        None => session.leadhand.start(goal)?,
        Some(plan) => session.leadhand.start_plan(goal, plan)?,
    })
}

/// Fills a playbook in with made-up files, so that a missing parameter is told of before a
/// model is fetched.
fn try_out(
    playbook: &Playbook,
    values: &BTreeMap<String, String>,
    limits: &Limits,
) -> Result<(), Failure> {
    let patterns = playbook.file_patterns(values).into_iter();
    let files = patterns
        .map(|pattern| (pattern, vec!["made-up.txt".to_owned()]))
        .collect();
    let tried = playbook.instantiate(values, &files, limits);
    tried
        .map(drop)
        .map_err(|error| Failure::Leadhand(error.into()))
}

/// A run that cannot leave its answer behind is better not begun.
fn check_writable(file: &Path) -> Result<(), Failure> {
    let parent = file
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    if file.is_dir() || !parent.is_dir() {
        let what = if file.is_dir() {
            "it is a folder"
        } else {
            "there is no such folder"
        };
        return Err(Failure::usage(
            format!("-o {}: {what}", file.display()),
            "name a file",
        ));
    }
    Ok(())
}

/// Gives the exit code of the writing. The answer is never lost: it goes to standard output
/// when the file cannot be written.
fn write_answer(file: &Path, outcome: &Outcome) -> u8 {
    match std::fs::write(file, &outcome.answer) {
        Ok(()) => 0,
        Err(error) => {
            screen::note(&format!(
                "-o {}: {error}; the answer follows here",
                file.display()
            ));
            screen::out_foreign(&outcome.answer);
            USAGE
        }
    }
}
