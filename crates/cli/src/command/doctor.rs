//! `leadhand doctor`: what is set up and what is missing. A finding that keeps runs from
//! working makes the exit code 2; everything else is only told.

use crate::command::model::servers;
use crate::failure::{Failure, USAGE};
use crate::folders::Folders;
use crate::model_choice::{self, variable};
use crate::model_file;
use crate::project::{Project, ProjectOptions};
use crate::screen;
use clap::Args;
use leadhand::rooms::inspector::escape;
use leadhand::rooms::model::catalog::{CATALOG, CatalogEntry};
use leadhand::rooms::protocol::{Permit, ToolCall};
use leadhand::rooms::sandbox::{CallContext, ToolHost, Workspace};
use leadhand::{ContentHash, ToolLimits};
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;

/// Say what is set up and what is missing
#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// Write a JSON array
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    project: ProjectOptions,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    /// What was looked at.
    what: &'static str,
    state: State,
    /// What was seen, and what to do where something is missing. Never holds a key.
    seen: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// It is as it should be.
    Ok,
    /// It is not there, and need not be.
    Missing,
    /// Runs cannot work like this.
    Fault,
}

fn ok(what: &'static str, seen: impl Into<String>) -> Finding {
    Finding {
        what,
        state: State::Ok,
        seen: seen.into(),
    }
}

fn missing(what: &'static str, seen: impl Into<String>) -> Finding {
    Finding {
        what,
        state: State::Missing,
        seen: seen.into(),
    }
}

fn fault(what: &'static str, seen: impl Into<String>) -> Finding {
    Finding {
        what,
        state: State::Fault,
        seen: seen.into(),
    }
}

pub(crate) async fn run(
    arguments: &DoctorArguments,
    before: &ProjectOptions,
) -> Result<u8, Failure> {
    let options = &arguments.project.after(before);
    let mut findings = vec![version()];
    let project = Project::open(options);
    findings.push(configuration(&project));
    findings.push(key());
    let found = servers().await;
    findings.push(match found.is_empty() {
        true => missing(
            "servers",
            "none answers: no OPENAI_BASE_URL, no Ollama or llama.cpp at its usual port",
        ),
        false => ok(
            "servers",
            found.iter().map(described).collect::<Vec<_>>().join("; "),
        ),
    });
    if let Ok(project) = &project {
        findings.push(match model_choice::usual(&project.config).await {
            Ok(described) => ok(
                "model",
                format!("runs use {described} unless told otherwise"),
            ),
            Err(failure) => missing("model", format!("{failure}; {}", failure.hint())),
        });
    }
    let folders = Folders::of_user()?;
    for entry in &CATALOG {
        findings.push(embedded(entry, &folders).await);
    }
    findings.push(writable("model folder", &folders.models));
    findings.push(writable("workspace", options.folder()));
    findings.push(terminal());
    findings.push(sandbox(&folders, options.folder()).await);
    let faults = findings.iter().any(|finding| finding.state == State::Fault);
    if arguments.json {
        screen::out_json(&findings);
    } else {
        screen::out(&findings.iter().map(line).collect::<String>());
    }
    Ok(if faults { USAGE } else { 0 })
}

fn configuration(project: &Result<Project, Failure>) -> Finding {
    let models = match project {
        Ok(project) => &project.config.models,
        Err(failure) => return fault("configuration", failure.to_string()),
    };
    let models = models.keys().map(String::as_str).collect::<Vec<_>>();
    if models.is_empty() {
        let seen = "can be read; no leadhand.toml describes a model ([models.NAME])";
        return ok("configuration", seen);
    }
    ok("configuration", format!("models {}", models.join(", ")))
}

fn line(finding: &Finding) -> String {
    let state = match finding.state {
        State::Ok => "ok",
        State::Missing => "--",
        State::Fault => "FAULT",
    };
    format!(
        "{state:<6} {:<15} {}\n",
        finding.what,
        escape::line(&finding.seen, 400)
    )
}

fn version() -> Finding {
    let features = [
        cfg!(feature = "openai").then_some("openai"),
        cfg!(feature = "embedded").then_some("embedded"),
    ];
    let features: Vec<&str> = features.into_iter().flatten().collect();
    ok(
        "version",
        format!(
            "leadhand {} for {} on {}, with {}",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH,
            if features.is_empty() {
                "no models".to_owned()
            } else {
                features.join(", ")
            }
        ),
    )
}

