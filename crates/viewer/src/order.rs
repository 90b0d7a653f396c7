//! What a person orders from the page: less than what there is, checked before it is given on.

use crate::{OpenRunQuestion, Trouble};
use leadhand_protocol::{
    Answer, ApprovalScope, Ask, ContentHash, Grade, PersonInput, PlanEdit, RequestId, TaskId,
};
use serde::Deserialize;
use serde_json::Value;

/// Longest text that a person gives from the page, in characters.
const TEXT_CHARS_MAX: usize = 8_000;
/// Most changes of a plan in one order.
const EDITS_MAX: usize = 100;

/// An order as the page sends it.
#[derive(Debug, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Order {
    /// Stand still. It has braces so that other fields are refused.
    Pause {},
    /// End.
    Cancel {
        /// How.
        grade: Grade,
    },
    /// Something to know.
    Steer {
        /// For whom; none for all.
        task: Option<TaskId>,
        /// What.
        text: String,
    },
    /// The answer to a question, and the digest of what was shown.
    Answer {
        /// Which question.
        question: RequestId,
        /// Of what was shown.
        digest: ContentHash,
        /// What is said.
        say: Say,
        /// A reason, or words for the agent.
        #[serde(default)]
        text: String,
        /// With what the call is to be made.
        #[serde(default)]
        arguments: Option<Value>,
    },
    /// Another plan.
    EditPlan {
        /// All changes, of which all are made or none.
        edits: Vec<PlanEdit>,
    },
    /// End, and undo what can be undone.
    RollBack {
        /// The digest of the calls that were shown.
        shown: ContentHash,
        /// Why.
        #[serde(default)]
        why: String,
    },
}

/// What is said to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Say {
    /// Yes, this once.
    Allow,
    /// Yes, with the arguments that come with it in place of the call's own.
    AllowEdited,
    /// Yes, and to more such calls in the task.
    AllowForTask,
    /// Yes, and to more such calls in the run.
    AllowForRun,
    /// Yes, and the agent is told the text.
    AllowAndTell,
    /// No; the text is the reason.
    Deny,
    /// The call took effect; the text is what it gave.
    TookEffect,
    /// The call took no effect and is made again.
    Again,
}

impl Order {
    /// The question that it answers.
    pub(crate) fn answers(&self) -> Option<(RequestId, ContentHash)> {
        match self {
            Self::Answer {
                question, digest, ..
            } => Some((*question, *digest)),
            Self::Pause {}
            | Self::Cancel { .. }
            | Self::Steer { .. }
            | Self::EditPlan { .. }
            | Self::RollBack { .. } => None,
        }
    }

    /// The digest of the calls that it has undone.
    pub(crate) fn undoes(&self) -> Option<ContentHash> {
        match self {
            Self::RollBack { shown, .. } => Some(*shown),
            Self::Pause {}
            | Self::Cancel { .. }
            | Self::Steer { .. }
            | Self::Answer { .. }
            | Self::EditPlan { .. } => None,
        }
    }

    /// The order as a run takes it; `open` is the question that it answers.
    pub(crate) fn checked(self, open: Option<&OpenRunQuestion>) -> Result<PersonInput, Trouble> {
        Ok(match self {
            Self::Pause {} => PersonInput::Pause,
            Self::Cancel { grade } => PersonInput::Cancel {
                grade,
                why: "cancelled by a person".to_owned(),
            },
            Self::Steer { task, text } => PersonInput::Steer {
                task,
                text: words(&text)?,
            },
            Self::Answer {
                question,
                digest,
                say,
                text,
                arguments,
            } => {
                let ask = &open.ok_or_else(|| gone(question))?.ask;
                PersonInput::Answers {
                    request: question,
                    answer: answer(ask, say, &text, arguments)?,
                    shown: Some(digest),
                }
            }
            Self::EditPlan { edits } => PersonInput::EditPlan {
                edits: bounded(edits)?,
            },
            Self::RollBack { why, .. } => PersonInput::RollBack {
                why: words(&why).unwrap_or_else(|_| "ordered by a person".to_owned()),
            },
        })
    }
}

/// That a question is not what was shown any more.
fn gone(question: RequestId) -> Trouble {
    Trouble(format!(
        "question {question} is not what was shown any more: it was answered, or has changed; \
         look again, then answer"
    ))
}

fn bounded(edits: Vec<PlanEdit>) -> Result<Vec<PlanEdit>, Trouble> {
    match edits.len() {
        0 => Err(Trouble(
            "there is nothing to change; say what is to be another way".to_owned(),
        )),
        1..=EDITS_MAX => Ok(edits),
        more => Err(Trouble(format!(
            "these are {more} changes, and {EDITS_MAX} are made at once; make some of them first"
        ))),
    }
}

/// That the words of an answer fit what is asked.
fn fits(ask: &Ask, say: Say) -> Result<(), Trouble> {
    let is_fit = match (ask, say) {
        (_, Say::Deny) => true,
        (Ask::Outcome { .. }, Say::TookEffect | Say::Again) => true,
        (
            Ask::Tool { .. },
            Say::Allow | Say::AllowEdited | Say::AllowForTask | Say::AllowForRun,
        ) => true,
        (Ask::Plan { .. } | Ask::Task { .. }, Say::Allow) => true,
        (Ask::Finding { .. }, Say::Allow | Say::AllowAndTell) => true,
        (
            Ask::Plan { .. }
            | Ask::Tool { .. }
            | Ask::Outcome { .. }
            | Ask::Task { .. }
            | Ask::Finding { .. },
            Say::Allow
            | Say::AllowEdited
            | Say::AllowForTask
            | Say::AllowForRun
            | Say::AllowAndTell
            | Say::TookEffect
            | Say::Again,
        ) => false,
    };
    if is_fit {
        return Ok(());
    }
    Err(Trouble(
        "this is no answer to what is asked; look at the question again".to_owned(),
    ))
}

fn answer(ask: &Ask, say: Say, text: &str, arguments: Option<Value>) -> Result<Answer, Trouble> {
    fits(ask, say)?;
    let allow_for = |scope| Answer::AllowFor {
        scope,
        until_ms: None,
    };
    Ok(match say {
        Say::Allow => Answer::Allow,
        Say::AllowEdited => Answer::AllowEdited {
            arguments: arguments.filter(Value::is_object).ok_or_else(|| {
                Trouble("give all arguments of the call as one JSON object".to_owned())
            })?,
        },
        Say::AllowForTask => allow_for(ApprovalScope::Task),
        Say::AllowForRun => allow_for(ApprovalScope::Run),
        Say::AllowAndTell => Answer::Steer { text: words(text)? },
        Say::Deny => Answer::Deny {
            reason: words(text).unwrap_or_else(|_| "a person said no".to_owned()),
        },
        Say::TookEffect => Answer::TookEffect {
            result: words(text)?,
        },
        Say::Again => Answer::Repeat,
    })
}

fn words(text: &str) -> Result<String, Trouble> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Trouble(
            "there are no words; write what is to be said, then send it again".to_owned(),
        ));
    }
    if text.chars().count() > TEXT_CHARS_MAX {
        return Err(Trouble(format!(
            "the text is longer than {TEXT_CHARS_MAX} characters; make it shorter"
        )));
    }
    Ok(text.to_owned())
}
