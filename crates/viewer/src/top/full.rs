//! Texts that fill the screen: a step in full, what is asked, what happened to the run as a
//! whole, the keys. All are lists of lines, broken at the width of the screen.

use super::dialog::{Asked, Dialog, Intent};
use super::plan_tree::RowKey;
use super::state::{Looked, Top};
use super::steps::{self, Item, Look};
use super::text;
use crate::asked;
use leadhand_inspector::{AgentLine, NoteKind, Step, account, words};
use leadhand_protocol::{Ask, Decision, TaskId};

/// Most lines of a step or of notes that are shown; a question is always shown whole.
const LINES_MAX: usize = 20_000;

const HELP: &str = "\
tab, ←/h, →/l     the part beside
↑/k, ↓/j          up and down
PgUp, PgDn        a page up and down
g/Home, G/End     to the beginning, to the end
enter             go in: run, task, step in full
esc               go back
/, n, N           search in this part, next, the one before
f                 findings and all that happened to the run
a                 answer a question with yes; it is shown first
d                 answer it with no
s                 steer: tell the agents something
p                 pause the run
c                 cancel the run, in one of three grades
q, ctrl-c         quit; runs go on without it

signs             . waits  > at work  ✓ done  ✗ failed  - dropped
                  ? asks a person  ! something was found

A task stands below the last of those that it waits for; the others
are named behind its title. Until you move, the task that began last
is shown, and its last step. At the end of a list it goes on so.";

/// The lines of what fills the screen, broken at so many columns.
pub(super) fn lines(top: &Top, dialog: &Dialog, columns: usize) -> Vec<(Look, String)> {
    let mut page = Page {
        columns,
        lines: Vec::new(),
    };
    match (dialog, &top.looked) {
        (Dialog::Help { .. }, _) => page.add(Look::Plain, HELP),
        (Dialog::Question(asked), _) => page.question(asked),
        (Dialog::Step { key, place, .. }, Some(looked)) => page.step(looked, *key, *place),
        (Dialog::Notes { .. }, Some(looked)) => page.notes(looked),
        (Dialog::Step { .. } | Dialog::Notes { .. }, None)
        | (Dialog::Editor(_) | Dialog::Pause(_) | Dialog::Cancel { .. }, _) => {}
    }
    page.lines
}

struct Page {
    columns: usize,
    lines: Vec<(Look, String)>,
}

impl Page {
    /// A text that is safe to be shown.
    fn add(&mut self, look: Look, text: &str) {
        let wrapped = text::wrapped(text, self.columns);
        self.lines
            .extend(wrapped.into_iter().map(|line| (look, line)));
    }

    /// A text of foreign origin.
    fn foreign(&mut self, look: Look, text: &str) {
        self.add(look, &text::lines(text));
    }

    fn question(&mut self, asked: &Asked) {
        let question = &asked.question;
        self.add(Look::Head, &format!("question {}", question.question));
        self.add(Look::Quiet, &format!("digest {}", question.digest));
        self.add(Look::Plain, "");
        self.add(Look::Plain, &text::exact(&asked::asked(&question.ask)));
        self.add(Look::Plain, "");
        self.add(Look::Head, how_to_answer(asked));
    }

    fn step(&mut self, looked: &Looked, key: RowKey, place: usize) {
        let agents = looked.agents_of(Some(key));
        match steps::item(agents, place) {
            None => self.add(Look::Quiet, "nothing was done here yet"),
            Some(Item::GaveUp(why)) => {
                self.add(Look::Head, "the agent gave up");
                self.foreign(Look::Bad, why);
            }
            Some(Item::Head(agent)) => self.agent(looked, key, agent),
            Some(Item::Step(agent, step)) => {
                self.add(Look::Quiet, &steps::head(agent));
                let record = format!("record {}", step.seq());
                self.add(Look::Quiet, &record);
                self.add(Look::Plain, "");
                self.of_step(step);
            }
        }
        self.cut();
    }

    fn agent(&mut self, looked: &Looked, key: RowKey, agent: &AgentLine) {
        self.add(Look::Head, &steps::head(agent));
        if let RowKey::Task(at) = key
            && let Some(task) = looked.timeline.tasks.get(at)
        {
            self.add(Look::Plain, "");
            self.add(Look::Head, &format!("task {}: {}", task.id, task.state));
            self.foreign(Look::Plain, &task.title);
            self.field("done by", &task.worker);
            let after: Vec<&str> = task.depends_on.iter().map(TaskId::as_str).collect();
            self.field("after", &after.join(", "));
            self.field("why it failed", &task.why);
            self.field("output", task.artifact.as_deref().unwrap_or_default());
            self.field("in file", task.file.as_deref().unwrap_or_default());
        }
        if let Some(why) = &agent.failure {
            self.field("gave up", why);
        }
    }