fn key() -> Finding {
    let named = [
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "OPENAI_MODEL",
        "LEADHAND_MODEL",
    ];
    let set: Vec<&str> = named
        .into_iter()
        .filter(|name| variable(name).is_some())
        .collect();
    if set.is_empty() {
        return missing(
            "environment",
            "neither OPENAI_API_KEY nor OPENAI_BASE_URL is set",
        );
    }
    ok("environment", format!("{} set", set.join(", ")))
}

fn described((name, base_url, models): &(String, String, Vec<String>)) -> String {
    format!("{name} at {base_url} with {}", models.join(", "))
}

async fn embedded(entry: &CatalogEntry, folders: &Folders) -> Finding {
    let path = model_file::path(entry, folders);
    let named = format!("{} ({})", entry.name, path.display());
    if !path.is_file() {
        return missing(
            "model file",
            format!("{named} is not fetched: leadhand model pull {}", entry.name),
        );
    }
    verified(entry, &path, named).await
}

#[cfg(feature = "embedded")]
async fn verified(entry: &CatalogEntry, path: &Path, named: String) -> Finding {
    match leadhand::rooms::model::verify_file(path, entry).await {
        Ok(()) => ok("model file", format!("{named}, its SHA-256 is right")),
        Err(error) => fault(
            "model file",
            format!(
                "{error}; fetch it again with leadhand model pull {}",
                entry.name
            ),
        ),
    }
}

#[cfg(not(feature = "embedded"))]
async fn verified(_: &CatalogEntry, _: &Path, named: String) -> Finding {
    missing(
        "model file",
        format!("{named} is there, but this build has no embedded models"),
    )
}

/// Whether a folder can be written; one that is not there yet counts by those above it.
fn writable(what: &'static str, folder: &Path) -> Finding {
    let existing = folder
        .ancestors()
        .find(|above| above.is_dir())
        .unwrap_or(Path::new("."));
    let existing = if existing.as_os_str().is_empty() {
        Path::new(".")
    } else {
        existing
    };
    let probe = existing.join(format!(".leadhand-probe-{}", std::process::id()));
    let made = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&probe);
    match made {
        Ok(_) => {
            drop(std::fs::remove_file(&probe));
            ok(what, format!("{} can be written", folder.display()))
        }
        Err(error) => fault(
            what,
            format!("{} cannot be written: {error}", folder.display()),
        ),
    }
}

fn terminal() -> Finding {
    if screen::is_attended() {
        ok(
            "terminal",
            "a person can be asked; autonomy is L2 unless told otherwise",
        )
    } else {
        missing(
            "terminal",
            "nobody can be asked; autonomy is L4 unless told otherwise",
        )
    }
}

/// One tool call, through everything that a call of a run goes through.
async fn sandbox(folders: &Folders, folder: &Path) -> Finding {
    let what = "sandbox";
    let workspace = match Workspace::open(folder) {
        Ok(workspace) => Arc::new(workspace),
        Err(error) => return fault(what, error.to_string()),
    };
    let host = match ToolHost::builder()
        .cache_dir(Some(folders.tools.clone()))
        .build()
    {
        Ok(host) => host,
        Err(error) => return fault(what, error.to_string()),
    };
    let call = ToolCall {
        id: "doctor".to_owned(),
        name: "calculate".to_owned(),
        arguments: serde_json::json!({ "expression": "6 * 7" }),
    };
    let context = CallContext {
        workspace,
        permit: Permit::default(),
        limits: ToolLimits::default(),
        call_id: "doctor".to_owned(),
        agent: "doctor".to_owned(),
        now_ms: 0,
        seed: 0,
        key: ContentHash::of(b"doctor"),
        trace: None,
    };
    let tools = host.specs().len();
    match host.call(&call, &context).await {
        Ok(output) if output.text.contains("42") => ok(what, format!("{tools} tools; 6 * 7 is 42")),
        Ok(output) => fault(what, format!("6 * 7 is not {}", output.text)),
        Err(error) => fault(what, error.to_string()),
    }
}
