//! A run that a person gives orders to, be it live in another process or stopped: the same
//! order reaches the first through its socket and the second through its journal.

use crate::failure::Failure;
use crate::model_choice::Choice;
use crate::person::AtTerminal;
use crate::project::{Project, ProjectOptions};
use crate::run_name;
use crate::screen;
use crate::session::resume_with;
use crate::watch::{Show, Watch};
use leadhand::rooms::journal::{Damage, Verified};
use leadhand::rooms::protocol::{ContentHash, Seq};
use leadhand::{
    Journal, Leadhand, OpenQuestion, Outcome, PersonInput, Plan, Record, RemoteError, RemoteRun,
    RunId, ScriptedModel, SledJournal, Status,
};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

/// How long a live run is waited for that does not listen yet, in milliseconds.
const LISTEN_WAIT_MS: u64 = 3_000;
/// Milliseconds between two looks at it.
const LISTEN_PAUSE_MS: u64 = 20;
/// The model of runs of which no model is called.
const NO_MODEL: &str = "none";

/// A run, and the project it is of.
pub(crate) struct Reach {
    pub(crate) project: Project,
    pub(crate) id: RunId,
    options: ProjectOptions,
    pub(crate) journal: SledJournal,
}

impl Reach {
    /// Finds the run that a text names.
    ///
    /// # Errors
    /// [`Failure::Usage`] when there is none or more than one.
    pub(crate) fn open(
        run: &str,
        options: &ProjectOptions,
        before: &ProjectOptions,
    ) -> Result<Self, Failure> {
        let options = options.after(before);
        let project = Project::open(&options)?;
        let journal = project.journal();
        let id = run_name::find(&journal, run)?;
        Ok(Self {
            project,
            id,
            options,
            journal,
        })
    }

    /// The run where it is live; none when nobody carries it out.
    ///
    /// # Errors
    /// [`Failure::Remote`] when it is live and cannot be reached.
    pub(crate) async fn live(&self) -> Result<Option<RemoteRun>, Failure> {
        let mut looks_left = LISTEN_WAIT_MS / LISTEN_PAUSE_MS;
        while self.is_live()? {
            match RemoteRun::connect(&self.journal, &self.id).await {
                Ok(remote) => return Ok(Some(remote)),
                // It is just beginning or ending.
                Err(RemoteError::NotListening { .. }) if looks_left > 0 => looks_left -= 1,
                Err(error) => return Err(error.into()),
            }
            tokio::time::sleep(Duration::from_millis(LISTEN_PAUSE_MS)).await;
        }
        Ok(None)
    }

    fn is_live(&self) -> Result<bool, Failure> {
        Ok(self.live_in()?.is_some())
    }

    /// The folder of the run.
    pub(crate) fn run_folder(&self) -> PathBuf {
        let runs = self.project.journal_folder().join("runs");
        runs.join(self.id.as_str())
    }

    /// The process that carries the run out.
    ///
    /// # Errors
    /// What the journal says.
    pub(crate) fn live_in(&self) -> Result<Option<u32>, Failure> {
        let runs = self.journal.runs()?;
        let of_it = runs.into_iter().find(|entry| entry.run == self.id);
        Ok(of_it.and_then(|entry| entry.live))
    }

    /// That nobody carries the run out: what is at work in it could end there, and be begun in a
    /// branch of it as well.
    ///
    /// # Errors
    /// [`Failure::Usage`] that names the process.
    pub(crate) fn must_stand_still_to_fork(&self) -> Result<(), Failure> {
        let Some(pid) = self.live_in()? else {
            return Ok(());
        };
        let run = &self.id;
        Err(Failure::usage(
            format!("run {run} is live in process {pid}, and a run is forked when it stands still"),
            format!(
                "wait for its end, or let it stand still with `leadhand pause {run}`; once it is \
                 forked, it goes on with `leadhand resume {run}`"
            ),
        ))
    }

    /// That the run cannot be paused, since it is not live.
    pub(crate) fn stands_still(&self) -> Result<Failure, Failure> {
        let status = self.status()?.unwrap_or_default();
        Ok(match status.outcome.filter(|kind| !kind.resumable()) {
            Some(kind) => Failure::usage(
                format!(
                    "run {} is over ({})",
                    self.id,
                    leadhand::rooms::inspector::account::ending(kind)
                ),
                "start its goal again, or fork it where it should have gone another way",
            ),
            None => Failure::usage(
                format!("run {} is not live: it stands still already", self.id),
                self.how_to_resume(),
            ),
        })
    }

    /// What to type to go on with the run.
    pub(crate) fn how_to_resume(&self) -> String {
        resume_with(&self.id, &self.options)
    }

    /// The questions that are open, and whether the run is live.
    ///
    /// # Errors
    /// What the journal says, or that the run cannot be reached.
    pub(crate) async fn questions(&self) -> Result<(Vec<OpenQuestion>, bool), Failure> {
        match self.live().await? {
            Some(mut remote) => Ok((remote.questions().await?, true)),
            None => Ok((OpenQuestion::of(self.stopped()?.questions()), false)),
        }
    }

    /// The plan as it stands.
    ///
    /// # Errors
    /// What the journal says, or that the run cannot be reached.
    pub(crate) async fn plan(&self) -> Result<Option<Plan>, Failure> {
        match self.live().await? {
            Some(mut remote) => Ok(remote.plan().await?),
            None => Ok(self.stopped()?.graph().map(|graph| graph.plan().clone())),
        }
    }

