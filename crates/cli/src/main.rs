//! The leadhand program. In reading order: [`command`] has one file for each subcommand;
//! [`session`] carries a run from its first line to its account; [`project`], [`config`] and
//! [`model_choice`] say what it works with; [`reach`] gives orders to a run of another process; [`watch`] and [`screen`] are all that prints.
//! What happens in a run is decided in the library: `Leadhand::start`, then the runtime's
//! run loop.

mod added_budget;
mod amounts;
mod answer;
mod apart;
mod approvals;
mod command;
mod components;
mod config;

mod crashed;

mod exported;
mod failure;
mod file_runs;
mod files;
mod folders;
mod full_screen;
mod goal;
mod logging;
mod looked;
mod mask;
mod model_choice;
mod model_file;
mod parting;
mod person;

mod project;
mod project_runs;
mod reach;
mod removal;
mod resumed;
mod run_name;
mod screen;
mod session;
mod stopped;
mod telemetry;
mod terminal_lines;
mod trace_file;

mod watch;

use clap::Parser;
use command::CommandLine;
use failure::Failure;

/// A run allocates often and in many sizes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A pause must get through while something else is busy, also on one core.
const THREADS_MIN: usize = 2;

fn main() {
    let code = carry_out(CommandLine::parse()).unwrap_or_else(|failure| {
        screen::note(&failure.told());
        failure.code()
    });
    // Not a return: a thread may still wait for a line of the terminal.
    std::process::exit(i32::from(code));
}

fn carry_out(line: CommandLine) -> Result<u8, Failure> {
    logging::start(line.log_format)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.max(THREADS_MIN))
        .enable_all()
        .build()
        .map_err(|error| Failure::internal(format!("no threads can be started: {error}")))?;
    let done = runtime.block_on(line.command.carry_out(&line.project));
    runtime.shutdown_background();
    done
}
