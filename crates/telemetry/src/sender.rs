//! The thread that makes spans of records and sends them.

use crate::exporters::Exporters;
use crate::missed::Missed;
use crate::{
    BATCH_MS_MAX, Delivery, RUNS_FOLLOWED_MAX, SPANS_PER_BATCH_MAX, TelemetryOptions, convert,
};
use leadhand_inspector::{Content, LiveSpans, forms_to_mask};
use leadhand_journal::Journal;
use leadhand_protocol::{Event, Record, RunId, Seq};
use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::trace::SpanData;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError};
use std::time::{Duration, Instant};

/// How long more is let come after a silence, in milliseconds.
const GATHER_MS: u64 = 50;
/// How long a run that is too fast is left to itself at most while others keep the queue full, in
/// milliseconds.
const BEHIND_MS_MAX: u64 = 1_000;

/// Most records that are read from the journal at once.
const READ_AT_ONCE_MAX: usize = 256;

/// What comes through the queue.
pub(crate) enum Given {
    Record(Arc<RunId>, Record),
    /// Send all that came before, for as long as there is time, and say what became of it.
    Flush {
        told: SyncSender<Delivery>,
        until: Instant,
    },
}

pub(crate) struct Sender {
    exporters: Exporters,
    journal: Arc<dyn Journal>,
    missed: Arc<Missed>,
    content: Content,
    masked: Vec<String>,
    scope: InstrumentationScope,
    runs: HashMap<Arc<RunId>, Followed>,
    /// Since when some run goes on faster than it can be told.
    behind: Option<Instant>,
    /// Spans that wait to be sent, and since when the first of them does.
    waiting: Vec<SpanData>,
    since: Instant,
    told: Delivery,
    /// Counts what was heard, so that it is known what was heard last of a run.
    heard: u64,
}

/// A run, as far as it was looked at.
struct Followed {
    spans: LiveSpans,
    next: Seq,
    told_from: Seq,
    heard: u64,
    is_over: bool,
}

impl Sender {
    pub(crate) fn new(
        exporters: Exporters,
        journal: Arc<dyn Journal>,
        missed: Arc<Missed>,
        options: TelemetryOptions,
    ) -> Self {
        Self {
            exporters,
            journal,
            missed,
            content: options.content,
            masked: forms_to_mask(options.masked),
            scope: convert::scope(),
            runs: HashMap::new(),
            behind: None,
            waiting: Vec::new(),
            since: Instant::now(),
            told: Delivery::default(),
            heard: 0,
        }
    }

