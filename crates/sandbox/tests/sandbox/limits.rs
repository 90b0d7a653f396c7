//! The limits of a call that `hostile_guests` does not show, one guest each.

use crate::hostile_guests::{LOG, check, run};
use crate::probe::{OK, QUOTA, command};
use crate::room::{Room, standard};
use leadhand_protocol::ToolFaultKind::{Failed, LimitExceeded, TimedOut};
use leadhand_protocol::{ToolCall, ToolLimits};
use leadhand_sandbox::Command;
use serde_json::json;

fn limited(change: impl FnOnce(&mut ToolLimits)) -> ToolLimits {
    let mut limits = ToolLimits::default();
    change(&mut limits);
    limits
}

#[test]
fn tables_are_bounded_as_a_sum() {
    let tables = "(table $one 10 funcref) (table $two 10 funcref)";
    let body = "(loop $again
        (drop (table.grow $one (ref.null func) (i32.const 40)))
        (br_if $again (i32.ne (table.grow $two (ref.null func) (i32.const 40)) (i32.const -1))))
        (unreachable)";
    let limits = limited(|limits| limits.table_elements_max = 1_000);
    let message =
        "needed more than 1000 elements of tables and was stopped; ask for less in one call.";
    check(tables, body, limits, LimitExceeded, message);
}

#[test]
fn parts_are_bounded() {
    let limits = limited(|limits| limits.instances_max = 2);
    let message = "is made of more than 2 parts and was stopped; ask for less in one call.";
    check(LOG, "(i32.const 3072)", limits, LimitExceeded, message);
}

#[test]
fn an_error_message_is_cut() {
    // An error of kind `failed`, whose message is 5,000 bytes of the memory.
    let body = "(memory.fill (i32.const 65536) (i32.const 0x78) (i32.const 5000))
        (i32.store8 (i32.const 3072) (i32.const 1))
        (i32.store8 (i32.const 3076) (i32.const 5))
        (i32.store (i32.const 3080) (i32.const 65536))
        (i32.store (i32.const 3084) (i32.const 5000)) (i32.const 3072)";
    let given = run("", body, ToolLimits::default());
    assert_eq!(given, Err((Failed, "x".repeat(2_000))));
}

/// A program that calls one function of WASI 0.1 again and again.
fn again(name: &str, parameters: &str, call: &str) -> Vec<u8> {
    command(&format!(
        r#"(module (import "wasi_snapshot_preview1" "{name}"
                (func $call (param {parameters}) (result i32)))
            (memory (export "memory") 40)
            (func (export "_start") (loop $again (drop (call $call {call})) (br $again))))"#
    ))
}

#[track_caller]
fn check_stopped(component: &[u8], limits: ToolLimits, expected: &str) {
    let mut room = Room::with(&[]);
    room.limits = limits;
    let (kind, message) = room.run(component, &[]).unwrap_err();
    assert_eq!(
        (kind, message),
        (LimitExceeded, format!("program {expected}"))
    );
}

#[test]
fn calls_to_wasi_are_counted() {
    let clock = again(
        "clock_time_get",
        "i32 i64 i32",
        "(i32.const 1) (i64.const 0) (i32.const 64)",
    );
    let limits = limited(|limits| limits.host_calls_max = 5_000);
    let expected =
        "called the host more than 5000 times and was stopped; ask for less in one call.";
    check_stopped(&clock, limits, expected);
}

#[test]
fn random_bytes_are_bounded() {
    let random = again(
        "random_get",
        "i32 i32",
        "(i32.const 65536) (i32.const 2000000)",
    );
    let expected =
        "wanted too many random bytes at once and was stopped; ask for less in one call.";
    check_stopped(&random, ToolLimits::default(), expected);
}

#[test]
fn handles_are_bounded() {
    let text = r#"(component $root
        (import "wasi:io/poll@0.2.0" (instance $poll (export "pollable" (type (sub resource)))))
        (alias export $poll "pollable" (type $pollable))
        (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
            (alias outer $root $pollable (type $outer))
            (export "pollable" (type $inner (eq $outer)))
            (export "subscribe-duration" (func (param "when" u64) (result (own $inner))))))
        (core func $subscribe (canon lower (func $clock "subscribe-duration")))
        (core module $module
            (import "host" "subscribe" (func $subscribe (param i64) (result i32)))
            (func (export "run") (result i32)
                (loop $again (drop (call $subscribe (i64.const 1))) (br $again)) (unreachable)))
        (core instance $instance (instantiate $module
            (with "host" (instance (export "subscribe" (func $subscribe))))))
        (func $run (result (result)) (canon lift (core func $instance "run")))
        (component $runner
            (import "run" (func $run (result (result)))) (export "run" (func $run)))
        (instance $exported (instantiate $runner (with "run" (func $run))))
        (export "wasi:cli/run@0.2.0" (instance $exported)))"#;
    let expected = "held more than 1000 handles and was stopped; ask for less in one call.";
    check_stopped(
        &wat::parse_str(text).unwrap(),
        ToolLimits::default(),
        expected,
    );
}

