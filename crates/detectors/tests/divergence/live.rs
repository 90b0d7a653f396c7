//! What is asked of a live run's task.

use super::told;
use leadhand_detectors::divergence::{
    Backing, Declared, DriftVerdict, InputHash, OVER_ESTIMATE_FACTOR, Place, Spent, Touched, drift,
    empty_claim, missing_write, off_contract, over_estimate, stale_input, undeclared,
    unplanned_write,
};
use leadhand_protocol::{AgentId, ContentHash, Divergence, EVIDENCE_CHARS_MAX, TaskId};

fn here(task: &TaskId) -> Place<'_> {
    Place {
        agent: AgentId(2),
        task: Some(task),
        step: Some(5),
    }
}

fn task() -> TaskId {
    TaskId::new("tidy").unwrap()
}

fn texts(words: &str) -> Vec<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

fn check(found: impl IntoIterator<Item = Divergence>, expected: &[&str]) {
    let found: Vec<_> = found.into_iter().collect();
    assert_eq!(told(&found), expected);
    for it in found {
        assert_eq!((it.agent, it.task), (AgentId(2), Some(task())));
        assert!(it.evidence.chars().count() <= EVIDENCE_CHARS_MAX);
    }
}

#[test]
fn what_the_task_did_not_declare_is_told() {
    let (task, tools, paths) = (task(), texts("read write"), texts("src/** a.md"));
    let resources = texts("https://example.org/** desk");
    let declared = Declared {
        tools: Some(&tools),
        paths: Some(&paths),
        resources: Some(&resources),
    };
    let judge = |tool, paths: &str, resources: &str| {
        let (paths, resources) = (texts(paths), texts(resources));
        let touched = Touched {
            tool,
            paths: &paths,
            resources: &resources,
        };
        undeclared(here(&task), declared, touched)
    };
    check(
        judge("read", "src/a.rs a.md", "https://example.org/x desk"),
        &[],
    );
    check(
        judge("shell", "b.md ../x", "https://example.com/x door"),
        &[
            "5 undeclared the tool `shell` was called, which the task did not declare",
            "5 undeclared `shell` touched the path `b.md`, which the task did not declare",
            "5 undeclared `shell` touched the path `../x`, which the task did not declare",
            "5 undeclared `shell` touched the resource `https://example.com/x`, which the task did not declare",
            "5 undeclared `shell` touched the resource `door`, which the task did not declare",
        ],
    );
    let touched = Touched {
        tool: "shell",
        ..Touched::default()
    };
    check(undeclared(here(&task), Declared::default(), touched), &[]);
}

#[test]
fn files_are_held_against_what_the_task_writes() {
    let (task, writes) = (task(), texts("docs/** out.md ./b.md"));
    check(
        unplanned_write(here(&task), &writes, &texts("docs/a.md x.md x.md out.md")),
        &[
            "5 unplanned_write `x.md` was changed, and the task declares `docs/**`, `out.md`, `./b.md`",
        ],
    );
    check(
        unplanned_write(here(&task), &[], &texts("x.md")),
        &["5 unplanned_write `x.md` was changed, and the task declares no writes"],
    );
    check(
        missing_write(here(&task), &writes, &texts("b.md")),
        &["- missing_write the task declares that it writes `out.md`, and did not"],
    );
    check(
        missing_write(here(&task), &texts("site"), &texts("site/a.html")),
        &[],
    );
}

#[test]
fn an_output_off_its_contract_is_told_after_the_last_attempt() {
    let (task, faults) = (task(), vec!["`a` is missing".to_owned(), "b".repeat(900)]);
    assert_eq!(off_contract(here(&task), &[], 0), None);
    assert_eq!(off_contract(here(&task), &faults, 1), None);
    check(
        off_contract(here(&task), &faults[..1], 0),
        &["5 off_contract the output does not fit its schema: `a` is missing"],
    );
    let long = off_contract(here(&task), &faults, 0).unwrap();
    assert_eq!(long.evidence.chars().count(), EVIDENCE_CHARS_MAX);
}

#[test]
fn inputs_that_changed_are_told_together() {
    let (task, old, new) = (task(), ContentHash::of(b"old"), ContentHash::of(b"new"));
    let input = |name, now| InputHash {
        name,
        begun: Some(old),
        now,
    };
    assert_eq!(stale_input(here(&task), &[input("a", Some(old))]), None);
    let unknown = InputHash {
        begun: None,
        ..input("a", Some(new))
    };
    assert!(stale_input(here(&task), &[unknown]).is_some());
    let both = [
        input("b", None),
        input("a", Some(new)),
        input("c", Some(old)),
    ];
    check(
        stale_input(here(&task), &both),
        &["5 stale_input since the work was begun, `a` is not what it was, `b` is gone"],
    );
}

