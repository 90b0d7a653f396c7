//! The runs that are looked at: a bounded number of them is kept, each followed by one task that
//! takes its records as they come and says at most some times a second that there is something
//! new, however much happens.

use crate::book::{Book, Part};
use crate::{Given, RunLine, Runs, Trouble};
use leadhand_protocol::{Record, RunId, Seq};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, Weak};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// Most runs that are kept in memory; of more the one that was looked at least lately goes.
pub const RUNS_KEPT_MAX: usize = 6;
/// Milliseconds between two times at which whoever looks is told that there is something new.
const TICK_MS: u64 = 200;
/// Messages of a run that wait to be taken; each may hold a thousand records.
const GIVEN_MAX: usize = 2;
/// Milliseconds between two looks at the list of runs.
const LIST_MS: u64 = 1_000;

/// All runs, and those that are kept.
pub(crate) struct Watching {
    pub(crate) runs: Arc<dyn Runs>,
    kept: Mutex<Kept>,
    list: watch::Sender<Listed>,
}

/// The runs of the project as they were last; with why they could not be had.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Listed {
    pub(crate) lines: Vec<RunLine>,
    pub(crate) trouble: Option<String>,
}

#[derive(Default)]
struct Kept {
    runs: HashMap<RunId, Arc<Watched>>,
    /// Those that were asked for last stand last.
    order: Vec<RunId>,
}

/// A run that is looked at.
pub(crate) struct Watched {
    pub(crate) run: RunId,
    book: RwLock<Book>,
    /// Counted up when there is something new.
    news: watch::Sender<u64>,
    following: Mutex<Following>,
    /// Goes with this; whoever follows for it then ends.
    alive: watch::Sender<()>,
    /// The record whose text was asked for last, so that the pieces of one text are one reading.
    last: Mutex<Option<Arc<Record>>>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Following {
    /// Somebody takes its records.
    pub(crate) at_work: bool,
    /// What was there when it was opened is taken.
    pub(crate) complete: bool,
    /// Why its records end where they do.
    pub(crate) trouble: Option<String>,
}

impl Watching {
    pub(crate) fn new(runs: Arc<dyn Runs>) -> Self {
        Self {
            runs,
            kept: Mutex::default(),
            list: watch::Sender::new(Listed::default()),
        }
    }

    /// Looks at the list of runs again and again while anybody wants to know of it.
    pub(crate) async fn keep_list(&self) {
        loop {
            if self.list.receiver_count() > 0 {
                self.look().await;
            }
            tokio::time::sleep(Duration::from_millis(LIST_MS)).await;
        }
    }

    /// Looks at the list of runs once.
    pub(crate) async fn look(&self) {
        let mut now = Listed::default();
        match self.runs.list().await {
            Ok(lines) => now.lines = lines,
            Err(why) => now.trouble = Some(why.to_string()),
        }
        let before = self.list.borrow().clone();
        // A run that changed and that nobody follows any more has records that are not known.
        for line in &now.lines {
            if !before.lines.contains(line) {
                let kept = lock(&self.kept).runs.get(&line.run).cloned();
                if let Some(watched) = kept {
                    watched.follow(&self.runs);
                }
            }
        }
        self.list.send_if_modified(|list| {
            let changed = *list != now;
            *list = now;
            changed
        });
    }

    pub(crate) fn list(&self) -> watch::Receiver<Listed> {
        self.list.subscribe()
    }

    /// A run of the project, followed from now on.
    ///
    /// # Errors
    /// That there is no such run.
    pub(crate) async fn open(&self, run: &RunId) -> Result<Arc<Watched>, Trouble> {
        if let Some(watched) = self.known(run) {
            return Ok(watched);
        }
        let lines = self.runs.list().await?;
        if !lines.iter().any(|line| line.run == *run) {
            return Err(Trouble(format!(
                "there is no run {run} in this project; the list of runs shows those that there are"
            )));
        }
        let mut kept = lock(&self.kept);
        let fresh = || Arc::new(Watched::new(run));
        let watched = Arc::clone(kept.runs.entry(run.clone()).or_insert_with(fresh));
        kept.touch(run);
        drop(kept);
        watched.follow(&self.runs);
        Ok(watched)
    }

    fn known(&self, run: &RunId) -> Option<Arc<Watched>> {
        let mut kept = lock(&self.kept);
        let watched = kept.runs.get(run).cloned()?;
        kept.touch(run);
        Some(watched)
    }

    /// The text of a record.
    ///
    /// # Errors
    /// That the record cannot be had.
    pub(crate) async fn text(
        &self,
        watched: &Watched,
        seq: Seq,
        part: Part,
    ) -> Result<Option<String>, Trouble> {
        let before = lock(&watched.last).clone();
        let record = match before.filter(|record| record.seq == seq) {
            Some(record) => record,
            None => {
                let record = Arc::new(self.record(&watched.run, seq).await?);
                *lock(&watched.last) = Some(Arc::clone(&record));
                record
            }
        };
        Ok(part.of(&record))
    }

