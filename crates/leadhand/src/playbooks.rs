//! Playbooks in a workspace: their file patterns are resolved against the files there are.

use crate::error::Error;
use crate::session::{FILES_LOOKED_AT_MAX, Leadhand};
use fast_glob::{glob_match, validate};
use leadhand_agents::{Playbook, PlaybookError, PlaybookFault};
use leadhand_protocol::{Goal, Plan};
use std::collections::BTreeMap;

impl Leadhand {
    /// Makes a goal and its plan of a playbook and values for its parameters.
    ///
    /// # Errors
    /// [`Error::Playbook`] with everything that is wrong at once; [`Error::Listing`].
    pub fn instantiate(
        &self,
        playbook: &Playbook,
        values: &BTreeMap<String, String>,
    ) -> Result<(Goal, Plan), Error> {
        let mut files = BTreeMap::new();
        for pattern in playbook.file_patterns(values) {
            let matching = self.files_matching(playbook, &pattern)?;
            files.insert(pattern, matching);
        }
        Ok(playbook.instantiate(values, &files, self.limits())?)
    }

    fn files_matching(&self, playbook: &Playbook, pattern: &str) -> Result<Vec<String>, Error> {
        check_pattern(pattern).map_err(|text| {
            let fault = PlaybookFault {
                file: playbook.name.clone(),
                line: 0,
                text,
            };
            PlaybookError {
                file: playbook.name.clone(),
                faults: vec![fault],
            }
        })?;
        let (files, _) = self.files(FILES_LOOKED_AT_MAX)?;
        Ok(files
            .into_iter()
            .filter(|path| glob_match(pattern, path))
            .collect())
    }
}

/// What is wrong with a file pattern, in words. They are the globs that grants are made of too.
fn check_pattern(pattern: &str) -> Result<(), String> {
    if pattern.starts_with('!') {
        return Err(format!(
            "`{pattern}` is no file pattern: it begins with `!`, and nothing can be left out; \
             write \\! for a name that begins so"
        ));
    }
    validate(pattern).map_err(|why| format!("`{pattern}` is no file pattern: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, expected: &[&str]) {
        check_pattern(pattern).unwrap();
        let files = ["a.md", "a.txt", "docs/b.md", "docs/deep/c.txt", "x[1].md"];
        let found = files.into_iter().filter(|path| glob_match(pattern, path));
        assert_eq!(found.collect::<Vec<_>>(), expected, "{pattern}");
    }

    #[test]
    fn patterns_match_as_the_built_in_playbooks_mean_them() {
        check("*", &["a.md", "a.txt", "x[1].md"]);
        check("*.md", &["a.md", "x[1].md"]);
        check(
            "**/*.{md,txt}",
            &["a.md", "a.txt", "docs/b.md", "docs/deep/c.txt", "x[1].md"],
        );
        check("docs/**/*.md", &["docs/b.md"]);
        check("docs/*", &["docs/b.md"]);
        check("docs/deep/c.txt", &["docs/deep/c.txt"]);
        check("x\\[1\\].md", &["x[1].md"]);
        check("?.[a-m]?", &["a.md"]);
        check("docs", &[]);
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        for pattern in ["!a", "{a", "[a", "a\\"] {
            let why = check_pattern(pattern).unwrap_err();
            assert!(why.contains("is no file pattern: "), "{why}");
        }
    }
}