    /// Shows the records from one on as they are read. Of a live run they come from its process.
    /// Gives the damage at which they end.
    ///
    /// # Errors
    /// What the journal says, or that the run cannot be reached.
    pub(crate) async fn scan(
        &self,
        from: Seq,
        mut see: impl FnMut(Record),
    ) -> Result<Option<Damage>, Failure> {
        let mut next = from;
        let mut looks_left = LISTEN_WAIT_MS / LISTEN_PAUSE_MS;
        while let Some(mut remote) = self.live().await? {
            let mut stored = remote.stored(next).await;
            loop {
                match stored.next().await {
                    Ok(Some((record, _))) => {
                        next = record.seq + 1;
                        see(record);
                    }
                    Ok(None) => return Ok(None),
                    // It is just ending, and what was not sent is in its journal.
                    Err(RemoteError::Gone { .. }) if looks_left > 0 => break,
                    Err(error) => return Err(error.into()),
                }
            }
            looks_left -= 1;
            tokio::time::sleep(Duration::from_millis(LISTEN_PAUSE_MS)).await;
        }
        let damage = self.journal.scan(&self.id, next, &mut |record, _| {
            see(record);
            ControlFlow::Continue(())
        })?;
        Ok(damage)
    }

    /// What is told of damage at which its records end.
    pub(crate) fn failed_at(&self, damage: Option<Damage>) -> Option<Failure> {
        damage.map(|damage| Failure::damaged(&self.id, damage))
    }

    /// What the run's process says of it in short; nothing where it cannot be read.
    pub(crate) fn status(&self) -> Result<Option<Status>, Failure> {
        let runs = self.journal.runs()?;
        let entry = runs.into_iter().find(|entry| entry.run == self.id);
        Ok(entry.and_then(|entry| serde_json::from_value(entry.status?).ok()))
    }

    /// What comes of checking all records against their chain, and looking for a head that was
    /// noted. A live run is checked by its process.
    ///
    /// # Errors
    /// What the journal says, or that the run cannot be reached.
    pub(crate) async fn verify(&self, noted: Option<ContentHash>) -> Result<Verified, Failure> {
        match self.live().await? {
            Some(mut remote) => Ok(remote.verify(noted).await?),
            None => Ok(self.journal.verify(&self.id, noted)?),
        }
    }

    /// All records there are, none of which may be damaged.
    ///
    /// # Errors
    /// As [`Reach::scan`], and that there is damage.
    pub(crate) async fn records(&self) -> Result<Vec<Record>, Failure> {
        let mut records = Vec::new();
        match self.scan(0, |record| records.push(record)).await? {
            Some(damage) => Err(Failure::damaged(&self.id, damage)),
            None => Ok(records),
        }
    }

    /// The state of a run that nobody carries out.
    ///
    /// # Errors
    /// What the journal says; a damaged one is refused as a whole.
    pub(crate) fn stopped(&self) -> Result<leadhand::rooms::engine::Run, Failure> {
        let mut run = leadhand::rooms::engine::Run::new();
        let damage = self.journal.scan(&self.id, 0, &mut |record, _| {
            run.apply(&record);
            ControlFlow::Continue(())
        })?;
        match damage {
            Some(damage) => Err(Failure::damaged(&self.id, damage)),
            None => Ok(run),
        }
    }

    /// Gives an order that counts at once in a live run, and from the next `resume` on in one
    /// that is stopped. Gives whether it is live.
    ///
    /// # Errors
    /// That it cannot be followed, with which the run is as it was.
    pub(crate) async fn order(&self, order: PersonInput) -> Result<bool, Failure> {
        match self.live().await? {
            Some(mut remote) => {
                remote.order(order).await?;
                Ok(true)
            }
            None => {
                self.leadhand(None)?.order(&self.id, order).await?;
                Ok(false)
            }
        }
    }

    /// Gives an order that ends the run, and waits for the end. The order stands when the
    /// waiting is interrupted.
    ///
    /// # Errors
    /// That it cannot be followed, with which the run is as it was.
    pub(crate) async fn order_and_wait(
        &self,
        order: PersonInput,
    ) -> Result<Option<(Outcome, bool)>, Failure> {
        let Some(mut remote) = self.live().await? else {
            let watch = Watch::start(Show::People);
            let leadhand = self.leadhand(Some(&watch))?;
            let outcome = leadhand.order(&self.id, order).await;
            drop(leadhand);
            watch.finish();
            return Ok(outcome?.map(|outcome| (outcome, false)));
        };
        remote.order(order).await?;
        tokio::select! {
            outcome = remote.outcome() => Ok(Some((outcome?, true))),
            _ = tokio::signal::ctrl_c() => {
                screen::note("not waited for any more; the order stands, and `leadhand ps` shows when it is carried out");
                Ok(None)
            }
        }
    }

    /// What orders to a stopped run are carried out with: its tools, and no model.
    ///
    /// # Errors
    /// What is wrong with the project.
    pub(crate) fn leadhand(&self, watch: Option<&Watch>) -> Result<Leadhand, Failure> {
        let choice = Choice {
            name: NO_MODEL.to_owned(),
            described: String::new(),
            models: Vec::new(),
        };
        let nobody = ScriptedModel::parse(NO_MODEL.as_ref(), "")?;
        let mut builder = self.project.builder(&choice)?.model(NO_MODEL, nobody);
        if let Some(watch) = watch {
            builder = builder.observer(watch.observer());
            if screen::is_attended() {
                builder = builder.approver(AtTerminal::new(watch.voice()));
            }
        }
        Ok(builder.build()?)
    }
}
