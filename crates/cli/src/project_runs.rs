//! The runs of the project for whoever looks at them.

use crate::failure::Failure;
use crate::project::{Project, ProjectOptions};
use crate::reach::Reach;
use crate::resumed;
use leadhand::rooms::engine::ToUndo;
use leadhand::rooms::protocol::Seq;
use leadhand::{
    Journal, OpenQuestion, OutcomeKind, PersonInput, RunEntry, RunId, Status, Told, rebuild,
};
use leadhand_viewer::{Given, Later, OpenRunQuestion, Resume, RunLine, Runs, Trouble, Undoable};
use tokio::sync::mpsc::Sender;

/// Most records that are handed over at once.
const RECORDS_MAX: usize = 1_024;

/// The runs of a project.
pub(crate) struct ProjectRuns {
    options: ProjectOptions,
}

impl ProjectRuns {
    pub(crate) fn new(options: ProjectOptions) -> Self {
        Self { options }
    }

    fn reach(&self, run: &RunId) -> Result<Reach, Trouble> {
        Reach::open(run.as_str(), &self.options, &self.options).map_err(Trouble::from)
    }
}

impl Runs for ProjectRuns {
    fn list(&self) -> Later<'_, Result<Vec<RunLine>, Trouble>> {
        Box::pin(async {
            let project = Project::open(&self.options)?;
            let runs = project
                .journal()
                .runs()
                .map_err(|why| Trouble(why.to_string()))?;
            let mut lines: Vec<RunLine> = runs.into_iter().map(line).collect();
            lines.sort_by_key(|line| !line.live);
            Ok(lines)
        })
    }

    fn follow(&self, run: RunId, from: Seq, to: Sender<Given>) -> Later<'_, Result<(), Trouble>> {
        Box::pin(async move {
            let reach = self.reach(&run)?;
            let history = reach.history().await?;
            let mut next = from;
            let there = usize::try_from(from).unwrap_or(usize::MAX);
            for some in history
                .records
                .get(there..)
                .unwrap_or_default()
                .chunks(RECORDS_MAX)
            {
                next += some.len() as Seq;
                if to.send(Given::Records(some.to_vec())).await.is_err() {
                    return Ok(());
                }
            }
            if to.send(Given::AllSoFar).await.is_err() {
                return Ok(());
            }
            if let Some(damage) = history.damage {
                return Err(Failure::damaged(&run, damage).into());
            }
            drop(history.records);
            let Some(remote) = reach.live().await? else {
                return Ok(());
            };
            let lost = |why: leadhand::RemoteError| Trouble(why.to_string());
            let mut records = remote.follow(next).await.map_err(lost)?;
            loop {
                let given = tokio::select! {
                    () = to.closed() => return Ok(()),
                    told = records.next() => match told.map_err(lost)? {
                        Told::Record(record) => {
                            next = record.seq + 1;
                            vec![*record]
                        }
                        Told::Ended(_) => break,
                    },
                };
                if to.send(Given::Records(given)).await.is_err() {
                    return Ok(());
                }
            }
            // One that ends while it is being followed tells no more than that.
            let rest = reach.history().await?.records;
            let there = usize::try_from(next).unwrap_or(usize::MAX);
            let rest = rest.get(there..).unwrap_or_default().to_vec();
            drop(to.send(Given::Records(rest)).await);
            Ok(())
        })
    }

    fn questions(&self, run: RunId) -> Later<'_, Result<Vec<OpenRunQuestion>, Trouble>> {
        Box::pin(async move {
            let (open, _) = self.reach(&run)?.questions().await?;
            Ok(open.into_iter().map(question).collect())
        })
    }

    fn order(&self, run: RunId, order: PersonInput) -> Later<'_, Result<bool, Trouble>> {
        Box::pin(async move { self.reach(&run)?.order(order).await.map_err(Trouble::from) })
    }

    fn undoable(&self, run: RunId) -> Later<'_, Result<Vec<Undoable>, Trouble>> {
        Box::pin(async move {
            let records = self.reach(&run)?.records().await?;
            let state = rebuild(&records);
            let steps = state.to_undo().map_err(|why| Trouble(why.to_string()))?;
            Ok(steps.into_iter().map(undoable).collect())
        })
    }

    fn resume(&self, run: RunId, how: Resume) -> Later<'_, Result<String, Trouble>> {
        Box::pin(async move { resumed::resume(&self.reach(&run)?, &self.options, &how).await })
    }
}

fn undoable(step: ToUndo<'_>) -> Undoable {
    Undoable {
        call: step.call,
        tool_call: step.tool_call.clone(),
        undo: step.undo.to_owned(),
    }
}

fn question(open: OpenQuestion) -> OpenRunQuestion {
    OpenRunQuestion {
        question: open.question,
        digest: open.digest,
        ask: open.ask,
    }
}

/// A summary is another process's word: what cannot be read is left empty.
fn line(entry: RunEntry) -> RunLine {
    let status: Status = entry
        .status
        .and_then(|status| serde_json::from_value(status).ok())
        .unwrap_or_default();
    let ended = serde_json::to_value(status.outcome).unwrap_or_default();
    let live = entry.live.is_some();
    RunLine {
        run: entry.run,
        state: match live {
            true => "running",
            false => ended.as_str().unwrap_or("stopped"),
        }
        .to_owned(),
        live,
        resumable: !live && status.outcome.is_none_or(OutcomeKind::resumable),
        goal: status.goal,
        started_ms: status.started_ms,
        tasks: status.tasks,
        tasks_done: status.tasks_done,
        tokens: status.usage.total(),
        micro_usd: status.micro_usd,
        questions: status.questions.len(),
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        match failure.hint() {
            "" => Self(failure.to_string()),
            hint => Self(format!("{failure}; {hint}")),
        }
    }
}
