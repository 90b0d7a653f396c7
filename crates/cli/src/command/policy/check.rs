//! `leadhand policy check`.

use super::{FOUND, now_ms};
use crate::failure::Failure;
use crate::project::Project;
use crate::screen;
use leadhand::rooms::inspector::escape;
use leadhand::rooms::inspector::words;
use leadhand::rooms::policy::check;

const MESSAGE_CHARS_MAX: usize = 1_000;

pub(super) fn run(json: bool, project: &Project) -> Result<u8, Failure> {
    let rules = project.all_rules();
    let findings = check(&rules, now_ms());
    if json {
        screen::out_json(&findings);
    } else {
        for finding in &findings {
            let source = escape::line(&finding.source, MESSAGE_CHARS_MAX);
            let message = escape::line(&finding.message, MESSAGE_CHARS_MAX);
            screen::out(&format!("{source}: {message}\n"));
        }
        screen::note(&format!(
            "{}, {}",
            words::count(rules.len(), "rule"),
            words::count(findings.len(), "finding")
        ));
    }
    Ok(if findings.is_empty() { 0 } else { FOUND })
}
