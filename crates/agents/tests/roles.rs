//! Role files: what people write, what becomes of it, and what is said about it.

use leadhand_agents::{ROLE_FILE_BYTES_MAX, Roster, STANDARD_TOOLS, parse_role};
use leadhand_protocol::{Autonomy, Budget, Capability, Grant, Role};

/// The role and the notices of a file, or its error.
fn check(text: &str, expected: Result<(Role, &[&str]), &str>) {
    let found = parse_role("r.md", text).map(|(role, notices)| {
        (
            role,
            notices.iter().map(ToString::to_string).collect::<Vec<_>>(),
        )
    });
    let expected = expected.map(|(role, notices)| {
        (
            role,
            notices.iter().map(|notice| (*notice).to_owned()).collect(),
        )
    });
    assert_eq!(
        found.map_err(|error| error.to_string()),
        expected.map_err(str::to_owned),
        "{text}"
    );
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn error_of(text: &str) -> String {
    parse_role("r.md", text)
        .expect_err("must be refused")
        .to_string()
}

#[test]
fn a_role_of_ours_is_read_whole() {
    let text = "---
# A comment.
name: auditor
description: >
  Checks the books,
  line by line.
model: [big, 'small']
tools:
  - read_file
  - calculate
grants: [fs.read books/**, \"fs.write books/*.md\"]
autonomy: L2
turns: 12
temperature: 0.25
output_tokens: 800
budget_tokens: 20000
budget_usd: 0.25
budget_tool_calls: 30
---

You audit.

--- this line is part of the prompt.
";
    let role = Role {
        name: "auditor".to_owned(),
        description: "Checks the books, line by line.".to_owned(),
        prompt: "You audit.\n\n--- this line is part of the prompt.".to_owned(),
        models: names(&["big", "small"]),
        tools: names(&["read_file", "calculate"]),
        grants: Some(vec![
            Grant {
                capability: Capability::FsRead,
                resource: "books/**".to_owned(),
            },
            Grant {
                capability: Capability::FsWrite,
                resource: "books/*.md".to_owned(),
            },
        ]),
        autonomy: Some(Autonomy::L2),
        history_max: 0,
        workers_max: 0,
        turns_max: 12,
        temperature_milli: 250,
        output_tokens_max: 800,
        budget: Budget {
            tokens_max: Some(20_000),
            micro_usd_max: Some(250_000),
            tool_calls_max: Some(30),
            ..Budget::default()
        },
    };
    check(text, Ok((role, &[])));
}

#[test]
fn a_role_of_another_tool_loads_unchanged() {
    let text = "\u{feff}---\r
name: code-reviewer\r
description: Use after a change. Examples: <example>user: \"it's done\"</example>\r
tools: Read, Grep, Glob, LS, Bash(git diff:*, git log:*), WebFetch, mcp__docs__search\r
disallowedTools: Glob\r
model: inherit\r
color: blue\r
---\r
You review.\r
";
    let role = Role {
        name: "code-reviewer".to_owned(),
        description: "Use after a change. Examples: <example>user: \"it's done\"</example>"
            .to_owned(),
        prompt: "You review.".to_owned(),
        tools: names(&[
            "read_file",
            "search_files",
            "list_files",
            "mcp__docs__search",
        ]),
        ..Role::default()
    };
    let notices: &[&str] = &[
        "r.md:3: the text is not quoted as YAML wants it; it was read as it stands",
        "r.md:4: the tool `Bash(git diff:*, git log:*)` has no equivalent here and is left out",
        "r.md:4: the tool `WebFetch` has no equivalent here and is left out",
        "r.md:7: the key `color` is not used here",
    ];
    check(text, Ok((role, notices)));
}

#[test]
fn without_a_list_of_tools_all_standard_tools_are_meant() {
    let role = |tools: &[&str]| Role {
        name: "a".to_owned(),
        description: "b".to_owned(),
        prompt: "c".to_owned(),
        tools: names(tools),
        ..Role::default()
    };
    let notice = "r.md:1: no `tools` are listed, so its agents are offered all standard tools";
    check(
        "---\nname: a\ndescription: b\n---\nc",
        Ok((role(&STANDARD_TOOLS), &[notice])),
    );
    for none in ["tools: []", "tools:", "tools: ''"] {
        check(
            &format!("---\nname: a\ndescription: b\n{none}\n---\nc"),
            Ok((role(&[]), &[])),
        );
    }
}

#[test]
fn what_is_missing_is_said() {
    let notices: &[&str] = &[
        "r.md: there is no prompt after the front matter",
        "r.md:1: there is no `description`, so the manager has only the name to go by",
    ];
    let role = Role {
        name: "a".to_owned(),
        ..Role::default()
    };
    check("---\nname: a\ntools: []\n---", Ok((role, notices)));
}

#[test]
fn errors_name_file_and_line() {
    for (text, expected) in [
        ("", "r.md:1: a role file begins with"),
        ("You are helpful.", "r.md:1: a role file begins with"),
        (
            "---\nname: a\n",
            "r.md:1: the front matter has no closing line",
        ),
        (
            "---\ndescription: b\n---\nc",
            "r.md:1: the role has no name",
        ),
        ("---\n---\nc", "r.md:1: the role has no name"),
        ("---\nname: ''\n---\nc", "r.md:1: the role has no name"),
        (
            "---\nname: a\ntools: [x\n---\nc",
            "r.md:4: the front matter cannot be read",
        ),
        (
            "---\nname: a\nname: b\n---\nc",
            "r.md:3: the front matter cannot be read: the key `name`",
        ),
        ("---\nname: a\ntools: [&n x, *n]\n---\nc", "aliases"),
        (
            "---\n- name\n---\nc",
            "r.md:2: the front matter cannot be read: it must be lines",
        ),
        (
            "---\nname: a\nturns: many\n---\nc",
            "r.md:3: `turns` must be a whole number, not `many`",
        ),
        (
            "---\nname: a\ntemperature: 3\n---\nc",
            "r.md:3: `temperature` must be a number from 0 to 2",
        ),
        (
            "---\nname: a\ntemperature: NaN\n---\nc",
            "r.md:3: `temperature`",
        ),
        (
            "---\nname: a\nautonomy: L9\n---\nc",
            "r.md:3: `autonomy` `L9` is not an autonomy level",
        ),
        (
            "---\nname: a\ngrants: [fs.rite x]\n---\nc",
            "r.md:3: `grants` names the capability `fs.rite`",
        ),
        (
            "---\nname: a\ntools: {read: true}\n---\nc",
            "r.md:3: `tools` must be a list",
        ),
        ("---\nname: [a]\n---\nc", "r.md:2: `name` must be a text"),
    ] {
        let error = error_of(text);
        assert!(error.contains(expected), "{text:?}: {error}");
    }
    let deep = format!(
        "---\nname: a\nx: {}\n---\nc",
        "[".repeat(5_000) + &"]".repeat(5_000)
    );
    assert!(error_of(&deep).contains("cannot be read"));
    let large = "---\nname: a\n---\n".to_owned() + &"x".repeat(10 * 1024 * 1024);
    assert!(error_of(&large).contains(&format!("at most {ROLE_FILE_BYTES_MAX} are read")));
}

#[test]
fn a_project_role_takes_the_place_of_a_built_in_one_and_of_no_other() {
    let mut roster = Roster::built_in();
    let writer = "---\nname: writer\ndescription: Ours.\ntools: [read_file, wirte_file]\nmodel: sonnet\n---\nWrite.";
    assert_eq!(roster.add("agents/writer.md", writer), Ok(Vec::new()));
    let error = roster
        .add("agents/other.md", writer)
        .expect_err("the name is taken");
    assert_eq!(
        error.to_string(),
        "agents/other.md: the role `writer` is already defined by agents/writer.md; rename or remove one"
    );
    let notices = roster.check(&STANDARD_TOOLS, &["qwen"]);
    let notices: Vec<String> = notices.iter().map(ToString::to_string).collect();
    assert_eq!(
        notices,
        [
            "agents/writer.md:4: there is no tool `wirte_file`; it is left out",
            "agents/writer.md:5: there is no model `sonnet` in the configuration; it is left out",
            "agents/writer.md:5: the role uses the default model",
        ]
    );
    let writer = roster.get("writer").expect("it was added");
    assert_eq!(
        (writer.tools.as_slice(), writer.models.len()),
        (&names(&["read_file"])[..], 0)
    );
    assert_eq!(roster.file_of("writer"), Some("agents/writer.md"));
    assert_eq!(roster.check(&STANDARD_TOOLS, &["qwen"]), []);
}

#[test]
fn built_in_roles_are_sound_and_short() {
    let mut roster = Roster::built_in();
    let found: Vec<&str> = roster.roles().map(|role| role.name.as_str()).collect();
    assert_eq!(
        found,
        [
            "manager",
            "analyst",
            "coder",
            "researcher",
            "reviewer",
            "writer"
        ]
    );
    // Every prompt is read again for every agent. The manager's shows small models by example.
    for role in roster.roles() {
        let chars_max = if role.name == "manager" { 3_700 } else { 1_100 };
        assert!(
            role.prompt.len() <= chars_max,
            "{}: {}",
            role.name,
            role.prompt.len()
        );
        assert!(
            !role.description.is_empty() && role.description.len() < 120,
            "{}",
            role.name
        );
    }
    assert_eq!(
        roster.check(&STANDARD_TOOLS, &[]),
        [],
        "every tool they name is a standard one"
    );
}

#[test]
fn the_role_of_the_documentation_is_sound() {
    let text = include_str!("../../../docs/roles-and-playbooks.md");
    let example = text
        .split("```markdown\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let (role, notices) = parse_role("docs", example.expect("there is one")).expect("it is sound");
    assert_eq!(
        (
            role.name.as_str(),
            role.grants.map_or(0, |grants| grants.len()),
            notices
        ),
        ("auditor", 2, Vec::new())
    );
}
