//! What runs are carried out with, and the three ways to begin: anew, again, and looking back.

use crate::error::RuntimeError;
use crate::person::{Approver, Orders, control};
use crate::run_loop::{Observer, RunLoop};
use crate::toolbox::Toolbox;
use crate::worker::Equipment;
use leadhand_engine::{Run, SNAPSHOT_FORMAT};
use leadhand_journal::{Damage, Journal};
use leadhand_model::ModelSet;
use leadhand_protocol::{
    Grade, Input, Outcome, PersonInput, Record, RunId, RunTrace, SettingChange, Start,
};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time, in milliseconds since the Unix epoch.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The clock of the machine.
#[must_use]
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

/// What runs are carried out with. One runtime can carry out many runs at once; several
/// runtimes in one process share nothing.
#[derive(Clone)]
pub struct Runtime {
    /// The models.
    pub models: ModelSet,
    /// The tools, and the folder they work in.
    pub tools: Toolbox,
    /// Where runs are recorded.
    pub journal: Arc<dyn Journal>,
    /// Whether other processes of the same user can reach a live run through a socket in its
    /// folder, with a journal that has folders. Wants tokio's IO driver.
    pub listen: bool,
    /// Who is asked.
    pub approver: Arc<dyn Approver>,
    /// Who is shown every record and every piece of a reply.
    pub observer: Observer,
    /// The time.
    pub clock: Clock,
    /// Whether models and servers of tools are told what trace a call is a part of. Where the goal
    /// is a part of one they are in any case.
    pub traced: bool,
}

impl Runtime {
    /// Carries out a new run to its outcome. Dropping the future kills the run as a crash
    /// would: what was journaled stands, and the run can be resumed.
    ///
    /// # Errors
    /// [`RuntimeError`] when the journal fails; everything else is an outcome.
    pub async fn run(&self, start: Start, orders: Orders) -> Result<Outcome, RuntimeError> {
        let writer = self.journal.create(&start.run)?;
        let run_loop = self.run_loop(start.run.clone(), Run::new(), writer, orders, &start);
        run_loop.drive(vec![Input::Start(Arc::new(start))]).await
    }

    /// Takes up a run where its journal ends. Model and tool calls that are on record are not
    /// made again; those that were in flight are, but for tools of effect `once` and
    /// `compensable`, whose calls are in doubt.
    ///
    /// # Errors
    /// [`RuntimeError::Over`] when it has ended, [`RuntimeError::Damaged`], and whatever the
    /// journal says.
    pub async fn resume(&self, id: &RunId, orders: Orders) -> Result<Outcome, RuntimeError> {
        self.resume_with(id, Vec::new(), orders).await
    }

    /// As [`Runtime::resume`], with orders that count before anything goes on, such as a larger
    /// budget. Where models cost other amounts now than the run reckons with, it is told so
    /// before all of them.
    ///
    /// # Errors
    /// As [`Runtime::resume`], and [`RuntimeError::Refused`], with which the run is as it was.
    pub async fn resume_with(
        &self,
        id: &RunId,
        before: Vec<PersonInput>,
        orders: Orders,
    ) -> Result<Outcome, RuntimeError> {
        let (mut run_loop, start) = self.take_up(id, orders)?;
        run_loop.refuse_if_over()?;
        let prices = other_prices(&self.models, &start);
        let prices = prices.map(|change| PersonInput::Change(Box::new(change)));
        let before = prices.into_iter().chain(before).map(Input::Person);
        run_loop
            .drive(before.chain([Input::Resume]).collect())
            .await
    }

    /// Gives an order to a run that nobody carries out. It counts from the next
    /// [`Runtime::resume`] on; [`PersonInput::Cancel`] and [`PersonInput::RollBack`] are carried
    /// out at once and give the outcome.
    ///
    /// # Errors
    /// [`RuntimeError::Refused`] when it cannot be followed, with which the run is as it was;
    /// a journal error that the run is locked when it is live; and as [`Runtime::resume`].
    pub async fn order(
        &self,
        id: &RunId,
        order: PersonInput,
    ) -> Result<Option<Outcome>, RuntimeError> {
        let (_, nobody) = control();
        let (run_loop, _) = self.take_up(id, nobody)?;
        match order {
            PersonInput::Cancel { grade, why } => {
                // Nothing of it is at work that could come to its end.
                let grade = grade.max(Grade::Stop);
                run_loop.end(PersonInput::Cancel { grade, why }).await
            }
            order @ PersonInput::RollBack { .. } => run_loop.end(order).await,
            order => run_loop.note(order).await.map(|()| None),
        }
    }

