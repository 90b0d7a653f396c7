//! What a call may touch once it is allowed.

use leadhand_policy::{Policy, Question, built_in_rules};
use leadhand_protocol::{
    Access, Autonomy, Capability, Effect, Grant, Isolation, Label, ToolCall, ToolSpec,
};
use serde_json::{Value, json};
use std::sync::Arc;

/// The permit of a call of a tool with these accesses, by an agent that is granted everything,
/// as `capability resource` lines.
fn check(accesses: &[(Capability, Option<&str>, &[&str])], arguments: Value, expected: &[&str]) {
    let access = |&(capability, argument, methods): &(Capability, Option<&str>, &[&str])| Access {
        methods: methods.iter().map(ToString::to_string).collect(),
        ..Access::new(capability, argument)
    };
    let tool = ToolSpec {
        name: "tool".to_owned(),
        description: String::new(),
        arguments: Arc::new(json!({"type": "object"})),
        result: None,
        effect: Effect::Pure,
        accesses: accesses.iter().map(access).collect(),
        probe: None,
        undo: None,
        isolation: Isolation::Sandboxed,
        trusted: false,
        equal_by: Vec::new(),
        poll_every_ms: None,
    };
    let everything = [
        Capability::FsRead,
        Capability::FsWrite,
        Capability::Net,
        Capability::Secret,
        Capability::Clock,
    ];
    let grants = everything.map(|capability| Grant {
        capability,
        resource: "**".to_owned(),
    });
    let call = ToolCall {
        id: String::new(),
        name: "tool".to_owned(),
        arguments,
    };
    let policy = Policy::new(&built_in_rules()).expect("the built-in rules are sound");
    let permit = policy.permit(&Question {
        tool: &tool,
        role: "",
        task: None,
        call: &call,
        grants: &grants,
        autonomy: Autonomy::L4,
        planned: false,
        label: &Label::default(),
        approvals: &[],
        now_ms: 0,
    });
    let shown: Vec<String> = permit
        .grants
        .iter()
        .map(|grant| format!("{} {}", grant.capability, grant.resource))
        .collect();
    assert_eq!(shown, expected, "{:?}", call.arguments);
    let is_open = !(permit.grants.is_empty() && permit.listed.is_empty());
    assert_eq!(
        !permit.closed.is_empty(),
        is_open,
        "what is denied stays closed wherever something is open"
    );
}

#[test]
fn a_call_is_permitted_what_it_names_and_no_more() {
    use Capability::{Clock, FsRead, FsWrite, Net};
    let read = [(FsRead, Some("path"), [].as_slice())];
    check(
        &read,
        json!({"path": "docs/a.md"}),
        &["fs.read docs/a.md/**"],
    );
    check(&read, json!({"path": "a*.md"}), &["fs.read a\\*.md/**"]);
    check(&read, json!({}), &["fs.read **"]);
    check(
        &read,
        json!({"path": ["a", "b"]}),
        &["fs.read a/**", "fs.read b/**"],
    );
    check(&read, json!({"path": "../out"}), &[]);
    let edit = [
        (FsRead, Some("path"), [].as_slice()),
        (FsWrite, Some("path"), &[]),
    ];
    check(
        &edit,
        json!({"path": "a"}),
        &["fs.read a/**", "fs.write a/**"],
    );
    check(&[(Clock, None, &[])], json!({}), &["clock *"]);
    check(&[], json!({"path": "a"}), &[]);
    let fetch = [(Net, Some("url"), ["GET", "HEAD"].as_slice())];
    check(
        &fetch,
        json!({"url": "https://example.org/a?b"}),
        &["net GET,HEAD https://example.org", "secret *"],
    );
    check(
        &fetch,
        json!({"url": "http://example.org:8080/a"}),
        &[
            "net GET,HEAD http://example.org:8080",
            "net GET,HEAD https://example.org",
            "secret *",
        ],
    );
    check(&fetch, json!({"url": "file:///etc/passwd"}), &[]);
}
