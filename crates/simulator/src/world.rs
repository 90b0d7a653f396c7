//! The world around a run: it outlives every process, keeps its own books of what really
//! happened, and notes what was begun when. Model, service, person and journal are views of it.

use crate::script::{Life, Planted, Script};
use crate::store::Store;
use crate::trace::{Asked, Begun, Deed, Given, Seen, What};
use leadhand_protocol::coordination::LockHeld;
use leadhand_protocol::{CallId, ContentHash, Event, PersonInput, RequestId, RunId, ToolCall};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::time::Instant;

/// When the first process begins, in milliseconds since the Unix epoch.
pub(crate) const BEGIN_MS: u64 = 1_700_000_000_000;

/// A world; its clones are the same one.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) script: Arc<Script>,
    pub(crate) run: RunId,
    /// The world of the run that this one is a branch of.
    pub(crate) other: Option<Arc<World>>,
    folder: Arc<TempDir>,
    state: Arc<Mutex<State>>,
}

/// All that changes in a world.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) life: Life,
    /// Told when the process of this life is to die.
    pub(crate) death: Arc<Notify>,
    /// Records shown to the onlooker in this life.
    pub(crate) shown: u32,
    pub(crate) begun: Vec<Begun>,
    pub(crate) deeds: Vec<Deed>,
    pub(crate) given: Vec<Given>,
    pub(crate) asked: Vec<Asked>,
    pub(crate) seen: Vec<Seen>,
    pub(crate) seen_before_cut: usize,
    /// Which locks tools at work have, as far as they know.
    pub(crate) believed: Vec<(CallId, LockHeld)>,
    /// How often each call was made.
    pub(crate) made: BTreeMap<CallId, u32>,
    /// Hashes of all that was ever written to each file.
    pub(crate) written: BTreeMap<String, BTreeSet<ContentHash>>,
    pub(crate) number: usize,
    began: Option<Instant>,
    elapsed_ms: u64,
    skew_ms: i64,
    tool_calls: BTreeMap<String, u32>,
    model_tries: BTreeMap<(u32, u32), u32>,
    /// Models and tools that have not come back, and questions without an answer.
    pub(crate) owed: u32,
}

impl World {
    pub(crate) fn new(script: Script, run: RunId) -> std::io::Result<Self> {
        let state = State {
            store: Store::new(script.terms.to_disk, script.planted),
            ..State::default()
        };
        Ok(Self {
            script: Arc::new(script),
            run,
            other: None,
            folder: Arc::new(
                tempfile::Builder::new()
                    .prefix("leadhand-world-")
                    .tempdir()?,
            ),
            state: Arc::new(Mutex::new(state)),
        })
    }

    /// The world of a branch of this run, which is over: later, and in the same folder.
    pub(crate) fn branched(&self, script: Script, run: RunId) -> Self {
        let state = self.state();
        let branch = State {
            store: Store::new(script.terms.to_disk, script.planted),
            written: state.written.clone(),
            elapsed_ms: state.elapsed_ms,
            skew_ms: state.skew_ms,
            ..State::default()
        };
        drop(state);
        Self {
            script: Arc::new(script),
            run,
            other: Some(Arc::new(self.clone())),
            folder: Arc::clone(&self.folder),
            state: Arc::new(Mutex::new(branch)),
        }
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// A tool that panics does so while nobody holds the state.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn has(&self, planted: Planted) -> bool {
        self.script.planted == Some(planted)
    }

    pub(crate) fn begin_life(&self, number: usize, life: Life) {
        let mut state = self.state();
        state.number = number;
        state.life = life;
        state.death = Arc::default();
        state.shown = 0;
        state.owed = 0;
        state.believed.clear();
        state.began = Some(Instant::now());
        state.store.begin_life();
    }

