//! A run that is resumed from the page: `leadhand resume` in a process of its own, which does not
//! end with the one that serves the page. What it writes goes into a file in the run's folder.

use crate::failure::{INTERNAL, NO_MODEL, USAGE};
use crate::project::ProjectOptions;
use crate::reach::Reach;
use leadhand::rooms::inspector::words;
use leadhand_viewer::{Resume, Trouble};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// Name of the file that it writes to.
const OUTPUT_FILE: &str = "resumed.log";
/// How long it is waited for until it carries the run out, in milliseconds. An embedded model may
/// have to be fetched before.
const BEGIN_WAIT_MS: u64 = 20_000;
/// Milliseconds between two looks at it.
const BEGIN_PAUSE_MS: u64 = 50;
/// Bytes from the end of its output in which its error is looked for.
const OUTPUT_BYTES_MAX: u64 = 8 * 1024;
/// How an error begins that ends the program.
const ERROR: &str = "error: ";

/// Has a run taken up, and waits until it is live or the process has ended. Gives what came of it.
///
/// # Errors
/// Why it does not go on, in the words of that process.
pub(crate) async fn resume(
    reach: &Reach,
    options: &ProjectOptions,
    how: &Resume,
) -> Result<String, Trouble> {
    let file = reach.run_folder().join(OUTPUT_FILE);
    let mut child = begin(reach, options, how, &file).map_err(|why| {
        let run = &reach.id;
        Trouble(format!(
            "no process could be started for run {run}: {why}; `leadhand resume {run}` does the same"
        ))
    })?;
    for _ in 0..BEGIN_WAIT_MS / BEGIN_PAUSE_MS {
        if let Ok(Some(status)) = child.try_wait() {
            return ended(status, &file);
        }
        if reach.live_in()? == Some(child.id()) {
            let pid = child.id();
            leave(child);
            return Ok(format!("It goes on, in process {pid}."));
        }
        tokio::time::sleep(Duration::from_millis(BEGIN_PAUSE_MS)).await;
    }
    let pid = child.id();
    leave(child);
    Ok(format!(
        "Process {pid} makes itself ready to go on with it; what it says is in {}.",
        file.display()
    ))
}

fn begin(reach: &Reach, options: &ProjectOptions, how: &Resume, file: &Path) -> io::Result<Child> {
    let out = fresh(file)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(options.as_arguments());
    command.arg("resume").arg(reach.id.as_str());
    if let Some(model) = &how.model {
        command.arg(format!("--model={model}"));
    }
    if let Some(tokens) = how.tokens_added {
        command.arg(format!("--add-budget-tokens={tokens}"));
    }
    if let Some(micro_usd) = how.micro_usd_added {
        let usd = words::money(micro_usd);
        command.arg(format!("--add-budget-usd={}", usd.trim_start_matches('$')));
    }
    command
        .stdin(Stdio::null())
        .stdout(out.try_clone()?)
        .stderr(out);
    // Ctrl-C on the terminal of the server is not meant for the run.
    command.process_group(0).spawn()
}

/// The file, empty and the user's own; what lay there under its name is not written through.
fn fresh(file: &Path) -> io::Result<File> {
    match fs::remove_file(file) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
        Ok(()) | Err(_) => {}
    }
    let mut open = OpenOptions::new();
    open.append(true).create_new(true).mode(0o600).open(file)
}

/// Takes note of the end of a process that is left to itself, so that the system forgets it. The
/// thread ends with this program at the latest.
fn leave(mut child: Child) {
    std::thread::spawn(move || child.wait());
}

/// What came of a process that has ended already.
fn ended(status: ExitStatus, file: &Path) -> Result<String, Trouble> {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    let is_told = |code: u8| matches!(code, INTERNAL | USAGE | NO_MODEL);
    let said = last_words(file).unwrap_or_default();
    let error = said.lines().position(|line| line.starts_with(ERROR));
    match (code, error) {
        // A run that found no model ends with the code of one that could not begin without.
        (Some(code), Some(at)) if is_told(code) => {
            let lines: Vec<&str> = said.lines().skip(at).collect();
            let why = lines.join("\n");
            Err(Trouble(why.trim_start_matches(ERROR).to_owned()))
        }
        (Some(_), _) => Ok("It went on, and has come to a stop again.".to_owned()),
        (None, _) => Err(Trouble(format!(
            "its process was killed ({status}); what it said is in {}",
            file.display()
        ))),
    }
}

fn last_words(file: &Path) -> io::Result<String> {
    let mut file = File::open(file)?;
    let bytes = file.metadata()?.len();
    file.seek(SeekFrom::Start(bytes.saturating_sub(OUTPUT_BYTES_MAX)))?;
    let mut said = Vec::new();
    file.take(OUTPUT_BYTES_MAX).read_to_end(&mut said)?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}
