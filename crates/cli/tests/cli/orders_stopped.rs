//! Orders to a run that nobody carries out, and to one that is another user's.

use crate::place::{Place, WRITES_NOTES};
use crate::stop::{slow, state};
use serde_json::Value;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;

const SCRIPT: &str = "scripted:script.jsonl";

/// A run at L2 that waits for its plan to be approved.
fn waiting() -> Place {
    let place = Place::new(&[("script.jsonl", WRITES_NOTES)]);
    let seen = place.leadhand(&["run", "Write notes", "-m", SCRIPT, "--autonomy", "L2"]);
    assert_eq!(seen.code, 4, "{}", seen.err);
    place
}

fn questions(place: &Place) -> Vec<Value> {
    let seen = place.leadhand(&["questions", "last", "--json"]);
    let shown: Value = serde_json::from_str(&seen.out).unwrap();
    assert_eq!(shown["live"], false);
    shown["questions"].as_array().unwrap().clone()
}

fn ok(place: &Place, arguments: &[&str], out: &str) {
    let seen = place.leadhand(arguments);
    assert_eq!((seen.code, seen.out.as_str()), (0, out), "{}", seen.err);
}

fn refused(place: &Place, arguments: &[&str], err: &str) {
    let before = records(place);
    let seen = place.leadhand(arguments);
    assert_eq!((seen.code, seen.err.as_str()), (2, err), "{}", seen.out);
    assert_eq!(records(place), before, "the journal is untouched");
}

fn records(place: &Place) -> usize {
    place
        .leadhand(&["trace", "show", "last", "--events"])
        .out
        .lines()
        .count()
}

fn resume(place: &Place, code: i32) -> String {
    let seen = place.leadhand(&["resume", "last", "-m", SCRIPT]);
    assert_eq!(seen.code, code, "{}", seen.err);
    seen.out + &seen.err
}

#[test]
fn what_a_stopped_run_asks_is_shown_and_answered_as_it_was_shown() {
    let place = waiting();
    let open = questions(&place);
    let digest = open[0]["digest"].as_str().unwrap();
    let short = &digest[..12];
    let seen = place.leadhand(&["ps"]);
    let about = format!("  question q0, digest {short}: may the plan of 1 tasks be carried out\n");
    assert!(seen.out.contains(&about), "{}", seen.out);
    assert!(
        seen.out
            .ends_with("what exactly is asked: leadhand questions RUN\n")
    );
    let listed = place.leadhand(&["ps", "--json"]);
    let listed: Value = serde_json::from_str(&listed.out).unwrap();
    assert_eq!(listed[0]["questions"][0]["digest"], digest);
    let seen = place.leadhand(&["questions", "last"]);
    let shown = format!("question q0, digest {short}\nThe plan:\n");
    assert!(seen.out.starts_with(&shown), "{}", seen.out);
    let look = "`leadhand questions RUN` shows what is open";
    refused(
        &place,
        &["approve", "last", "--digest", "000000000000"],
        &format!(
            "error: no open question has the digest 000000000000: it has changed since it was shown, or was answered\nwhat to do: look again, then answer; {look}\n"
        ),
    );
    refused(
        &place,
        &["approve", "last", "7"],
        &format!(
            "error: question 7 is not open: it was answered, or what it was about is gone; open is q0\nwhat to do: {look}\n"
        ),
    );
    refused(
        &place,
        &["approve", "last", "--for", "run"],
        "error: run RUN: question q0 is whether a plan may be carried out: it is answered with yes or no\n",
    );
    ok(
        &place,
        &["approve", "last", "0", "--digest", short],
        "run RUN: question q0 is allowed\n",
    );
    resume(&place, 4);
    let call = &questions(&place)[0];
    assert_eq!(call["ask"]["tool_call"]["name"], "write_file");
    let edited = r#"{"path":"notes.md","content":"Edited.\n"}"#;
    refused(
        &place,
        &[
            "approve",
            "last",
            "--arguments",
            r#"{"path":".git/x","content":""}"#,
        ],
        "error: run RUN: the call cannot be made so: policy refuses the call: the rule `deny **/.git/**` (built in) covers fs.write on `.git/x`\n",
    );
    ok(
        &place,
        &["approve", "last", "--arguments", edited],
        "run RUN: question q1 is allowed with other arguments\n",
    );
    resume(&place, 0);
    assert_eq!(place.read("notes.md"), "Edited.\n");
    refused(
        &place,
        &["deny", "last", "--reason", "no"],
        "error: no question of run RUN is open\nwhat to do: `leadhand ps` shows which runs wait for a person\n",
    );
    refused(
        &place,
        &["steer", "last", "Be short."],
        "error: run RUN: the run is over (done): start a new run, or fork this one where it should have gone another way\n",
    );
    refused(
        &place,
        &["rollback", "last"],
        "error: run RUN: nothing that the run did can be undone: no tool that says how to undo its calls (effect `compensable`) was called with success\n",
    );
    refused(
        &place,
        &["pause", "last"],
        "error: run RUN is over (done)\nwhat to do: start its goal again, or fork it where it should have gone another way\n",
    );
    refused(
        &place,
        &["cancel", "x9"],
        "error: there is no run `x9` in this project\nwhat to do: `leadhand ps` lists the runs there are; -C names another project\n",
    );
}

