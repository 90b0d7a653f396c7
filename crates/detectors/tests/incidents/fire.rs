//! Loops that must be called. Each case says why by which step, counted from 0; no loop can be
//! known before its second round.

use crate::story::{Turn, call, does, fires, says, shell};
use leadhand_detectors::Came;
use serde_json::json;

const FAILING: &str = "test parse_date ... FAILED\nassertion failed: left 3, right 4";

fn failing_test(round: usize) -> Turn {
    let result = format!("{FAILING}\nfinished in 0.{}s", 31 + round);
    does(shell("cargo test parse_date").gives(result))
}

/// Words between searches, none like the other. The fourth search is step 6: three equal ones
/// with an equal result leave no doubt, and one more is grace.
#[test]
fn identical_searches_spread_over_messages() {
    let words = [
        "Let me look.",
        "Perhaps elsewhere.",
        "Where is it?",
        "Hm, odd.",
        "Once more.",
    ];
    let search =
        || call("search", json!({"query": "retry policy"})).gives("3 hits: a.rs b.rs c.rs");
    fires(
        2,
        6,
        (0..728).map(|at| match at % 2 {
            0 => does(search()),
            _ => says(format!("{} ({at})", words[at / 2 % words.len()])),
        }),
    );
}

/// Another number in the command, the same bytes back: six are one more than care explains.
#[test]
fn near_duplicate_shell_calls_with_the_same_bytes() {
    fires(
        1,
        5,
        (0..43).map(|at| {
            does(
                shell(format!("head -n {} /srv/app/app.log", 20 + at))
                    .gives("boot ok\nlistening\n"),
            )
        }),
    );
}

/// The same words in another order ask the same: the sixth same result is the latest.
#[test]
fn reshuffled_searches_with_the_same_result() {
    let words = ["invoice", "export", "timeout", "nightly", "batch"];
    fires(
        1,
        5,
        (0..38).map(|at| {
            let mut query = words;
            query.rotate_left(at % 5);
            query.swap(at / 5 % 5, (at / 5 + 1 + at % 3) % 5);
            let ask = json!({"query": query.join(" ")});
            does(call("search", ask).gives("1. Release notes\n2. Changelog"))
        }),
    );
}

/// Nothing was changed, so the test cannot change its mind: its fourth run is step 7.
#[test]
fn a_failing_test_between_varying_reads() {
    fires(
        2,
        7,
        (0..24).map(|at| match at % 2 {
            0 => does(
                call("read_file", json!({"path": format!("src/part{at}.rs")}))
                    .gives(format!("fn part_{at}() -> u32 {{ {} }}", at * at)),
            ),
            _ => failing_test(at),
        }),
    );
}

/// A round is three steps. The third round shows it, the fourth is grace: step 11.
#[test]
fn read_bad_edit_failing_test() {
    let path = json!({"path": "src/date.rs"});
    let edit = json!({"path": "src/date.rs", "old": "day + 1", "new": "day"});
    fires(
        3,
        11,
        (0..30).map(|at| match at % 3 {
            0 => does(call("read_file", path.clone()).gives("pub fn day() -> u32 { 4 }")),
            1 => does(
                call("edit_file", edit.clone())
                    .gives("error: the text to replace was not found")
                    .came(Came::Failed),
            ),
            _ => failing_test(at),
        }),
    );
}

/// Each command is the last one and itself again, and fails as it did: six are enough.
#[test]
fn a_command_that_appends_to_itself() {
    fires(
        1,
        5,
        (0..20).map(|at| {
            let command = vec!["make check"; at + 1].join(" && ");
            does(shell(command).gives("make: *** No rule to make target 'check'. Stop."))
        }),
    );
}

/// Whatever the tool, it is refused: eight refusals in a row are no search for a way any more.
#[test]
fn hopping_between_tools_after_each_block() {
    let tools = [
        "shell",
        "http_get",
        "write_file",
        "python",
        "move_file",
        "fetch",
        "node",
        "edit",
    ];
    fires(
        1,
        7,
        (0..40).map(|at| {
            let ask = json!({"target": format!("/etc/app/{at}.conf")});
            let made =
                call(tools[at % tools.len()], ask).gives("refused: outside of the workspace");
            does(made.came(Came::Blocked))
        }),
    );
}

/// The calls of a turn are a set, whatever their order: the fourth equal set is step 3.
#[test]
fn a_repeated_fan_out_set() {
    let ask = |city: &str| call("weather", json!({"city": city})).gives(format!("{city}: rain"));
    fires(
        1,
        3,
        (0..12).map(|at| {
            let mut cities = ["Oslo", "Lima", "Pune"];
            cities.rotate_left(at % 3);
            cities
                .iter()
                .fold(says(""), |turn, city| turn.and(ask(city)))
        }),
    );
}

/// Two agents hand one piece of work to and fro. Four round trips end at step 7.
#[test]
fn delegation_to_and_fro() {
    fires(
        2,
        7,
        (0..40).map(|at| {
            let (who, whom) = if at % 2 == 0 { (1, "b") } else { (2, "a") };
            let ask = json!({"to": whom, "task": "Check the totals of the March report"});
            does(call("delegate", ask).gives("handed over")).by(who)
        }),
    );
}

/// The plan is what it was after each compaction; the sizes vary. Four rounds end at step 7.
#[test]
fn plan_compact_plan() {
    let plan = json!({"steps": ["read the schema", "write the migration", "test it"]});
    fires(
        2,
        7,
        (0..434).map(|at| match at % 2 {
            0 => does(call("write_plan", plan.clone()).gives("plan accepted")),
            _ => does(
                call("compact_context", json!({})).gives(format!("{} tokens kept", 9_000 + at * 7)),
            ),
        }),
    );
}

/// Work, a goal that is met at step 3, and then one sentence: its fourth time is step 7.
#[test]
fn the_same_sentence_after_the_goal_is_met() {
    fires(
        5,
        7,
        (0..856).map(|at| match at {
            0..3 => does(shell(format!("sed -i s/a/b/ file{at}")).gives(format!("{at} lines"))),
            3 => does(shell("make test").gives("all 12 passed")).gains(),
            _ => says("The task is complete. There is nothing left to do."),
        }),
    );
}

/// No word, no call, no token: the sixth such turn will not be the one that works.
#[test]
fn turns_that_always_fail_at_zero_tokens() {
    fires(1, 5, (0..50).map(|_| says("")));
}

/// All differ, and nothing comes of any. Half of what really happened is more than enough.
#[test]
fn different_commands_and_no_progress() {
    let verbs = [
        "ls", "cat", "stat", "find", "file", "du -sh", "wc -l", "head", "tail", "md5sum",
    ];
    let places = [
        "/opt/tool",
        "/srv/www",
        "/var/spool/in",
        "~/cache",
        "/mnt/share",
        "/usr/src",
        "./out",
    ];
    fires(
        5,
        30,
        (0..62).map(|at| {
            let (verb, place) = (verbs[at % verbs.len()], places[at / verbs.len()]);
            let made = shell(format!("{verb} {place}/{}", ["log", "bin", "x.db"][at % 3]));
            does(match at % 3 {
                0 => made.gives(""),
                1 => made.gives(format!("{verb}: cannot open: No such file or directory")),
                _ => made.gives("bash: permission denied").came(Came::Failed),
            })
        }),
    );
}
