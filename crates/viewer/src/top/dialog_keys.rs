//! What each key does in what lies over the panes. A key that means nothing there changes
//! nothing, and what is ordered is confirmed by a key of its own.

use super::dialog::{Asked, Dialog, Editor, Intent, Purpose};
use super::full;
use super::input::{Key, Order, Wish};
use super::keys::{Way, search};
use super::places;
use super::state::Top;
use crate::OpenRunQuestion;
use leadhand_protocol::{Answer, Ask, Grade, PersonInput, RunId};

/// What stands in the account of a run that is cancelled from here.
const CANCELLED: &str = "cancelled by a person";
/// The grades of cancelling and their keys.
const GRADES: [(char, Grade); 3] = [
    ('w', Grade::WrapUp),
    ('s', Grade::Stop),
    ('a', Grade::Abort),
];
/// The reason of a person who gave none.
const NO_REASON: &str = "no reason was given";

pub(super) fn pressed(top: &mut Top, mut dialog: Dialog, key: Key) -> Vec<Wish> {
    match dialog {
        Dialog::Editor(editor) => return in_editor(top, editor, key),
        Dialog::Pause(run) => return in_pause(top, run, key),
        Dialog::Cancel { run, grade } => return in_cancel(top, (run, grade), key),
        Dialog::Question(asked) => match in_question(top, asked, key) {
            Ok(asked) => dialog = Dialog::Question(asked),
            Err(wishes) => return wishes,
        },
        Dialog::Help { .. } | Dialog::Step { .. } | Dialog::Notes { .. } => {
            if matches!(key, Key::Escape | Key::Enter | Key::Char('q' | '?' | 'f')) {
                return Vec::new();
            }
        }
    }
    scroll(top, &mut dialog, key);
    top.dialog = Some(dialog);
    Vec::new()
}

/// Moves what fills the screen, as far as there is something.
fn scroll(top: &Top, dialog: &mut Dialog, key: Key) {
    let (columns, rows) = places::page(top.size);
    let last = full::lines(top, dialog, columns).len().saturating_sub(rows);
    let at = dialog.scrolled().unwrap_or(0).min(last);
    let to = match key {
        Key::Up | Key::Char('k') => at.saturating_sub(1),
        Key::Down | Key::Char('j') => at + 1,
        Key::PageUp => at.saturating_sub(rows),
        Key::PageDown | Key::Char(' ') => at + rows,
        Key::Home | Key::Char('g') => 0,
        Key::End | Key::Char('G') => last,
        Key::Char(_)
        | Key::Enter
        | Key::Escape
        | Key::Tab
        | Key::BackTab
        | Key::Left
        | Key::Right
        | Key::Backspace
        | Key::Delete
        | Key::ClearLine => at,
    };
    dialog.scroll_to(to.min(last));
}

/// The question stays, or this is to be done.
fn in_question(top: &mut Top, asked: Asked, key: Key) -> Result<Asked, Vec<Wish>> {
    let is_of_doubt = matches!(asked.question.ask, Ask::Outcome { .. });
    let editor = |purpose| Some(Dialog::Editor(Editor::new(purpose)));
    match (key, asked.intent) {
        (Key::Escape | Key::Char('q'), _) => {
            top.say(format!("question {} is left open", asked.question.question));
            Err(Vec::new())
        }
        (Key::Left | Key::BackTab, _) => Ok(beside(top, asked, Way::Back)),
        (Key::Right | Key::Tab, _) => Ok(beside(top, asked, Way::Forward)),
        (Key::Char('y'), Intent::Deny) => {
            let (run, question) = (asked.run, Box::new(asked.question));
            top.dialog = editor(Purpose::Reason { run, question });
            Err(Vec::new())
        }
        (Key::Char('y'), Intent::Approve) if !is_of_doubt => {
            Err(answer(top, &asked, Answer::Allow, "is allowed"))
        }
        (Key::Char('t'), Intent::Approve) if is_of_doubt => {
            let (run, question) = (asked.run, Box::new(asked.question));
            top.dialog = editor(Purpose::Result { run, question });
            Err(Vec::new())
        }
        (Key::Char('r'), Intent::Approve) if is_of_doubt => {
            let said = "is settled: the call is made again";
            Err(answer(top, &asked, Answer::Repeat, said))
        }
        (_, Intent::Approve | Intent::Deny) => Ok(asked),
    }
}

