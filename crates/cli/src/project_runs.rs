//! The runs of the project for whoever looks at them.

use crate::failure::Failure;
use crate::project::{Project, ProjectOptions};
use crate::reach::Reach;
use leadhand::rooms::protocol::Seq;
use leadhand::{Journal, OpenQuestion, OutcomeKind, PersonInput, RunEntry, RunId, Status, Told};
use leadhand_viewer::{Given, Later, OpenRunQuestion, RunLine, Runs, Trouble};
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
        Reach::open(run.as_str(), &self.options, &self.options).map_err(trouble)
    }
}

impl Runs for ProjectRuns {
    fn list(&self) -> Later<'_, Result<Vec<RunLine>, Trouble>> {
        Box::pin(async {
            let project = Project::open(&self.options).map_err(trouble)?;
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
            let history = reach.history().await.map_err(trouble)?;
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
                return Err(trouble(Failure::damaged(&run, damage)));
            }
            drop(history.records);
            let Some(remote) = reach.live().await.map_err(trouble)? else {
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
            let rest = reach.history().await.map_err(trouble)?.records;
            let there = usize::try_from(next).unwrap_or(usize::MAX);
            let rest = rest.get(there..).unwrap_or_default().to_vec();
            drop(to.send(Given::Records(rest)).await);
            Ok(())
        })
    }

    fn questions(&self, run: RunId) -> Later<'_, Result<Vec<OpenRunQuestion>, Trouble>> {
        Box::pin(async move {
            let (open, _) = self.reach(&run)?.questions().await.map_err(trouble)?;
            Ok(open.into_iter().map(question).collect())
        })
    }

    fn order(&self, run: RunId, order: PersonInput) -> Later<'_, Result<bool, Trouble>> {
        Box::pin(async move { self.reach(&run)?.order(order).await.map_err(trouble) })
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

#[allow(
    clippy::needless_pass_by_value,
    reason = "it is what `map_err` hands over"
)]
fn trouble(failure: Failure) -> Trouble {
    match failure.hint() {
        "" => Trouble(failure.to_string()),
        hint => Trouble(format!("{failure}: {hint}")),
    }
}
