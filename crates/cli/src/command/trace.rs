//! `leadhand trace`: looks into a run, be it live or stopped, or into a trace of others, writes
//! it down, tells two apart, checks that none was changed, and removes one.

use crate::failure::Failure;
use crate::looked::Looked;
use crate::project::ProjectOptions;
use crate::reach::Reach;
use crate::screen::{self, Blocks};
use crate::watch::JsonLine;
use clap::Subcommand;
use leadhand::rooms::inspector::Progress;
use leadhand::rooms::inspector::account::ending;
use leadhand::rooms::protocol::Seq;
use leadhand::{Record, RunId, Told};

mod diff;
mod export;
mod graph;
mod import;
mod prune;
mod show;
mod verify;
mod why;

/// Look into runs, and into traces that others wrote
#[derive(Debug, Subcommand)]
pub(crate) enum TraceCommand {
    Show(show::ShowArguments),
    /// Show what happened in a run line by line, and with -f what happens, to its end
    Tail {
        /// The run, its first letters, or `last`; or a file, as of `trace show`
        #[arg(value_name = "RUN|FILE")]
        run: String,
        /// Begin with this record; the first one is 0
        #[arg(long, value_name = "RECORD", default_value_t = 0)]
        from: Seq,
        /// Go on with each record of a live run as it comes
        #[arg(short = 'f', long)]
        follow: bool,
        /// Write every record as JSON, one a line, as `run --json` does
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        project: ProjectOptions,
    },
    Graph(graph::GraphArguments),
    Why(why::WhyArguments),
    Export(export::ExportArguments),
    Import(import::ImportArguments),
    Diff(diff::DiffArguments),
    Verify(verify::VerifyArguments),
    Prune(prune::PruneArguments),
}

pub(crate) async fn run(command: TraceCommand, before: &ProjectOptions) -> Result<u8, Failure> {
    match command {
        TraceCommand::Show(arguments) => show::run(&arguments, before).await,
        TraceCommand::Tail {
            run,
            from,
            follow,
            json,
            project,
        } => tail(&Looked::open(&run, &project, before)?, from, follow, json).await,
        TraceCommand::Graph(arguments) => graph::run(&arguments, before).await,
        TraceCommand::Why(arguments) => why::run(&arguments, before).await,
        TraceCommand::Import(arguments) => import::run(&arguments),
        TraceCommand::Export(arguments) => export::run(&arguments, before).await,
        TraceCommand::Diff(arguments) => diff::run(&arguments, before).await,
        TraceCommand::Prune(arguments) => prune::run(&arguments, before),
        TraceCommand::Verify(arguments) => verify::run(&arguments, before).await,
    }
}

/// Records from one on, and of a live run those that come, to its end.
async fn tail(looked: &Looked, from: Seq, follow: bool, json: bool) -> Result<u8, Failure> {
    let mut progress = Progress::default();
    let mut out = Blocks::default();
    let mut show = |out: &mut Blocks, id: &RunId, record: &Record| {
        let line = progress.take(record);
        if record.seq < from {
            return;
        }
        if json {
            out.out_json(&JsonLine::new(id, record));
        } else if let Some(line) = line {
            out.out(&format!("{:>6}  {line}", record.seq));
        }
    };
    if follow {
        let reach = followed(looked)?;
        let id = &reach.id;
        if let Some(remote) = reach.live().await? {
            // From the first record on, so that those at work in the run have names.
            let mut records = remote.follow(0).await?;
            let mut next = 0;
            loop {
                match records.next().await? {
                    Told::Record(record) => {
                        next = record.seq + 1;
                        show(&mut out, id, &record);
                        out.flush();
                    }
                    // One that ends before it is followed tells no more than that.
                    Told::Ended(outcome) => {
                        let rest = reach.scan(next, |record| show(&mut out, id, &record));
                        rest.await?;
                        out.flush();
                        screen::note(&format!("run {id}: {}", ending(outcome.kind)));
                        return Ok(0);
                    }
                }
            }
        }
    }
    let see = |id: &RunId, record: Record| show(&mut out, id, &record);
    ended(looked.scan(see).await?)
}

/// The run that is followed.
fn followed(looked: &Looked) -> Result<&Reach, Failure> {
    match looked {
        Looked::Run(reach) => Ok(reach),
        Looked::File(file) => Err(Failure::usage(
            format!("{} is a file, and -f follows a live run", file.shown()),
            "leave -f out",
        )),
    }
}

fn ended(damage: Option<Failure>) -> Result<u8, Failure> {
    damage.map_or(Ok(0), Err)
}
