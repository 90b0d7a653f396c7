//! Which rule decides about which call, and what is said about it.

use leadhand_policy::{
    Policy, Question, built_in_rules, parse_rules, task_grants, workspace_grants,
};
use leadhand_protocol::{
    Access, Autonomy, Capability, Decision, Effect, Grant, Isolation, Label, Role, Rule, Task,
    TaskId, ToolCall, ToolSpec,
};
use serde_json::{Value, json};

fn tool(name: &str, effect: Effect, accesses: &[(Capability, Option<&str>)]) -> ToolSpec {
    let access =
        |&(capability, argument): &(Capability, Option<&str>)| Access::new(capability, argument);
    ToolSpec {
        name: name.to_owned(),
        description: String::new(),
        arguments: json!({"type": "object"}),
        result: None,
        effect,
        accesses: accesses.iter().map(access).collect(),
        isolation: Isolation::Sandboxed,
        trusted: false,
    }
}

fn read_file() -> ToolSpec {
    tool(
        "read_file",
        Effect::Pure,
        &[(Capability::FsRead, Some("path"))],
    )
}

fn write_file() -> ToolSpec {
    tool(
        "write_file",
        Effect::Idempotent,
        &[(Capability::FsWrite, Some("path"))],
    )
}

fn native(tool: ToolSpec) -> ToolSpec {
    ToolSpec {
        isolation: Isolation::Native,
        ..tool
    }
}

fn grants(all: &[(Capability, &str)]) -> Vec<Grant> {
    let grant = |&(capability, resource): &(Capability, &str)| Grant {
        capability,
        resource: resource.to_owned(),
    };
    all.iter().map(grant).collect()
}

/// A case: everything a verdict depends on, with the usual values.
struct Case<'a> {
    rules: &'a str,
    tool: ToolSpec,
    arguments: Value,
    grants: Vec<Grant>,
    autonomy: Autonomy,
    planned: bool,
}

impl Case<'_> {
    fn of(tool: ToolSpec, arguments: Value) -> Self {
        Case {
            rules: "",
            tool,
            arguments,
            grants: workspace_grants(),
            autonomy: Autonomy::L4,
            planned: true,
        }
    }
}

/// The built-in rules and the case's own, on the case: `decision: because`.
fn check(case: &Case<'_>, expected: &str) {
    let mut rules = built_in_rules();
    rules.extend(parse_rules("p.toml", case.rules).expect("the case's rules can be read"));
    let policy = Policy::new(&rules).expect("the case's rules are sound");
    let call = ToolCall {
        id: "1".to_owned(),
        name: case.tool.name.clone(),
        arguments: case.arguments.clone(),
    };
    let verdict = policy.judge(&Question {
        tool: &case.tool,
        role: "coder",
        call: &call,
        grants: &case.grants,
        autonomy: case.autonomy,
        planned: case.planned,
        task: None,
        label: &Label::default(),
        approvals: &[],
        now_ms: 0,
    });
    assert_eq!(
        format!("{:?}: {}", verdict.decision, verdict.because),
        expected
    );
}

#[test]
fn the_workspace_is_open_as_far_as_grants_go() {
    let reads = |path: &str| Case::of(read_file(), json!({ "path": path }));
    check(
        &reads("docs/a.md"),
        "Allow: the rule `allow fs.read **` (built in) covers fs.read on `docs/a.md`",
    );
    check(
        &reads("./docs//a.md/"),
        "Allow: the rule `allow fs.read **` (built in) covers fs.read on `docs/a.md`",
    );
    let docs_only = grants(&[(Capability::FsRead, "docs/**")]);
    check(
        &Case {
            grants: docs_only.clone(),
            ..reads("src/a.rs")
        },
        "Deny: no grant of this agent covers fs.read on `src/a.rs`; it has fs.read on `docs/**`",
    );
    check(
        &Case {
            grants: docs_only,
            ..Case::of(write_file(), json!({"path": "docs/a.md"}))
        },
        "Deny: no grant of this agent covers fs.write on `docs/a.md`; it has none for fs.write",
    );
}

