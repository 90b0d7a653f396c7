//! Rules and approvals of one task, for a time, and over names.

use crate::case::{Case, check, fetch, pay, read_file, task, tool};
use leadhand_protocol::{Approval, Autonomy, Capability, Effect};
use serde_json::json;

#[test]
fn a_rule_holds_for_its_task_and_until_its_time() {
    let rules = "[[rules]]\ndecision = \"deny\"\ntask = \"t*\"\nresource = \"a\"\nuntil = 2026-12-31T12:00:00Z\n";
    let case = |now_ms, task| Case {
        rules,
        task,
        now_ms,
        ..Case::of(read_file(), json!({"path": "a/b"}))
    };
    let open = "Allow: the rule `allow fs.read **` (built in) covers fs.read on `a/b`";
    let until_ms = 1_798_718_400_000;
    check(
        &case(until_ms - 1, Some(task(|_| ()))),
        "Deny: the rule `deny a for task t* until 2026-12-31T12:00:00Z` (p.toml:1) covers fs.read on `a/b`",
    );
    check(&case(until_ms, Some(task(|_| ()))), open);
    check(&case(until_ms - 1, None), open);
}

#[test]
fn names_are_judged_by_globs() {
    let rules = r#"
[[rules]]
decision = "allow"
tool = "{env,get}_*"
capability = "env"
resource = "LC_*"
[[rules]]
decision = "deny"
resource = "*_KEY"
"#;
    let case = |name: &str| {
        let env = tool("env_get", Effect::Pure, &[(Capability::Env, Some("name"))]);
        let case = Case {
            rules,
            ..Case::of(env, json!({ "name": name }))
        };
        case.granted(&[(Capability::Env, "*")])
    };
    check(
        &case("LC_ALL"),
        "Allow: the rule `allow env LC_* by tool {env,get}_*` (p.toml:2) covers env on `LC_ALL`",
    );
    check(&case("HOME"), "Deny: no rule allows env on `HOME`");
    check(
        &case("LC_KEY"),
        "Deny: the rule `deny *_KEY` (p.toml:7) covers env on `LC_KEY`",
    );
}

#[test]
fn an_approval_answers_a_question_and_opens_nothing() {
    let approval = |tool: &str, role: &str, until_ms| Approval {
        tool: tool.to_owned(),
        role: role.to_owned(),
        task: None,
        until_ms,
        source: "policy.toml:3".to_owned(),
    };
    let case = |approval: Approval| {
        let case = Case {
            approvals: vec![approval],
            now_ms: 5,
            ..Case::of(fetch(), json!({"url": "https://a.example/"}))
        };
        case.granted(&[(Capability::Net, "**")])
    };
    let asked = "the rule `ask net ** by tool {fetch,send_request} unless allowed` (built in) covers net on `https://a.example/`";
    check(
        &case(approval("fetch", "", None)),
        &format!("Allow: a person has approved `fetch` (policy.toml:3); otherwise {asked}"),
    );
    check(
        &case(approval("fetch", "coder", Some(1_798_675_200_000))),
        &format!(
            "Allow: a person has approved `fetch` for role `coder` until 2026-12-31 (policy.toml:3); otherwise {asked}"
        ),
    );
    check(
        &case(approval("fetch", "writer", None)),
        &format!("Ask: {asked}"),
    );
    check(
        &case(approval("fetch", "", Some(5))),
        &format!("Ask: {asked}"),
    );
    check(
        &case(approval("fetch*", "", None)),
        &format!("Ask: {asked}"),
    );
    let of_task = Approval {
        task: Some(task(|_| ()).id),
        ..approval("fetch", "", None)
    };
    check(&case(of_task.clone()), &format!("Ask: {asked}"));
    check(
        &Case {
            task: Some(task(|_| ())),
            ..case(of_task)
        },
        &format!(
            "Allow: a person has approved `fetch` for task `t1` (policy.toml:3); otherwise {asked}"
        ),
    );
    check(
        &case(approval("fetch", "", None)).granted(&[]),
        "Deny: no grant of this agent covers net on `https://a.example/`; it has none for net",
    );
    check(
        &Case {
            autonomy: Autonomy::L0,
            approvals: vec![approval("pay", "", None)],
            ..Case::of(pay(), json!({}))
        },
        "Deny: at autonomy L0 there is a plan and nothing runs",
    );
}
