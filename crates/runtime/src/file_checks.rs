//! Acceptance checks that look at files: evidence from the workspace, not from what an agent
//! says. Reading goes through the open workspace folder, so a path cannot lead out of it.

use leadhand_engine::schema_faults;
use leadhand_protocol::{Check, CheckResult};
use leadhand_sandbox::Workspace;

/// Largest file whose content is checked.
const CHECKED_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Carries out the checks in order. Blocks on the disk.
pub(crate) fn carry_out(
    checks: Vec<Check>,
    changed: &[String],
    workspace: &Workspace,
) -> Vec<CheckResult> {
    let results = checks.into_iter().map(|check| {
        let (passed, evidence) = look(&check, changed, workspace);
        CheckResult {
            check,
            passed,
            evidence,
        }
    });
    results.collect()
}

/// What is found when the checks could not be carried out to their end: nothing was seen, so
/// nothing counts.
pub(crate) fn undecided(checks: Vec<Check>) -> Vec<CheckResult> {
    let results = checks.into_iter().map(|check| CheckResult {
        check,
        passed: false,
        evidence: "the check broke off, which is a fault of the program".to_owned(),
    });
    results.collect()
}

fn look(check: &Check, changed: &[String], workspace: &Workspace) -> (bool, String) {
    match check {
        Check::FileExists { path } => exists(workspace, path),
        Check::FileAbsent { path } => match workspace.read(path, CHECKED_BYTES_MAX) {
            Ok(None) => (true, format!("`{path}` does not exist")),
            Ok(Some(_)) => (false, format!("`{path}` still exists")),
            Err(why) => (false, why),
        },
        Check::FileChanged { path } => match exists(workspace, path) {
            (true, _) if changed.contains(path) => (true, format!("`{path}` was written")),
            (true, _) => (false, format!("`{path}` was not changed by this run")),
            missing => missing,
        },
        Check::FileUnchanged { path } => match exists(workspace, path) {
            (true, _) if changed.contains(path) => (false, format!("`{path}` was changed")),
            (true, _) => (true, format!("`{path}` is as it was")),
            missing => missing,
        },
        Check::FileMatches { path, pattern } => match holds(workspace, path, pattern) {
            Ok(true) => (true, format!("`{path}` holds what is asked for")),
            Ok(false) => {
                let evidence = format!("`{path}` does not hold everything that is asked for");
                (false, evidence)
            }
            Err(why) => (false, why),
        },
        Check::FileLacks { path, pattern } => match holds(workspace, path, pattern) {
            Ok(false) => (true, format!("`{path}` holds nothing that it must not")),
            Ok(true) => (false, format!("`{path}` holds something that it must not")),
            Err(why) => (false, why),
        },
        Check::FileFits { path, schema } => match text(workspace, path) {
            Err(why) => (false, why),
            Ok(text) => match serde_json::from_str(&text) {
                Err(error) => (false, format!("`{path}` is not JSON: {error}")),
                Ok(value) => match schema_faults(schema, &value) {
                    faults if faults.is_empty() => (true, format!("`{path}` fits its schema")),
                    faults => (
                        false,
                        format!("`{path}` does not fit: {}", faults.join("; ")),
                    ),
                },
            },
        },
        Check::OutputMatches { .. }
        | Check::ToolPasses { .. }
        | Check::CitationsResolve
        | Check::Judged { .. } => (false, "this check looks at no file".to_owned()),
    }
}

fn exists(workspace: &Workspace, path: &str) -> (bool, String) {
    match workspace.read(path, CHECKED_BYTES_MAX) {
        Ok(Some(bytes)) if bytes.is_empty() => (false, format!("`{path}` is empty")),
        Ok(Some(bytes)) => (true, format!("`{path}` exists ({} bytes)", bytes.len())),
        Ok(None) => (false, format!("`{path}` does not exist")),
        Err(why) => (false, why),
    }
}

fn text(workspace: &Workspace, path: &str) -> Result<String, String> {
    match workspace.read(path, CHECKED_BYTES_MAX)? {
        None => Err(format!("`{path}` does not exist")),
        Some(bytes) => {
            String::from_utf8(bytes).map_err(|_| format!("`{path}` is not text in UTF-8"))
        }
    }
}

/// Whether the file holds a match. Evidence never quotes the pattern: a model that is told it
/// may write it into the file.
fn holds(workspace: &Workspace, path: &str, pattern: &str) -> Result<bool, String> {
    let expression = regex::Regex::new(pattern)
        .map_err(|error| format!("the pattern `{pattern}` cannot be read: {error}"))?;
    Ok(expression.is_match(&text(workspace, path)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

    use super::carry_out;
    use leadhand_protocol::Check;
    use leadhand_sandbox::Workspace;

    /// What each check of a folder with one file finds, a line each.
    fn check(checks: &[Check], expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.md"), "the port is 9090").unwrap();
        let workspace = Workspace::open(folder.path()).unwrap();
        let found = carry_out(checks.to_vec(), &["a.md".to_owned()], &workspace);
        let lines: Vec<String> = found
            .iter()
            .map(|result| format!("{} {}", result.passed, result.evidence))
            .collect();
        assert_eq!(lines.join("\n"), expected);
    }

    #[test]
    fn evidence_says_what_was_seen_and_gives_no_pattern_away() {
        let path = || "a.md".to_owned();
        let matches = |pattern: &str| Check::FileMatches {
            path: path(),
            pattern: pattern.to_owned(),
        };
        let lacks = |pattern: &str| Check::FileLacks {
            path: path(),
            pattern: pattern.to_owned(),
        };
        check(
            &[
                matches("9[0-9]90"),
                matches("8080"),
                lacks("8080"),
                lacks("9[0-9]90"),
                Check::FileChanged { path: path() },
                Check::FileUnchanged { path: path() },
                Check::FileAbsent { path: path() },
                Check::FileFits {
                    path: path(),
                    schema: true.into(),
                },
                Check::FileExists {
                    path: "b.md".to_owned(),
                },
            ],
            "true `a.md` holds what is asked for
false `a.md` does not hold everything that is asked for
true `a.md` holds nothing that it must not
false `a.md` holds something that it must not
true `a.md` was written
false `a.md` was changed
false `a.md` still exists
false `a.md` is not JSON: expected ident at line 1 column 2
false `b.md` does not exist",
        );
    }
}
