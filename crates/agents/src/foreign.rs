//! Names that role files for other agent tools use, and what they are called here. Only what
//! does the same is mapped: there is no shell, so `Bash` has no equivalent.

/// The tools that come with the program, and that a role gets which does not list its tools.
pub const STANDARD_TOOLS: [&str; 8] = [
    "list_files",
    "read_file",
    "search_files",
    "find_files",
    "write_file",
    "edit_file",
    "move_file",
    "calculate",
];

const EQUIVALENTS: [(&str, &str); 6] = [
    ("Read", "read_file"),
    ("Write", "write_file"),
    ("Edit", "edit_file"),
    ("Grep", "search_files"),
    ("Glob", "find_files"),
    ("LS", "list_files"),
];

const WITHOUT_EQUIVALENT: [&str; 16] = [
    "Agent",
    "AskUserQuestion",
    "Bash",
    "BashOutput",
    "ExitPlanMode",
    "KillBash",
    "KillShell",
    "MultiEdit",
    "NotebookEdit",
    "NotebookRead",
    "Skill",
    "SlashCommand",
    "Task",
    "TodoWrite",
    "WebFetch",
    "WebSearch",
];

/// What a tool named in a role file is here.
pub(crate) enum Meaning {
    /// A tool of this name; whether it exists is the roster's to check.
    Tool(String),
    /// A tool of another program that has no equivalent.
    Nothing,
}

/// Looks a name up. An argument pattern behind it, as in `Bash(git log:*)`, is not part of it.
pub(crate) fn meaning(name: &str) -> Meaning {
    let plain = name.split('(').next().unwrap_or(name).trim();
    if let Some((_, ours)) = EQUIVALENTS.iter().find(|(theirs, _)| *theirs == plain) {
        return Meaning::Tool((*ours).to_owned());
    }
    if WITHOUT_EQUIVALENT.contains(&plain) {
        return Meaning::Nothing;
    }
    Meaning::Tool(plain.to_owned())
}
