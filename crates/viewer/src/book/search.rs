//! Finding things in a run by their words, their kind and who they are about.

use super::rows::{mark_of, marked};
use super::{Book, Happened};
use leadhand_inspector::Step;
use leadhand_protocol::AgentId;
use std::collections::HashMap;

/// Most places that one search gives.
pub(crate) const FOUND_MAX: usize = 10_000;

/// What is looked for; what is empty is not asked.
#[derive(Debug, Default)]
pub(crate) struct Sought {
    /// Words, in any case of letters.
    pub(crate) words: String,
    /// `turn`, `call`, `told`, `others`, `check` or `note`.
    pub(crate) kind: String,
    pub(crate) task: String,
    pub(crate) agent: Option<AgentId>,
    /// Only what went wrong or was found.
    pub(crate) trouble: bool,
}

impl Book {
    /// The places of what fits, in order; and whether there are more.
    pub(crate) fn search(&self, sought: &Sought) -> (Vec<usize>, bool) {
        let words = sought.words.to_lowercase();
        let mut found = Vec::new();
        for (at, place) in self.places.iter().enumerate() {
            if self
                .found(*place)
                .is_some_and(|it| fits(&it, sought, &words))
            {
                if found.len() == FOUND_MAX {
                    return (found, true);
                }
                found.push(at);
            }
        }
        (found, false)
    }

    /// The ids of tasks that hold the words.
    pub(crate) fn tasks_with(&self, words: &str, most: usize) -> Vec<&str> {
        let words = words.to_lowercase();
        let planned = self.plan.tasks.iter();
        let told: HashMap<&str, &str> = planned
            .map(|task| (task.id.as_str(), task.instruction.as_str()))
            .collect();
        let tasks = self.timeline.tasks.iter().filter(|task| {
            let texts = [&task.id, &task.title, &task.why, &task.worker];
            let instruction = told.get(task.id.as_str());
            texts.iter().any(|text| holds(text, &words))
                || instruction.is_some_and(|text| holds(text, &words))
        });
        tasks.take(most).map(|task| task.id.as_str()).collect()
    }
}

fn fits(happened: &Happened<'_>, sought: &Sought, words: &str) -> bool {
    let (kind, mark, task, agent) = match happened {
        Happened::Step(task, line, step) => {
            let (kind, mark) = marked(step, line.ended_ms.is_some());
            let task = task.map(|task| task.id.as_str());
            (kind, mark, task, Some(line.agent))
        }
        Happened::Note(note) => ("note", mark_of(note), note.task.as_deref(), note.agent),
    };
    (sought.kind.is_empty() || sought.kind == kind)
        && (sought.task.is_empty() || task == Some(sought.task.as_str()))
        && (sought.agent.is_none() || agent == sought.agent)
        && (!sought.trouble || is_trouble(mark))
        && (words.is_empty() || speaks_of(happened, words))
}

fn is_trouble(mark: &str) -> bool {
    matches!(
        mark,
        "fault" | "refused" | "failed" | "sent_back" | "holds_not" | "finding" | "asked"
    )
}

fn speaks_of(happened: &Happened<'_>, words: &str) -> bool {
    let holds = |text: &str| holds(text, words);
    match happened {
        Happened::Note(note) => holds(&note.text),
        Happened::Step(_, line, step) => {
            let here = match step {
                Step::Turn {
                    text, fault, model, ..
                } => holds(text) || holds(model) || fault.as_deref().is_some_and(holds),
                Step::Call {
                    tool,
                    arguments,
                    because,
                    result,
                    reached,
                    ..
                } => {
                    holds(tool)
                        || holds(because)
                        || holds(&arguments.to_string())
                        || reached.files.iter().any(|file| holds(&file.path))
                        || reached.requests.iter().any(|request| holds(&request.url))
                        || match result {
                            Some(Ok(text)) => holds(text),
                            Some(Err(fault)) => holds(&fault.message),
                            None => false,
                        }
                }
                Step::Told { text, .. } | Step::Coordinated { text, .. } => holds(text),
                Step::Checked { evidence, .. } => holds(evidence),
            };
            here || holds(&line.role)
        }
    }
}

/// Whether a text holds words that are in small letters.
fn holds(text: &str, words: &str) -> bool {
    if text.is_ascii() && words.is_ascii() {
        let (text, words) = (text.as_bytes(), words.as_bytes());
        return text
            .windows(words.len().max(1))
            .any(|part| part.eq_ignore_ascii_case(words));
    }
    text.to_lowercase().contains(words)
}
