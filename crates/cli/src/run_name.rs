//! Runs as people name them: whole, by the first letters of the id, or `last`.

use crate::failure::Failure;
use leadhand::rooms::inspector::escape;
use leadhand::{Journal, RunId};

/// The one run that a text names.
///
/// # Errors
/// [`Failure::Usage`] when there is none or more than one.
pub(crate) fn find(journal: &dyn Journal, text: &str) -> Result<RunId, Failure> {
    let runs: Vec<RunId> = journal.runs()?.into_iter().map(|entry| entry.run).collect();
    let named = |run: &&RunId| run.as_str() == text || (text == "last" && **run == runs[0]);
    if let Some(run) = runs.iter().find(named) {
        return Ok(run.clone());
    }
    let begins: Vec<&RunId> = runs
        .iter()
        .filter(|run| !text.is_empty() && run.as_str().starts_with(text))
        .collect();
    match begins[..] {
        [run] => Ok(run.clone()),
        [] => Err(Failure::usage(
            format!(
                "there is no run `{}` in this project",
                escape::line(text, 80)
            ),
            "`leadhand ps` lists the runs there are; -C names another project",
        )),
        _ => Err(Failure::usage(
            format!(
                "`{}` begins the names of {} runs",
                escape::line(text, 80),
                begins.len()
            ),
            "write more letters; `leadhand ps` lists the runs there are",
        )),
    }
}
