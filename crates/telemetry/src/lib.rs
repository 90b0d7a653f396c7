//! Runs told to OpenTelemetry while they go on: spans and metrics over OTLP, by the semantic
//! conventions for generative AI.
//!
//! It is fed with records, as any onlooker is, and nothing it does is waited for by a run. Records
//! go through a bounded queue to one thread. Where the queue is full, because the receiver is slow
//! or gone, they are left out of it and read from the journal later; so there is no choice to be
//! made between memory, a run that waits, and spans that are missing. Only what the receiver does
//! not take within [`SEND_MS_MAX`] is given up, and counted.
//!
//! ```no_run
//! use leadhand_telemetry::{Telemetry, TelemetryOptions};
//! use std::sync::Arc;
//!
//! # fn example(journal: Arc<dyn leadhand_journal::Journal>) -> Result<(), Box<dyn std::error::Error>> {
//! let options = TelemetryOptions::new("http://127.0.0.1:4318");
//! let telemetry = Telemetry::start(&options, journal)?;
//! // … `telemetry.take(&run, &record)` for every record …
//! let told = telemetry.flush();
//! println!("{} spans", told.spans_sent);
//! # Ok(())
//! # }
//! ```

mod convert;
mod exporters;
mod measures;
mod missed;
mod sender;

pub use leadhand_inspector::Content;

use exporters::Exporters;
use leadhand_journal::Journal;
use leadhand_protocol::{Record, RunId};
use missed::Missed;
use sender::{Given, Sender};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Most records that wait to be looked at; others are read from the journal later.
pub const RECORDS_WAITING_MAX: usize = 32_768;
/// Most spans that are sent at once.
pub const SPANS_PER_BATCH_MAX: usize = 512;
/// How long a span waits at most until it is sent, in milliseconds, where the receiver keeps up.
pub const BATCH_MS_MAX: u64 = 1_000;
/// How long it is tried to send one batch, in milliseconds.
pub const SEND_MS_MAX: u64 = 5_000;
/// How often metrics are sent, in milliseconds.
pub const METRICS_EVERY_MS: u64 = 10_000;
/// How long [`Telemetry::flush`] takes at most, in milliseconds.
pub const FLUSH_MS_MAX: u64 = 8_000;
/// Most runs that are followed at once; the one of which nothing was heard longest is taken up
/// from the journal when something is.
pub const RUNS_FOLLOWED_MAX: usize = 1_024;

/// What the priority of its thread is lowered by: there is none below.
#[cfg(target_os = "linux")]
const LEAST_PRIORITY: i32 = 19;
/// How often a flush looks for room in a full queue, in milliseconds.
const ROOM_EVERY_MS: u64 = 5;

/// Where spans and metrics go, and what is in them.
#[derive(Clone)]
pub struct TelemetryOptions {
    /// The receiver: `/v1/traces` and `/v1/metrics` are added, unless it ends with the first.
    pub endpoint: String,
    /// Whether texts leave.
    pub content: Content,
    /// Sent with every request, such as a key; never shown.
    pub headers: BTreeMap<String, String>,
    /// Texts that never leave, such as keys: a mark stands in their place. Empty ones mask
    /// nothing.
    pub masked: Vec<String>,
    /// `service.name` of all that is sent.
    pub service: String,
}

impl TelemetryOptions {
    /// To this receiver, without texts and headers, as the service `leadhand`.
    #[must_use]
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            content: Content::Left,
            headers: BTreeMap::new(),
            masked: Vec::new(),
            service: "leadhand".to_owned(),
        }
    }
}

impl fmt::Debug for TelemetryOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelemetryOptions")
            .field("endpoint", &self.endpoint)
            .field("content", &self.content)
            .field("headers", &self.headers.keys())
            .field("service", &self.service)
            .finish()
    }
}

/// Why nothing can be told.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The address is none.
    #[error(
        "`{endpoint}` is no address of an OTLP receiver: {why}; it wants http:// or https://, such \
         as http://127.0.0.1:4318"
    )]
    Endpoint {
        /// As it was given.
        endpoint: String,
        /// What is wrong.
        why: String,
    },
    /// A header is none.
    #[error("the header `{name}` cannot be sent: name or value is none of HTTP")]
    Header {
        /// Its name.
        name: String,
    },
    /// What sends could not be set up.
    #[error("telemetry cannot be sent: {why}")]
    SetUp {
        /// What went wrong.
        why: String,
    },
}

