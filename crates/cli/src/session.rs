//! One run at the terminal, from its first line to its account: what `run`, `plan` and
//! `resume` have in common.

use crate::components::how_to_build;
use crate::failure::{Failure, INTERRUPTED};
use crate::model_choice::{self, ModelOptions};
use crate::person::AtTerminal;
use crate::project::{Project, ProjectOptions};
use crate::screen;
use crate::telemetry::{self, TelemetryOptions};
use crate::watch::{Show, Watch};
use leadhand::rooms::inspector::account;
use leadhand::rooms::inspector::escape;
use leadhand::{Leadhand, Outcome, OutcomeKind, Run, RunId};
use serde::Serialize;
use std::time::Instant;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Everything a run needs, and who shows it.
pub(crate) struct Session {
    pub(crate) leadhand: Leadhand,
    pub(crate) watch: Watch,
    show: Show,
    began: Instant,
}

#[derive(Serialize)]
struct LastLine<'a> {
    run: &'a RunId,
    outcome: &'a Outcome,
}

impl Session {
    /// Chooses the model and puts a [`Leadhand`] together.
    ///
    /// # Errors
    /// What is wrong with the project, or that there is no model.
    pub(crate) async fn open(
        project: &Project,
        models: &ModelOptions,
        telemetry: &TelemetryOptions,
        show: Show,
    ) -> Result<Self, Failure> {
        let began = Instant::now();
        project.make_journal_folder()?;
        let recorded = models.recorded_tools()?;
        let choice = model_choice::choose(project, models).await?;
        screen::note(&format!("model {}", choice.described));
        let watch = Watch::start(show);
        let builder = project.builder(&choice)?.observer(watch.observer());
        let mut builder = telemetry.apply(builder, project)?;
        if let Some(recorded) = recorded {
            builder = builder.recorded_tools(recorded);
        }
        if screen::is_attended() {
            builder = builder.approver(AtTerminal::new(watch.voice()));
        }
        let leadhand = builder.build()?;
        for notice in leadhand.notices() {
            let notice = notice.to_string();
            let how = how_to_build(&notice);
            screen::note(&(escape::line(&notice, 300) + &how));
        }
        Ok(Self {
            leadhand,
            watch,
            show,
            began,
        })
    }

    /// Carries a run to its outcome, paused by the first signal and ended by the second, and
    /// writes its account. Gives the outcome.
    ///
    /// # Errors
    /// When the run could not be carried to any outcome.
    pub(crate) async fn carry(
        self,
        mut run: Run,
        options: &ProjectOptions,
    ) -> Result<Outcome, Failure> {
        let id = run.id().clone();
        let voice = self.watch.voice();
        voice.note(format!("run {id}"));
        let control = run.control();
        let mut signals = Signals::listen()?;
        let mut pausing = false;
        let result = loop {
            tokio::select! {
                result = &mut run => break result,
                () = signals.next() => {
                    if pausing {
                        stop_at_once(&id, options);
                    }
                    pausing = true;
                    control.pause();
                    voice.note("pausing… (again to stop at once)");
                }
            }
        };
        drop((run, voice));
        self.watch.finish();
        let outcome = result?;
        if self.show == Show::Json {
            screen::out_json(&LastLine {
                run: &id,
                outcome: &outcome,
            });
        }
        let took_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        screen::note(&account::text(&outcome, took_ms));
        screen::note(&what_next(outcome.kind, &id, options));
        telemetry::finish(&self.leadhand, &id).await;
        Ok(outcome)
    }
}

/// What can be done with a run that ended like this.
fn what_next(kind: OutcomeKind, id: &RunId, options: &ProjectOptions) -> String {
    let folder = folder(options);
    let look = format!("look into it with: leadhand{folder} trace show {id}");
    match kind {
        // The budget is on record with the goal: going on without more would stop at once.
        OutcomeKind::BudgetSpent => format!(
            "resume with more to spend: leadhand{folder} resume {id} --add-budget-tokens N (or \
             --add-budget-usd, --add-tool-calls, --add-seconds, --add-turns, --add-agents)\n{look}"
        ),
        kind if kind.resumable() => resume_with(id, options),
        _ => look,
    }
}

/// What to type to go on with a run.
pub(crate) fn resume_with(id: &RunId, options: &ProjectOptions) -> String {
    format!("resume with: leadhand{} resume {id}", folder(options))
}

fn folder(options: &ProjectOptions) -> String {
    let folder = options.folder();
    if folder.as_os_str() == "." {
        return String::new();
    }
    format!(" -C {}", escape::line(&folder.display().to_string(), 200))
}

/// What is in the journal stands, as after a crash.
fn stop_at_once(id: &RunId, options: &ProjectOptions) -> ! {
    screen::note(&format!("stopped at once; {}", resume_with(id, options)));
    std::process::exit(i32::from(INTERRUPTED));
}

/// Ctrl-C, and what asks a process to end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let fault = |error| Failure::internal(format!("signals cannot be listened to: {error}"));
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(fault)?,
            terminate: signal(SignalKind::terminate()).map_err(fault)?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => (),
            _ = self.terminate.recv() => (),
        }
    }
}
