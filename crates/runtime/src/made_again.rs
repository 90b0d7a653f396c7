//! A call that is made again after a crash may have changed files before. The second time it
//! leaves them as they are, and the host sees no change; they count as changed all the same.

use leadhand_protocol::{Capability, Change, ContentHash, FileChange, Permit, ToolOutput};
use leadhand_sandbox::Workspace;

/// Adds the files that the call may write, are there, and are not among those it changed this
/// time. Whether it made or changed them is not known any more. What it left half-written goes.
/// Blocks on the disk.
pub(crate) fn complete(
    output: &mut ToolOutput,
    permit: &Permit,
    workspace: &Workspace,
    bytes_max: u64,
) {
    let may_write = permit
        .grants
        .iter()
        .filter(|grant| grant.capability == Capability::FsWrite)
        .map(|grant| grant.resource.as_str())
        .filter(|resource| !resource.contains(['*', '?', '[', '{', '\\']));
    for path in may_write {
        workspace.clear_broken_off(path);
        if output.files.iter().any(|file| file.path == path) {
            continue;
        }
        if let Ok(Some(bytes)) = workspace.read(path, bytes_max) {
            output.files.push(FileChange {
                path: path.to_owned(),
                change: Change::Modified,
                hash: Some(ContentHash::of(&bytes)),
                bytes: bytes.len() as u64,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

    use super::*;
    use leadhand_protocol::Grant;

    #[track_caller]
    fn check(grants: &[(Capability, &str)], changed: &[&str], expected: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.md"), "alpha").unwrap();
        let workspace = Workspace::open(folder.path()).unwrap();
        let grants = grants.iter().map(|(capability, resource)| Grant {
            capability: *capability,
            resource: (*resource).to_owned(),
        });
        let permit = Permit {
            grants: grants.collect(),
            ..Permit::default()
        };
        let modified = |path: &&str| FileChange {
            path: (*path).to_owned(),
            change: Change::Modified,
            hash: Some(ContentHash::of(b"alpha")),
            bytes: 5,
        };
        let mut output = ToolOutput {
            files: changed.iter().map(modified).collect(),
            ..ToolOutput::default()
        };
        complete(&mut output, &permit, &workspace, 1_000);
        let expected: Vec<FileChange> = expected.iter().map(modified).collect();
        assert_eq!(output.files, expected);
    }

    #[test]
    fn what_a_call_may_have_changed_before_counts_as_changed() {
        let write = Capability::FsWrite;
        check(&[(write, "a.md")], &[], &["a.md"]);
        check(&[(write, "a.md")], &["a.md"], &["a.md"]);
        check(&[(write, "b.md")], &[], &[]);
        check(&[(write, "**")], &[], &[]);
        check(&[(Capability::FsRead, "a.md")], &[], &[]);
    }
}
