//! Tables of cases beside a policy.

use crate::case::{read_file, write_file};
use leadhand_policy::{Policy, built_in_rules, parse_cases, run_cases, workspace_grants};

#[test]
fn each_case_is_held_against_its_verdict() {
    let text = r#"
[[cases]]
name = "history is closed"
tool = "write_file"
arguments = { path = ".git/HEAD" }
expect = "deny"
rule = "deny **/.git/**"

[[cases]]
name = "reading is asked about"
tool = "read_file"
arguments = { path = "a" }
expect = "ask"

[[cases]]
name = "at L2 writing is asked about"
tool = "write_file"
arguments = { path = "a" }
role = "coder"
task = "t1"
autonomy = "L2"
expect = "ask"
rule = "p.toml:7"

[[cases]]
name = "a page may have said so"
tool = "write_file"
arguments = { path = "a" }
autonomy = "L5"
label = ["web", "user"]
expect = "ask"
rule = "untrusted"

[[cases]]
name = "no such tool"
tool = "wipe"
expect = "deny"
"#;
    let cases = parse_cases("cases.toml", text).expect("it is a table of cases");
    let policy = Policy::new(&built_in_rules()).expect("the built-in rules are sound");
    let tools = [read_file(), write_file()];
    let results = run_cases(&policy, &cases, &workspace_grants(), 0, |name| {
        tools.iter().find(|tool| tool.name == name)
    });
    let lines: Vec<String> = results
        .iter()
        .map(|it| format!("{} {} {}", it.source, it.passed, it.message))
        .collect();
    assert_eq!(
        lines,
        [
            "cases.toml:2 true deny: the rule `deny **/.git/**` (built in) covers fs.write on `.git/HEAD`",
            "cases.toml:9 false expected ask, and it is allow: the rule `allow fs.read **` (built in) covers fs.read on `a`",
            "cases.toml:15 false it is ask as expected, but `p.toml:7` is not in: autonomy L2 asks before every change; allowed so far: the rule `allow fs.write **` (built in) covers fs.write on `a`",
            "cases.toml:25 true ask: this agent has read untrusted content, and its task did not declare this call of `write_file` beforehand; otherwise the rule `allow fs.write **` (built in) covers fs.write on `a`",
            "cases.toml:34 false there is no tool `wipe`",
        ]
    );
}

#[test]
fn faulty_tables_are_refused_with_file_and_line() {
    for (text, expected) in [
        (
            "[[cases]]\nname = \"a\"\ntool = \"b\"\nexpect = \"allow\"\nrules = \"\"\n",
            "c.toml:5: unknown field `rules`, expected one of `name`, `tool`, `arguments`, `role`, `task`, `autonomy`, `label`, `expect`, `rule`",
        ),
        (
            "[[cases]]\nname = \"a\"\ntool = \"b\"\n",
            "c.toml:1: missing field `expect`",
        ),
        (
            "[[cases]]\nname = \"a\"\ntool = \"b\"\nexpect = \"yes\"\n",
            "c.toml:4: unknown variant `yes`, expected one of `allow`, `ask`, `deny`",
        ),
    ] {
        let error = parse_cases("c.toml", text).expect_err(text);
        assert_eq!(error.faults[0].to_string(), expected);
    }
}