/// What became of what was told so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Spans that the receiver took.
    pub spans_sent: u64,
    /// Spans that it did not take; the journal has what they tell.
    pub spans_lost: u64,
    /// Why spans were lost last.
    pub why: Option<String>,
    /// Why metrics did not arrive last. Not every receiver takes them.
    pub metrics: Option<String>,
    /// Whether the time was over before all was tried.
    pub is_cut: bool,
}

/// Tells runs to a receiver. Dropping it sends what waits, as [`Telemetry::flush`] does.
pub struct Telemetry {
    queue: SyncSender<Given>,
    missed: Arc<Missed>,
    /// Disconnected when the thread has ended.
    ended: Mutex<Receiver<()>>,
    /// The last flush did not get everything through, and nothing was taken since: waiting once
    /// more would bring nothing.
    is_given_up: AtomicBool,
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Telemetry")
    }
}

impl Telemetry {
    /// Sets up what sends. Nothing is sent yet.
    ///
    /// # Errors
    /// [`TelemetryError`].
    pub fn start(
        options: &TelemetryOptions,
        journal: Arc<dyn Journal>,
    ) -> Result<Self, TelemetryError> {
        exporters::check(options)?;
        let (queue, given) = sync_channel(RECORDS_WAITING_MAX);
        let (alive, ended) = sync_channel(0);
        let (ready, made) = sync_channel(1);
        let options = options.clone();
        let missed = Arc::new(Missed::default());
        let left_out = Arc::clone(&missed);
        // Its clients wait, which is not allowed where tasks are carried out.
        let working = move || {
            let _alive: SyncSender<()> = alive;
            give_way();
            match Exporters::new(&options) {
                Ok(exporters) => {
                    drop(ready.send(Ok(())));
                    Sender::new(exporters, journal, left_out, options).work(&given);
                }
                Err(error) => drop(ready.send(Err(error))),
            }
        };
        let set_up = |why: String| TelemetryError::SetUp { why };
        std::thread::Builder::new()
            .name("telemetry".to_owned())
            .spawn(working)
            .map_err(|error| set_up(format!("no thread could be started: {error}")))?;
        match made.recv() {
            Ok(made) => made?,
            Err(_) => return Err(set_up("its thread ended at once".to_owned())),
        }
        Ok(Self {
            queue,
            missed,
            ended: Mutex::new(ended),
            is_given_up: AtomicBool::new(false),
        })
    }

    /// Takes a record of a run, in the order in which they are made. Never waits. The name is
    /// shared, since there are many records.
    pub fn take(&self, run: &Arc<RunId>, record: &Record) {
        if self.is_given_up.load(Ordering::Relaxed) {
            self.is_given_up.store(false, Ordering::Relaxed);
        }
        let given = Given::Record(Arc::clone(run), record.clone());
        if let Err(TrySendError::Full(_)) = self.queue.try_send(given) {
            self.missed.note(run, record.seq);
        }
    }

    /// Sends all that was taken, for [`FLUSH_MS_MAX`] at most, and says what became of it. Waits:
    /// where tasks are carried out it is called from a thread that may.
    #[must_use]
    pub fn flush(&self) -> Delivery {
        let told = self.flushed();
        let is_through = told.spans_lost == 0 && told.metrics.is_none() && !told.is_cut;
        self.is_given_up.store(!is_through, Ordering::Relaxed);
        told
    }

    fn flushed(&self) -> Delivery {
        let until = Instant::now() + Duration::from_millis(FLUSH_MS_MAX);
        let cut = Delivery {
            is_cut: true,
            ..Delivery::default()
        };
        let (told, answer) = sync_channel(1);
        let mut wish = Given::Flush { told, until };
        loop {
            match self.queue.try_send(wish) {
                Ok(()) => break,
                Err(TrySendError::Full(back)) if Instant::now() < until => {
                    wish = back;
                    std::thread::sleep(Duration::from_millis(ROOM_EVERY_MS));
                }
                Err(_) => return cut,
            }
        }
        let left = until.saturating_duration_since(Instant::now());
        answer.recv_timeout(left).unwrap_or(cut)
    }
}

/// Has this thread take the time that nobody else wants: what it does can wait, a run cannot.
fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(LEAST_PRIORITY) {
        tracing::debug!(%error, "telemetry takes as much time as everything else");
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        // The thread ends with the queue; it is waited for as long as a flush takes.
        let (queue, _) = sync_channel(0);
        self.queue = queue;
        if self.is_given_up.load(Ordering::Relaxed) {
            return;
        }
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        let waited = ended.recv_timeout(Duration::from_millis(FLUSH_MS_MAX));
        if waited == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("telemetry that was not sent yet is given up");
        }
    }
}
