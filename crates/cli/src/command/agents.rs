//! `leadhand agents`: the roles of a project, and checking role files and playbooks.

use crate::components::how_to_build;
use crate::failure::{Failure, USAGE};
use crate::files;
use crate::project::{Project, ProjectOptions, is_readme, playbook_files, role_files};
use crate::screen;
use clap::Subcommand;
use leadhand::rooms::agents::{PLAYBOOK_BYTES_MAX, ROLE_FILE_BYTES_MAX};
use leadhand::rooms::inspector::escape;
use leadhand::{Roster, parse_playbook};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Look at roles and playbooks
#[derive(Debug, Subcommand)]
pub(crate) enum AgentsCommand {
    /// List the roles and playbooks of the project and the built-in ones
    List {
        #[command(flatten)]
        project: ProjectOptions,
    },
    /// Check role files (.md) and playbooks (.toml); without files those of the project
    Check {
        /// The files
        files: Vec<PathBuf>,
        #[command(flatten)]
        project: ProjectOptions,
    },
}

pub(crate) fn run(command: &AgentsCommand, before: &ProjectOptions) -> Result<u8, Failure> {
    match command {
        AgentsCommand::List { project } => list(&Project::open(&project.after(before))?),
        AgentsCommand::Check { files, project } => {
            check(&Project::open(&project.after(before))?, files)
        }
    }
}

fn list(project: &Project) -> Result<u8, Failure> {
    let mut roster = Roster::built_in();
    for (name, text) in project.role_texts() {
        roster
            .add(name, text)
            .map_err(|error| Failure::Leadhand(error.into()))?;
    }
    let mut text = String::from("roles\n");
    for role in roster.roles() {
        let from = roster.file_of(&role.name).unwrap_or_default();
        let tools = if role.tools.is_empty() {
            "no tools".to_owned()
        } else {
            role.tools.join(", ")
        };
        let _ = writeln!(
            text,
            "  {:<12} {}\n{:15}{}; {}",
            escape::line(&role.name, 64),
            escape::line(&role.description, 200),
            "",
            escape::line(&tools, 200),
            escape::line(from, 120)
        );
    }
    text.push_str("playbooks\n");
    for playbook in project.playbooks()? {
        let params = playbook.params.iter().map(|param| match &param.default {
            Some(default) => format!("{}={}", param.name, default),
            None => format!("{}=…", param.name),
        });
        let params = params.collect::<Vec<_>>().join(" ");
        let _ = writeln!(
            text,
            "  {:<18} {}\n{:21}{}",
            escape::line(&playbook.name, 64),
            escape::line(&playbook.description, 200),
            "",
            escape::line(&params, 200)
        );
    }
    screen::out(&text);
    Ok(0)
}

fn check(project: &Project, named: &[PathBuf]) -> Result<u8, Failure> {
    let (readmes, mut paths): (Vec<PathBuf>, Vec<PathBuf>) =
        named.iter().cloned().partition(|path| is_readme(path));
    for path in &readmes {
        let name = escape::line(&path.display().to_string(), 200);
        screen::note(&format!("{name} is no role and left alone"));
    }
    if named.is_empty() {
        paths = role_files(&project.folder);
        paths.extend(playbook_files(&project.folder));
    }
    if named.is_empty() && paths.is_empty() {
        screen::note(
            "there are no role files or playbooks in this project; `leadhand agents list` shows \
             the built-in ones",
        );
        return Ok(0);
    }
    let host = project.components().host(project.host_builder())?;
    let tools: Vec<&str> = host.specs().iter().map(|spec| spec.name.as_str()).collect();
    let models: Vec<&str> = project.config.models.keys().map(String::as_str).collect();
    let mut roster = Roster::built_in();
    let (mut notices, mut faults) = (Vec::new(), 0);
    for path in &paths {
        match check_file(path, &mut roster) {
            Ok(found) => notices.extend(found),
            Err(fault) => {
                faults += 1;
                screen::note(&format!("error: {}", escape::lines(&fault)));
            }
        }
    }
    notices.extend(roster.check(&tools, &models));
    for notice in notices {
        let notice = notice.to_string();
        let how = how_to_build(&notice);
        screen::note(&(escape::line(&notice, 300) + &how));
    }
    screen::note(&format!(
        "{} checked, {faults} cannot be used",
        leadhand::rooms::inspector::words::count(paths.len(), "file")
    ));
    Ok(if faults == 0 { 0 } else { USAGE })
}

fn check_file(path: &Path, roster: &mut Roster) -> Result<Vec<leadhand::Notice>, String> {
    let name = path.display().to_string();
    let read = |bytes_max| files::read(path, bytes_max).map_err(|failure| failure.to_string());
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("toml") => parse_playbook(&name, &read(PLAYBOOK_BYTES_MAX)?)
            .map(|_| Vec::new())
            .map_err(|error| error.to_string()),
        Some("md") => roster
            .add(&name, &read(ROLE_FILE_BYTES_MAX)?)
            .map_err(|error| error.to_string()),
        _ => Err(format!(
            "{name}: the name of a role file ends in .md, that of a playbook in .toml"
        )),
    }
}
