//! What the terminal view knows: the runs, the one that is looked at, and where the person is.
//! At most one run is held, whatever the project has.

use super::dialog::Dialog;
use super::input::Wish;
use super::plan_tree::{self, RowKey, TreeRow};
use super::steps;
use crate::{Given, OpenRunQuestion, RunLine};
use leadhand_inspector::{AgentLine, TaskLine, Timeline};
use leadhand_protocol::{Event, RunId, Seq};

/// The whole view.
#[derive(Debug)]
pub(super) struct Top {
    pub(super) runs: Vec<RunLine>,
    /// Whether the list was read once.
    pub(super) is_listed: bool,
    /// Why the list cannot be read.
    pub(super) list_trouble: Option<String>,
    pub(super) looked: Option<Looked>,
    pub(super) pane: Pane,
    pub(super) dialog: Option<Dialog>,
    pub(super) message: Option<Message>,
    /// What was sought last.
    pub(super) sought: String,
    /// An order is being given.
    pub(super) is_ordering: bool,
    /// Milliseconds since the Unix epoch.
    pub(super) now_ms: u64,
    /// Columns and lines.
    pub(super) size: (u16, u16),
    pub(super) colour: bool,
    /// Something is to be drawn anew.
    pub(super) is_changed: bool,
}

/// The parts of the screen that the keys can be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pane {
    Runs,
    Tasks,
    Steps,
}

/// What is said below, until the next key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) text: String,
    pub(super) is_trouble: bool,
}

/// How far the records of a run have come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Those that are there are still being read.
    Behind,
    /// All are here; of a live run more come.
    UpToDate,
    /// No more comes.
    Ended,
    /// They end here, and why.
    Broken(String),
}

/// The run that is looked at.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) run: RunId,
    pub(super) timeline: Timeline,
    /// The record that comes next.
    pub(super) next: Seq,
    pub(super) reading: Reading,
    pub(super) questions: Vec<OpenRunQuestion>,
    pub(super) rows: Vec<TreeRow>,
    /// The row that was chosen; none follows the work.
    pub(super) row: Option<RowKey>,
    /// The step that was chosen; none stays at the last.
    pub(super) step: Option<usize>,
    /// Whether the questions may not be those any more.
    pub(super) are_questions_old: bool,
}

impl Top {
    pub(super) fn new(size: (u16, u16), colour: bool, now_ms: u64) -> Self {
        Self {
            runs: Vec::new(),
            is_listed: false,
            list_trouble: None,
            looked: None,
            pane: Pane::Runs,
            dialog: None,
            message: None,
            sought: String::new(),
            is_ordering: false,
            now_ms,
            size,
            colour,
            is_changed: true,
        }
    }

    /// The line of the run that is looked at.
    pub(super) fn line(&self) -> Option<&RunLine> {
        let run = &self.looked.as_ref()?.run;
        self.runs.iter().find(|line| line.run == *run)
    }

    /// Where it stands in the list.
    pub(super) fn place(&self) -> Option<usize> {
        let run = &self.looked.as_ref()?.run;
        self.runs.iter().position(|line| line.run == *run)
    }

    /// Whether a process carries out the run that is looked at.
    pub(super) fn is_live(&self) -> bool {
        self.line().is_some_and(|line| line.live)
            && self
                .looked
                .as_ref()
                .is_some_and(|looked| looked.reading != Reading::Ended)
    }

    pub(super) fn say(&mut self, text: impl Into<String>) {
        self.message = Some(Message {
            text: text.into(),
            is_trouble: false,
        });
    }

    pub(super) fn complain(&mut self, text: impl Into<String>) {
        self.message = Some(Message {
            text: text.into(),
            is_trouble: true,
        });
    }
}

impl Looked {
    pub(super) fn new(run: RunId) -> Self {
        Self {
            timeline: Timeline::new(&run),
            run,
            next: 0,
            reading: Reading::Behind,
            questions: Vec::new(),
            rows: Vec::new(),
            row: None,
            step: None,
            are_questions_old: false,
        }
    }

    /// Reads on where its records ended.
    pub(super) fn go_on(&mut self) -> Wish {
        self.reading = Reading::Behind;
        Wish::Follow(self.run.clone(), self.next)
    }

    /// Takes what came.
    pub(super) fn take(&mut self, given: &Given) {
        let Given::Records(records) = given else {
            self.reading = Reading::UpToDate;
            self.are_questions_old = true;
            return;
        };
        let known = (self.timeline.tasks.len(), self.timeline.others.len());
        let mut is_planned = false;
        // What was given once is not taken twice, however the reading began anew.
        for record in records {
            if record.seq < self.next {
                continue;
            }
            self.next = record.seq + 1;
            self.timeline.take(record);
            is_planned |= matches!(&*record.event, Event::PlanAccepted { .. });
            self.are_questions_old |= matches!(
                &*record.event,
                Event::PersonAsked { .. }
                    | Event::PersonAnswered { .. }
                    | Event::RunSuspended(_)
                    | Event::RunEnded(_)
            );
        }
        if is_planned || known != (self.timeline.tasks.len(), self.timeline.others.len()) {
            self.rows = plan_tree::rows(&self.timeline);
        }
    }

    /// The row that is shown: the chosen one, else the task at work that began last, else the
    /// first that failed, else the one that began last.
    pub(super) fn at(&self) -> Option<RowKey> {
        self.row.or_else(|| {
            let tasks = || self.timeline.tasks.iter().enumerate();
            let running = tasks().filter(|(_, task)| task.state == "running");
            let latest = running.max_by_key(|(_, task)| task.began_ms);
            let failed = || tasks().find(|(_, task)| task.state == "failed");
            let begun = || {
                let begun = tasks().filter(|(_, task)| task.began_ms.is_some());
                begun.max_by_key(|(_, task)| task.began_ms)
            };
            let found = latest.or_else(failed).or_else(begun);
            found
                .map(|(at, _)| RowKey::Task(at))
                .or(self.rows.first().map(|row| row.key))
        })
    }

    /// Where that row stands.
    pub(super) fn place(&self) -> usize {
        let at = self.at();
        let mut rows = self.rows.iter();
        rows.position(|row| Some(row.key) == at).unwrap_or(0)
    }

    /// The task of that row.
    pub(super) fn task(&self) -> Option<&TaskLine> {
        match self.at()? {
            RowKey::Task(at) => self.timeline.tasks.get(at),
            RowKey::Other(_) => None,
        }
    }

    /// Who is or was at work in that row.
    pub(super) fn agents(&self) -> &[AgentLine] {
        self.agents_of(self.at())
    }

    pub(super) fn agents_of(&self, key: Option<RowKey>) -> &[AgentLine] {
        match key {
            Some(RowKey::Task(at)) => {
                let task = self.timeline.tasks.get(at);
                task.map_or(&[], |task| &task.agents)
            }
            Some(RowKey::Other(at)) => self.timeline.others.get(at..=at).unwrap_or_default(),
            None => &[],
        }
    }

    /// The step that is shown as chosen.
    pub(super) fn step_place(&self) -> usize {
        let last = steps::count(self.agents()).saturating_sub(1);
        self.step.map_or(last, |step| step.min(last))
    }

    pub(super) fn tasks_done(&self) -> usize {
        let tasks = self.timeline.tasks.iter();
        tasks.filter(|task| task.state == "done").count()
    }

    /// Tasks that count: those of the plan as it stands.
    pub(super) fn tasks_planned(&self) -> usize {
        let tasks = self.timeline.tasks.iter();
        tasks.filter(|task| task.state != "dropped").count()
    }
}