#[test]
fn a_claim_without_a_call_is_told() {
    let task = task();
    let backing = Backing {
        calls: 0,
        could_act: true,
    };
    for claim in [
        "Done. I have created the file.",
        "I've successfully updated the record",
        "We ran the tests and they pass",
        "All tests have been run.",
        "Updated the configuration.",
        "Successfully deployed the service.",
        "The report has now been sent to the team.",
        "I have not only read it. I have also fixed it.",
        "Done.",
        "All done! The task is complete.",
    ] {
        assert!(
            empty_claim(here(&task), claim, backing).is_some(),
            "{claim}"
        );
        let called = Backing {
            calls: 1,
            ..backing
        };
        assert_eq!(empty_claim(here(&task), claim, called), None);
        let text_only = Backing {
            could_act: false,
            ..backing
        };
        assert_eq!(empty_claim(here(&task), claim, text_only), None);
    }
    for silent in [
        "",
        "I have not created the file.",
        "I haven't sent it.",
        "Once I have created the file, I will tell you.",
        "Have you updated it?",
        "I considered the options and decided.",
        "The company was created in 1990.",
        "Created by the build.",
        "```\nI have created the file.\n```",
        "> I have created the file.",
        "Run the tests.",
        "The file should have been created.",
        "Not done.",
        "Done: the answer is 4.",
    ] {
        assert_eq!(empty_claim(here(&task), silent, backing), None, "{silent}");
    }
    check(
        empty_claim(here(&task), "Fine. I have created `a`.", backing),
        &["5 empty_claim the agent made no call, and says: I have created `a`."],
    );
}

#[test]
fn far_more_than_the_estimate_is_told() {
    let task = task();
    let judge = |seconds, estimate_seconds, tokens, estimate_tokens| {
        let spent = Spent {
            seconds,
            estimate_seconds,
            tokens,
            estimate_tokens,
            told: 0,
        };
        over_estimate(here(&task), spent)
    };
    assert_eq!(judge(1_000_000, 0, 1_000_000, 0), None);
    assert_eq!(judge(299, 10, 0, 0), None);
    assert_eq!(judge(100 * OVER_ESTIMATE_FACTOR, 100, 0, 0), None);
    check(
        judge(401, 100, 0, 0),
        &["5 over_estimate 401 seconds are spent, and 100 were estimated"],
    );
    check(
        judge(0, 0, 100_001, 20_000),
        &["5 over_estimate 100001 tokens are spent, and 20000 were estimated"],
    );
    let again = |seconds| {
        let spent = Spent {
            seconds,
            estimate_seconds: 100,
            told: 1,
            ..Spent::default()
        };
        over_estimate(here(&task), spent)
    };
    assert_eq!(again(1_599), None);
    let name = |found: Option<Divergence>| found.unwrap().identity;
    assert_eq!(name(again(1_600)), name(judge(401, 100, 0, 0)));
}

#[test]
fn no_verdict_is_never_consent() {
    let task = task();
    let drifts = DriftVerdict::read(Ok("```json\n{\"verdict\":\"drifts\",\"why\":\"x\"}\n```"));
    check(
        drift(here(&task), &drifts),
        &["5 drift a second model says that the work drifts: x"],
    );
    let on_plan = DriftVerdict::read(Ok(r#" {"verdict": "on_plan"} "#));
    assert_eq!(on_plan, DriftVerdict::OnPlan);
    assert_eq!(drift(here(&task), &on_plan), None);
    for nonsense in [
        Ok(""),
        Ok("on_plan"),
        Ok("yes"),
        Ok("{}"),
        Ok(r#"{"verdict": "fine"}"#),
        Ok(r#"{"verdict": "drifts"}"#),
        Ok(r#"{"verdict": "drifts", "why": " "}"#),
        Ok(r#"{"verdict": "on_plan"} {"verdict": "drifts"}"#),
        Err("timed out"),
    ] {
        let verdict = DriftVerdict::read(nonsense);
        assert!(
            matches!(verdict, DriftVerdict::Unknown { .. }),
            "{nonsense:?}"
        );
        assert_eq!(drift(here(&task), &verdict), None);
    }
}
