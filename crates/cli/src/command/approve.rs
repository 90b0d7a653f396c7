//! `leadhand approve`: says yes to a question of a run, for this once or for more.

use crate::answer::QuestionOptions;
use crate::approvals::{self, Until};
use crate::failure::{Failure, INTERRUPTED};
use crate::project::ProjectOptions;
use crate::reach::Reach;
use crate::screen;
use clap::{Args, ValueEnum};
use leadhand::{Answer, ApprovalScope, Ask, OpenQuestion};

/// Say yes to a question of a run
///
/// Without --digest the question is shown and a person at the terminal confirms; where there is
/// no terminal --digest says what was shown, and is needed when several questions are open.
#[derive(Debug, Args)]
pub(crate) struct ApproveArguments {
    #[command(flatten)]
    question: QuestionOptions,
    /// Say yes to all calls of this tool by this role in the task, in the run, or in all runs of
    /// the project to come, which needs --until
    #[arg(long = "for", value_name = "SCOPE")]
    scope: Option<Scope>,
    /// From this date on that yes no longer counts
    #[arg(long, value_name = "DATE", requires = "scope")]
    until: Option<String>,
    /// Have the call made with these arguments (JSON) in place of its own
    #[arg(long, value_name = "JSON", conflicts_with = "scope")]
    arguments: Option<String>,
    /// Of a call in doubt: it took effect, and this is what it gave
    #[arg(long, value_name = "RESULT", conflicts_with_all = ["scope", "arguments"])]
    took_effect: Option<String>,
    /// Of a call in doubt: it took no effect and is to be made again
    #[arg(long, conflicts_with_all = ["scope", "arguments", "took_effect"])]
    again: bool,
    /// Of what was found about an agent's work: it may go on, and is told this
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["scope", "arguments", "took_effect", "again"])]
    steer: Option<String>,
    #[command(flatten)]
    project: ProjectOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scope {
    /// This task
    Task,
    /// This run
    Run,
    /// This run and those to come of this project
    Project,
}

pub(crate) async fn run(
    arguments: ApproveArguments,
    before: &ProjectOptions,
) -> Result<u8, Failure> {
    let until = arguments.until.as_deref().map(Until::parse).transpose()?;
    if arguments.scope == Some(Scope::Project) && until.is_none() {
        return Err(Failure::usage(
            "an approval for the whole project has an end",
            "say until when with --until DATE",
        ));
    }
    let (answer, in_words) = answer(&arguments, until.as_ref())?;
    let reach = Reach::open(&arguments.question.run, &arguments.project, before)?;
    let Some(question) = arguments.question.choose(&reach).await? else {
        screen::note("left open");
        return Ok(INTERRUPTED);
    };
    refuse_unfit(&question, &answer)?;
    arguments
        .question
        .give(&reach, &question, answer, in_words)
        .await?;
    if let (Some(Scope::Project), Some(until)) = (arguments.scope, &until)
        && let Ask::Tool {
            role, tool_call, ..
        } = &question.ask
    {
        let (folders, folder) = (&reach.project.folders, &reach.project.folder);
        let named = (tool_call.name.as_str(), role.as_str());
        let file = approvals::keep(&folders.config, folder, named, until)?;
        screen::note(&format!("kept for runs to come in {}", file.display()));
    }
    Ok(0)
}

fn answer(
    arguments: &ApproveArguments,
    until: Option<&Until>,
) -> Result<(Answer, &'static str), Failure> {
    if let Some(json) = &arguments.arguments {
        let arguments = serde_json::from_str(json).map_err(|error| {
            Failure::usage(
                format!("--arguments: this is no JSON: {error}"),
                "give all arguments of the call as one JSON object",
            )
        })?;
        return Ok((
            Answer::AllowEdited { arguments },
            "is allowed with other arguments",
        ));
    }
    if let Some(result) = &arguments.took_effect {
        let result = result.clone();
        return Ok((
            Answer::TookEffect { result },
            "is settled: the call took effect",
        ));
    }
    if arguments.again {
        return Ok((Answer::Repeat, "is settled: the call is made again"));
    }
    if let Some(text) = &arguments.steer {
        let text = text.clone();
        return Ok((Answer::Steer { text }, "is allowed, and the agent is told"));
    }
    let until_ms = until.map(|until| until.ms);
    let allow_for = |scope| Answer::AllowFor { scope, until_ms };
    Ok(match arguments.scope {
        None => (Answer::Allow, "is allowed"),
        Some(Scope::Task) => (
            allow_for(ApprovalScope::Task),
            "is allowed, and others in this task",
        ),
        Some(Scope::Run) => (
            allow_for(ApprovalScope::Run),
            "is allowed, and others in this run",
        ),
        Some(Scope::Project) => (
            allow_for(ApprovalScope::Run),
            "is allowed, and others in this run and those to come",
        ),
    })
}

/// A plain yes to a call in doubt says nothing of what is asked.
fn refuse_unfit(question: &OpenQuestion, answer: &Answer) -> Result<(), Failure> {
    match (&question.ask, answer) {
        (Ask::Outcome { .. }, Answer::Allow) => Err(Failure::usage(
            format!(
                "question {} is whether a call took effect, which a plain yes does not say",
                question.question
            ),
            "say --took-effect \"what it gave\", or --again if it did not; `leadhand deny` when nobody knows",
        )),
        _ => Ok(()),
    }
}