/// The question beside, where several are open.
fn beside(top: &Top, asked: Asked, way: Way) -> Asked {
    let open = top
        .looked
        .as_ref()
        .map_or(&[][..], |looked| &looked.questions);
    let at = open
        .iter()
        .position(|one| one.question == asked.question.question);
    let Some(at) = at else {
        return asked;
    };
    let to = match way {
        Way::Forward => (at + 1) % open.len(),
        Way::Back => (at + open.len() - 1) % open.len(),
    };
    Asked {
        question: open[to].clone(),
        top: 0,
        ..asked
    }
}

/// Answers exactly what was shown.
fn answer(top: &mut Top, asked: &Asked, answer: Answer, said: &str) -> Vec<Wish> {
    let question = &asked.question;
    top.order(Order {
        run: asked.run.clone(),
        order: PersonInput::Answers {
            request: question.question,
            answer,
            shown: Some(question.digest),
        },
        said: format!("question {} {said}", question.question),
    })
}

fn in_pause(top: &mut Top, run: RunId, key: Key) -> Vec<Wish> {
    if key != Key::Char('y') {
        top.say("the run goes on");
        return Vec::new();
    }
    top.order(Order {
        said: format!("it is to stand still; it goes on with: leadhand resume {run}"),
        run,
        order: PersonInput::Pause,
    })
}

fn in_cancel(top: &mut Top, asked: (RunId, Option<Grade>), key: Key) -> Vec<Wish> {
    let (run, grade) = asked;
    let mut grades = GRADES.iter().copied();
    if let Some((_, chosen)) = grades.find(|(letter, _)| key == Key::Char(*letter)) {
        let grade = Some(chosen);
        top.dialog = Some(Dialog::Cancel { run, grade });
        return Vec::new();
    }
    let (Some(grade), Key::Char('y')) = (grade, key) else {
        top.say("nothing is cancelled");
        return Vec::new();
    };
    let said = match grade {
        Grade::WrapUp => "it wraps up: what is at work comes to its end",
        Grade::Stop => "it is cancelled: calls of tools in flight are waited for",
        Grade::Abort => "it is aborted: nothing is waited for",
    };
    top.order(Order {
        run,
        order: PersonInput::Cancel {
            grade,
            why: CANCELLED.to_owned(),
        },
        said: said.to_owned(),
    })
}

fn in_editor(top: &mut Top, mut editor: Editor, key: Key) -> Vec<Wish> {
    match key {
        Key::Escape => {
            match editor.purpose {
                Purpose::Search => {}
                Purpose::Steer { .. } => top.say("nothing was told"),
                Purpose::Reason { question, .. } | Purpose::Result { question, .. } => {
                    top.say(format!("question {} is left open", question.question));
                }
            }
            Vec::new()
        }
        Key::Enter => entered(top, editor),
        key => {
            editor.edit(key);
            top.dialog = Some(Dialog::Editor(editor));
            Vec::new()
        }
    }
}

/// A line is sent off.
fn entered(top: &mut Top, editor: Editor) -> Vec<Wish> {
    let text = editor.text.trim().to_owned();
    match editor.purpose {
        Purpose::Search => {
            // An empty line seeks what was sought before.
            if !text.is_empty() {
                top.sought = text;
            }
            search(top, Way::Forward)
        }
        Purpose::Steer { .. } if text.is_empty() => {
            top.say("nothing was told");
            Vec::new()
        }
        Purpose::Steer {
            run,
            task,
            is_for_task,
        } => {
            let task = task.filter(|_| is_for_task);
            let said = match &task {
                Some(task) => format!("those at work on {task} are told"),
                None => "all agents are told".to_owned(),
            };
            let order = PersonInput::Steer { task, text };
            top.order(Order { run, order, said })
        }
        Purpose::Reason { run, question } => {
            let reason = match text.is_empty() {
                true => NO_REASON.to_owned(),
                false => text,
            };
            let asked = asked(run, *question, Intent::Deny);
            answer(top, &asked, Answer::Deny { reason }, "is denied")
        }
        Purpose::Result { run, question } => {
            let asked = asked(run, *question, Intent::Approve);
            let took_effect = Answer::TookEffect { result: text };
            answer(top, &asked, took_effect, "is settled: the call took effect")
        }
    }
}

fn asked(run: RunId, question: OpenRunQuestion, intent: Intent) -> Asked {
    Asked {
        run,
        question,
        intent,
        top: 0,
    }
}
