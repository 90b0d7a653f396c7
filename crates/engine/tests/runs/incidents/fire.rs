//! Loops that must end a run. Each case says how many calls and turns it may take: from where the
//! loop is seen and told, one more turn has its calls refused from then on, and the next one stops.

use super::{Bounds, Made, Story, Turn, does, ends_for, fires, made, says, shell, story};
use crate::coordination::holds;
use leadhand_protocol::{
    Answer, Autonomy, Check, Decision, Effect, Event, LoopRule, ModelFault, ModelFaultKind,
    OutcomeKind, Plan, Rule, Start,
};
use serde_json::json;

const FAILING: &str = "test parse_date ... FAILED\nassertion failed: left 3, right 4";

fn failing_test(round: usize) -> Turn {
    let result = format!("{FAILING}\nfinished in 0.{}s", 31 + round);
    does(shell("cargo test parse_date").fails(result))
}

fn check(rule: LoopRule, calls_max: usize, turns_max: usize, story: Story) {
    let bounds = Bounds {
        rule,
        calls_max,
        turns_max,
    };
    fires(&bounds, story);
}

/// 364 searches, one to four of them in a message, and none of the messages says the same.
#[test]
fn identical_searches_spread_over_messages() {
    let search =
        || made("search", json!({"query": "retry policy"})).gives("3 hits: a.rs b.rs c.rs");
    let turns = (0..146).map(|at| {
        let first = says(format!("Let me look elsewhere ({at})."));
        (0..=at % 4).fold(first, |turn, _| turn.and(search()))
    });
    check(LoopRule::Cycle, 10, 5, story(turns));
}

/// Another number in the command, the same bytes back.
#[test]
fn near_duplicate_shell_calls_with_the_same_bytes() {
    let turns = (0..43).map(|at| {
        let command = format!("head -n {} /srv/app/app.log", 20 + at);
        does(shell(command).gives("boot ok\nlistening\n"))
    });
    check(LoopRule::SameResult, 8, 8, story(turns));
}

/// The same words in another order ask the same.
#[test]
fn reshuffled_searches_with_the_same_result() {
    let words = ["invoice", "export", "timeout", "nightly", "batch"];
    let turns = (0..38).map(|at| {
        let mut query = words;
        query.rotate_left(at % 5);
        query.swap(at / 5 % 5, (at / 5 + 1 + at % 3) % 5);
        let ask = json!({"query": query.join(" ")});
        does(made("search", ask).gives("1. Release notes\n2. Changelog"))
    });
    check(LoopRule::SameResult, 8, 8, story(turns));
}

/// Nothing was changed, so the test cannot change its mind, whatever is read between.
#[test]
fn a_failing_test_between_varying_reads() {
    let turns = (0..48).map(|at| match at % 2 {
        0 => {
            let ask = json!({"path": format!("src/part{at}.rs")});
            let content = format!("fn part_{at}() -> u32 {{ {} }}", at * at);
            does(made("view", ask).gives(content))
        }
        _ => failing_test(at),
    });
    check(LoopRule::RepeatedCall, 9, 10, story(turns));
}

/// The same, where the tool does what it is for and the failure is what it tells.
#[test]
fn a_test_that_says_by_its_words_that_it_fails() {
    let turns = (0..96).map(|at| match at % 2 {
        0 => {
            let ask = json!({"path": format!("src/part{at}.rs")});
            does(made("view", ask).gives(format!("fn part_{at}() {{}}")))
        }
        _ => does(made("run_tests", json!({})).gives(FAILING)),
    });
    check(LoopRule::RepeatedCall, 9, 10, story(turns));
}

/// Three steps are a round, and all three are refused once it was told.
#[test]
fn read_bad_edit_failing_test() {
    let edit = json!({"path": "src/date.rs", "old": "day + 1", "new": "day"});
    let turns = (0..30).map(|at| match at % 3 {
        0 => does(made("view", json!({"path": "src/date.rs"})).gives("pub fn day() -> u32 { 4 }")),
        1 => does(made("edit", edit.clone()).fails("the text to replace was not found")),
        _ => failing_test(at),
    });
    check(LoopRule::Cycle, 10, 11, story(turns));
}

