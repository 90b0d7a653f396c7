//! `leadhand ui`: the runs of a project in the browser.

use crate::failure::Failure;
use crate::file_runs::FileRuns;
use crate::folders::Folders;
use crate::project::{Project, ProjectOptions};
use crate::project_runs::ProjectRuns;
use crate::screen;
use crate::trace_file::TraceFile;
use clap::Args;
use leadhand_viewer::Server;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What opens a file as the user would, on Linux and on a Mac.
const OPENERS: [&str; 2] = ["xdg-open", "open"];

/// Look at the runs of the project in the browser, live ones and those that are over; or at a file
///
/// The page is served on this machine alone. Whoever has its address can give orders to runs, so
/// keep it to yourself.
#[derive(Debug, Args)]
pub(crate) struct UiArguments {
    /// In place of the runs of the project, those of a file, as of `trace show`
    file: Option<String>,
    /// The port to listen on at 127.0.0.1; any that is free unless given
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Only write the address, and open no browser
    #[arg(long)]
    no_open: bool,
    #[command(flatten)]
    project: ProjectOptions,
}

pub(crate) async fn run(arguments: UiArguments, before: &ProjectOptions) -> Result<u8, Failure> {
    let options = arguments.project.after(before);
    let folders = Project::open(&options)?.folders;
    let port = arguments.port;
    let bound = match &arguments.file {
        None => Server::bind(ProjectRuns::new(options), port).await,
        Some(name) => Server::bind(FileRuns::open(&TraceFile::of(name))?, port).await,
    };
    let server = bound.map_err(|why| cannot_listen(port, &why))?;
    let url = server.url();
    screen::out(&url);
    screen::note(match &arguments.file {
        None => "whoever has this address can give orders to the runs; Ctrl-C ends it",
        Some(_) => "whoever has this address can look at the file; Ctrl-C ends it",
    });
    let opened = if arguments.no_open || !screen::is_attended() {
        None
    } else {
        Opened::new(&folders, server.address().port(), &url)
    };
    let served = server.serve(stopped()).await;
    drop(opened);
    served.map_err(|why| Failure::internal(format!("the page is served no longer: {why}")))?;
    Ok(0)
}

fn cannot_listen(port: u16, why: &io::Error) -> Failure {
    Failure::usage(
        format!("127.0.0.1:{port} cannot be listened on: {why}"),
        "name another port with --port, or none for any that is free",
    )
}

/// Ends with Ctrl-C or SIGTERM.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut told) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = told.recv() => {}
    }
}

/// A file that leads a browser to the page. The arguments of a program can be read by every user
/// of a machine, so the address is not among them; the file is the user's own, and goes away with
/// this.
struct Opened(PathBuf);

impl Opened {
    /// Opens the page in the browser of the user; none where that cannot be done, since the
    /// address was written.
    fn new(folders: &Folders, port: u16, url: &str) -> Option<Self> {
        let file = folders.tools.parent()?.join(format!("ui-{port}.html"));
        let written = write_own(&file, url);
        let opened = Self(file);
        let found = written.is_ok() && OPENERS.iter().any(|opener| open(opener, &opened.0));
        if !found {
            screen::note("no browser could be opened; open the address by hand");
        }
        Some(opened)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn write_own(file: &Path, url: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let _ = fs::remove_file(file);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?;
    writeln!(
        file,
        "<!doctype html><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"0;url={url}\">"
    )
}

fn open(opener: &str, file: &Path) -> bool {
    let mut command = Command::new(opener);
    command.arg(file).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().is_ok()
}