#[test]
fn paths_out_of_the_workspace_are_denied() {
    for (path, expected) in [
        (
            "/etc/passwd",
            "Deny: the path `/etc/passwd` is absolute; write it from the top of the workspace, without `/` in front",
        ),
        (
            "docs/../../x",
            "Deny: the path `docs/../../x` has `..`; write it from the top of the workspace",
        ),
        (
            "..\\x",
            "Deny: the path `..\\\\x` has a `\\`; separate folders with `/`",
        ),
        (
            "a\0b",
            "Deny: the path `a\\0b` has a character that cannot be seen",
        ),
        (
            ".g\u{200c}it/config",
            "Deny: the path `.g\\u{200c}it/config` has a character that cannot be seen",
        ),
    ] {
        check(&Case::of(read_file(), json!({ "path": path })), expected);
    }
    let odd = [
        (
            json!({"path": 1}),
            "the argument `path` of `read_file` must be a text",
        ),
        (
            json!("docs"),
            "the arguments of `read_file` must be a JSON object",
        ),
    ];
    for (arguments, expected) in odd {
        check(
            &Case::of(read_file(), arguments),
            &format!("Deny: {expected}"),
        );
    }
}

#[test]
fn version_control_and_the_runs_own_files_stay_closed() {
    for (path, rule) in [
        (".git/config", "**/.git/**"),
        ("sub/.GIT", "**/.git/**"),
        (".leadhand/runs/1", "**/.leadhand/**"),
    ] {
        let expected =
            format!("Deny: the rule `deny {rule}` (built in) covers fs.write on `{path}`");
        check(
            &Case {
                autonomy: Autonomy::L5,
                ..Case::of(write_file(), json!({ "path": path }))
            },
            &expected,
        );
    }
    check(
        &Case::of(write_file(), json!({"path": ".gitignore"})),
        "Allow: the rule `allow fs.write **` (built in) covers fs.write on `.gitignore`",
    );
}

#[test]
fn the_worst_of_several_resources_decides() {
    let copy = || {
        tool(
            "copy",
            Effect::Idempotent,
            &[
                (Capability::FsRead, Some("from")),
                (Capability::FsWrite, Some("to")),
            ],
        )
    };
    check(
        &Case::of(copy(), json!({"from": "a", "to": ".git/a"})),
        "Deny: the rule `deny **/.git/**` (built in) covers fs.write on `.git/a`",
    );
    check(
        &Case::of(copy(), json!({"from": ["a", ".git/b"], "to": "c"})),
        "Deny: the rule `deny **/.git/**` (built in) covers fs.read on `.git/b`",
    );
}

#[test]
fn deny_wins_over_ask_and_ask_over_allow() {
    let rules = "[[rules]]\ndecision = \"ask\"\ntool = \"*_file\"\nresource = \"*.toml\"\n\n[[rules]]\ndecision = \"deny\"\nrole = \"cod*\"\ncapability = \"fs.write\"\nresource = \"{Cargo,deny}.toml\"\n";
    let case = |tool, path: &str| Case {
        rules,
        ..Case::of(tool, json!({ "path": path }))
    };
    check(
        &case(read_file(), "Cargo.toml"),
        "Ask: the rule `ask *.toml by tool *_file` (p.toml:1) covers fs.read on `Cargo.toml`",
    );
    check(
        &case(write_file(), "CARGO.toml"),
        "Deny: the rule `deny fs.write {Cargo,deny}.toml for role cod*` (p.toml:6) covers fs.write on `CARGO.toml`",
    );
    check(
        &Case {
            autonomy: Autonomy::L5,
            ..case(read_file(), "x.toml")
        },
        "Allow: autonomy L5 asks nobody; otherwise the rule `ask *.toml by tool *_file` (p.toml:1) covers fs.read on `x.toml`",
    );
}