    /// A process is gone, and what was in its memory with it.
    pub(crate) fn end_life(&self, died: bool) {
        let mut state = self.state();
        state.elapsed_ms = state.true_ms() + 1;
        state.began = None;
        let (cut, now_ms) = (
            state.life.death.and_then(|death| death.power_cut),
            state.elapsed_ms,
        );
        if died && cut.is_some() {
            state.seen_before_cut = state.seen.len();
        }
        state.store.end_life(died, cut.filter(|_| died), now_ms);
    }

    /// The time as the run is told.
    pub(crate) fn now_ms(&self) -> u64 {
        let state = self.state();
        BEGIN_MS
            .saturating_add(state.true_ms())
            .saturating_add_signed(state.skew_ms)
    }

    /// A record is shown: what the script says of this moment happens. Gives what is ordered.
    pub(crate) fn shown(&self) -> Vec<PersonInput> {
        let mut state = self.state();
        state.shown += 1;
        let at = state.shown;
        let by_ms: i64 = state
            .life
            .jumps
            .iter()
            .filter(|jump| jump.at == at)
            .map(|jump| jump.by_ms)
            .sum();
        state.skew_ms += by_ms;
        let orders = state.life.orders.iter().filter(|ordered| ordered.at == at);
        orders.map(|ordered| ordered.order.clone()).collect()
    }

    /// Notes that something begins, and whether its order was durable by then.
    pub(crate) fn begin(&self, what: What) {
        let mut state = self.state();
        state.owed += 1;
        let begun = Begun {
            ordered: state.store.ordered(&what),
            life: state.number,
            at_ms: state.true_ms(),
            what,
        };
        state.begun.push(begun);
    }

    /// Something that was begun has come back.
    pub(crate) fn came_back(&self) {
        let mut state = self.state();
        state.owed = state.owed.saturating_sub(1);
    }

    /// A tool at work waits for others, and not others for it.
    pub(crate) fn waits(&self) {
        self.came_back();
    }

    /// A tool at work waits no longer.
    pub(crate) fn goes_on(&self) {
        self.state().owed += 1;
    }

    /// How often the model was asked for this turn before.
    pub(crate) fn model_tries(&self, agent: u32, turn: u32) -> u32 {
        let mut state = self.state();
        let tries = state.model_tries.entry((agent, turn)).or_default();
        *tries += 1;
        *tries - 1
    }

    /// How often a tool was called before.
    pub(crate) fn tool_calls(&self, tool: &str) -> u32 {
        let mut state = self.state();
        let calls = state.tool_calls.entry(tool.to_owned()).or_default();
        *calls += 1;
        *calls - 1
    }

    /// The service does something.
    pub(crate) fn does(&self, call: CallId, key: ContentHash, tool_call: &ToolCall) {
        let mut state = self.state();
        let orders = |event: &Event| match event {
            Event::ToolCalled { call: ordered, .. } | Event::CallStarted { call: ordered } => {
                *ordered == call
            }
            _ => false,
        };
        let mut records = state.store.records.iter();
        let ordered = records.rposition(|record| orders(&record.event));
        let deed = Deed {
            call,
            key,
            tool: tool_call.name.clone(),
            arguments: tool_call.arguments.clone(),
            life: state.number,
            ordered,
            undone: false,
        };
        if self.has(Planted::ServiceActsTwice) {
            state.deeds.push(deed.clone());
        }
        state.deeds.push(deed);
    }

    /// Whether the service did what a call asked for, by the name of what it does.
    pub(crate) fn was_done(&self, key: &str) -> bool {
        let state = self.state();
        state.deeds.iter().any(|deed| deed.key.to_string() == key)
    }

    /// A question is put; gives whether it is for the first time.
    pub(crate) fn question(&self, request: RequestId, call: Option<CallId>) -> bool {
        let mut state = self.state();
        let first = !state.asked.iter().any(|asked| asked.request == request);
        state.asked.push(Asked { request, call });
        first
    }
}

impl State {
    /// Milliseconds of all lives so far, as a clock shows them that nobody sets.
    pub(crate) fn true_ms(&self) -> u64 {
        let since = self.began.map_or(0, |began| {
            u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
        });
        self.elapsed_ms.saturating_add(since)
    }
}
