//! What lies over the panes, and takes the keys as long as it does.

use super::input::Key;
use super::plan_tree::RowKey;
use super::text;
use crate::OpenRunQuestion;
use leadhand_protocol::{Grade, RunId, TaskId};

/// Most characters that can be typed into a line.
pub(super) const LINE_CHARS_MAX: usize = 2_000;

/// What lies over the panes.
#[derive(Debug)]
pub(super) enum Dialog {
    /// The keys.
    Help { top: usize },
    /// A step in full.
    Step {
        key: RowKey,
        place: usize,
        top: usize,
    },
    /// What happened to the run as a whole.
    Notes { top: usize },
    /// A question, and the answer that is meant.
    Question(Asked),
    /// A line is typed.
    Editor(Editor),
    /// Whether the run is to be paused.
    Pause(RunId),
    /// How the run is to be cancelled; the grade is there once it is chosen.
    Cancel { run: RunId, grade: Option<Grade> },
}

/// A question as it is shown; an answer is to just this.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) run: RunId,
    pub(super) question: OpenRunQuestion,
    pub(super) intent: Intent,
    pub(super) top: usize,
}

/// What is meant by a person who wants to see a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    Approve,
    Deny,
}

/// A line that is being typed.
#[derive(Debug)]
pub(super) struct Editor {
    pub(super) purpose: Purpose,
    pub(super) text: String,
    /// Characters before the cursor.
    pub(super) cursor: usize,
}

/// What a line is for.
#[derive(Debug)]
pub(super) enum Purpose {
    Search,
    /// To those at work on the task, when it is for the task, else to all.
    Steer {
        run: RunId,
        task: Option<TaskId>,
        is_for_task: bool,
    },
    /// Why the answer to a question is no.
    Reason {
        run: RunId,
        question: Box<OpenRunQuestion>,
    },
    /// What a call gave that nobody knew of.
    Result {
        run: RunId,
        question: Box<OpenRunQuestion>,
    },
}

impl Dialog {
    /// The first line that is shown, of what fills the screen.
    pub(super) fn scrolled(&self) -> Option<usize> {
        match self {
            Self::Help { top } | Self::Notes { top } | Self::Step { top, .. } => Some(*top),
            Self::Question(asked) => Some(asked.top),
            Self::Editor(_) | Self::Pause(_) | Self::Cancel { .. } => None,
        }
    }

    pub(super) fn scroll_to(&mut self, line: usize) {
        match self {
            Self::Help { top } | Self::Notes { top } | Self::Step { top, .. } => *top = line,
            Self::Question(asked) => asked.top = line,
            Self::Editor(_) | Self::Pause(_) | Self::Cancel { .. } => {}
        }
    }
}

impl Editor {
    pub(super) fn new(purpose: Purpose) -> Self {
        Self {
            purpose,
            text: String::new(),
            cursor: 0,
        }
    }

    /// What is asked for.
    pub(super) fn head(&self) -> String {
        match &self.purpose {
            Purpose::Search => "search for".to_owned(),
            Purpose::Steer {
                task: Some(task),
                is_for_task: true,
                ..
            } => format!("tell those at work on {task} (tab: the whole run)"),
            Purpose::Steer {
                task: Some(task), ..
            } => format!("tell all agents of the run (tab: only {task})"),
            Purpose::Steer { task: None, .. } => "tell all agents of the run".to_owned(),
            Purpose::Reason { question, .. } => {
                format!(
                    "why is the answer to {} no? The agent is told",
                    question.question
                )
            }
            Purpose::Result { question, .. } => {
                format!("what did the call of {} give?", question.question)
            }
        }
    }

    /// Takes a key that edits the line.
    pub(super) fn edit(&mut self, key: Key) {
        let last = self.text.chars().count();
        match key {
            Key::Char(c) => self.insert(&c.to_string()),
            Key::Backspace if self.cursor > 0 => {
                self.cursor -= 1;
                self.text.remove(self.byte(self.cursor));
            }
            Key::Delete if self.cursor < last => {
                self.text.remove(self.byte(self.cursor));
            }
            Key::ClearLine => {
                self.text.clear();
                self.cursor = 0;
            }
            Key::Left => self.cursor = self.cursor.saturating_sub(1),
            Key::Right => self.cursor = (self.cursor + 1).min(last),
            Key::Home | Key::Up => self.cursor = 0,
            Key::End | Key::Down => self.cursor = last,
            Key::Tab => {
                if let Purpose::Steer {
                    task: Some(_),
                    is_for_task,
                    ..
                } = &mut self.purpose
                {
                    *is_for_task = !*is_for_task;
                }
            }
            Key::Backspace
            | Key::Delete
            | Key::Enter
            | Key::Escape
            | Key::BackTab
            | Key::PageUp
            | Key::PageDown => {}
        }
    }

    /// Puts a text in, on one line and as far as there is room.
    pub(super) fn insert(&mut self, text: &str) {
        let room = LINE_CHARS_MAX.saturating_sub(self.text.chars().count());
        let text: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(room)
            .collect();
        self.text.insert_str(self.byte(self.cursor), &text);
        self.cursor += text.chars().count();
    }

    fn byte(&self, chars: usize) -> usize {
        let mut places = self.text.char_indices();
        places.nth(chars).map_or(self.text.len(), |(at, _)| at)
    }

    /// The line as it is shown, before the cursor and from it on.
    pub(super) fn shown(&self) -> (String, String) {
        let (before, after) = self.text.split_at(self.byte(self.cursor));
        (text::exact(before), text::exact(after))
    }
}
