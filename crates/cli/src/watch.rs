//! Shows a run while it goes on: a tree that is redrawn on a terminal, lines without one, or
//! its records as JSON lines. The run hands over what happens through a bounded channel, and
//! one thread does all the writing.

use crate::screen;
use leadhand::rooms::inspector::Progress;
use leadhand::rooms::protocol::AgentId;
use leadhand::rooms::runtime::{Observation, Observer};
use leadhand::{Record, RunId};
use serde::Serialize;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

mod tree;

use tree::Tree;

/// What may wait to be shown before the run waits: nothing recorded is ever left out.
const SEEN_MAX: usize = 4_096;
/// The tree is redrawn this often, so that times move.
const REDRAW_MS: u64 = 120;

/// How a run is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Show {
    /// Records on standard output, one JSON object a line.
    Json,
    /// For people, on standard error.
    People,
}

/// One record as it is written by `--json`.
#[derive(Serialize)]
pub(crate) struct JsonLine<'a> {
    run: &'a RunId,
    #[serde(flatten)]
    record: &'a Record,
}

impl<'a> JsonLine<'a> {
    pub(crate) fn new(run: &'a RunId, record: &'a Record) -> Self {
        Self { run, record }
    }
}

enum Seen {
    /// What a run did before it is gone on with: known, and not shown again.
    Before(Vec<Record>),
    Recorded(RunId, Box<Record>),
    Piece(AgentId, usize),
    /// Something for the person that must not be drawn over.
    Note(String),
    /// The person is asked and nothing is drawn until the answer is there.
    Asking(String),
    Answered,
    /// Everything was seen.
    Over,
}

/// The one that shows.
pub(crate) struct Watch {
    sender: SyncSender<Seen>,
    thread: JoinHandle<()>,
}

/// Talks to the person between the drawings.
#[derive(Clone)]
pub(crate) struct Voice(SyncSender<Seen>);

impl Watch {
    /// Begins to show.
    pub(crate) fn start(show: Show) -> Self {
        let (sender, receiver) = sync_channel(SEEN_MAX);
        let thread = std::thread::spawn(move || match show {
            Show::Json => write_json(&receiver),
            Show::People if std::io::stderr().is_terminal() => draw(&receiver),
            Show::People => write_lines(&receiver),
        });
        Self { sender, thread }
    }

    /// The observer that a run is given.
    pub(crate) fn observer(&self) -> Observer {
        let sender = self.sender.clone();
        Arc::new(move |observation| {
            // A thread that is gone is no fault of the run; pieces may be lost.
            match observation {
                Observation::Recorded(run, record) => {
                    let seen = Seen::Recorded((*run).clone(), Box::new((*record).clone()));
                    drop(sender.send(seen));
                }
                Observation::Piece(agent, text) => {
                    drop(sender.try_send(Seen::Piece(*agent, text.chars().count())));
                }
            }
        })
    }

    pub(crate) fn voice(&self) -> Voice {
        Voice(self.sender.clone())
    }

    /// What the run did so far, so that those at work in it have names.
    pub(crate) fn before(&self, records: Vec<Record>) {
        drop(self.sender.send(Seen::Before(records)));
    }

    /// Shows what came so far and stops; what comes later is not shown.
    pub(crate) fn finish(self) {
        drop(self.sender.send(Seen::Over));
        drop(self.thread.join());
    }
}

impl Voice {
    /// Says something on standard error.
    pub(crate) fn note(&self, text: impl Into<String>) {
        drop(self.0.send(Seen::Note(text.into())));
    }

    /// Asks; nothing else is shown until [`Voice::answered`].
    pub(crate) fn ask(&self, text: String) {
        drop(self.0.send(Seen::Asking(text)));
    }

    pub(crate) fn answered(&self) {
        drop(self.0.send(Seen::Answered));
    }
}

fn take_up(progress: &mut Progress, records: &[Record]) {
    for record in records {
        progress.take(record);
    }
}

fn write_json(receiver: &Receiver<Seen>) {
    for seen in receiver {
        match seen {
            Seen::Recorded(run, record) => screen::out_json(&JsonLine::new(&run, &record)),
            Seen::Note(text) | Seen::Asking(text) => screen::note(&text),
            Seen::Before(_) | Seen::Piece(..) | Seen::Answered => {}
            Seen::Over => break,
        }
    }
}

fn write_lines(receiver: &Receiver<Seen>) {
    let mut progress = Progress::default();
    for seen in receiver {
        match seen {
            Seen::Before(records) => take_up(&mut progress, &records),
            Seen::Recorded(_, record) => {
                if let Some(line) = progress.take(&record) {
                    screen::note(&line);
                }
            }
            Seen::Note(text) | Seen::Asking(text) => screen::note(&text),
            Seen::Piece(..) | Seen::Answered => {}
            Seen::Over => break,
        }
    }
}

fn draw(receiver: &Receiver<Seen>) {
    let mut progress = Progress::default();
    let mut tree = Tree::new();
    let every = Duration::from_millis(REDRAW_MS);
    let mut drawn = Instant::now();
    loop {
        match receiver.recv_timeout(every.saturating_sub(drawn.elapsed())) {
            Ok(Seen::Before(records)) => take_up(&mut progress, &records),
            Ok(Seen::Recorded(_, record)) => drop(progress.take(&record)),
            Ok(Seen::Piece(agent, chars)) => progress.piece(agent, chars),
            Ok(Seen::Note(text)) => tree.above(|| screen::note(&text)),
            Ok(Seen::Asking(text)) => {
                tree.hide();
                screen::note(&text);
            }
            Ok(Seen::Answered) => tree.show(),
            Err(RecvTimeoutError::Timeout) => {}
            Ok(Seen::Over) | Err(RecvTimeoutError::Disconnected) => break,
        }
        // Also while pieces come without a pause.
        if drawn.elapsed() >= every {
            tree.redraw(&progress);
            drawn = Instant::now();
        }
    }
    tree.hide();
}
