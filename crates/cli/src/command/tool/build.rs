//! `leadhand tool build`: a component out of a folder of source, or a code runner.

use crate::components::host_builder;
use crate::failure::Failure;
use crate::folders::Folders;
use crate::project::ProjectOptions;
use crate::screen;
use clap::Args;
use leadhand::rooms::inspector::escape;
use leadhand_tool_build::{BuildError, RUNNERS, Runner, Workshop};
use std::path::PathBuf;

/// Build a tool from a folder with a Cargo.toml, tool.js or tool.py, or a code runner
///
/// The compiler runs as a program of yours, outside of any sandbox: build source that you
/// trust. For JavaScript and Python it is fetched once with npm or pip, in a pinned version.
#[derive(Debug, Args)]
pub(crate) struct BuildArguments {
    /// The folder, or run_javascript or run_python
    #[arg(value_name = "DIR|RUNNER")]
    source: String,
    /// Write the component into this file; else into the folder, under its name
    #[arg(short = 'o', long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: &BuildArguments, options: &ProjectOptions) -> Result<u8, Failure> {
    let folders = Folders::of_user()?;
    let say = |line: &str| screen::note(&escape::line(line, 300));
    let workshop = Workshop {
        cache: folders.compilers.clone(),
        cargo_home: folders.cargo.clone(),
        say: &say,
    };
    let folder = options.folder().join(&arguments.source);
    let runner = Runner::named(&arguments.source).filter(|_| !folder.is_dir());
    let built = match runner {
        Some(runner) => {
            let built = runner.build(&workshop, &folders.runners)?;
            if let Some(output) = &arguments.output {
                std::fs::copy(&built.component, output).map_err(|error| {
                    Failure::usage(format!("{}: {error}", output.display()), "")
                })?;
            }
            screen::note(&format!(
                "{} is a tool of every run from now on",
                runner.tool
            ));
            built
        }
        None if !folder.is_dir() => return Err(nothing_there(&folder.display().to_string())),
        None => workshop.build(&folder, arguments.output.as_deref())?,
    };
    screen::note("compiling it for this machine, once");
    let host = host_builder(&folders)
        .standard_tools(false)
        .component_file(&built.component)
        .build()?;
    let tools: Vec<&str> = host.specs().iter().map(|spec| spec.name.as_str()).collect();
    screen::note(&format!(
        "{} bytes with {}, sha256 {}",
        leadhand::rooms::inspector::words::number(built.bytes),
        escape::line(&tools.join(", "), 300),
        built.sha256
    ));
    screen::out(&built.component.display().to_string());
    Ok(0)
}

fn nothing_there(folder: &str) -> Failure {
    let runners: Vec<&str> = RUNNERS.iter().map(|runner| runner.tool).collect();
    Failure::usage(
        format!("{folder}: there is no such folder"),
        format!(
            "name the folder of a tool's source, or a code runner: {}",
            runners.join(", ")
        ),
    )
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        let hint = match &error {
            BuildError::NoSource { .. } => "docs/own-tools.md shows a tool in each language",
            BuildError::Missing { .. } => "install what is missing and build again",
            BuildError::Step { .. } => "mend what it says and build again",
            BuildError::SeveralSources { .. }
            | BuildError::NoComponent { .. }
            | BuildError::TooMuch { .. }
            | BuildError::Io { .. } => "",
        };
        Self::usage(error.to_string(), hint)
    }
}
