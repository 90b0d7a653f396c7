//! Which files of the workspace the manager is told of. A large workspace has more than a
//! prompt can hold, so what the goal mentions comes first.

use leadhand_protocol::Goal;

/// Chooses at most `files_max` of the sorted `all` for a goal: files that it names or its text
/// mentions by path or name, and files in folders it mentions, nearest first. When it mentions
/// none, the files highest up in the tree. Returns them sorted, and how many were left out.
pub(crate) fn relevant(all: Vec<String>, goal: &Goal, files_max: usize) -> (Vec<String>, usize) {
    let words: Vec<&str> = goal
        .text
        .split(|c: char| c.is_whitespace() || "`'\"()[]{}*,;:!?".contains(c))
        .map(|word| word.trim_end_matches(['.', '/']).trim_start_matches("./"))
        .filter(|word| !word.is_empty())
        .chain(goal.files.iter().map(String::as_str))
        .collect();
    let count = all.len();
    let mut ranked: Vec<(usize, String)> = all
        .into_iter()
        .map(|path| (rank(&path, &words), path))
        .collect();
    ranked.sort();
    let mentioned = ranked
        .iter()
        .filter(|(rank, _)| *rank < UNMENTIONED)
        .count();
    let taken = if mentioned > 0 {
        mentioned.min(files_max)
    } else {
        files_max
    };
    let mut files: Vec<String> = ranked
        .into_iter()
        .take(taken)
        .map(|(_, path)| path)
        .collect();
    files.sort();
    let left_out = count - files.len();
    (files, left_out)
}

const UNMENTIONED: usize = 1_000;

fn rank(path: &str, words: &[&str]) -> usize {
    let name = path.rsplit('/').next().unwrap_or(path);
    if words.iter().any(|word| *word == path || *word == name) {
        return 0;
    }
    let depth = path.matches('/').count();
    let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
    let nearest = folders
        .enumerate()
        .filter(|(_, folder)| words.contains(folder))
        .map(|(level, _)| depth - level)
        .min();
    nearest.unwrap_or(UNMENTIONED + depth)
}

#[cfg(test)]
mod tests {
    use super::{Goal, relevant};

    fn check(goal: &str, files_max: usize, expected: &[&str], left_out: usize) {
        let all = [
            "README.md",
            "docs/a.md",
            "docs/b.md",
            "docs/x/c.md",
            "src/main.rs",
        ];
        let all = all.map(str::to_owned).to_vec();
        let expected = expected.iter().map(ToString::to_string).collect();
        assert_eq!(
            relevant(all, &Goal::new(goal), files_max),
            (expected, left_out),
            "{goal}"
        );
    }

    #[test]
    fn what_the_goal_mentions_comes_first() {
        check("Do something.", 2, &["README.md", "docs/a.md"], 3);
        check("Summarize docs/.", 2, &["docs/a.md", "docs/b.md"], 3);
        check(
            "Summarize `docs`.",
            9,
            &["docs/a.md", "docs/b.md", "docs/x/c.md"],
            2,
        );
        check(
            "Read docs/*.md",
            9,
            &["docs/a.md", "docs/b.md", "docs/x/c.md"],
            2,
        );
        check("Mend main.rs", 9, &["src/main.rs"], 4);
        check("Read docs/x.", 9, &["docs/x/c.md"], 4);
    }
}