#[test]
fn a_no_and_its_reason_reach_the_run_that_goes_on() {
    let place = waiting();
    ok(
        &place,
        &["deny", "last", "--reason", "write to b.md"],
        "run RUN: question q0 is denied\n",
    );
    let said = resume(&place, 3);
    assert!(said.contains("write to b.md"), "{said}");
}

#[test]
fn a_stopped_run_is_steered_edited_and_cancelled() {
    let place = waiting();
    refused(
        &place,
        &["edit", "last"],
        "error: there is nothing to change\nwhat to do: say what, such as --hold TASK; `leadhand edit --help` shows all that can be changed\n",
    );
    refused(
        &place,
        &["edit", "last", "--role", "t1"],
        "error: --role t1: this names no task\nwhat to do: write --role TASK=…\n",
    );
    place.write(
        "more.toml",
        "[[tasks]]\nid = \"t0\"\nrole = \"writer\"\ninstruction = \"Think.\"\n",
    );
    ok(
        &place,
        &[
            "edit",
            "last",
            "--add",
            "more.toml",
            "--after",
            "t1=t0",
            "--break-before",
            "t0",
        ],
        "run RUN: the plan is changed: adds t0, has t1 wait for others, wants to be asked before t0\n",
    );
    ok(
        &place,
        &["steer", "last", "Be short."],
        "run RUN: all agents are told\n",
    );
    let seen = place.leadhand(&["cancel", "last", "--wrap-up"]);
    assert_eq!(seen.code, 0, "{}", seen.err);
    assert_eq!(
        seen.out,
        "run RUN: cancelled: cancelled by a person\nstopped\n  t1     Write notes  had not begun\n  t0       had not begun\n"
    );
    assert_eq!(state(&place), ("cancelled".to_owned(), false));
}

#[test]
fn an_approval_for_the_project_holds_for_later_runs_and_lies_with_the_user() {
    let place = waiting();
    ok(
        &place,
        &["approve", "last"],
        "run RUN: question q0 is allowed\n",
    );
    resume(&place, 4);
    let approve = ["approve", "last", "--for", "project"];
    refused(
        &place,
        &approve,
        "error: an approval for the whole project has an end\nwhat to do: say until when with --until DATE\n",
    );
    refused(
        &place,
        &[&approve[..], &["--until", "2001-01-01"]].concat(),
        "error: --until 2001-01-01: that is over\nwhat to do: name a date that is still to come\n",
    );
    let seen = place.leadhand(&[&approve[..], &["--until", "2100-01-01"]].concat());
    assert_eq!(seen.code, 0, "{}", seen.err);
    assert!(
        seen.err
            .contains("kept for runs to come in HOME/config/leadhand/approvals/"),
        "{}",
        seen.err
    );
    resume(&place, 0);
    // The plan is asked about, the call is not.
    let seen = place.leadhand(&["run", "Write notes", "-m", SCRIPT, "--autonomy", "L2"]);
    assert_eq!(seen.code, 4, "{}", seen.err);
    ok(
        &place,
        &["approve", "last"],
        "run RUN: question q0 is allowed\n",
    );
    resume(&place, 0);
}

/// Gives a folder and all in it to a user; links are left.
fn give(path: &Path, user: u32) {
    chown(path, Some(user), Some(user)).unwrap();
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path(), user);
        }
    }
}

#[test]
fn a_run_of_another_user_takes_no_orders() {
    const NOBODY: u32 = 65_534;
    let place = Place::new(&[("slow.jsonl", &slow())]);
    let program = place.path("leadhand");
    if chown(place.path("slow.jsonl"), Some(NOBODY), Some(NOBODY)).is_err()
        || std::fs::copy(env!("CARGO_BIN_EXE_leadhand"), &program).is_err()
    {
        println!("did not run: it takes root to be two users");
        return;
    }
    give(&place.path("."), NOBODY);
    let command = place.command(&["run", "Write notes", "-m", "scripted:slow.jsonl"]);
    let mut theirs = std::process::Command::new(&program);
    theirs
        .args(command.get_args())
        .current_dir(place.path("."))
        .env_clear()
        .env("HOME", place.path("."))
        .env("XDG_CACHE_HOME", place.path("cache"))
        .uid(NOBODY)
        .gid(NOBODY)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = theirs.spawn().unwrap();
    let mut err = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("t1 started") {
        line.clear();
        let read = std::io::BufRead::read_line(&mut err, &mut line).unwrap();
        assert!(read > 0, "the run ended before its worker began");
    }
    for arguments in [
        &["cancel", "last"][..],
        &["pause", "last"],
        &["questions", "last"],
    ] {
        let seen = place.leadhand(arguments);
        assert_eq!(seen.code, 2, "{}", seen.err);
        assert_eq!(
            seen.err,
            "error: run RUN cannot be reached from here: who listens is the user 65534, and this is 0; give the order as the user whose run it is\n"
        );
    }
    assert_eq!(state(&place), ("running".to_owned(), false));
    child.kill().unwrap();
    child.wait().unwrap();
}
