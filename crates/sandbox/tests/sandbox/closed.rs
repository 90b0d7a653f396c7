//! Clock, chance and environment: closed until granted, through the contract and through WASI.

use crate::hostile_guests::component;
use crate::room::{Room, builder, grant};
use leadhand_protocol::{Capability, Grant, ToolCall, ToolFaultKind, ToolOutput};
use serde_json::json;

/// Runs a guest of which the answer is at 3072 and its text at 2048.
fn call(
    imports: &str,
    body: &str,
    grants: &[Grant],
    seed: u64,
) -> Result<ToolOutput, (ToolFaultKind, String)> {
    let variables = [("HOME", "/home/a"), ("TOKEN", "t"), ("PATH", "/bin")];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let host = builder()
        .component("hostile", component(imports, body))
        .env(variables)
        .build()
        .unwrap();
    let mut room = Room::with(&[]);
    room.grants.extend_from_slice(grants);
    let mut context = room.context();
    context.seed = seed;
    let call = ToolCall {
        id: "1".into(),
        name: "hostile".into(),
        arguments: json!({}),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let given = runtime.block_on(host.call(&call, &context));
    given.map_err(|fault| (fault.kind, fault.message))
}

/// Fails unless `condition`, which is what a guest found.
#[track_caller]
fn check(imports: &str, condition: &str, grants: &[Grant], refused: &[Grant]) {
    let body = format!("(if (i32.eqz {condition}) (then (unreachable))) (i32.const 3072)");
    let given = call(imports, &body, grants, 7).unwrap();
    assert_eq!(
        (given.text.as_str(), given.refused.as_slice()),
        ("hostile", refused)
    );
}

#[test]
fn the_clock_of_the_contract_needs_a_grant() {
    let clock = r#"(import "leadhand:tool/clock@0.2.0" "now-ms" (func $now (param i32)))
        (func $read (result i32) (call $now (i32.const 4096)) (i32.load8_u (i32.const 4096)))"#;
    let granted = grant(Capability::Clock, "**");
    check(
        clock,
        "(i32.eq (call $read) (i32.const 1))",
        &[],
        std::slice::from_ref(&granted),
    );
    let time = "(i32.and (i32.eqz (call $read))
        (i64.ge_u (i64.load (i32.const 4104)) (i64.const 1700000000000)))";
    check(clock, time, &[granted], &[]);
}

#[test]
fn chance_of_the_contract_needs_a_grant() {
    let random = r#"(import "leadhand:tool/random@0.2.0" "bytes" (func $bytes (param i32 i32)))
        (func $draw (param i32) (result i32)
            (call $bytes (local.get 0) (i32.const 4096)) (i32.load8_u (i32.const 4096)))"#;
    let granted = grant(Capability::Random, "**");
    check(
        random,
        "(call $draw (i32.const 8))",
        &[],
        std::slice::from_ref(&granted),
    );
    let drawn = "(i32.and (i32.eqz (call $draw (i32.const 4096)))
        (i32.eq (i32.load (i32.const 4104)) (i32.const 4096)))";
    check(random, drawn, std::slice::from_ref(&granted), &[]);
    check(random, "(call $draw (i32.const 4097))", &[granted], &[]);
}

const WASI_CLOCK: &str = r#"(import "wasi_snapshot_preview1" "clock_time_get"
        (func $time (param i32 i64 i32) (result i32)))
    (func $now (param i32) (result i64)
        (drop (call $time (local.get 0) (i64.const 0) (i32.const 4096)))
        (i64.load (i32.const 4096)))"#;

#[test]
fn without_a_grant_programs_see_a_clock_that_counts_its_readings() {
    for clock in [0, 1] {
        let counts = format!("(i64.lt_u (call $now (i32.const {clock})) (i64.const 1000000000))");
        check(WASI_CLOCK, &counts, &[], &[]);
        let advances =
            format!("(i64.lt_u (call $now (i32.const {clock})) (call $now (i32.const {clock})))");
        check(WASI_CLOCK, &advances, &[], &[]);
    }
    let real = "(i64.ge_u (call $now (i32.const 0)) (i64.const 1700000000000000000))";
    check(WASI_CLOCK, real, &[grant(Capability::Clock, "**")], &[]);
}

#[test]
fn without_a_grant_chance_is_made_of_the_seed() {
    let random = r#"(import "wasi_snapshot_preview1" "random_get"
        (func $random (param i32 i32) (result i32)))"#;
    // Seven random bytes, made letters, are the text of the answer.
    let body = "(local $at i32) (drop (call $random (i32.const 2048) (i32.const 7)))
        (local.set $at (i32.const 2048))
        (loop $again
            (i32.store8 (local.get $at) (i32.add (i32.const 97)
                (i32.and (i32.load8_u (local.get $at)) (i32.const 15))))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $at) (i32.const 2055))))
        (i32.const 3072)";
    let drawn = |grants: &[Grant], seed| call(random, body, grants, seed).unwrap().text;
    assert_eq!(drawn(&[], 7), drawn(&[], 7));
    assert_ne!(drawn(&[], 7), drawn(&[], 8));
    let granted = [grant(Capability::Random, "**")];
    assert_ne!(drawn(&granted, 7), drawn(&granted, 7));
}

#[test]
fn programs_see_the_variables_they_were_granted() {
    let environment = r#"(import "wasi_snapshot_preview1" "environ_sizes_get"
            (func $sizes (param i32 i32) (result i32)))
        (func $count (result i32)
            (drop (call $sizes (i32.const 4096) (i32.const 4100))) (i32.load (i32.const 4096)))"#;
    let on = |resource| grant(Capability::Env, resource);
    for (grants, count) in [
        (vec![], 0),
        (vec![on("HOME")], 1),
        (vec![on("HOME"), on("P*")], 2),
        (vec![on("**")], 3),
        (vec![on("home")], 0),
    ] {
        let condition = format!("(i32.eq (call $count) (i32.const {count}))");
        check(environment, &condition, &grants, &[]);
    }
}

#[test]
fn a_program_that_ends_itself_gives_a_fault() {
    let exit = r#"(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))"#;
    let given = call(exit, "(call $exit (i32.const 0)) (unreachable)", &[], 7);
    let message = "hostile ended itself with exit code 0 before it answered. This is a fault of the \
                   tool: do it another way.";
    assert_eq!(
        given.unwrap_err(),
        (ToolFaultKind::Trapped, message.to_owned())
    );
}
