//! Any bytes as a rule file. Whatever is read is compiled and judges some calls: nothing
//! panics, and nothing is allowed that a `deny` rule, taken by itself, covers.
//!
//! What stands behind a zero byte is the argument of the calls.
#![no_main]

use leadhand_policy::{Policy, Question, check, parse_rules, root_grants};
use leadhand_protocol::{
    Access, Autonomy, Capability, Decision, Effect, Grant, Isolation, Label, Rule, Source,
    ToolCall, ToolSpec,
};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

/// Deny rules of one file that are looked at by themselves.
const RULES_MAX: usize = 24;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (file, argument) = text.split_once('\0').unwrap_or((text, "docs/a.md"));
    let Ok(rules) = parse_rules("policy.toml", file) else {
        return;
    };
    let Ok(policy) = Policy::new(&rules) else {
        return;
    };
    let grants = root_grants(&[Rule::any(Decision::Allow)]);
    for capability in [
        Capability::FsRead,
        Capability::FsWrite,
        Capability::Net,
        Capability::Env,
    ] {
        for argument in [
            argument,
            ".git/config",
            "https://a.example.org/docs/x",
            "LC_ALL",
        ] {
            hold(&policy, &rules, &grants, capability, argument);
        }
    }
    let _ = root_grants(&rules);
    if rules.len() <= RULES_MAX {
        let _ = check(&rules, 1_000);
    }
    let _ = policy.closed("t", "r", "", 0);
});

fn hold(policy: &Policy, rules: &[Rule], grants: &[Grant], capability: Capability, argument: &str) {
    let tool = ToolSpec {
        name: "fetch".to_owned(),
        description: String::new(),
        arguments: json!({}),
        result: None,
        effect: Effect::Pure,
        accesses: vec![Access::new(capability, Some("resource"))],
        probe: None,
        undo: None,
        isolation: Isolation::Sandboxed,
        trusted: false,
        equal_by: Vec::new(),
        poll_every_ms: None,
    };
    let call = ToolCall {
        id: String::new(),
        name: tool.name.clone(),
        arguments: json!({ "resource": argument }),
    };
    for (autonomy, label) in [
        (Autonomy::L5, Label::default()),
        (Autonomy::L2, Label::from(Source::Web)),
    ] {
        let question = Question {
            tool: &tool,
            role: "coder",
            task: None,
            call: &call,
            grants,
            autonomy,
            planned: false,
            label: &label,
            approvals: &[],
            now_ms: 1_000,
        };
        let verdict = policy.judge(&question);
        assert_eq!(policy.explain(&question).verdict, verdict);
        if verdict.decision == Decision::Deny {
            continue;
        }
        let denies = |rule: &&Rule| rule.decision == Decision::Deny;
        for rule in rules.iter().filter(denies).take(RULES_MAX) {
            let alone = [rule.clone(), Rule::any(Decision::Allow)];
            let alone = Policy::new(&alone).expect("it was read among the others");
            assert_ne!(
                alone.judge(&question).decision,
                Decision::Deny,
                "{rule:?} is overruled on {argument:?}: {}",
                verdict.because
            );
        }
    }
}