#[test]
fn what_no_rule_allows_is_denied() {
    let fetch = || tool("fetch", Effect::Pure, &[(Capability::Net, Some("url"))]);
    let granted = grants(&[(Capability::Net, "**")]);
    let case = |rules, url: &str| Case {
        rules,
        grants: granted.clone(),
        ..Case::of(fetch(), json!({ "url": url }))
    };
    check(
        &case("", "https://a.example/"),
        "Deny: no rule allows net on `https://a.example/`",
    );
    let rules =
        "[[rules]]\ndecision = \"allow\"\ncapability = \"net\"\nresource = \"https://a.example/\"";
    check(
        &case(rules, "https://a.example/"),
        "Allow: the rule `allow net https://a.example/` (p.toml:1) covers net on `https://a.example/`",
    );
    check(
        &case(rules, "https://a.example/@evil"),
        "Deny: no rule allows net on `https://a.example/@evil`",
    );
    let calculate = tool("calculate", Effect::Pure, &[]);
    check(
        &Case::of(calculate, json!({})),
        "Allow: `calculate` asks for no capability, so it needs no rule",
    );
}

#[test]
fn a_sandboxed_tool_may_look_round_and_a_native_one_may_not() {
    let search = || {
        tool(
            "search",
            Effect::Pure,
            &[(Capability::FsRead, Some("path"))],
        )
    };
    let docs_only = grants(&[(Capability::FsRead, "docs/**")]);
    let case = |tool, path| Case {
        grants: docs_only.clone(),
        ..Case::of(tool, json!({ "path": path }))
    };
    check(
        &case(search(), json!(null)),
        "Allow: the rule `allow fs.read **` (built in) covers fs.read on `.`",
    );
    check(
        &case(native(search()), json!(null)),
        "Deny: no grant of this agent covers fs.read on `.`; it has fs.read on `docs/**`",
    );
    check(
        &case(search(), json!("src")),
        "Deny: no grant of this agent covers fs.read on `src`; it has fs.read on `docs/**`",
    );
    let wipe = tool("wipe", Effect::Once, &[(Capability::FsWrite, None)]);
    check(
        &Case {
            grants: grants(&[(Capability::FsWrite, "docs/**")]),
            ..Case::of(wipe, json!({}))
        },
        "Deny: no grant of this agent covers fs.write on `**`; it has fs.write on `docs/**`",
    );
}

/// The decision at each level from L0 to L5, as letters.
fn check_levels(tool: &ToolSpec, planned: bool, expected: &str) {
    let policy = Policy::new(&built_in_rules()).expect("the built-in rules are sound");
    let call = ToolCall {
        id: String::new(),
        name: tool.name.clone(),
        arguments: json!({"path": "a"}),
    };
    let levels = [
        Autonomy::L0,
        Autonomy::L1,
        Autonomy::L2,
        Autonomy::L3,
        Autonomy::L4,
        Autonomy::L5,
    ];
    let letters = levels.map(|autonomy| {
        let grants = &workspace_grants();
        let verdict = policy.judge(&Question {
            tool,
            role: "",
            call: &call,
            grants,
            autonomy,
            planned,
            task: None,
            label: &Label::default(),
            approvals: &[],
            now_ms: 0,
        });
        match verdict.decision {
            Decision::Allow => 'a',
            Decision::Ask => '?',
            Decision::Deny => 'd',
        }
    });
    assert_eq!(
        letters.iter().collect::<String>(),
        expected,
        "{}",
        tool.name
    );
}

#[test]
fn levels_ask_for_what_they_say() {
    check_levels(&read_file(), true, "d?aaaa");
    check_levels(&write_file(), true, "d??aaa");
    check_levels(&write_file(), false, "d???aa");
    check_levels(&native(tool("pay", Effect::Once, &[])), true, "d???aa");
    check_levels(&native(tool("lookup", Effect::Pure, &[])), true, "d?aaaa");
    check_levels(
        &tool("fetch", Effect::Pure, &[(Capability::Net, None)]),
        true,
        "dddddd",
    );
}

#[test]
fn a_task_changes_only_what_it_declares() {
    let run = workspace_grants();
    let mut task = Task::new(TaskId::new("a").expect("it is an id"), "coder", "");
    task.writes = vec!["src/**".to_owned()];
    task.output_file = Some("out[1].md".to_owned());
    let read = (Capability::FsRead, "**");
    assert_eq!(
        task_grants(&run, &Role::default(), &task),
        grants(&[
            read,
            (Capability::FsWrite, "src/**"),
            (Capability::FsWrite, "out\\[1\\].md")
        ])
    );
    let role = Role {
        grants: Some(grants(&[
            (Capability::FsRead, "src/**"),
            (Capability::FsWrite, "**/*.rs"),
        ])),
        ..Role::default()
    };
    assert_eq!(
        task_grants(&run, &role, &task),
        grants(&[
            (Capability::FsRead, "src/**"),
            (Capability::FsWrite, "src/**/*.rs")
        ])
    );
    let nothing = Role {
        grants: Some(Vec::new()),
        ..Role::default()
    };
    assert_eq!(task_grants(&run, &nothing, &task), []);
    task.writes.clear();
    task.output_file = None;
    assert_eq!(task_grants(&run, &Role::default(), &task), grants(&[read]));
}

