//! Work that leaves the plan: what each rule tells and what it is silent about, as tables of text.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on should stop, and says what it measured"
)]

#[path = "divergence/live.rs"]
mod live;
#[path = "divergence/shared.rs"]
mod shared;

use leadhand_detectors::divergence::{PlanWatch, PlannedCall, call_writes};
use leadhand_detectors::{Arguments, Call, Came, Manner, Step};
use leadhand_protocol::{AgentId, Divergence, Effect};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One line a finding: step, rule, evidence.
fn told(found: &[Divergence]) -> Vec<String> {
    let step = |it: &Divergence| it.step.map_or("-".to_owned(), |step| step.to_string());
    let lines = found.iter();
    let lines = lines.map(|it| format!("{} {} {}", step(it), it.rule.name(), it.evidence));
    lines.collect()
}

fn planned(text: &str) -> PlannedCall {
    let (tool, arguments) = text.split_once(' ').unwrap();
    PlannedCall {
        tool: tool.to_owned(),
        arguments: serde_json::from_str(arguments).unwrap(),
    }
}

fn see(
    watch: &mut PlanWatch,
    index: u64,
    tool: &str,
    arguments: &Value,
    result: &str,
    came: Came,
) -> Vec<Divergence> {
    let call = Call {
        tool,
        arguments: Arguments::Json(arguments),
        result,
        came,
        manner: Manner::default(),
    };
    let calls = [call];
    let step = Step {
        calls: &calls,
        agent: AgentId(1),
        said: "",
        answered: None,
        at_ms: None,
        gained: false,
    };
    watch.see(index, &step)
}

/// Calls are `tool arguments` or `tool arguments => result`.
fn check(plan: &[&str], calls: &[&str], expected: &[&str]) {
    let plan: Vec<_> = plan.iter().map(|text| planned(text)).collect();
    let mut watch = PlanWatch::new(&plan);
    let mut found = Vec::new();
    for (index, text) in (0..).zip(calls) {
        let (call, result) = text.split_once(" => ").unwrap_or((text, "{}"));
        let call = planned(call);
        found.extend(see(
            &mut watch,
            index,
            &call.tool,
            &call.arguments,
            result,
            Came::Unknown,
        ));
    }
    found.extend(watch.finish());
    assert_eq!(told(&found), expected, "{calls:?}");
}

