//! A player of what tools and checks gave, so that a run can be repeated without its world.

use super::line::{CassetteLine, RecordedFiles, lines_of};
use crate::ModelError;
use leadhand_protocol::{
    Check, CheckResult, ContentHash, TaskId, ToolCall, ToolFault, ToolFaultKind, ToolOutput,
    canonical_json,
};
use serde_json::json;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Characters of arguments that are shown.
const SHOWN_CHARS_MAX: usize = 200;

/// What tools and checks gave in a run. Results of equal calls come in the order they were
/// recorded; the last one then stays. A call that has none fails, and so does a check.
#[derive(Debug)]
pub struct RecordedTools {
    path: PathBuf,
    calls: HashMap<ContentHash, Vec<Result<ToolOutput, ToolFault>>>,
    checks: HashMap<ContentHash, Vec<Vec<CheckResult>>>,
    files: RecordedFiles,
    played: Mutex<HashMap<ContentHash, usize>>,
}

impl RecordedTools {
    /// Reads a cassette of a run.
    ///
    /// # Errors
    /// [`ModelError::File`], or [`ModelError::Line`] with the line that cannot be read; also
    /// when the cassette holds nothing of a run but what models said.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let (mut calls, mut checks) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        let mut files = None;
        for (_, line) in lines_of(path)? {
            match line {
                CassetteLine::Call(call) => {
                    let key = call_key(&call.tool, &call.arguments);
                    // Reading saw to it that there is one of the two.
                    let came = call.output.ok_or_else(|| {
                        let nothing = || missing("neither result nor fault".to_owned());
                        call.fault.unwrap_or_else(nothing)
                    });
                    calls.entry(key).or_default().push(came);
                }
                CassetteLine::Checks(found) => {
                    let key = checks_key(found.task.as_ref(), &found.checks);
                    checks.entry(key).or_default().push(found.results);
                }
                CassetteLine::Files(told) => files = Some(told),
                CassetteLine::Head(_) | CassetteLine::Part(_) | CassetteLine::Answer(_) => {}
            }
        }
        let Some(files) = files else {
            return Err(ModelError::Line {
                path: path.to_owned(),
                line: 1,
                what: "there is nothing of tools on this cassette: make one of a whole run with \
                       `leadhand trace export RUN --format cassette`"
                    .to_owned(),
            });
        };
        Ok(Self {
            path: path.to_owned(),
            calls,
            checks,
            files,
            played: Mutex::default(),
        })
    }

    /// What came of a call.
    ///
    /// # Errors
    /// The fault on record, or that there is nothing on record.
    pub fn call(&self, call: &ToolCall) -> Result<ToolOutput, ToolFault> {
        let key = call_key(&call.name, &call.arguments);
        let Some(results) = self.calls.get(&key) else {
            let arguments = call.arguments.to_string();
            let shown: String = arguments.chars().take(SHOWN_CHARS_MAX).collect();
            return Err(missing(format!(
                "{}: no result is recorded for `{}` with {shown}",
                self.path.display(),
                call.name
            )));
        };
        results[self.turn(key).min(results.len() - 1)].clone()
    }

    /// What checks found; those that are not on record did not hold.
    #[must_use]
    pub fn checks(&self, task: Option<&TaskId>, checks: &[Check]) -> Vec<CheckResult> {
        let key = checks_key(task, checks);
        if let Some(results) = self.checks.get(&key) {
            return results[self.turn(key).min(results.len() - 1)].clone();
        }
        let unknown = |check: &Check| CheckResult {
            check: check.clone(),
            passed: false,
            evidence: format!(
                "{}: no result is recorded for this check",
                self.path.display()
            ),
        };
        checks.iter().map(unknown).collect()
    }

    /// The files that agents were told of.
    #[must_use]
    pub fn files(&self) -> &RecordedFiles {
        &self.files
    }

    /// How often this was asked before.
    fn turn(&self, key: ContentHash) -> usize {
        let mut played = self.played.lock().unwrap_or_else(PoisonError::into_inner);
        let count = played.entry(key).or_default();
        *count += 1;
        *count - 1
    }
}

fn missing(message: String) -> ToolFault {
    ToolFault {
        kind: ToolFaultKind::NotFound,
        message,
        retryable: false,
    }
}

fn call_key(tool: &str, arguments: &serde_json::Value) -> ContentHash {
    ContentHash::of(canonical_json(&json!([tool, arguments])).as_bytes())
}

fn checks_key(task: Option<&TaskId>, checks: &[Check]) -> ContentHash {
    ContentHash::of(canonical_json(&json!([task, checks])).as_bytes())
}
