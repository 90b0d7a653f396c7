//! Honest work that must be left alone, though it looks like a loop. Each case says what makes
//! it honest.

use super::{MINUTE_MS, Made, Turn, does, made, says, shell, silent, story};
use serde_json::json;

/// Holds that all of it is done, and an end said, with nothing found.
fn check(turns: impl IntoIterator<Item = Turn>) {
    silent(story(
        turns.into_iter().chain([says("Here is the result.")]),
    ));
}

fn job(result: impl Into<String>) -> Made {
    made("job_status", json!({"job": "8812"})).gives(result)
}

fn view(path: &str, content: &str) -> Turn {
    does(made("view", json!({"path": path})).gives(content))
}

/// The answer moves.
#[test]
fn a_poll_with_changing_output() {
    check((0..30).map(|at| does(job(format!("{at} of 30 shards are copied")))));
}

/// Nobody says that it is a poll, and the time between says it.
#[test]
fn polls_five_minutes_apart() {
    check((0..24).map(|_| does(job("running")).minutes_later(5)));
}

/// The tool says that it is a poll, and it is asked no more often than that.
#[test]
fn declared_polls_five_minutes_apart() {
    let polls = (0..24).map(|_| does(job("running")).minutes_later(5));
    let story = story(polls.chain([says("The job is over.")]));
    silent(story.with_tool("job_status", |tool| {
        tool.poll_every_ms = Some(5 * MINUTE_MS);
    }));
}

/// Whoever sleeps between two looks is waiting.
#[test]
fn a_poll_with_a_sleep_between() {
    check((0..20).map(|at| match at % 2 {
        0 => does(job("running")),
        _ => does(made("sleep", json!({"seconds": 30})).gives("")),
    }));
}

/// The same, where a command sleeps.
#[test]
fn a_poll_with_a_sleeping_command_between() {
    check((0..20).map(|at| match at % 2 {
        0 => does(job("running")),
        _ => does(shell("sleep 30").gives("")),
    }));
}

/// Each moves another file.
#[test]
fn moving_many_files() {
    check((0..60).map(|at| {
        let (from, to) = (format!("in/{at}.csv"), format!("done/{at}.csv"));
        let ask = json!({"from": from, "to": to});
        does(made("move_file", ask).gives("moved"))
    }));
}

/// Each round has fewer faults than the one before.
#[test]
fn lint_fix_lint_with_changing_results() {
    check((0..24).map(|at| match at % 2 {
        0 => does(shell("npm run lint").fails(format!("{} problems in src/", 40 - at))),
        _ => {
            let new = format!("const v{at}");
            let ask = json!({"path": "src/app.ts", "old": format!("let v{at}"), "new": new});
            does(made("edit", ask).gives("ok").writes("src/app.ts", &new))
        }
    }));
}

/// Each writes another file, and the host sees none of them.
#[test]
fn writes_to_distinct_targets_that_answer_ok() {
    check((0..40).map(|at| {
        let ask = json!({"path": format!("site/{at}.html"), "content": format!("<h1>{at}</h1>")});
        does(made("put", ask).gives("ok"))
    }));
}

/// The same, where the host sees them.
#[test]
fn writes_to_distinct_targets_that_the_host_sees() {
    check((0..40).map(|at| {
        let (path, content) = (format!("site/{at}.html"), format!("<h1>{at}</h1>"));
        let ask = json!({"path": path, "content": content});
        does(made("put", ask).gives("ok").writes(&path, &content))
    }));
}

/// What it finds on the list moves, as the others work.
#[test]
fn a_teammate_reads_a_task_list_that_moves() {
    check((0..20).map(|at| {
        let list = format!("{at} done, {} open", 22 - at);
        does(made("list_tasks", json!({})).gives(list))
    }));
}

/// The list stands still, and between two looks a piece of work is done.
#[test]
fn a_teammate_reads_the_task_list_between_pieces_of_work() {
    check((0..24).map(|at| match at % 2 {
        0 => does(made("list_tasks", json!({})).gives("open: translate the manual")),
        _ => {
            let (path, content) = (format!("manual/{at}.md"), format!("Kapitel {at}"));
            let ask = json!({"path": path, "content": content});
            does(made("put", ask).gives("ok").writes(&path, &content))
        }
    }));
}

/// One has to know what there is.
#[test]
fn eight_opening_reads() {
    let files = ["README", "Cargo.toml", "a", "b", "c", "d", "e", "f"];
    check(files.map(|path| view(path, &format!("what {path} holds"))));
}

/// Each return to the anchor follows something new that was read.
#[test]
fn rereading_one_file_while_exploring() {
    check((0..32).map(|at| match at % 2 {
        0 => view("src/lib.rs", "mod a;\nmod b;\npub use a::run;"),
        _ => {
            let part = format!("src/part{at}.rs");
            view(&part, &format!("pub fn part{at}() {{}}"))
        }
    }));
}

/// The same with a sandboxed tool: nothing is read twice while no file changes, and to ask for
/// what stands above is a look at it all the same.
#[test]
fn rereading_one_file_with_a_sandboxed_tool_while_exploring() {
    let read =
        |path: &str, content: &str| does(made("read_file", json!({"path": path})).gives(content));
    check((0..32).map(|at| match at % 2 {
        0 => read("src/lib.rs", "mod a;\nmod b;\npub use a::run;"),
        _ => read(
            &format!("src/part{at}.rs"),
            &format!("pub fn part{at}() {{}}"),
        ),
    }));
}

/// The other side says that trying again may help, and it does.
#[test]
fn retries_after_429_and_5xx() {
    let get = || made("http_get", json!({"url": "https://api.example/orders"}));
    let answers = [
        "429 Too Many Requests",
        "503 Service Unavailable",
        "429 Too Many Requests",
        "502 Bad Gateway",
    ];
    let retries = answers.map(|answer| does(get().says_busy(answer)));
    check(
        retries
            .into_iter()
            .chain([does(get().gives("[{\"order\": 7}]"))]),
    );
}

/// The same, where each retry gets the same answer.
#[test]
fn retries_after_one_and_the_same_429() {
    let get = || made("http_get", json!({"url": "https://api.example/orders"}));
    let retries = (0..6).map(|_| does(get().says_busy("429 Too Many Requests")));
    check(retries.chain([does(get().gives("[{\"order\": 7}]"))]));
}