/// Waits for an hour in one call of the host.
fn sleeper() -> Vec<u8> {
    command(
        r#"(module (import "wasi_snapshot_preview1" "poll_oneoff"
                (func $poll (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "_start")
                (i32.store (i32.const 16) (i32.const 1))
                (i64.store (i32.const 24) (i64.const 3600000000000))
                (drop (call $poll (i32.const 0) (i32.const 128) (i32.const 1) (i32.const 256)))))"#,
    )
}

#[test]
fn a_guest_that_waits_is_ended_and_hinders_nobody() {
    let mut room = Room::with(&[]);
    let quick = room.context();
    room.limits.wall_ms = 300;
    let slow = room.context();
    let component = sleeper();
    let program = Command {
        name: "program",
        component: &component,
        arguments: &[],
        environment: &[],
        folders: &[],
    };
    let add = ToolCall {
        id: "1".into(),
        name: "calculate".into(),
        arguments: json!({ "expression": "1 + 1" }),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let (slept, added) = runtime.block_on(async {
        let sleeping = async { standard().run_command(&program, &slow).await };
        let adding = async {
            let given = standard().call(&add, &quick).await;
            given.unwrap().text
        };
        tokio::join!(sleeping, adding)
    });
    assert_eq!(added, "2");
    let fault = slept.unwrap_err();
    let expected = "program took longer than 300 ms and was stopped; ask for less in one call.";
    assert_eq!((fault.kind, fault.message.as_str()), (TimedOut, expected));
}

#[test]
fn a_program_that_floods_its_output_comes_to_its_end() {
    let flood = command(
        r#"(module (import "wasi_snapshot_preview1" "fd_write"
                (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 2)
            (func (export "_start") (local $left i32)
                (i32.store (i32.const 0) (i32.const 1024))
                (i32.store (i32.const 4) (i32.const 100000))
                (local.set $left (i32.const 50))
                (loop $again
                    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
                    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
                    (br_if $again (local.get $left)))))"#,
    );
    let mut room = Room::with(&[]);
    room.limits.output_bytes_max = 5_000;
    let ran = room.run(&flood, &[]).unwrap();
    assert_eq!((ran.exit_code, ran.stdout.len()), (0, 5_000));
}

#[test]
fn what_programs_read_write_and_list_is_bounded() {
    let mut room = Room::with(&[("a/1", "123456789"), ("a/2", ""), ("a/3", "")]);
    room.limits.file_bytes_read_max = 9;
    assert_eq!(room.probe("r", "a/1", ""), (OK, b"123456789".to_vec()));
    room.limits.file_bytes_read_max = 8;
    room.check_probe("r", "a/1", "", QUOTA);
    room.limits.file_bytes_written_max = 4;
    room.check_probe("w", "new", "four", OK);
    room.check_probe("w", "new", "fives", QUOTA);
    assert_eq!(room.read("new").as_deref(), Some(""));
    room.limits.folder_entries_max = 3;
    room.check_probe("l", "a", "", OK);
    room.limits.folder_entries_max = 2;
    room.check_probe("l", "a", "", QUOTA);
    // The workspace itself is one, a file in it the second.
    room.limits.file_bytes_read_max = 100;
    room.limits.open_files_max = 2;
    room.check_probe("r", "a/1", "", OK);
    room.limits.open_files_max = 1;
    room.check_probe("r", "a/1", "", QUOTA);
}

#[test]
fn files_are_not_made_long_without_being_written() {
    let grow = |name: &str, parameters: &str, call: &str| {
        command(&format!(
            r#"(module (import "wasi_snapshot_preview1" "path_open" (func $open
                    (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
                (import "wasi_snapshot_preview1" "{name}"
                    (func $grow (param i32 {parameters}) (result i32)))
                (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
                (memory (export "memory") 1)
                (data (i32.const 64) "long")
                (data (i32.const 80) "\40\00\00\00\04\00\00\00")
                (func (export "_start")
                    (drop (call $open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 4)
                        (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 128)))
                    (if (i32.ne (call $grow (i32.load (i32.const 128)) {call}) (i32.const 19))
                        (then (call $exit (i32.const 1))))))"#
        ))
    };
    let room = Room::with(&[]);
    let size = grow("fd_filestat_set_size", "i64", "(i64.const 1000000000000)");
    let offset = grow(
        "fd_pwrite",
        "i32 i32 i64 i32",
        "(i32.const 80) (i32.const 1) (i64.const 1000000000000) (i32.const 256)",
    );
    for component in [size, offset] {
        assert_eq!(room.run(&component, &[]).unwrap().exit_code, 0);
        assert_eq!(room.read("long").as_deref(), Some(""));
    }
}