    /// Until nobody gives anything any more.
    pub(crate) fn work(mut self, given: &Receiver<Given>) {
        loop {
            match self.next(given) {
                Ok(Given::Record(run, record)) => self.record(&run, &record),
                Ok(Given::Flush { told, until }) => {
                    self.catch_up();
                    self.send();
                    if Instant::now() < until {
                        self.send_metrics();
                    }
                    // Whoever asked may not wait any more.
                    drop(told.send(self.told.clone()));
                }
                Err(RecvTimeoutError::Timeout) => self.send(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        // What was measured is sent when the exporters go.
        self.catch_up();
        self.send();
    }

    /// What comes next; while nothing does, what found no room is looked at. When something comes
    /// after a silence, more is let come before it is looked at: whoever gives it has to wake this
    /// thread up each time that it waits.
    fn next(&mut self, given: &Receiver<Given>) -> Result<Given, RecvTimeoutError> {
        let late = Duration::from_millis(BEHIND_MS_MAX);
        if self.behind.is_some_and(|since| since.elapsed() > late) {
            self.catch_up();
        }
        match given.try_recv() {
            Ok(given) => return Ok(given),
            Err(TryRecvError::Disconnected) => return Err(RecvTimeoutError::Disconnected),
            Err(TryRecvError::Empty) => self.catch_up(),
        }
        let next = if self.waiting.is_empty() {
            given.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            let batch = Duration::from_millis(BATCH_MS_MAX);
            given.recv_timeout(batch.saturating_sub(self.since.elapsed()))
        };
        if let Ok(Given::Record(..)) = &next {
            std::thread::sleep(Duration::from_millis(GATHER_MS));
        }
        next
    }

    /// A record of a run. Where those before it found no room it is left out as well: the run goes on
    /// faster than it can be told, and is read when it is calmer.
    fn record(&mut self, run: &Arc<RunId>, record: &Record) {
        let is_missed = self.missed.is_before(run, record.seq);
        let is_gap = |followed: &Followed| record.seq > followed.next;
        if is_missed || self.runs.get(run).is_some_and(is_gap) {
            self.missed.note(run, record.seq);
            self.behind.get_or_insert_with(Instant::now);
            return;
        }
        let mut followed = self.followed(run, record.seq);
        self.read(run, &mut followed, record.seq);
        // One that was read from the journal already says nothing new.
        if record.seq == followed.next {
            self.take(&mut followed, record);
        }
        self.keep(run, followed);
    }

    /// Looks at what found no room and nothing came after.
    fn catch_up(&mut self) {
        self.behind = None;
        for (run, (first, last)) in self.missed.take() {
            let run = Arc::new(run);
            let mut followed = self.followed(&run, first);
            self.read(&run, &mut followed, last + 1);
            self.keep(&run, followed);
        }
    }

    /// A run as far as it was looked at. Of one that is not known, what was recorded before
    /// `told_from` is not told: whoever carried it out then has told it.
    fn followed(&mut self, run: &RunId, told_from: Seq) -> Followed {
        self.heard += 1;
        let fresh = || Followed {
            spans: LiveSpans::new(run, self.content),
            next: 0,
            told_from,
            heard: 0,
            is_over: false,
        };
        let followed = self.runs.remove(run).unwrap_or_else(fresh);
        Followed {
            heard: self.heard,
            ..followed
        }
    }

    /// Reads from the journal what is missing before `to`, some at a time: meanwhile whoever
    /// carries the run out cannot write.
    fn read(&mut self, run: &RunId, followed: &mut Followed, to: Seq) {
        while followed.next < to {
            let mut some = Vec::new();
            let scanned = self.journal.scan(run, followed.next, &mut |record, _| {
                if record.seq < to {
                    some.push(record);
                }
                match some.len() < READ_AT_ONCE_MAX && some.last().is_some_and(|it| it.seq + 1 < to)
                {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                }
            });
            if let Err(error) = scanned {
                tracing::debug!(%run, %error, "records for telemetry cannot be read");
            }
            if some.is_empty() {
                return;
            }
            for record in &some {
                self.take(followed, record);
            }
        }
    }

    /// Keeps a run that goes on, and lets go of the one of which nothing was heard longest, if
    /// there are too many.
    fn keep(&mut self, run: &Arc<RunId>, followed: Followed) {
        if followed.is_over {
            return;
        }
        self.runs.insert(Arc::clone(run), followed);
        if self.runs.len() > RUNS_FOLLOWED_MAX {
            let oldest = self.runs.iter().min_by_key(|(_, followed)| followed.heard);
            let oldest = oldest.map(|(run, _)| run.clone());
            oldest.map(|run| self.runs.remove(&run));
        }
    }

    fn take(&mut self, followed: &mut Followed, record: &Record) {
        followed.next = record.seq + 1;
        followed.is_over = matches!(&*record.event, Event::RunEnded(_) | Event::RunSuspended(_));
        let spans = followed.spans.take(record);
        if record.seq < followed.told_from {
            return;
        }
        for mut span in spans {
            span.mask(&self.masked);
            self.exporters.measures.take(&span);
            let trace = followed.spans.trace();
            if !trace.is_sampled() {
                continue;
            }
            if self.waiting.is_empty() {
                self.since = Instant::now();
            }
            self.waiting.push(convert::span(span, trace, &self.scope));
            if self.waiting.len() >= SPANS_PER_BATCH_MAX {
                self.send();
            }
        }
    }

    fn send(&mut self) {
        let spans = std::mem::take(&mut self.waiting);
        let count = spans.len() as u64;
        if count == 0 {
            return;
        }
        match self.exporters.send(spans) {
            Ok(()) => self.told.spans_sent += count,
            Err(why) => {
                if self.told.why.is_none() {
                    tracing::warn!(%why, "spans did not reach their receiver");
                }
                self.told.spans_lost += count;
                self.told.why = Some(why);
            }
        }
    }

    fn send_metrics(&mut self) {
        self.told.metrics = self.exporters.send_metrics().err();
    }
}