    async fn record(&self, run: &RunId, seq: Seq) -> Result<Record, Trouble> {
        let (to, mut given) = mpsc::channel(1);
        let asked = self.runs.follow(run.clone(), seq, to);
        let first = async {
            match given.recv().await {
                Some(Given::Records(records)) => records.into_iter().next(),
                Some(Given::AllSoFar) | None => None,
            }
        };
        let mut trouble = None;
        tokio::pin!(first);
        let record = tokio::select! {
            record = &mut first => record,
            ended = asked => {
                trouble = ended.err();
                first.await
            }
        };
        let missing = || {
            Trouble(format!(
                "record {seq} of run {run} cannot be read; look at the run again"
            ))
        };
        record
            .filter(|record| record.seq == seq)
            .ok_or_else(|| trouble.unwrap_or_else(missing))
    }
}

impl Kept {
    /// Has a run count as the one that was asked for last; too many are forgotten, but none that
    /// somebody looks at.
    fn touch(&mut self, run: &RunId) {
        self.order.retain(|it| it != run);
        self.order.push(run.clone());
        while self.order.len() > RUNS_KEPT_MAX {
            let seen = |it: &RunId| self.runs.get(it).is_some_and(|it| it.is_looked_at());
            let Some(at) = self.order[..self.order.len() - 1]
                .iter()
                .position(|it| !seen(it))
            else {
                return;
            };
            let gone = self.order.remove(at);
            self.runs.remove(&gone);
        }
    }
}

impl Watched {
    fn new(run: &RunId) -> Self {
        Self {
            run: run.clone(),
            book: RwLock::new(Book::new(run)),
            news: watch::Sender::new(0),
            following: Mutex::default(),
            alive: watch::Sender::new(()),
            last: Mutex::default(),
        }
    }

    pub(crate) fn book(&self) -> RwLockReadGuard<'_, Book> {
        self.book.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    pub(crate) fn following(&self) -> Following {
        lock(&self.following).clone()
    }

    fn is_looked_at(&self) -> bool {
        self.news.receiver_count() > 0
    }

    /// Takes the records that are not known, unless somebody does already.
    pub(crate) fn follow(self: &Arc<Self>, runs: &Arc<dyn Runs>) {
        let mut following = lock(&self.following);
        if following.at_work {
            return;
        }
        following.at_work = true;
        drop(following);
        let alive = self.alive.subscribe();
        tokio::spawn(followed(Arc::downgrade(self), alive, Arc::clone(runs)));
    }

    fn tell(&self) {
        self.book
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .refresh();
        self.news.send_modify(|news| *news += 1);
    }

    fn take(&self, given: Vec<Given>) {
        for one in given {
            match one {
                Given::Records(records) => {
                    let mut book = self.book.write().unwrap_or_else(PoisonError::into_inner);
                    book.take(&records);
                }
                Given::AllSoFar => lock(&self.following).complete = true,
            }
        }
    }

    fn ended(&self, how: Result<(), Trouble>) {
        let mut following = lock(&self.following);
        *following = Following {
            at_work: false,
            complete: true,
            trouble: how.err().map(|why| why.to_string()),
        };
        drop(following);
        self.tell();
    }
}

/// Takes what comes of a run until it ends or is forgotten.
async fn followed(watched: Weak<Watched>, alive: watch::Receiver<()>, runs: Arc<dyn Runs>) {
    let Some((run, next)) = watched
        .upgrade()
        .map(|it| (it.run.clone(), it.book().next()))
    else {
        return;
    };
    let (to, given) = mpsc::channel(GIVEN_MAX);
    // By itself, so that records are taken while the next ones are read.
    let taking = tokio::spawn(taken(watched.clone(), alive, given));
    // What is taken ends when nothing is given any more: the sender goes with it.
    let how = runs.follow(run, next, to).await;
    drop(taking.await);
    if let Some(watched) = watched.upgrade() {
        watched.ended(how);
    }
}

/// Takes what is given until nothing is, and tells of it: of the first at once, so that there is
/// something to look at while a long run is read, and of the rest at most once a tick.
async fn taken(
    watched: Weak<Watched>,
    mut alive: watch::Receiver<()>,
    mut given: mpsc::Receiver<Given>,
) {
    let mut told: Option<Instant> = None;
    let mut fresh = false;
    let mut some = Vec::with_capacity(GIVEN_MAX);
    loop {
        let tick = told.map_or_else(Instant::now, |told| told + Duration::from_millis(TICK_MS));
        tokio::select! {
            count = given.recv_many(&mut some, GIVEN_MAX) => {
                let Some(it) = watched.upgrade().filter(|_| count > 0) else {
                    return;
                };
                it.take(std::mem::take(&mut some));
                fresh = true;
            }
            () = tokio::time::sleep_until(tick), if fresh => {}
            _ = alive.changed() => return,
        }
        if fresh && Instant::now() >= tick {
            let Some(it) = watched.upgrade() else { return };
            it.tell();
            (told, fresh) = (Some(Instant::now()), false);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
