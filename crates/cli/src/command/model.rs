//! `leadhand model`: the models there are, and fetching the files of embedded ones.

use crate::failure::Failure;
use crate::model_file;
use crate::project::{Project, ProjectOptions};
use crate::screen;
use clap::Subcommand;
use leadhand::Provider;
use leadhand::rooms::inspector::escape;
use leadhand::rooms::model::catalog::{CATALOG, DEFAULT_MODEL, find};
use std::fmt::Write;

/// Look at models and fetch embedded ones
#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// List the models of leadhand.toml, the embedded ones, and servers on this machine
    List {
        #[command(flatten)]
        project: ProjectOptions,
    },
    /// Fetch the file of an embedded model, going on where an earlier fetch stopped
    Pull {
        /// The model
        #[arg(default_value = DEFAULT_MODEL)]
        name: String,
        #[command(flatten)]
        project: ProjectOptions,
    },
}

pub(crate) async fn run(command: &ModelCommand, before: &ProjectOptions) -> Result<u8, Failure> {
    match command {
        ModelCommand::List { project } => list(&Project::open(&project.after(before))?).await,
        ModelCommand::Pull { name, project } => {
            pull(&Project::open(&project.after(before))?, name).await
        }
    }
}

async fn pull(project: &Project, name: &str) -> Result<u8, Failure> {
    let entry = find(name).ok_or_else(|| {
        let known: Vec<&str> = CATALOG.iter().map(|entry| entry.name).collect();
        Failure::usage(
            format!("the catalog has no model `{}`", escape::line(name, 80)),
            format!("it has {}", known.join(", ")),
        )
    })?;
    let file = model_file::fetch(entry, &project.folders).await?;
    screen::out(&file.display().to_string());
    Ok(0)
}

async fn list(project: &Project) -> Result<u8, Failure> {
    let mut text = String::new();
    for (name, config) in &project.config.models {
        let provider = match config.provider {
            Provider::OpenAi => config.base_url.as_deref().unwrap_or("OpenAI"),
            Provider::Embedded => "embedded",
            Provider::Scripted => "scripted",
            Provider::Cassette => "cassette",
        };
        let model = config.model.as_deref().unwrap_or_default();
        let line = format!(
            "{:<22} {} {}",
            escape::line(name, 60),
            escape::line(provider, 100),
            escape::line(model, 100)
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    for entry in &CATALOG {
        let there = model_file::path(entry, &project.folders).is_file();
        let there = if there { "fetched" } else { "not fetched" };
        let _ = writeln!(
            text,
            "{:<22} embedded, {} MB, {there}: {} (also `{}`)",
            entry.name,
            entry.bytes / 1_000_000,
            entry.purpose,
            entry.alias
        );
    }
    for (server, base_url, models) in servers().await {
        for model in models {
            let _ = writeln!(
                text,
                "{:<22} {server} at {base_url}",
                escape::line(&model, 100)
            );
        }
    }
    screen::out(&text);
    Ok(0)
}

/// Servers: what each is, where, and its models; the one of OPENAI_BASE_URL, else those on
/// this machine.
#[cfg(feature = "openai")]
pub(crate) async fn servers() -> Vec<(String, String, Vec<String>)> {
    let [named, key] = ["OPENAI_BASE_URL", "OPENAI_API_KEY"].map(crate::model_choice::variable);
    let found = leadhand::rooms::model::discover(named.as_deref(), key.as_deref()).await;
    found
        .into_iter()
        .map(|server| (server.name, server.base_url, server.models))
        .collect()
}

/// This build could not use a server.
#[cfg(not(feature = "openai"))]
pub(crate) async fn servers() -> Vec<(String, String, Vec<String>)> {
    Vec::new()
}
