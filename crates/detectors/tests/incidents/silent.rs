//! Honest work that must be left alone, though it looks like a loop. Each case says what makes
//! it honest.

use crate::story::{Made, Turn, call, does, says, shell, silent};
use leadhand_detectors::Came;
use serde_json::json;

fn job(result: impl Into<String>) -> Made {
    call("job_status", json!({"job": "8812"})).gives(result)
}

fn reads(path: &str, content: String) -> Turn {
    does(call("read_file", json!({"path": path})).gives(content))
}

/// The answer moves.
#[test]
fn a_poll_with_changing_output() {
    silent((0..30).map(|at| does(job(format!("{at} of 30 shards are copied")))));
}

/// The tool says that it is a poll, and it is asked no more often than that.
#[test]
fn declared_polls_five_minutes_apart() {
    silent((0..24).map(|at| does(job("running").polls_every_minutes(5)).at_minute(5 * at)));
}

/// Nobody says so, and the time between says it.
#[test]
fn undeclared_polls_five_minutes_apart() {
    silent((0..24).map(|at| does(job("running")).at_minute(5 * at)));
}

/// Whoever sleeps between two looks is waiting.
#[test]
fn a_poll_with_a_sleep_between() {
    silent((0..20).map(|at| match at % 2 {
        0 => does(job("running")),
        _ => does(shell("sleep 120").gives("")),
    }));
}

/// The same, in one command.
#[test]
fn a_poll_that_sleeps_first() {
    silent((0..10).map(|_| does(shell("sleep 120; squeue -j 8812").gives("8812 RUNNING"))));
}

/// Each moves another file.
#[test]
fn moving_many_files() {
    silent((0..60).map(|at| {
        let ask = json!({"from": format!("in/{at}.csv"), "to": format!("done/{at}.csv")});
        does(call("move_file", ask).gives("ok"))
    }));
}

/// Each round has fewer faults than the one before.
#[test]
fn lint_fix_lint_with_changing_results() {
    silent((0..16).map(|at| match at % 2 {
        0 => does(shell("npm run lint").gives(format!("{} problems in src/", 40 - 2 * at))),
        _ => {
            let ask = json!({"path": "src/app.ts", "old": format!("let v{at}"), "new": format!("const v{at}")});
            does(call("edit_file", ask).gives("ok"))
        }
    }));
}

/// Each writes another file, and something new into it.
#[test]
fn writes_to_distinct_targets_that_answer_ok() {
    silent((0..40).map(|at| {
        let ask =
            json!({"path": format!("site/page{at}.html"), "content": format!("<h1>{at}</h1>")});
        does(call("write_file", ask).gives("ok"))
    }));
}

/// The same, where the host saw the change.
#[test]
fn writes_to_distinct_targets_that_the_host_saw() {
    silent((0..40).map(|at| {
        let ask =
            json!({"path": format!("site/page{at}.html"), "content": format!("<h1>{at}</h1>")});
        does(
            call("write_file", ask)
                .gives("ok")
                .changes(&format!("page {at}")),
        )
    }));
}

/// What it finds on the list moves, as the others work.
#[test]
fn a_teammate_reads_a_task_list_that_moves() {
    silent((0..10).map(|at| {
        let list = format!("{at} done, {} open", 12 - at);
        does(call("list_tasks", json!({})).gives(list)).by(2)
    }));
}

/// The list stands still, and between two looks a piece of work is done.
#[test]
fn a_teammate_reads_the_task_list_between_pieces_of_work() {
    silent((0..20).map(|at| match at % 2 {
        0 => does(call("list_tasks", json!({})).gives("open: translate the manual")).by(2),
        _ => {
            let path = format!("manual/chapter{at}.md");
            let ask = json!({"path": path, "content": format!("Kapitel {at}")});
            let made = call("write_file", ask).gives("ok").changes(&path);
            does(made).by(2).gains()
        }
    }));
}

/// One has to know what there is.
#[test]
fn eight_opening_reads() {
    let files = [
        "README.md",
        "Cargo.toml",
        "a.rs",
        "b.rs",
        "c.rs",
        "d.rs",
        "e.rs",
        "f.rs",
    ];
    silent(files.map(|path| reads(path, format!("what {path} holds"))));
}

/// Each return to the anchor follows something new that was read.
#[test]
fn rereading_one_file_while_exploring() {
    silent((0..16).map(|at| match at % 2 {
        0 => reads("src/lib.rs", "mod a;\nmod b;\npub use a::run;".to_owned()),
        _ => reads(
            &format!("src/part{at}.rs"),
            format!("pub fn part{at}() {{}}"),
        ),
    }));
}

/// The other side says that trying again may help, and it does.
#[test]
fn retries_after_429_and_5xx() {
    let answers = [
        "429 Too Many Requests",
        "503 Service Unavailable",
        "429 Too Many Requests",
        "502 Bad Gateway",
    ];
    let get = || call("http_get", json!({"url": "https://api.example/orders"}));
    let retries = answers.map(|it| does(get().gives(it).came(Came::Unavailable)));
    let success = does(get().gives("[{\"order\": 7}]").came(Came::Done));
    silent(
        retries
            .into_iter()
            .chain([success, says("Order 7 is there.")]),
    );
}

/// The same, where each retry gets the same answer.
#[test]
fn retries_after_one_and_the_same_429() {
    let get = || call("http_get", json!({"url": "https://api.example/orders"}));
    let refused = || does(get().gives("429 Too Many Requests").came(Came::Unavailable));
    let success = does(get().gives("[{\"order\": 7}]").came(Came::Done));
    silent((0..4).map(|_| refused()).chain([success]));
}

/// Each file has something to be found.
#[test]
fn a_sweep_over_distinct_files_that_finds_things() {
    silent((0..30).map(|at| {
        let found = format!("{}: let timeout = {};", at * 3 + 1, at * 10);
        does(shell(format!("grep -n timeout conf/service{at}.rs")).gives(found))
    }));
}
