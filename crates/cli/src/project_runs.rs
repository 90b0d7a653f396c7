//! The runs of the project for whoever looks at them.

use crate::failure::Failure;
use crate::project::{Project, ProjectOptions};
use crate::reach::Reach;
use crate::resumed;
use leadhand::rooms::engine::ToUndo;
use leadhand::rooms::protocol::Seq;
use leadhand::{
    Journal, OpenQuestion, OutcomeKind, PersonInput, Record, RemoteError, RemoteRun, RunEntry,
    RunId, SledJournal, Status, Told, rebuild,
};
use leadhand_viewer::{Given, Later, OpenRunQuestion, Resume, RunLine, Runs, Trouble, Undoable};
use std::ops::ControlFlow;
use tokio::sync::mpsc::Sender;

/// Most records that are handed over at once.
const RECORDS_MAX: usize = 1_024;
/// From this size on fewer are, in bytes of JSON.
const RECORDS_BYTES_MAX: usize = 1024 * 1024;

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
            match reach.live().await? {
                Some(remote) => follow_live(&reach, remote, from, &to).await,
                None => {
                    let handing = move || hand_over(&reach.journal, &run, from, &to);
                    tokio::task::spawn_blocking(handing)
                        .await
                        .map_err(|why| Trouble(why.to_string()))?
                }
            }
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

/// Records that are handed over together.
#[derive(Default)]
pub(crate) struct Piece {
    records: Vec<Record>,
    bytes: usize,
}

impl Piece {
    /// Takes the next one, of so many bytes as JSON; gives whether they are to be handed over now.
    pub(crate) fn take(&mut self, record: Record, bytes: usize) -> bool {
        self.records.push(record);
        self.bytes += bytes;
        self.records.len() >= RECORDS_MAX || self.bytes >= RECORDS_BYTES_MAX
    }

    pub(crate) fn given(&mut self) -> Given {
        self.bytes = 0;
        Given::Records(std::mem::take(&mut self.records))
    }

    /// What is left to be given when there are no more records.
    pub(crate) fn last(mut self) -> impl Iterator<Item = Given> {
        let rest = (!self.records.is_empty()).then(|| self.given());
        rest.into_iter().chain([Given::AllSoFar])
    }
}

/// Hands over the records of a run that nobody carries out, as they are read, until nobody listens.
fn hand_over(
    journal: &SledJournal,
    run: &RunId,
    from: Seq,
    to: &Sender<Given>,
) -> Result<(), Trouble> {
    let mut piece = Piece::default();
    let damage = journal.scan(run, from, &mut |record, bytes| {
        if piece.take(record, bytes) && to.blocking_send(piece.given()).is_err() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    let damage = damage.map_err(|why| Trouble::from(Failure::from(why)))?;
    for given in piece.last() {
        // Who does not listen any more misses nothing.
        let _ = to.blocking_send(given);
    }
    match damage {
        Some(damage) => Err(Failure::damaged(run, damage).into()),
        None => Ok(()),
    }
}

/// Hands over the records of a live run and those that come, to its end or until nobody listens.
async fn follow_live(
    reach: &Reach,
    mut remote: RemoteRun,
    from: Seq,
    to: &Sender<Given>,
) -> Result<(), Trouble> {
    let lost = |why: RemoteError| Trouble(why.to_string());
    let (mut next, mut piece) = (from, Piece::default());
    let mut stored = remote.stored(from).await;
    while let Some((record, bytes)) = stored.next().await.map_err(lost)? {
        next = record.seq + 1;
        if piece.take(record, bytes) && to.send(piece.given()).await.is_err() {
            return Ok(());
        }
    }
    for given in piece.last() {
        if to.send(given).await.is_err() {
            return Ok(());
        }
    }
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
    let mut rest = Vec::new();
    reach.scan(next, |record| rest.push(record)).await?;
    let _ = to.send(Given::Records(rest)).await;
    Ok(())
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
        orders: true,
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

#[cfg(test)]
mod tests {
    use super::{Given, ProjectRuns, RECORDS_MAX, Runs};
    use crate::command::CommandLine;
    use clap::Parser;
    use leadhand::rooms::journal::{Durability, Journal, SledJournal};
    use leadhand::rooms::protocol::{AgentId, Seq};
    use leadhand::{Event, Record, RunId};
    use tokio::sync::mpsc::channel;

    const RECORDS: Seq = 3 * RECORDS_MAX as Seq + 5;

    fn record(seq: Seq) -> Record {
        let event = Event::OutputGiven {
            agent: AgentId(1),
            content: format!("Output {seq}."),
        };
        Record {
            seq,
            at_ms: seq,
            event: event.into(),
        }
    }

    #[tokio::test]
    async fn records_are_given_in_pieces_from_the_one_asked_for_and_until_nobody_listens() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunId::new("run-1").unwrap();
        let journal = SledJournal::open_root(folder.path().join(".leadhand"), Durability::Process);
        let mut writer = journal.create(&run).unwrap();
        let all: Vec<Record> = (0..RECORDS).map(record).collect();
        writer.append(&all).unwrap().wait().unwrap();
        writer.close().unwrap();
        let place = folder.path().to_str().unwrap();
        let runs =
            ProjectRuns::new(CommandLine::parse_from(["leadhand", "-C", place, "ps"]).project);
        for from in [0, 5, RECORDS - 1, RECORDS] {
            let (to, mut given) = channel(8);
            runs.follow(run.clone(), from, to).await.unwrap();
            let mut next = from;
            while let Some(Given::Records(some)) = given.recv().await {
                assert!((1..=RECORDS_MAX).contains(&some.len()));
                for found in some {
                    assert_eq!(found, record(next));
                    next += 1;
                }
            }
            assert_eq!((next, given.recv().await), (RECORDS, None));
        }
        let (to, mut given) = channel(1);
        let first = async {
            let first = given.recv().await;
            drop(given);
            first
        };
        let (followed, first) = tokio::join!(runs.follow(run, 7, to), first);
        followed.unwrap();
        let Some(Given::Records(some)) = first else {
            panic!("{first:?}")
        };
        assert_eq!(some.first(), Some(&record(7)));
    }
}
