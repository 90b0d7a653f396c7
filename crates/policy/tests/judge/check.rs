//! What is told of rules that do nothing.

use leadhand_policy::{built_in_rules, check, parse_rules};

/// Rules as `decision key=value …`, one line of p.toml a key, and what is told of them.
fn check_rules(rules: &[&str], expected: &[&str]) {
    let text: String = rules
        .iter()
        .map(|rule| {
            let (decision, keys) = rule.split_once(' ').unwrap_or((rule, ""));
            let keys = keys.replace("' ", "'\n").replace("true ", "true\n");
            format!("[[rules]]\ndecision = \"{decision}\"\n{keys}\n")
        })
        .collect();
    let rules = parse_rules("p.toml", &text).expect("the rules can be read");
    let found: Vec<String> = check(&rules, 1_000)
        .into_iter()
        .map(|finding| format!("{} {:?}: {}", finding.source, finding.kind, finding.message))
        .collect();
    assert_eq!(found, expected, "{rules:?}");
}

#[test]
fn the_built_in_rules_are_sound() {
    assert_eq!(check(&built_in_rules(), 0), []);
}

#[test]
fn rules_that_never_decide_are_told_with_what_covers_them() {
    check_rules(
        &["deny resource='Secrets/**'", "allow resource='secrets/a'"],
        &[
            "p.toml:4 Shadowed: never decides: the rule `deny Secrets/**` (p.toml:1) covers all that it is about",
        ],
    );
    check_rules(
        &[
            "ask tool='*_file'",
            "allow tool='read_file' capability='fs.read' resource='a'",
        ],
        &[
            "p.toml:4 Shadowed: never decides: the rule `ask by tool *_file` (p.toml:1) covers all that it is about",
        ],
    );
    check_rules(
        &[
            "deny capability='net' resource='*://*.a.example:*'",
            "allow capability='net' resource='GET https://x.a.example/docs/**'",
        ],
        &[
            "p.toml:5 Shadowed: never decides: the rule `deny net *://*.a.example:*` (p.toml:1) covers all that it is about",
        ],
    );
    check_rules(
        &[
            "allow role='r' resource='a/**'",
            "deny role='r' resource='a/**'",
        ],
        &[
            "p.toml:1 Contradicted: never decides: the rule `deny a/** for role r` (p.toml:5) says the opposite about the same calls",
        ],
    );
    check_rules(
        &["deny resource='a'", "deny resource='a'"],
        &[
            "p.toml:4 Redundant: adds nothing: the rule `deny a` (p.toml:1) says the same, and as much or more",
        ],
    );
    check_rules(
        &[
            "allow capability='fs.read' resource='a/b'",
            "allow resource='a/**'",
        ],
        &[
            "p.toml:1 Redundant: adds nothing: the rule `allow a/**` (p.toml:5) says the same, and as much or more",
        ],
    );
}

#[test]
fn rules_that_are_over_and_rules_about_nothing_are_told() {
    check_rules(
        &["allow resource='a' until=1970-01-01", "allow resource='a'"],
        &["p.toml:1 Expired: no longer counts: it held until 1970-01-01"],
    );
    check_rules(
        &["allow capability='net' resource='http://{127.0.0.1,localhost}:8080'"],
        &[
            "p.toml:1 Empty: never matches: an internal address is judged as `net.internal`, so write that",
        ],
    );
    check_rules(
        &["deny capability='net.internal' resource='https://8.8.8.8'"],
        &["p.toml:1 Empty: never matches: a public address is judged as `net`, so write that"],
    );
    check_rules(
        &["deny resource='{'"],
        &["p.toml:1 Unreadable: resource: the braces of `{` do not match"],
    );
}

#[test]
fn rules_that_do_something_are_not_told_of() {
    for rules in [
        &["deny resource='a/**'", "allow resource='**'"][..],
        &[
            "deny resource='a/**' until=2030-01-01",
            "allow resource='a/b'",
        ],
        &["deny role='r' resource='a'", "allow resource='a'"],
        &["deny task='t' resource='a'", "allow task='u' resource='a'"],
        &[
            "deny capability='fs.write' resource='a'",
            "allow resource='a'",
        ],
        &[
            "allow resource='a'",
            "allow resource='a' untrusted=true until=2030-01-01",
        ],
        &["allow resource='*/b'", "allow resource='a/*'"],
        &[
            "deny capability='net' resource='GET https://a.example'",
            "allow capability='net' resource='https://a.example'",
        ],
    ] {
        check_rules(rules, &[]);
    }
}
