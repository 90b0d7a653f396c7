//! `leadhand questions`: what a run asks, exactly as it will be done.

use crate::answer::DIGEST_CHARS_SHOWN;
use crate::failure::Failure;
use crate::project::ProjectOptions;
use crate::reach::Reach;
use crate::screen;
use clap::Args;
use leadhand::{OpenQuestion, RunId};
use serde::Serialize;

/// Show the questions of a run that wait for a person, exactly as they will be done
#[derive(Debug, Args)]
pub(crate) struct QuestionsArguments {
    /// The run, its first letters, or `last`
    run: String,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    project: ProjectOptions,
}

#[derive(Serialize)]
struct Listed<'a> {
    run: &'a RunId,
    live: bool,
    questions: &'a [OpenQuestion],
}

pub(crate) async fn run(
    arguments: QuestionsArguments,
    before: &ProjectOptions,
) -> Result<u8, Failure> {
    let reach = Reach::open(&arguments.run, &arguments.project, before)?;
    let (questions, live) = reach.questions().await?;
    if arguments.json {
        screen::out_json(&Listed {
            run: &reach.id,
            live,
            questions: &questions,
        });
        return Ok(0);
    }
    if questions.is_empty() {
        screen::note(&format!("no question of run {} is open", reach.id));
        return Ok(0);
    }
    let shown: Vec<String> = questions.iter().map(shown).collect();
    screen::out(&shown.join("\n\n"));
    screen::note(&format!(
        "answer with: leadhand approve {0} QUESTION --digest DIGEST, or leadhand deny {0} QUESTION --digest DIGEST --reason \"…\"",
        reach.id
    ));
    Ok(0)
}

fn shown(question: &OpenQuestion) -> String {
    let digest: String = question.digest.to_string();
    let digest: String = digest.chars().take(DIGEST_CHARS_SHOWN).collect();
    let what = leadhand_viewer::asked(&question.ask);
    format!("question {}, digest {digest}\n{what}", question.question)
}
