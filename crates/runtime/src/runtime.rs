//! What runs are carried out with, and the three ways to begin: anew, again, and looking back.

use crate::error::RuntimeError;
use crate::person::Approver;
use crate::run_loop::{Observer, RunLoop};
use crate::toolbox::Toolbox;
use crate::worker::Equipment;
use leadhand_engine::Run;
use leadhand_journal::Journal;
use leadhand_model::ModelSet;
use leadhand_protocol::{Input, Outcome, PersonInput, Record, RunId, Start};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;

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
    /// Who is asked.
    pub approver: Arc<dyn Approver>,
    /// Who is shown every record and every piece of a reply.
    pub observer: Observer,
    /// The time.
    pub clock: Clock,
}

impl Runtime {
    /// Carries out a new run to its outcome. Dropping the future kills the run as a crash
    /// would: what was journaled stands, and the run can be resumed.
    ///
    /// # Errors
    /// [`RuntimeError`] when the journal fails; everything else is an outcome.
    pub async fn run(
        &self,
        start: Start,
        orders: mpsc::Receiver<PersonInput>,
    ) -> Result<Outcome, RuntimeError> {
        let writer = self.journal.create(&start.run)?;
        let run_loop = self.run_loop(start.run.clone(), Run::new(), writer, orders, &start);
        run_loop
            .drive(Input::Start(Box::new(start)), Vec::new())
            .await
    }

    /// Takes up a run where its journal ends. Model and tool calls that are on record are not
    /// made again; those that were in flight are, but for tools of effect `once`.
    ///
    /// # Errors
    /// [`RuntimeError::Over`] when it has ended, [`RuntimeError::Damaged`], and whatever the
    /// journal says.
    pub async fn resume(
        &self,
        id: &RunId,
        orders: mpsc::Receiver<PersonInput>,
    ) -> Result<Outcome, RuntimeError> {
        let writer = self.journal.open(id)?;
        let history = self.journal.read(id)?;
        if let Some(damage) = history.damage {
            return Err(RuntimeError::Damaged {
                run: id.clone(),
                seq: damage.seq,
                what: damage.what,
            });
        }
        let run = rebuild(&history.records);
        if let Some(outcome) = run.outcome().filter(|outcome| !outcome.kind.resumable()) {
            return Err(RuntimeError::Over {
                run: id.clone(),
                how: format!("{:?}", outcome.kind),
            });
        }
        let outstanding = run.outstanding();
        let Some(start) = run.setting().map(|setting| setting.start.clone()) else {
            return Err(RuntimeError::Over {
                run: id.clone(),
                how: "it never began".to_owned(),
            });
        };
        let run_loop = self.run_loop(id.clone(), run, writer, orders, &start);
        run_loop.drive(Input::Resume, outstanding).await
    }

    fn run_loop(
        &self,
        id: RunId,
        run: Run,
        writer: Box<dyn leadhand_journal::Writer>,
        orders: mpsc::Receiver<PersonInput>,
        start: &Start,
    ) -> RunLoop {
        let equipment = Equipment {
            models: self.models.clone(),
            tools: self.tools.clone(),
            clock: Arc::clone(&self.clock),
        };
        RunLoop::new(
            id,
            run,
            writer,
            orders,
            equipment,
            self,
            &start.limits,
            start.goal.budget,
        )
    }
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
