//! `leadhand fork`: another way from a place in a run. What stands before it costs nothing and
//! is not done again.

use crate::failure::Failure;
use crate::files;
use crate::goal::{BudgetOptions, edits_of};
use crate::model_choice::ModelOptions;
use crate::project::{Project, ProjectOptions};
use crate::reach::Reach;
use crate::screen;
use crate::session::{Session, resume_with};
use crate::telemetry::TelemetryOptions;
use crate::watch::Show;
use clap::Args;
use leadhand::rooms::agents::ROLE_FILE_BYTES_MAX;
use leadhand::rooms::inspector::escape;
use leadhand::{Autonomy, Forked, PersonInput, RunId, SettingChange, parse_role};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Characters of a call that are shown.
const CALL_CHARS_MAX: usize = 200;

/// Branch a run: the same up to a record, then with another model, prompt, policy or plan
///
/// The run that is branched stays as it is. The records before the branch are copied; nothing in
/// them is paid or done again. Files are not put back to what they were.
#[derive(Debug, Args)]
pub(crate) struct ForkArguments {
    /// The run, its first letters, or `last`
    run: String,
    /// The number of the first record that is not the branch's, as `trace show --events` shows
    /// it; records that were decided as one are not taken apart [default: it has all of them]
    #[arg(long, value_name = "N")]
    at: Option<u64>,
    #[command(flatten)]
    models: ModelOptions,
    #[command(flatten)]
    telemetry: TelemetryOptions,
    /// Another prompt for a role: a role file or a text
    #[arg(long, value_name = "ROLE=FILE")]
    prompt: Vec<String>,
    /// These rules in the place of the user's; those that are built in and the project's stay
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Changes of the plan: a TOML or JSON file of `edits`
    #[arg(long, value_name = "FILE")]
    plan_edit: Option<PathBuf>,
    /// Something the agents are to know from then on
    #[arg(long, value_name = "TEXT")]
    steer: Vec<String>,
    /// What waits for a person, from L0 to L5
    #[arg(long, value_name = "LEVEL")]
    autonomy: Option<Autonomy>,
    /// Another seed of everything random
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    #[command(flatten)]
    budget: BudgetOptions,
    /// Go on with the branch at once
    #[arg(long)]
    resume: bool,
    /// Write the branch as one JSON object; with --resume, every event that then happens
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    project: ProjectOptions,
}

/// The branch as `--json` writes it.
#[derive(Serialize)]
struct Branch<'a> {
    run: &'a RunId,
    from: &'a RunId,
    /// How many records of the other run it has.
    at: u64,
    /// Calls that the other run made since and that the branch may make again.
    made_since: &'a [Arc<leadhand::ToolCall>],
}

pub(crate) async fn run(arguments: ForkArguments, before: &ProjectOptions) -> Result<u8, Failure> {
    let options = &arguments.project.after(before);
    let reach = Reach::open(&arguments.run, &arguments.project, before)?;
    reach.must_stand_still_to_fork()?;
    let (project, from) = (&reach.project, reach.id.clone());
    let changes = changes(&arguments, project)?;
    if !arguments.resume {
        let leadhand = reach.leadhand(None)?;
        let forked = leadhand.fork(&from, arguments.at, changes).await?;
        tell(&forked, &from, &arguments, options);
        return Ok(0);
    }
    let show = if arguments.json {
        Show::Json
    } else {
        Show::People
    };
    let session = Session::open(project, &arguments.models, &arguments.telemetry, show).await?;
    let forked = session.leadhand.fork(&from, arguments.at, changes).await?;
    warn(&forked);
    if let Ok(history) = session.leadhand.journal().read(&forked.run) {
        session.watch.before(history.records);
    }
    let run = session.leadhand.resume(&forked.run);
    let outcome = session.carry(run, options).await?;
    if !arguments.json && !outcome.answer.is_empty() {
        screen::out_foreign(&outcome.answer);
    }
    Ok(outcome.kind.exit_code())
}

