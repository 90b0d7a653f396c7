//! What is said of a verdict, resource by resource and rule by rule.

use crate::case::{grants, native, tool};
use leadhand_policy::{Explanation, Policy, Question, RuleSays, parse_rules};
use leadhand_protocol::{
    Approval, Autonomy, Capability, Decision, Effect, Label, Source, ToolCall, ToolSpec,
};
use serde_json::{Value, json};

const RULES: &str = r#"
[[rules]]
decision = "allow"
resource = "**"
[[rules]]
decision = "allow"
capability = "fs.read"
resource = "docs/**"
[[rules]]
decision = "deny"
tool = "other"
[[rules]]
decision = "deny"
role = "other"
[[rules]]
decision = "deny"
task = "other"
[[rules]]
decision = "deny"
until = 1970-01-01
[[rules]]
decision = "deny"
capability = "fs.write"
[[rules]]
decision = "deny"
resource = "src"
"#;

fn explain(tool: &ToolSpec, arguments: Value) -> Explanation {
    let policy = Policy::new(&parse_rules("p.toml", RULES).expect("it can be read"))
        .expect("the rules are sound");
    let call = ToolCall {
        id: String::new(),
        name: tool.name.clone(),
        arguments,
    };
    let approval = Approval {
        tool: "send".to_owned(),
        role: String::new(),
        task: None,
        until_ms: None,
        source: "p.toml:30".to_owned(),
    };
    let question = Question {
        tool,
        role: "coder",
        task: None,
        call: &call,
        grants: &grants(&[(Capability::FsRead, "{docs,src}/**")]),
        autonomy: Autonomy::L5,
        planned: false,
        label: &[Source::Web, Source::Workspace]
            .into_iter()
            .collect::<Label>(),
        approvals: &[approval],
        now_ms: 1_000,
    };
    let explanation = policy.explain(&question);
    assert_eq!(explanation.verdict, policy.judge(&question));
    explanation
}

#[test]
fn every_rule_says_why_it_does_not_decide() {
    let read = tool("read", Effect::Pure, &[(Capability::FsRead, Some("path"))]);
    let explanation = explain(&read, json!({"path": ["docs/a", "src/b"]}));
    let said = |nth: usize| {
        let rules = &explanation.resources[nth].rules;
        rules.iter().map(|rule| rule.says).collect::<Vec<_>>()
    };
    let alike = [
        RuleSays::OtherTool,
        RuleSays::OtherRole,
        RuleSays::OtherTask,
        RuleSays::Expired,
        RuleSays::OtherCapability,
    ];
    let around = |first: [RuleSays; 2], last| [&first[..], &alike, &[last]].concat();
    assert_eq!(
        said(0),
        around(
            [RuleSays::Decides, RuleSays::Matches],
            RuleSays::OtherResource
        )
    );
    assert_eq!(
        said(1),
        around(
            [RuleSays::Matches, RuleSays::OtherResource],
            RuleSays::Decides
        )
    );
    let second = &explanation.resources[1];
    assert_eq!(second.rules[7].rule, "`deny src` (p.toml:24)");
    assert_eq!(second.resource, "src/b");
    assert_eq!(
        second.grant.as_ref().map(|grant| grant.resource.as_str()),
        Some("{docs,src}/**")
    );
    assert_eq!(
        explanation.verdict.because,
        "the rule `deny src` (p.toml:24) covers fs.read on `src/b`"
    );
}

#[test]
fn flow_level_and_approval_are_told() {
    let send = native(tool("send", Effect::Once, &[]));
    let explanation = explain(&send, json!({}));
    assert_eq!(explanation.resources, []);
    assert_eq!(explanation.tool_rules.len(), 8);
    assert_eq!(explanation.level, Autonomy::L3);
    assert_eq!(
        explanation.level_asks_before.as_deref(),
        Some("a call that must never be made twice")
    );
    assert_eq!(
        explanation.information_flow.as_deref(),
        Some(
            "this agent has read untrusted content and holds private data, and `send` is a way out"
        )
    );
    assert_eq!(
        explanation.approval.as_deref(),
        Some("a person has approved `send` (p.toml:30)")
    );
    assert_eq!(explanation.verdict.decision, Decision::Allow);
}

#[test]
fn a_call_that_cannot_be_judged_is_told_as_such() {
    let read = tool("read", Effect::Pure, &[(Capability::FsRead, Some("path"))]);
    let explanation = explain(&read, json!({"path": "../x"}));
    assert_eq!(explanation.resources, []);
    assert_eq!(explanation.tool_rules, []);
    assert_eq!(explanation.information_flow, None);
    assert_eq!(explanation.verdict.decision, Decision::Deny);
}
