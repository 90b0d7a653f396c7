//! What the user approved for a project until a date. It is kept in the user's own folder, one
//! file for each project, named by the hash of the project's path: what a project brings with
//! it can add nothing to it.

use crate::failure::Failure;
use crate::files;
use leadhand::ContentHash;
use leadhand::rooms::policy::{RULE_FILE_BYTES_MAX, parse_approvals};
use leadhand::rooms::protocol::Approval;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Folder of these files, in the user's.
const FOLDER: &str = "approvals";

/// A date as it was written, and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Until {
    text: String,
    pub(crate) ms: u64,
}

impl Until {
    /// Reads a date as rule files write it, which must be still to come.
    ///
    /// # Errors
    /// [`Failure::Usage`].
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let shown = leadhand::rooms::inspector::escape::line(text, 40);
        let none = || {
            Failure::usage(
                format!("--until {shown}: this is no date"),
                "write 2026-12-31 (it ends when that day begins, UTC) or 2026-12-31T18:00:00+01:00",
            )
        };
        if !text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"-:.+TtZz".contains(&byte))
        {
            return Err(none());
        }
        let table = table("any", "", text);
        let approvals = parse_approvals("--until", &table).map_err(|_| none())?;
        let ms = approvals
            .first()
            .and_then(|approval| approval.until_ms)
            .ok_or_else(none)?;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        if u128::from(ms) <= now.as_millis() {
            return Err(Failure::usage(
                format!("--until {shown}: that is over"),
                "name a date that is still to come",
            ));
        }
        let text = text.to_owned();
        Ok(Self { text, ms })
    }
}

/// What was approved for a project.
///
/// # Errors
/// What is wrong with the file, by line.
pub(crate) fn load(user_folder: &Path, project: &Path) -> Result<Vec<Approval>, Failure> {
    let Some(path) = path(user_folder, project) else {
        return Ok(Vec::new());
    };
    let text = files::read_if_there(&path, RULE_FILE_BYTES_MAX)?.unwrap_or_default();
    parse_approvals(&path.display().to_string(), &text)
        .map_err(|error| Failure::Leadhand(error.into()))
}

/// Keeps one more approval for a project; gives the file.
///
/// # Errors
/// [`Failure::Usage`] when the file cannot be written.
pub(crate) fn keep(
    user_folder: &Path,
    project: &Path,
    (tool, role): (&str, &str),
    until: &Until,
) -> Result<PathBuf, Failure> {
    let path = path(user_folder, project).unwrap_or_default();
    let fault = |what: String| {
        Failure::usage(
            format!(
                "{}: {what}; the answer counts for this run alone",
                path.display()
            ),
            "make the folder writable, then approve the next such call for the project",
        )
    };
    let table = table(tool, role, &until.text);
    if let Err(error) = parse_approvals("", &table) {
        return Err(fault(format!(
            "an approval of `{tool}` cannot be written: {error}"
        )));
    }
    let written = || -> std::io::Result<()> {
        fs::create_dir_all(user_folder.join(FOLDER))?;
        let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
        let head = match file.metadata()?.len() {
            0 => format!(
                "# What was approved for the project {:?}.\n",
                project.canonicalize()?
            ),
            _ => String::new(),
        };
        // One write at the end of the file: approvals given at once stand one after the other.
        file.write_all(format!("{head}\n{table}").as_bytes())
    };
    written().map_err(|error| fault(error.to_string()))?;
    Ok(path)
}

fn path(user_folder: &Path, project: &Path) -> Option<PathBuf> {
    let project = project.canonicalize().ok()?;
    let name = ContentHash::of(project.as_os_str().as_bytes());
    Some(user_folder.join(FOLDER).join(format!("{name}.toml")))
}

/// One table of a rule file. A JSON string is a TOML one.
fn table(tool: &str, role: &str, until: &str) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let (tool, role) = (quoted(tool), quoted(role));
    format!("[[approvals]]\ntool = {tool}\nrole = {role}\nuntil = {until}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_one_that_is_still_to_come() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(
                Until::parse(text).ok().map(|until| until.ms),
                expected,
                "{text}"
            );
        };
        check("2100-01-01", Some(4_102_444_800_000));
        check("2100-01-01T01:00:00+01:00", Some(4_102_444_800_000));
        check("2000-01-01", None);
        check("tomorrow", None);
        check("2100-01-01\ntool = \"other\"", None);
        check("", None);
    }

    #[test]
    fn what_is_kept_for_a_project_is_found_for_it_alone() {
        let (user, project) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let until = Until::parse("2100-01-01").unwrap();
        let kept = ["fetch", "write_file"]
            .map(|tool| keep(user.path(), project.path(), (tool, "writer"), &until).unwrap());
        assert_eq!(kept[0], kept[1]);
        let loaded = load(user.path(), project.path()).unwrap();
        let seen: Vec<_> = loaded
            .iter()
            .map(|approval| {
                (
                    approval.tool.as_str(),
                    approval.role.as_str(),
                    approval.until_ms,
                )
            })
            .collect();
        let until_ms = Some(until.ms);
        assert_eq!(
            seen,
            [
                ("fetch", "writer", until_ms),
                ("write_file", "writer", until_ms)
            ]
        );
        let other = tempfile::tempdir().unwrap();
        assert_eq!(load(user.path(), other.path()).unwrap(), []);
    }
}