/// What is another than it was, in the order in which it counts.
fn changes(arguments: &ForkArguments, project: &Project) -> Result<Vec<PersonInput>, Failure> {
    let mut change = SettingChange {
        autonomy: arguments.autonomy,
        seed: arguments.seed,
        ..SettingChange::default()
    };
    let budget = &arguments.budget;
    change.budget.tokens_max = budget.budget_tokens;
    change.budget.micro_usd_max = budget.budget_usd;
    change.budget.seconds_max = budget.max_seconds;
    if let Some(name) = model_name(&arguments.models) {
        change.models = BTreeMap::from([("*".to_owned(), vec![name])]);
    }
    for text in &arguments.prompt {
        let (role, prompt) = prompt(text)?;
        change.prompts.insert(role, prompt);
    }
    if let Some(file) = &arguments.policy {
        change.policy = Some(project.policy_with(file)?);
    }
    let mut changes = Vec::new();
    if change != SettingChange::default() {
        changes.push(PersonInput::Change(Box::new(change)));
    }
    if let Some(file) = &arguments.plan_edit {
        let edits = edits_of(file)?;
        changes.push(PersonInput::EditPlan { edits });
    }
    let steer = |text: &String| PersonInput::Steer {
        task: None,
        text: text.clone(),
    };
    changes.extend(arguments.steer.iter().map(steer));
    Ok(changes)
}

/// The model as a run names it; one from a file has the name of the file.
fn model_name(models: &ModelOptions) -> Option<String> {
    let file = models.model_file.as_deref().and_then(Path::file_stem);
    let file = file.map(|stem| stem.to_string_lossy().into_owned());
    models.model.clone().or(file)
}

/// `ROLE=FILE` as a role and its prompt. Of a role file the prompt is taken and nothing else.
fn prompt(text: &str) -> Result<(String, String), Failure> {
    let Some((role, file)) = text.split_once('=') else {
        return Err(Failure::usage(
            format!("--prompt {}: this is no ROLE=FILE", escape::line(text, 80)),
            "write --prompt writer=writer.md",
        ));
    };
    let content = files::read(Path::new(file), ROLE_FILE_BYTES_MAX)?;
    let prompt = if content.starts_with("---") {
        let read = parse_role(file, &content);
        read.map_err(|error| Failure::Leadhand(error.into()))?
            .0
            .prompt
    } else {
        content
    };
    if prompt.trim().is_empty() {
        return Err(Failure::usage(
            format!(
                "--prompt {}: there is no prompt in it",
                escape::line(text, 80)
            ),
            "write what agents of the role are to be told",
        ));
    }
    Ok((role.trim().to_owned(), prompt))
}

fn tell(forked: &Forked, from: &RunId, arguments: &ForkArguments, options: &ProjectOptions) {
    if arguments.json {
        screen::out_json(&Branch {
            run: &forked.run,
            from,
            at: forked.at,
            made_since: &forked.made_since,
        });
        return;
    }
    screen::out(forked.run.as_str());
    warn(forked);
    let model = match (&arguments.models.model, &arguments.models.model_file) {
        (Some(name), _) => format!(" -m {}", escape::line(name, 200)),
        (None, Some(file)) => {
            let file = file.display().to_string();
            format!(" --model-file {}", escape::line(&file, 200))
        }
        (None, None) => String::new(),
    };
    screen::note(&format!("{}{model}", resume_with(&forked.run, options)));
}

/// What the branch may do a second time.
fn warn(forked: &Forked) {
    if forked.made_since.is_empty() {
        return;
    }
    screen::note(
        "the other run made these calls since, which must not be made twice; the branch may make \
         them again:",
    );
    for call in &forked.made_since {
        let call = format!("{} {}", call.name, call.arguments);
        screen::note(&format!("  {}", escape::line(&call, CALL_CHARS_MAX)));
    }
}
