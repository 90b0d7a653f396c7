//! Honest work that looks like a loop, and must be left alone to its end.

use crate::story::{Turn, call, does, says, shell, silent};
use leadhand_detectors::Came;
use serde_json::json;

fn status(result: impl Into<String>) -> Turn {
    does(call("job_status", json!({"job": "build-7"})).gives(result))
}

#[test]
fn a_poll_whose_answer_moves() {
    silent((0..40).map(|at| status(format!("running: {} of 400 items", at * 10))));
}

/// Nobody declared it a poll: that it takes its time shows.
#[test]
fn looks_five_minutes_apart_with_the_same_answer() {
    silent((0..12).map(|at| status("running").at_minute(5 * at)));
}

#[test]
fn a_declared_poll_with_the_same_answer() {
    silent((0..12).map(|_| {
        let look = call("job_status", json!({"job": "build-7"})).gives("running");
        does(look.polls_every_minutes(5))
    }));
}

#[test]
fn a_poll_with_a_sleep_between() {
    silent((0..24).map(|at| match at % 2 {
        0 => does(shell("sleep 30").gives("")),
        _ => status("running"),
    }));
}

#[test]
fn files_are_moved_one_by_one() {
    silent((0..60).map(|at| does(shell(format!("mv in/photo{at}.jpg out/{at}.jpg")).gives(""))));
}

#[test]
fn lint_fix_lint_with_fewer_warnings_each_time() {
    silent((0..24).map(|at| {
        match at % 3 {
            0 => does(shell("lint src").gives(format!("{} warnings left", 20 - at / 3))),
            1 => does(
                call("edit", json!({"file": format!("src/m{at}.rs"), "line": at}))
                    .gives("edited")
                    .changes(&format!("content {at}")),
            ),
            _ => does(
                call("read_file", json!({"path": format!("src/n{at}.rs")}))
                    .gives(format!("fn n{at}() {{}}")),
            ),
        }
    }));
}

#[test]
fn writes_to_distinct_targets_that_all_answer_ok() {
    silent((0..40).map(|at| {
        does(call("put_record", json!({"key": format!("k{at}"), "value": at})).gives("ok"))
    }));
}

/// Between two looks at the list, a task is done.
#[test]
fn a_teammate_reads_the_task_list_between_tasks() {
    silent((0..20).map(|at| {
        match at % 2 {
            0 => does(call("list_tasks", json!({})).gives("3 open: a, b, c")).by(2),
            _ => does(
                call("read_file", json!({"path": format!("doc/{at}.md")}))
                    .gives(format!("chapter {at}")),
            )
            .by(2),
        }
    }));
}

#[test]
fn eight_opening_reads() {
    silent((0..8).map(|at| {
        does(
            call("read_file", json!({"path": format!("src/{at}.rs")}))
                .gives(format!("mod m{at};\npub use m{at}::T{at};")),
        )
    }));
}

#[test]
fn an_anchor_is_read_again_while_exploring() {
    silent((0..16).map(|at| {
        match at % 2 {
            0 => {
                does(call("read_file", json!({"path": "README.md"})).gives("# Project\nsee docs/"))
            }
            _ => does(
                call("read_file", json!({"path": format!("docs/{at}.md")}))
                    .gives(format!("page {at}: how part {at} works")),
            ),
        }
    }));
}

#[test]
fn what_was_told_to_come_back_later_comes_back() {
    let fetch = || call("fetch", json!({"url": "https://example.org/data"}));
    silent((0..6).map(|at| {
        match at {
            0 | 1 => does(
                fetch()
                    .gives("HTTP 429 Too Many Requests")
                    .came(Came::Unavailable),
            ),
            2..5 => does(
                fetch()
                    .gives("HTTP 503 Service Unavailable")
                    .came(Came::Failed),
            ),
            _ => does(fetch().gives("{\"rows\": 12}").came(Came::Done)),
        }
    }));
}

#[test]
fn a_sweep_that_finds_things() {
    silent((1..40).map(|page| {
        does(call("list_orders", json!({"page": page})).gives(format!(
            "orders {} to {}",
            page * 10,
            page * 10 + 9
        )))
    }));
}

#[test]
fn a_conversation_in_which_answers_differ() {
    silent((0..12).map(|at| says(format!("Which of the options do you want for leg {at}?"))));
}