/// Each command is the last one and itself again, and fails as it did.
#[test]
fn a_command_that_appends_to_itself() {
    let turns = (0..20).map(|at| {
        let command = vec!["make check"; at + 1].join(" && ");
        does(shell(command).fails("make: *** No rule to make target 'check'. Stop."))
    });
    check(LoopRule::SameResult, 9, 9, story(turns));
}

const WAYS: [&str; 8] = [
    "shell",
    "http_get",
    "put",
    "python",
    "move_file",
    "fetch",
    "node",
    "edit",
];

fn hopping() -> impl Iterator<Item = Turn> {
    (0..40).map(|at| {
        let ask = json!({"target": format!("/etc/app/{at}.conf")});
        does(made(WAYS[at % WAYS.len()], ask))
    })
}

/// Whatever the tool, policy is against it: not one call is made, and all of them count.
#[test]
fn hopping_between_tools_after_policy_refused_each() {
    let story = story(hopping()).with(|start| {
        start.rules.push(Rule::any(Decision::Deny));
    });
    check(LoopRule::SameError, 0, 8, story);
}

/// A person says no each time; what a person was asked counts as what policy refused.
#[test]
fn hopping_between_tools_after_a_person_refused_each() {
    let mut story = story(hopping()).with(|start| start.goal.autonomy = Autonomy::L3);
    for way in WAYS {
        story = story.with_tool(way, |tool| tool.effect = Effect::Once);
    }
    let told = story.run(&Answer::Deny {
        reason: "not there".into(),
    });
    let bounds = Bounds {
        rule: LoopRule::SameError,
        calls_max: 0,
        turns_max: 8,
    };
    ends_for(&bounds, &told);
}

/// The calls of a turn are a set, whatever their order.
#[test]
fn a_repeated_fan_out_set() {
    let ask = |city: &str| made("weather", json!({"city": city})).gives(format!("{city}: rain"));
    let turns = (0..12).map(|at| {
        let mut cities = ["Oslo", "Lima", "Pune"];
        cities.rotate_left(at % 3);
        let asks = cities.iter().map(|city| ask(city));
        asks.fold(says(""), Turn::and)
    });
    check(LoopRule::Cycle, 12, 5, story(turns));
}

/// The plan is what it was, and each time the context is cut down, by another size. What the
/// model is sent is cut down by its role as well, so that it cannot know.
#[test]
fn plan_compact_plan() {
    let plan = json!({"steps": ["read the schema", "write the migration", "test it"]});
    let turns = (0..434).map(|at| match at % 2 {
        0 => does(made("write_plan", plan.clone()).gives("plan accepted")),
        _ => {
            let kept = format!("{} tokens kept", 9_000 + at * 7);
            does(made("compact_context", json!({})).gives(kept))
        }
    });
    let story = story(turns).with(|start| {
        let roles = std::sync::Arc::make_mut(&mut start.roles);
        roles.last_mut().unwrap().history_max = 2;
    });
    let bounds = Bounds {
        rule: LoopRule::Compaction,
        calls_max: 8,
        turns_max: 9,
    };
    let told = fires(&bounds, story);
    let entries = |prompt: &String| prompt.matches("---").count() + 1;
    let sent = told.world.prompts.iter().map(entries).max();
    assert_eq!(sent, Some(4), "the model was sent more than its role wants");
}

/// Work, a goal that is met, and then one sentence beside calls that bring nothing.
#[test]
fn the_same_sentence_beside_calls_after_the_goal_is_met() {
    let turns = (0..856).map(|at| match at {
        0..3 => does(shell(format!("sed -i s/a/b/ file{at}")).gives(format!("{at} lines"))),
        3 => does(shell("make test").gives("all 12 passed")),
        _ => says("The task is complete. There is nothing left to do.")
            .and(made("report", json!({"state": "complete"})).gives("noted")),
    });
    check(LoopRule::Cycle, 8, 9, story(turns));
}

