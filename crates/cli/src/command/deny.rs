//! `leadhand deny`: says no to a question of a run, and why.

use crate::answer::QuestionOptions;
use crate::failure::{Failure, INTERRUPTED};
use crate::project::ProjectOptions;
use crate::reach::Reach;
use crate::screen;
use clap::Args;
use leadhand::Answer;

/// Say no to a question of a run; the agent is told the reason
///
/// Without --digest the question is shown and a person at the terminal confirms; where there is
/// no terminal --digest says what was shown, and is needed when several questions are open.
#[derive(Debug, Args)]
pub(crate) struct DenyArguments {
    #[command(flatten)]
    question: QuestionOptions,
    /// Why; the agent is told
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    project: ProjectOptions,
}

pub(crate) async fn run(arguments: DenyArguments, before: &ProjectOptions) -> Result<u8, Failure> {
    let reach = Reach::open(&arguments.question.run, &arguments.project, before)?;
    let Some(question) = arguments.question.choose(&reach).await? else {
        screen::note("left open");
        return Ok(INTERRUPTED);
    };
    let reason = arguments.reason.clone();
    let answer = Answer::Deny { reason };
    arguments
        .question
        .give(&reach, &question, answer, "is denied")
        .await?;
    Ok(0)
}
