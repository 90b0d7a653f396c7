//! The traces of a file for whoever looks at them. Nothing is kept of them: what is looked at is
//! read again.

use crate::failure::Failure;
use crate::project_runs::Piece;
use crate::trace_file::TraceFile;
use leadhand::rooms::inspector::{Timeline, escape};
use leadhand::rooms::protocol::Seq;
use leadhand::{PersonInput, Record, RunId};
use leadhand_viewer::{Given, Later, OpenRunQuestion, RunLine, Runs, TRACE, Trouble};
use std::collections::HashMap;
use tokio::sync::mpsc::Sender;

/// Most traces of one file that are shown beside each other.
const TRACES_MAX: usize = 10_000;
/// Characters of what a trace is about.
const ABOUT_CHARS_MAX: usize = 200;

/// The traces of a file.
pub(crate) struct FileRuns {
    file: TraceFile,
    lines: Vec<RunLine>,
    /// The number in the file of each.
    places: HashMap<RunId, usize>,
}

impl FileRuns {
    /// Reads the file once, for a list of what is in it.
    ///
    /// # Errors
    /// [`Failure::Usage`] for a file that cannot be read to its end, that holds too many traces,
    /// or that can be read once only.
    pub(crate) fn open(file: &TraceFile) -> Result<Self, Failure> {
        let name = file.shown();
        if file.is_standard_input() {
            return Err(Failure::usage(
                "the standard input can be read once only, and what is looked at is read again",
                "write it to a file first, then name that",
            ));
        }
        let mut runs = Self {
            file: file.clone(),
            lines: Vec::new(),
            places: HashMap::new(),
        };
        let mut now: Option<(usize, RunId, Timeline)> = None;
        let (mut last, mut count) = (0, 0_usize);
        file.records(|nth, id, record| {
            if nth != last {
                (last, count) = (nth, count + 1);
                runs.add(now.take());
                // Of more it is only said how many there are.
                let fresh = || (nth, id.clone(), Timeline::new(id));
                now = (count <= TRACES_MAX).then(fresh);
            }
            if let Some((_, _, timeline)) = &mut now {
                timeline.take(&record);
            }
        })?;
        if count > TRACES_MAX {
            return Err(Failure::usage(
                format!(
                    "{name} holds {count} traces, and {TRACES_MAX} are shown beside each other"
                ),
                format!("name one, as in {name}#1, or split the file"),
            ));
        }
        runs.add(now);
        Ok(runs)
    }

    /// Adds a trace to the list. One whose id another one has is called by its number.
    fn add(&mut self, made: Option<(usize, RunId, Timeline)>) {
        let Some((nth, id, timeline)) = made else {
            return;
        };
        let numbered = RunId::new(format!("trace-{nth}")).ok();
        let id = match self.places.contains_key(&id) {
            true => numbered.filter(|id| !self.places.contains_key(id)),
            false => Some(id),
        };
        if let Some(id) = id {
            self.lines.push(line(id.clone(), &timeline));
            self.places.insert(id, nth);
        }
    }

    fn of(&self, run: &RunId) -> Result<TraceFile, Trouble> {
        let file = self.file.shown();
        let gone = || {
            Trouble(format!(
                "there is no trace {run} in {file}; the list shows them"
            ))
        };
        let nth = self.places.get(run).ok_or_else(gone)?;
        Ok(self.file.only(*nth))
    }
}

fn line(run: RunId, timeline: &Timeline) -> RunLine {
    let standing = timeline.standing();
    let ended = serde_json::to_value(standing.outcome).unwrap_or_default();
    let first = timeline.tasks.first();
    let about = first.map_or_else(String::new, |part| match part.title == part.worker {
        true => part.title.clone(),
        false => format!("{} [{}]", part.title, part.worker),
    });
    // An id that no run can have is told beside.
    let about = match run.as_str() == timeline.run {
        true => about,
        false => format!("{} {about}", timeline.run),
    };
    let is_foreign = timeline.is_foreign();
    RunLine {
        run,
        state: match is_foreign {
            true => TRACE,
            false => ended.as_str().unwrap_or("stopped"),
        }
        .to_owned(),
        live: false,
        resumable: false,
        goal: match is_foreign {
            true => escape::line(&about, ABOUT_CHARS_MAX),
            false => escape::line(&timeline.goal, ABOUT_CHARS_MAX),
        },
        started_ms: timeline.began_ms,
        tasks: standing.tasks,
        tasks_done: standing.tasks_done,
        tokens: timeline.spent.usage.total(),
        micro_usd: timeline.spent.micro_usd,
        questions: 0,
        orders: false,
    }
}

impl Runs for FileRuns {
    fn title(&self) -> String {
        format!("Traces of {}", self.file.shown())
    }

    fn list(&self) -> Later<'_, Result<Vec<RunLine>, Trouble>> {
        Box::pin(async { Ok(self.lines.clone()) })
    }

    fn follow(&self, run: RunId, from: Seq, to: Sender<Given>) -> Later<'_, Result<(), Trouble>> {
        Box::pin(async move {
            let file = self.of(&run)?;
            tokio::task::spawn_blocking(move || hand_over(&file, from, &to))
                .await
                .map_err(|why| Trouble(why.to_string()))?
        })
    }

    fn questions(&self, _: RunId) -> Later<'_, Result<Vec<OpenRunQuestion>, Trouble>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn order(&self, _: RunId, _: PersonInput) -> Later<'_, Result<bool, Trouble>> {
        let file = self.file.shown();
        let why =
            format!("{file} is a file, which takes no orders; give them to a run of a project");
        Box::pin(async { Err(Trouble(why)) })
    }
}

/// Hands over the records from one on, as they are read, while anybody listens.
fn hand_over(file: &TraceFile, from: Seq, to: &Sender<Given>) -> Result<(), Trouble> {
    let mut piece = Piece::default();
    let mut is_heard = true;
    file.scan(|_, record: Record| {
        if record.seq < from || !is_heard {
            return;
        }
        let bytes = serde_json::to_string(&record).map_or(0, |json| json.len());
        if piece.take(record, bytes) {
            is_heard = to.blocking_send(piece.given()).is_ok();
        }
    })
    .map_err(Trouble::from)?;
    for given in piece.last() {
        // Who does not listen any more misses nothing.
        let _ = to.blocking_send(given);
    }
    Ok(())
}