    fn field(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.add(Look::Plain, &format!("{name}: {}", text::lines(value)));
        }
    }

    fn of_step(&mut self, step: &Step) {
        match step {
            Step::Turn {
                turn,
                took_ms,
                model,
                usage,
                micro_usd,
                attempts_failed,
                fault,
                text: said,
                ..
            } => {
                self.add(Look::Head, &format!("turn {turn}"));
                self.field("model", model);
                let tokens = format!(
                    "{} in, {} out",
                    words::number(usage.input_tokens),
                    words::number(usage.output_tokens)
                );
                self.field("tokens", &tokens);
                if *micro_usd > 0 {
                    self.field("cost", &words::money(*micro_usd));
                }
                self.field(
                    "took",
                    &took_ms.map_or("no answer yet".to_owned(), words::seconds),
                );
                for failed in attempts_failed {
                    self.field("attempt failed", failed);
                }
                if let Some(fault) = fault {
                    self.foreign(Look::Bad, &format!("fault: {fault}"));
                }
                self.section("what it said", Look::Said, said);
            }
            Step::Call { .. } => self.call(step),
            Step::Told { fault, text, .. } => {
                let head = match fault {
                    true => "sent back to it, as a fault of its reply",
                    false => "told to it",
                };
                self.section(head, Look::Plain, text);
            }
            Step::Coordinated { text, .. } => self.section("with others", Look::Plain, text),
            Step::Checked {
                passed, evidence, ..
            } => {
                let head = match passed {
                    true => "a check of its output holds",
                    false => "a check of its output does not hold",
                };
                self.section(head, Look::Plain, evidence);
            }
        }
    }

    fn call(&mut self, step: &Step) {
        let Step::Call {
            call,
            origin,
            tool,
            arguments,
            decision,
            because,
            took_ms,
            result,
            reached,
            ..
        } = step
        else {
            return;
        };
        self.add(Look::Head, &format!("call {call}: {}", text::line(tool)));
        self.field("wanted by", steps::wanted_by(*origin));
        let look = match decision {
            Decision::Allow => Look::Good,
            Decision::Ask => Look::Plain,
            Decision::Deny => Look::Bad,
        };
        let verdict = words::decided(*decision);
        self.foreign(look, &format!("verdict: {verdict}, {because}"));
        self.field("took", &words::took(*took_ms));
        let json = serde_json::to_string_pretty(arguments);
        self.section("arguments", Look::Plain, &json.unwrap_or_default());
        match result {
            Some(Ok(given)) => self.section("result", Look::Said, given),
            Some(Err(fault)) => self.section("failed", Look::Bad, &fault.message),
            None => {}
        }
        for line in reached.lines() {
            self.foreign(Look::Plain, &line);
        }
    }

    fn section(&mut self, head: &str, look: Look, text: &str) {
        self.add(Look::Plain, "");
        self.add(Look::Head, head);
        self.foreign(look, text);
    }

    fn notes(&mut self, looked: &Looked) {
        let timeline = &looked.timeline;
        self.add(Look::Head, &format!("run {}", timeline.run));
        self.field("goal", &timeline.goal);
        if let Some(outcome) = &timeline.outcome {
            self.field("state", account::ending(outcome.kind));
            self.field("why", &outcome.why);
        }
        self.add(Look::Plain, "");
        if timeline.notes.is_empty() {
            self.add(
                Look::Quiet,
                "nothing was found, and nobody ordered anything",
            );
        }
        for note in &timeline.notes {
            let at = words::seconds(note.at_ms.saturating_sub(timeline.began_ms));
            let (look, sign) = match note.kind {
                NoteKind::Finding => (Look::Bad, '!'),
                NoteKind::Person => (Look::Plain, '?'),
                NoteKind::Run => (Look::Quiet, ' '),
            };
            let task = note.task.as_ref().map(|task| format!(" {task}:"));
            let task = task.unwrap_or_default();
            self.foreign(look, &format!("{sign} {at}:{task} {}", note.text));
        }
        self.cut();
    }

    fn cut(&mut self) {
        if self.lines.len() > LINES_MAX {
            self.lines.truncate(LINES_MAX);
            let more = "it is longer: `leadhand trace show` has the whole";
            self.lines.push((Look::Quiet, more.to_owned()));
        }
    }
}

fn how_to_answer(asked: &Asked) -> &'static str {
    match (asked.intent, &asked.question.ask) {
        (Intent::Deny, Ask::Outcome { .. }) => {
            "Say that nobody knows, so that it is not made again? y, then the reason; esc leaves it open"
        }
        (Intent::Deny, Ask::Finding { .. }) => {
            "Say no, which stops the run? y, then the reason; esc leaves it open"
        }
        (Intent::Deny, Ask::Plan { .. } | Ask::Tool { .. } | Ask::Task { .. }) => {
            "Say no? y, then the reason; esc leaves it open"
        }
        (Intent::Approve, Ask::Outcome { .. }) => {
            "Did it? t it took effect, then what it gave; r it did not, make it again; esc leaves it open"
        }
        (Intent::Approve, Ask::Finding { .. }) => "May it go on? y yes; esc leaves it open",
        (Intent::Approve, Ask::Plan { .. }) => "May it be carried out? y yes; esc leaves it open",
        (Intent::Approve, Ask::Tool { .. }) => "May it, this once? y yes; esc leaves it open",
        (Intent::Approve, Ask::Task { .. }) => "May it begin? y yes; esc leaves it open",
    }
}
