//! Rule files: what is read, what is refused, and whose rules count.

use leadhand_policy::{Policy, built_in_rules, merge, parse_approvals, parse_rules};
use leadhand_protocol::{Approval, Capability, Decision, Rule, TaskId};

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
            "p.toml:5: unknown field `resorce`, expected one of `decision`, `tool`, `role`, `capability`, `resource`, `task`, `until`, `untrusted`, `unless_allowed`"
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
        "[[rules]]\ndecision = \"allow\"\ncapability = \"net\"\nresource = \"https://a*.example/\"";
    assert_eq!(
        faults(net),
        [
            "p.toml:1: resource: `https://a*.example/`: the host `a*.example` is neither a name nor an address; only `*` alone and `*.` before a name are globs"
        ]
    );
    let when = |key: &str| format!("[[rules]]\ndecision = \"ask\"\n{key}\n");
    let no_date = "p.toml:3: this is no date; write `2026-12-31` (it ends when that day begins, UTC) or `2026-12-31T18:00:00+01:00`, without quotes";
    assert_eq!(faults(&when("until = \"2026-12-31\"")), [no_date]);
    assert_eq!(faults(&when("until = 18:00:00")), [no_date]);
    assert_eq!(faults(&when("until = 2026-12-31T18:00:00")), [no_date]);
    assert_eq!(
        faults(&when("untrusted = true")),
        ["p.toml:3: `untrusted` is for `allow` only: `deny` and `ask` hold for all content"]
    );
    assert_eq!(
        faults(&rule(&"{a,b}".repeat(7))).len(),
        1,
        "128 alternatives are too many"
    );
}

#[test]
fn a_rule_is_read_with_all_it_says() {
    let text = r#"
[[rules]]
decision = "allow"
tool = "fetch"
role = "researcher"
task = "read-*"
capability = "net"
resource = "GET https://docs.rs"
until = 2026-12-31T18:00:00+01:00
untrusted = true

[[approvals]]
tool = "pay"
task = "t1"
until = 2026-12-31
"#;
    let expected = Rule {
        tool: "fetch".to_owned(),
        role: "researcher".to_owned(),
        task: "read-*".to_owned(),
        capability: Some(Capability::Net),
        resource: "GET https://docs.rs".to_owned(),
        until_ms: Some(1_798_736_400_000),
        untrusted: true,
        source: "p.toml:2".to_owned(),
        ..Rule::any(Decision::Allow)
    };
    assert_eq!(parse_rules("p.toml", text), Ok(vec![expected]));
    let approval = Approval {
        tool: "pay".to_owned(),
        role: String::new(),
        task: Some(TaskId::new("t1").expect("it is an id")),
        until_ms: Some(1_798_675_200_000),
        source: "p.toml:12".to_owned(),
    };
    assert_eq!(parse_approvals("p.toml", text), Ok(vec![approval]));
}

#[test]
fn a_project_can_only_narrow() {
    let rule = |decision, source: &str| Rule {
        source: source.to_owned(),
        ..Rule::any(decision)
    };
    let user = vec![rule(Decision::Allow, "u:1")];
    let narrow = vec![rule(Decision::Deny, "p:1"), rule(Decision::Ask, "p:4")];
    let both = [user.clone(), narrow.clone()].concat();
    assert_eq!(merge(user.clone(), narrow), Ok(both));
    let wide = vec![rule(Decision::Deny, "p:1"), rule(Decision::Allow, "p:4")];
    let error = merge(user, wide).expect_err("an allow of a project is refused");
    assert_eq!(
        error.faults[0].to_string(),
        "p:4: a project's rules can only deny and ask; write an `allow` into the policy.toml of your own configuration folder"
    );
}

#[test]
fn the_built_in_rules_are_these() {
    let rule = |decision, tool: &str, capability, resource: &str| Rule {
        tool: tool.to_owned(),
        capability,
        resource: resource.to_owned(),
        source: "built in".to_owned(),
        ..Rule::any(decision)
    };
    let expected = [
        rule(Decision::Deny, "", None, "**/.leadhand/**"),
        rule(Decision::Deny, "", None, "**/.git/**"),
        rule(Decision::Allow, "", Some(Capability::FsRead), "**"),
        rule(Decision::Allow, "", Some(Capability::FsWrite), "**"),
        rule(Decision::Allow, "date", Some(Capability::Clock), "**"),
        Rule {
            unless_allowed: true,
            ..rule(
                Decision::Ask,
                "{fetch,send_request}",
                Some(Capability::Net),
                "**",
            )
        },
    ];
    assert_eq!(built_in_rules(), expected);
}