/// All differ, and nothing comes of any.
#[test]
fn different_commands_and_no_progress() {
    let verbs = [
        "ls", "cat", "stat", "find", "file", "du -sh", "wc -l", "head", "tail", "md5sum",
    ];
    let places = [
        "/opt",
        "/srv/www",
        "/var/spool",
        "~/cache",
        "/mnt",
        "/usr/src",
        "./out",
    ];
    let turns = (0..62).map(|at| {
        let (verb, place) = (verbs[at % verbs.len()], places[at / verbs.len()]);
        let look: Made = shell(format!("{verb} {place}/{}", ["log", "bin", "x.db"][at % 3]));
        does(match at % 3 {
            0 => look.gives(""),
            1 => look.fails(format!("{verb}: cannot open: No such file or directory")),
            _ => look.fails("bash: permission denied"),
        })
    });
    check(LoopRule::Stall, 26, 26, story(turns));
}

/// What a sandboxed tool reads changes with files alone: such a call is not even made again.
#[test]
fn a_sandboxed_call_made_again_and_again() {
    let turns = (0..50).map(|_| does(made("read_file", json!({"path": "a.md"})).gives("a")));
    check(LoopRule::Cycle, 1, 5, story(turns));
}

/// The same text, whatever the check says that sends it back, in both attempts. Where there is a
/// person, the person is asked whether it may go on.
#[test]
fn the_same_sentence_however_often_it_is_sent_back() {
    let claims = || (0..50).map(|_| says("The task is complete. There is nothing left to do."));
    for autonomy in [Autonomy::L4, Autonomy::L5] {
        let story = story(claims()).with(|start| {
            wants_yes(start);
            start.limits.task_attempts_max = 2;
            start.goal.autonomy = autonomy;
        });
        let told = story.run(&Answer::Deny {
            reason: "enough".into(),
        });
        let bounds = Bounds {
            rule: LoopRule::Chant,
            calls_max: 0,
            turns_max: 4,
        };
        ends_for(&bounds, &told);
        let mut asked = told.world.journal.iter();
        let asked = asked.any(|event| matches!(event, Event::PersonAsked { .. }));
        assert_eq!(asked, autonomy < Autonomy::L5);
    }
}

#[test]
fn turns_that_bring_nothing_at_zero_tokens() {
    let nothing = story((0..50).map(|_| says("")));
    let twice = nothing.with(|start| start.limits.task_attempts_max = 2);
    check(LoopRule::Chant, 0, 4, twice);
}

fn wants_yes(start: &mut Start) {
    let mut plan = Plan::clone(start.plan.as_deref().unwrap());
    plan.tasks[0].acceptance = vec![Check::OutputMatches {
        pattern: "yes".into(),
    }];
    start.plan = Some(plan.into());
}

/// A fault of a model ends the attempt, so that turns without an answer are as few as attempts:
/// nothing goes round that could be found, and the task tells why it failed.
#[test]
fn turns_that_always_fail() {
    let fault = ModelFault {
        kind: ModelFaultKind::BadAnswer,
        message: "the answer is no JSON".into(),
        retry_after_ms: None,
    };
    let turns = (0..50).map(|_| Turn {
        fault: Some(fault.clone()),
        ..Turn::default()
    });
    let told = story(turns).run(&Answer::Allow);
    assert_eq!((told.turns, told.calls), (1, 0), "{}", told.world.told());
    let outcome = told.world.outcome.as_ref().unwrap();
    assert_eq!(outcome.kind, OutcomeKind::NotAchieved);
    assert!(outcome.why.contains("no JSON"), "{}", outcome.why);
    holds(&told.world);
}
