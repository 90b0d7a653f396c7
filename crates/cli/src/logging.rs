//! Logs for those who look into the program itself: only with LEADHAND_LOG set, on standard
//! error. What a run does is in its journal, not here.

use crate::failure::Failure;
use clap::ValueEnum;
use leadhand::rooms::runtime::IDS;
use tracing_subscriber::EnvFilter;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

/// Starts logging when the environment asks for it.
///
/// # Errors
/// [`Failure::Usage`] when the filter cannot be read.
pub(crate) fn start(format: LogFormat) -> Result<(), Failure> {
    let Ok(filter) = std::env::var("LEADHAND_LOG") else {
        return Ok(());
    };
    let filter = EnvFilter::try_new(&filter).map_err(|error| {
        Failure::usage(
            format!("LEADHAND_LOG cannot be read: {error}"),
            "write a level or targets with levels, such as leadhand_runtime=debug",
        )
    })?;
    // Run and task stand on every line, whatever of the program is looked into.
    let ids = format!("{IDS}=error").parse().map_err(|error| {
        Failure::internal(format!("a filter that is built in cannot be read: {error}"))
    })?;
    let filter = filter.add_directive(ids);
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => logs.init(),
        LogFormat::Json => logs.json().init(),
    }
    Ok(())
}