#[test]
fn what_is_closed_is_told_to_whoever_carries_out_the_call() {
    let rules = "[[rules]]\ndecision = \"deny\"\ncapability = \"fs.read\"\nresource = \"secret/**\"\ntool = \"search_*\"";
    let policy =
        Policy::new(&parse_rules("p.toml", rules).expect("it can be read")).expect("it is sound");
    assert_eq!(
        policy.closed("search_files", "coder"),
        grants(&[(Capability::FsRead, "secret/**")])
    );
    assert_eq!(policy.closed("read_file", "coder"), []);
}

#[test]
fn faulty_policies_are_refused_with_file_and_line() {
    let faults = |text: &str| {
        let error = match parse_rules("p.toml", text).and_then(|rules| Policy::new(&rules)) {
            Ok(_) => panic!("{text} must be refused"),
            Err(error) => error,
        };
        error
            .faults
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        faults(
            "[[rules]]\ndecision = \"allow\"\n[[rules]]\ndecision = \"allow\"\nresorce = \"a\"\n"
        ),
        [
            "p.toml:5: unknown field `resorce`, expected one of `decision`, `tool`, `role`, `capability`, `resource`"
        ]
    );
    assert_eq!(
        faults("\n[[rules]]\ntool = \"a\"\n"),
        ["p.toml:2: missing field `decision`"]
    );
    assert_eq!(
        faults("rules = 1\n"),
        ["p.toml:1: invalid type: integer `1`, expected a sequence"]
    );
    let rule =
        |resource: &str| format!("[[rules]]\ndecision = \"deny\"\nresource = '{resource}'\n");
    let all = ["/etc/**", "a//b", "../a", "a**", "!a", "{a", "[ab]", "a\\"]
        .map(rule)
        .concat();
    assert_eq!(
        faults(&all),
        [
            "p.toml:1: resource: `/etc/**` is absolute; write it from the top of the workspace",
            "p.toml:4: resource: `a//b` has an empty name between its slashes",
            "p.toml:7: resource: `../a` has `..`, which would leave the workspace",
            "p.toml:10: resource: in `a**` a `**` must stand alone between slashes",
            "p.toml:13: resource: `!a` is a negation; write a `deny` rule instead",
            "p.toml:16: resource: the braces of `{a` do not match",
            "p.toml:19: resource: `[ab]` looks like a character class, which does not exist here; write `?` for any character, `{a,b}` for alternatives or `\\[` for the bracket itself",
            "p.toml:22: resource: `a\\` ends with a lone `\\`",
        ]
    );
    let net =
        "[[rules]]\ndecision = \"allow\"\ncapability = \"net\"\nresource = \"https://*.example/\"";
    assert_eq!(
        faults(net),
        [
            "p.toml:1: resource: `https://*.example/` is a glob, but only files take one; write the resource itself or `**`"
        ]
    );
    assert_eq!(
        faults(&rule(&"{a,b}".repeat(7))).len(),
        1,
        "128 alternatives are too many"
    );
}

#[test]
fn the_built_in_rules_are_these_four() {
    let rule = |decision, capability, resource: &str| Rule {
        capability,
        resource: resource.to_owned(),
        source: "built in".to_owned(),
        ..Rule::any(decision)
    };
    let expected = [
        rule(Decision::Deny, None, "**/.leadhand/**"),
        rule(Decision::Deny, None, "**/.git/**"),
        rule(Decision::Allow, Some(Capability::FsRead), "**"),
        rule(Decision::Allow, Some(Capability::FsWrite), "**"),
    ];
    assert_eq!(built_in_rules(), expected);
}
