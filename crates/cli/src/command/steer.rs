//! `leadhand steer`: tells the agents of a run something they are to know from now on.

use crate::answer::given;
use crate::failure::Failure;
use crate::project::ProjectOptions;
use crate::reach::Reach;
use clap::Args;
use leadhand::{PersonInput, TaskId};

/// Tell the agents of a run, or of one of its tasks, something they are to know from now on
#[derive(Debug, Args)]
pub(crate) struct SteerArguments {
    /// The run, its first letters, or `last`
    run: String,
    /// What they are to know
    text: String,
    /// Tell only those at work on this task, now and later
    #[arg(long, value_name = "TASK")]
    task: Option<String>,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    project: ProjectOptions,
}

pub(crate) async fn run(arguments: SteerArguments, before: &ProjectOptions) -> Result<u8, Failure> {
    let reach = Reach::open(&arguments.run, &arguments.project, before)?;
    let text = arguments.text.trim().to_owned();
    if text.is_empty() {
        return Err(Failure::usage(
            "there is nothing to tell",
            "write leadhand steer RUN \"what the agents are to know\"",
        ));
    }
    let task = arguments.task.as_deref().map(task_id).transpose()?;
    let told = match &task {
        Some(task) => format!("those at work on {task} are told"),
        None => "all agents are told".to_owned(),
    };
    given(
        &reach,
        PersonInput::Steer { task, text },
        arguments.json,
        &told,
    )
    .await?;
    Ok(0)
}

/// The id of a task as the command line names it.
///
/// # Errors
/// [`Failure::Usage`] for what is no id.
pub(crate) fn task_id(text: &str) -> Result<TaskId, Failure> {
    TaskId::new(text.trim()).map_err(|error| {
        Failure::usage(
            format!(
                "{}: {error}",
                leadhand::rooms::inspector::escape::line(text, 80)
            ),
            "`leadhand trace show RUN` shows the tasks and their ids",
        )
    })
}