    /// A run from the journal, and what it is made from.
    fn take_up(&self, id: &RunId, orders: Orders) -> Result<(RunLoop, Arc<Start>), RuntimeError> {
        let writer = self.journal.open(id)?;
        if let Some(lost) = writer.lost() {
            tracing::warn!(run = %id, seq = lost.seq, what = lost.what, "records were lost");
        }
        let run = self.restored(id)?;
        let Some(start) = run.setting().map(|setting| Arc::clone(&setting.start)) else {
            return Err(RuntimeError::Over {
                run: id.clone(),
                how: "it never began".to_owned(),
            });
        };
        let run_loop = self.run_loop(id.clone(), run, writer, orders, &start);
        Ok((run_loop, start))
    }

    /// The state of a run, from its last snapshot if there is one that can be used.
    fn restored(&self, id: &RunId) -> Result<Run, RuntimeError> {
        let (mut run, from) = match self.journal.snapshot(id)? {
            Some(snapshot) if snapshot.format == SNAPSHOT_FORMAT => {
                match Run::from_snapshot(&snapshot.bytes) {
                    Ok(run) => (run, snapshot.next_seq),
                    Err(error) => {
                        tracing::warn!(run = %id, %error, "a snapshot is not used");
                        (Run::new(), 0)
                    }
                }
            }
            _ => (Run::new(), 0),
        };
        let damage = self.journal.scan(id, from, &mut |record, _| {
            run.apply(&record);
            ControlFlow::Continue(())
        })?;
        undamaged(id, damage).map(|()| run)
    }

    fn run_loop(
        &self,
        id: RunId,
        run: Run,
        writer: Box<dyn leadhand_journal::Writer>,
        orders: Orders,
        start: &Start,
    ) -> RunLoop {
        let parent = start.goal.trace_parent.as_ref();
        let is_told = self.traced || parent.is_some();
        let equipment = Equipment {
            trace: is_told.then(|| RunTrace::new(id.as_str(), parent)),
            models: self.models.for_run(),
            tools: self.tools.clone(),
            clock: Arc::clone(&self.clock),
        };
        RunLoop::new(id, run, writer, orders, equipment, self, &start.limits)
    }
}

/// That nothing of a run is damaged.
pub(crate) fn undamaged(run: &RunId, damage: Option<Damage>) -> Result<(), RuntimeError> {
    match damage {
        None => Ok(()),
        Some(damage) => Err(RuntimeError::Damaged {
            run: run.clone(),
            seq: damage.seq,
            what: damage.what,
        }),
    }
}

/// What is to be changed so that a run reckons with what these models cost; none where it does.
/// Another default model that costs the same changes nothing that is reckoned with.
fn other_prices(models: &ModelSet, start: &Start) -> Option<SettingChange> {
    let equipped = models.prices();
    let recorded = |name: &str| start.prices.get(name).copied().unwrap_or_default();
    let now = |name: &str| equipped.get(name).copied().unwrap_or(recorded(name));
    let (default, default_before) = (models.default_name(), &start.default_model);
    let default_model = (now(default) != now(default_before)).then(|| default.to_owned());
    let others = equipped
        .iter()
        .filter(|(name, price)| **price != recorded(name));
    let change = SettingChange {
        prices: others.map(|(name, price)| (name.clone(), *price)).collect(),
        default_model,
        ..SettingChange::default()
    };
    change.is_of_prices().then_some(change)
}

/// The state that records add up to.
#[must_use]
pub fn rebuild(records: &[Record]) -> Run {
    let mut run = Run::new();
    for record in records {
        run.apply(record);
    }
    run
}
