//! The roles and playbooks that come with the program, taken from the folder `agents/`.

use crate::playbook::{Playbook, parse_playbook};
use crate::role_file::{RoleFile, read};

const MARK: &str = "built in: ";

const MANAGER_FILE: (&str, &str) = (
    "built in: manager.md",
    include_str!("../../../agents/manager.md"),
);

const WORKER_FILES: [(&str, &str); 5] = [
    (
        "built in: workers/analyst.md",
        include_str!("../../../agents/workers/analyst.md"),
    ),
    (
        "built in: workers/coder.md",
        include_str!("../../../agents/workers/coder.md"),
    ),
    (
        "built in: workers/researcher.md",
        include_str!("../../../agents/workers/researcher.md"),
    ),
    (
        "built in: workers/reviewer.md",
        include_str!("../../../agents/workers/reviewer.md"),
    ),
    (
        "built in: workers/writer.md",
        include_str!("../../../agents/workers/writer.md"),
    ),
];

const PLAYBOOK_FILES: [(&str, &str); 6] = [
    (
        "built in: playbooks/answer-question.toml",
        include_str!("../../../agents/playbooks/answer-question.toml"),
    ),
    (
        "built in: playbooks/compare-files.toml",
        include_str!("../../../agents/playbooks/compare-files.toml"),
    ),
    (
        "built in: playbooks/extract-json.toml",
        include_str!("../../../agents/playbooks/extract-json.toml"),
    ),
    (
        "built in: playbooks/rename-by-rule.toml",
        include_str!("../../../agents/playbooks/rename-by-rule.toml"),
    ),
    (
        "built in: playbooks/review-file.toml",
        include_str!("../../../agents/playbooks/review-file.toml"),
    ),
    (
        "built in: playbooks/summarize-folder.toml",
        include_str!("../../../agents/playbooks/summarize-folder.toml"),
    ),
];

pub(crate) fn is_built_in(file: &str) -> bool {
    file.starts_with(MARK)
}

/// The manager and the workers.
pub(crate) fn roles() -> (RoleFile, Vec<RoleFile>) {
    (role(MANAGER_FILE), WORKER_FILES.map(role).into())
}

fn role((file, text): (&str, &str)) -> RoleFile {
    read(file, text).expect("the role files of the program are held by a test")
}

/// The playbooks that come with the program, by name.
#[must_use]
pub fn built_in_playbooks() -> Vec<Playbook> {
    let parse = |(file, text): (&str, &str)| {
        parse_playbook(file, text).expect("the playbooks of the program are held by a test")
    };
    PLAYBOOK_FILES.map(parse).into()
}
