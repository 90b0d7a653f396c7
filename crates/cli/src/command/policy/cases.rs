//! `leadhand policy test`.

use super::{FOUND, now_ms, policy_of};
use crate::failure::Failure;
use crate::files;
use crate::project::Project;
use crate::screen;
use leadhand::rooms::inspector::escape;
use leadhand::rooms::inspector::words;
use leadhand::rooms::policy::{CaseResult, RULE_FILE_BYTES_MAX, parse_cases, run_cases};
use std::path::PathBuf;

const MESSAGE_CHARS_MAX: usize = 1_000;

pub(super) fn run(paths: &[PathBuf], json: bool, project: &Project) -> Result<u8, Failure> {
    let mut cases = Vec::new();
    for path in paths {
        let text = files::read(path, RULE_FILE_BYTES_MAX)?;
        let parsed = parse_cases(&path.display().to_string(), &text);
        cases.extend(parsed.map_err(|error| Failure::Leadhand(error.into()))?);
    }
    let (policy, grants) = policy_of(project)?;
    let host = project.components().host(project.host_builder())?;
    let tool = |name: &str| host.specs().iter().find(|spec| spec.name == name);
    let results = run_cases(&policy, &cases, &grants, now_ms(), tool);
    let failed = results.iter().filter(|result| !result.passed).count();
    if json {
        screen::out_json(&results);
    } else {
        results.iter().for_each(show);
        screen::note(&format!(
            "{} passed, {failed} failed",
            words::count(results.len() - failed, "case")
        ));
    }
    Ok(if failed == 0 { 0 } else { FOUND })
}

fn show(result: &CaseResult) {
    let name = escape::line(&result.name, MESSAGE_CHARS_MAX);
    let source = escape::line(&result.source, MESSAGE_CHARS_MAX);
    let line = if result.passed {
        format!("ok      {name}\n")
    } else {
        let message = escape::line(&result.message, MESSAGE_CHARS_MAX);
        format!("FAILED  {name} ({source}): {message}\n")
    };
    screen::out(&line);
}
