//! Carries the view: waits for what comes, has the state take it, carries out what it wishes, and
//! draws when something changed. All tasks of the view are spawned here, and end with it.

use super::draw;
use super::input::{Input, Order, Typed, Wish};
use super::state::Top;
use super::update::CLOCK_MS;
use super::{Closed, TopError};
use crate::{Given, Runs, Trouble};
use leadhand_protocol::{RunId, Seq};
use ratatui::Terminal;
use ratatui::backend::Backend;
use ratatui::layout::Rect;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

/// Time between two drawings at least, in milliseconds.
const FRAME_MS: u64 = 100;
/// Time between two readings of the list of runs, in milliseconds.
const LIST_MS: u64 = 2_000;
/// How long a run is looked at before its records are read, in milliseconds: whoever moves
/// through the list does not have all of them read.
const SETTLE_MS: u64 = 120;
/// Batches of records that may wait; whoever gives them waits then.
const GIVEN_MAX: usize = 4;

/// What a task of the view gives.
enum Job {
    Input(Input),
    /// The follower of this number has ended.
    Followed(u64, Result<(), Trouble>),
}

struct Carried {
    runs: Arc<dyn Runs>,
    jobs: JoinSet<Job>,
    is_listing: bool,
    list_at: Instant,
    follower: Option<AbortHandle>,
    /// Counts followers, so that the end of an old one is not taken for that of the last.
    followers: u64,
    given: Option<Receiver<Given>>,
    /// How the follower ended, while what it gave is still being taken.
    followed: Option<Result<(), Trouble>>,
    follow_at: Option<(Instant, RunId, Seq)>,
}

/// Carries the view to its end.
pub(super) async fn carry<B: Backend>(
    runs: Arc<dyn Runs>,
    terminal: &mut Terminal<B>,
    mut top: Top,
    mut typed: Receiver<Typed>,
) -> Result<Closed, TopError> {
    let mut carried = Carried::new(runs);
    let mut clock = interval(Duration::from_millis(CLOCK_MS));
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut drawn_at: Option<Instant> = None;
    loop {
        let now = Instant::now();
        let frame = drawn_at.map_or(now, |at| at + Duration::from_millis(FRAME_MS));
        let follow_at = carried.follow_at.as_ref().map_or(now, |(at, ..)| *at);
        let (list_at, can_list) = (carried.list_at, !carried.is_listing);
        let (is_changed, is_settling) = (top.is_changed, carried.follow_at.is_some());
        let input = tokio::select! {
            biased;
            // First, so that no flood of records keeps a key or a drawing waiting.
            typed = typed.recv() => Input::Typed(typed.unwrap_or(Typed::End)),
            () = sleep_until(frame), if is_changed => {
                show(terminal, &mut top)?;
                drawn_at = Some(Instant::now());
                continue;
            }
            () = sleep_until(follow_at), if is_settling => {
                carried.follow();
                continue;
            }
            () = sleep_until(list_at), if can_list => {
                carried.list();
                continue;
            }
            _ = clock.tick() => Input::Clock(now_ms()),
            Some(job) = carried.jobs.join_next(), if !carried.jobs.is_empty() => {
                match carried.ended(job) {
                    Some(input) => input,
                    None => continue,
                }
            }
            given = next(&mut carried.given) => match carried.given(given) {
                Some(input) => input,
                None => continue,
            },
        };
        if let Input::Typed(Typed::Size(columns, lines)) = input {
            let size = Rect::new(0, 0, columns, lines);
            terminal.resize(size).map_err(TopError::of)?;
        }
        for wish in top.update(input) {
            match wish {
                Wish::Close { interrupted: true } => return Ok(Closed::Interrupted),
                Wish::Close { interrupted: false } => return Ok(Closed::Quit),
                wish => carried.carry_out(wish),
            }
        }
    }
}

fn show<B: Backend>(terminal: &mut Terminal<B>, top: &mut Top) -> Result<(), TopError> {
    top.is_changed = false;
    terminal
        .draw(|frame| draw::draw(top, frame))
        .map_err(TopError::of)?;
    Ok(())
}

/// What comes of the run that is followed, and none after the last; waits for ever when nothing
/// can come.
async fn next(given: &mut Option<Receiver<Given>>) -> Option<Given> {
    match given {
        Some(records) => records.recv().await,
        None => std::future::pending().await,
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

impl Carried {
    fn new(runs: Arc<dyn Runs>) -> Self {
        Self {
            runs,
            jobs: JoinSet::new(),
            is_listing: false,
            list_at: Instant::now(),
            follower: None,
            followers: 0,
            given: None,
            followed: None,
            follow_at: None,
        }
    }

    fn carry_out(&mut self, wish: Wish) {
        match wish {
            Wish::Close { .. } => {}
            Wish::List => self.list_at = Instant::now(),
            Wish::Follow(run, from) => {
                // What an earlier follower still brings is not of this run.
                (self.given, self.followed) = (None, None);
                self.followers += 1;
                if let Some(follower) = self.follower.take() {
                    follower.abort();
                }
                let at = Instant::now() + Duration::from_millis(SETTLE_MS);
                self.follow_at = Some((at, run, from));
            }
            Wish::Questions(run) => {
                let runs = Arc::clone(&self.runs);
                self.jobs.spawn(async move {
                    let open = runs.questions(run.clone()).await;
                    Job::Input(Input::Questions(run, open))
                });
            }
            Wish::Order(order) => self.order(order),
        }
    }

    fn order(&mut self, order: Order) {
        let runs = Arc::clone(&self.runs);
        self.jobs.spawn(async move {
            let given = runs.order(order.run.clone(), order.order.clone()).await;
            Job::Input(Input::Ordered(order, given))
        });
    }

    fn list(&mut self) {
        self.is_listing = true;
        let runs = Arc::clone(&self.runs);
        self.jobs
            .spawn(async move { Job::Input(Input::Listed(runs.list().await)) });
    }

    fn follow(&mut self) {
        let Some((_, run, from)) = self.follow_at.take() else {
            return;
        };
        let (sender, given) = channel(GIVEN_MAX);
        let (runs, number) = (Arc::clone(&self.runs), self.followers);
        self.given = Some(given);
        self.follower = Some(self.jobs.spawn(async move {
            let how = runs.follow(run, from, sender).await;
            Job::Followed(number, how)
        }));
    }

    /// What was given, or that no more comes.
    fn given(&mut self, given: Option<Given>) -> Option<Input> {
        match given {
            Some(given) => Some(Input::Given(given)),
            None => {
                self.given = None;
                self.followed.take().map(Input::FollowEnded)
            }
        }
    }

    /// What the end of a task means. One that was called off means nothing; a defect in one is
    /// a defect of the view.
    fn ended(&mut self, job: Result<Job, tokio::task::JoinError>) -> Option<Input> {
        match job {
            Ok(Job::Input(input)) => {
                if matches!(input, Input::Listed(_)) {
                    self.is_listing = false;
                    self.list_at = Instant::now() + Duration::from_millis(LIST_MS);
                }
                Some(input)
            }
            Ok(Job::Followed(number, how)) if number == self.followers => {
                if self.given.is_none() {
                    return Some(Input::FollowEnded(how));
                }
                self.followed = Some(how);
                None
            }
            Ok(Job::Followed(..)) => None,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => None,
        }
    }
}