#[test]
fn writes_are_held_against_the_plan() {
    check(&[], &[r#"get_user {"id":1}"#, "think {}"], &[]);
    check(
        &[r#"cancel_order {"id":"7","n":1}"#],
        &[r#"cancel_order {"n":1.0,"id":" 7 "}"#],
        &[],
    );
    check(
        &[r#"cancel_order {"id":"7"}"#],
        &[r#"cancel_order {"id":"8"}"#],
        &[
            r#"0 unplanned_write `cancel_order` was called with {"id":"8"}, and the plan holds this tool with other arguments only"#,
            r#"- missing_write the plan holds `cancel_order` with {"id":"7"}, and it never came"#,
        ],
    );
    check(
        &[r#"send {"id":1}"#],
        &["list_all {}", r#"send {"id":1}"#, r#"send {"id":1}"#],
        &[
            r#"2 unplanned_write `send` was called with {"id":1}, which the plan holds, but not once more"#,
        ],
    );
    check(
        &[],
        &[r#"book_flight {} => {"id":"HAT"}"#],
        &[
            "0 unplanned_write `book_flight` was called with {}, and the plan holds no call of this tool",
        ],
    );
}

#[test]
fn what_failed_changed_nothing() {
    for result in [
        "Error: not enough seats",
        "ValueError: no such order",
        r#"{"error": "no such order"}"#,
        r#"{"isError": true, "content": []}"#,
        r#"{"status": "failed"}"#,
    ] {
        let call = format!("book {{}} => {result}");
        check(&[], &[&call], &[]);
        let missing = "- missing_write the plan holds `book` with {}, and it never came";
        check(&["book {}"], &[&call], &[missing]);
        check(&["book {}"], &[&call, "book {}"], &[]);
    }
    for result in [
        "Errors were corrected",
        r#"{"error": null}"#,
        r#"{"error": ""}"#,
        "",
        "terror: a film",
    ] {
        check(&["book {}"], &[&format!("book {{}} => {result}")], &[]);
    }
    let mut watch = PlanWatch::new(&[]);
    for came in [Came::Failed, Came::Blocked, Came::Unavailable] {
        assert_eq!(see(&mut watch, 0, "book", &json!({}), "fine", came), []);
    }
    assert_eq!(
        see(&mut watch, 0, "book", &json!({}), "Error: none", Came::Done).len(),
        1
    );
}

#[test]
fn handing_over_is_no_write_planned_or_not() {
    let hand_over = r#"transfer_to_human_agents {"summary":"a"}"#;
    check(&[hand_over], &[], &[]);
    check(&[], &[hand_over], &[]);
}

#[test]
fn names_tell_what_calls_do() {
    let reads = "get_user_details find_user_id_by_email list_all_airports search_onestop_flight \
        calculate think lookup_order web_search file_read getUserDetails crm.get_user \
        mcp__crm__list_users respond search_by_name_or_id final_answer check_status \
        transfer_to_human_agents transfer_to_billing_expert handoff hand_off_to_desk delegate_task";
    let writes = "update_user modify_pending_order_items cancel_reservation book_reservation \
        exchange_delivered_order_items return_delivered_order_items send_certificate check_in \
        get_or_create_user find_and_replace save_search transfer_to_savings transfer_money \
        updateUser mcp__get__update_user set_read frobnicate getter";
    for tool in reads.split_whitespace() {
        assert!(!call_writes(tool, None), "{tool}");
        assert!(call_writes(tool, Some(Effect::Once)), "{tool}");
    }
    for tool in writes.split_whitespace() {
        assert!(call_writes(tool, None), "{tool}");
        assert!(!call_writes(tool, Some(Effect::Pure)), "{tool}");
    }
}

#[test]
fn a_declared_effect_decides_over_a_name() {
    let effects = BTreeMap::from([
        ("get_ticket".to_owned(), Effect::Once),
        ("send_ping".to_owned(), Effect::Pure),
    ]);
    let mut watch = PlanWatch::with_effects(&[], effects);
    assert_eq!(
        see(&mut watch, 0, "send_ping", &json!({}), "", Came::Done),
        []
    );
    assert_eq!(
        see(&mut watch, 1, "get_ticket", &json!({}), "", Came::Done).len(),
        1
    );
}

#[test]
fn the_same_difference_has_the_same_name() {
    let mut watch = PlanWatch::new(&[]);
    let first = see(&mut watch, 0, "book", &json!({"a": 1}), "", Came::Done);
    let again = see(&mut watch, 9, "book", &json!({"a": 1.0}), "", Came::Done);
    let other = see(&mut watch, 9, "book", &json!({"a": 2}), "", Came::Done);
    assert_eq!(first[0].identity, again[0].identity);
    assert_ne!(first[0].identity, other[0].identity);
}

proptest! {
    /// In whichever order the calls come, as many writes are unplanned and missing, and no
    /// planned write is matched twice.
    #[test]
    fn order_does_not_matter_and_a_planned_write_is_matched_once(
        plan in prop::collection::vec(0..4_u8, 0..8),
        calls in prop::collection::vec(0..4_u8, 0..12).prop_shuffle(),
    ) {
        let judge = |plan: &[u8], calls: &[u8]| {
            let plan: Vec<_> = plan.iter().map(|id| planned(&format!("send {{\"id\":{id}}}"))).collect();
            let mut watch = PlanWatch::new(&plan);
            let found = calls.iter().flat_map(|id| see(&mut watch, 0, "send", &json!({"id": id}), "", Came::Done));
            let unplanned = found.map(|it| it.identity).collect::<Vec<_>>();
            (unplanned, watch.finish().into_iter().map(|it| it.identity).collect::<Vec<_>>())
        };
        let sort = |(mut a, mut b): (Vec<_>, Vec<_>)| { a.sort(); b.sort(); (a, b) };
        let as_given = sort(judge(&plan, &calls));
        let (mut other_plan, mut other_calls) = (plan.clone(), calls.clone());
        other_plan.sort_unstable();
        other_calls.sort_unstable();
        other_calls.reverse();
        prop_assert_eq!(&as_given, &sort(judge(&other_plan, &other_calls)));
        let often = |ids: &[u8], id: u8| ids.iter().filter(|it| **it == id).count();
        let matched: usize = (0..4).map(|id| often(&plan, id).min(often(&calls, id))).sum();
        prop_assert_eq!((calls.len() - as_given.0.len(), plan.len() - as_given.1.len()), (matched, matched));
    }
}
