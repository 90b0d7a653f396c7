//! Guests that mean harm, written as text and made into components here: each costs its call
//! and nothing else.

use crate::room::{Given, Room, builder, standard};
use leadhand_protocol::ToolFaultKind::{self, LimitExceeded, TimedOut, Trapped};
use leadhand_protocol::{ToolCall, ToolLimits};
use leadhand_sandbox::ToolHost;
use serde_json::json;
use wasi_preview1_component_adapter_provider as adapters;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A component with one tool, `hostile`, whose `run` does `body`. Text of the module is in
/// `docs`: its one spec lies at 1024, an answer that `body` may return at 3072, and memory from
/// 65536 on is free.
pub(crate) fn component(imports: &str, body: &str) -> Vec<u8> {
    component_with(imports, body, "")
}

/// As [`component`], with segments of data that go over the others.
pub(crate) fn component_with(imports: &str, body: &str, data: &str) -> Vec<u8> {
    let schema = r#"{\"type\":\"object\",\"properties\":{}}"#;
    let text = format!(
        r#"(module
            {imports}
            (memory (export "memory") 4)
            (global $free (mut i32) (i32.const 65536))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (local $at i32)
                (local.set $at
                    (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
                (global.set $free (i32.add (local.get $at) (local.get 3)))
                (local.get $at))
            ;; name, description, schema, no result schema, effect pure, no accesses
            (data (i32.const 2048) "hostile")
            (data (i32.const 2100) "{schema}")
            (data (i32.const 1024)
                "\00\08\00\00\07\00\00\00" "\00\08\00\00\07\00\00\00"
                "\34\08\00\00\21\00\00\00" "\00\00\00\00\00\00\00\00\00\00\00\00"
                "\00\00\00\00" "\00\00\00\00\00\00\00\00")
            (data (i32.const 3000) "\00\04\00\00\01\00\00\00")
            (func (export "specs") (result i32) (i32.const 3000))
            ;; ok, with the text `hostile`
            (data (i32.const 3072) "\00\00\00\00\00\08\00\00\07\00\00\00")
            (func $run (export "call")
                (param i32 i32 i32 i32 i64 i64 i32 i32 i32 i32) (result i32)
                {body})
            {data})"#
    );
    let mut module = wat::parse_str(text).unwrap();
    let mut resolve = Resolve::default();
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sandbox/wit");
    let (package, _) = resolve.push_path(wit).unwrap();
    let world = resolve.select_world(&[package], Some("tool")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default()
        .module(&module)
        .unwrap()
        // Taken in only by a module that imports WASI 0.1.
        .adapter(
            adapters::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
            adapters::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
        )
        .unwrap()
        .encode()
        .unwrap()
}

pub(crate) const LOG: &str =
    r#"(import "leadhand:tool/log@0.2.0" "write" (func $log (param i32 i32 i32)))"#;
const STAT: &str =
    r#"(import "leadhand:tool/files@0.2.0" "stat" (func $stat (param i32 i32 i32)))"#;
const WRITE: &str = r#"(import "leadhand:tool/files@0.2.0" "write"
    (func $write (param i32 i32 i32 i32 i32)))"#;

pub(crate) fn host(imports: &str, body: &str) -> ToolHost {
    builder()
        .component("hostile", component(imports, body))
        .build()
        .unwrap()
}

pub(crate) fn run(imports: &str, body: &str, limits: ToolLimits) -> Given {
    let mut room = Room::with(&[]);
    let host = host(imports, body);
    room.limits = limits;
    let given = room.call_on(&host, "hostile", json!({}));
    room.limits = ToolLimits::default();
    let after = room.call_on(&host, "calculate", json!({ "expression": "1 + 1" }));
    assert_eq!(
        after,
        Ok(("2".to_owned(), Vec::new())),
        "the host serves the next call"
    );
    given
}

#[track_caller]
pub(crate) fn check(
    imports: &str,
    body: &str,
    limits: ToolLimits,
    kind: ToolFaultKind,
    message: &str,
) {
    assert_eq!(
        run(imports, body, limits),
        Err((kind, format!("hostile {message}")))
    );
}

#[test]
fn a_well_behaved_guest_of_this_make_answers() {
    let answer = Ok(("hostile".to_owned(), Vec::new()));
    assert_eq!(run("", "(i32.const 3072)", ToolLimits::default()), answer);
}

#[test]
fn endless_work_ends_with_its_fuel_or_its_time() {
    let body = "(loop $again (br $again)) (unreachable)";
    let fuel = ToolLimits {
        fuel_max: 100_000,
        ..ToolLimits::default()
    };
    let message = "did more work than one call may and was stopped; ask for less in one call.";
    check("", body, fuel, LimitExceeded, message);
    let time = ToolLimits {
        wall_ms: 60,
        fuel_max: u64::MAX,
        ..ToolLimits::default()
    };
    let message = "took longer than 60 ms and was stopped; ask for less in one call.";
    check("", body, time, TimedOut, message);
}

#[test]
fn an_endless_guest_lets_other_calls_of_its_thread_go_on() {
    let host = host("", "(loop $again (br $again)) (unreachable)");
    let mut room = Room::with(&[]);
    let quick = room.context();
    room.limits = ToolLimits {
        wall_ms: 300,
        fuel_max: u64::MAX,
        ..ToolLimits::default()
    };
    let endless = room.context();
    let call = |name: &str, arguments| ToolCall {
        id: "1".into(),
        name: name.into(),
        arguments,
    };
    let spin = call("hostile", json!({}));
    let add = call("calculate", json!({ "expression": "1 + 1" }));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::select! {
            biased;
            ended = host.call(&spin, &endless) => panic!("the endless call ended first: {ended:?}"),
            added = host.call(&add, &quick) => assert_eq!(added.unwrap().text, "2"),
        }
    });
}

#[test]
fn memory_is_bounded_as_a_sum() {
    let body = "(loop $again
        (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)";
    let limits = ToolLimits {
        memory_bytes_max: 8 << 20,
        ..ToolLimits::default()
    };
    let message =
        "needed more than 8388608 bytes of memory and was stopped; ask for less in one call.";
    check("", body, limits, LimitExceeded, message);
}

#[test]
fn floods_are_stopped() {
    // An answer of 256 KiB, which is all of the memory.
    let body = "(i32.store (i32.const 3076) (i32.const 0))
        (i32.store (i32.const 3080) (i32.const 262144)) (i32.const 3072)";
    let message = "gave 262144 bytes, 1000 are allowed; ask for less at once.";
    let limits = ToolLimits {
        output_bytes_max: 1_000,
        ..ToolLimits::default()
    };
    check("", body, limits, LimitExceeded, message);

    // The same from one that the host does not even take over.
    let limits = ToolLimits {
        output_bytes_max: 1_000,
        file_bytes_written_max: 1_000,
        ..ToolLimits::default()
    };
    let message =
        "handed over more at once than a call may and was stopped; ask for less in one call.";
    check("", body, limits.clone(), LimitExceeded, message);

    // A path as long as the memory.
    let path = "(call $stat (i32.const 0) (i32.const 262144) (i32.const 4096)) (i32.const 3072)";
    check(STAT, path, limits, LimitExceeded, message);

    let body = "(loop $again
        (call $log (i32.const 1) (i32.const 2048) (i32.const 7)) (br $again)) (unreachable)";
    let limits = ToolLimits {
        host_calls_max: 500,
        ..ToolLimits::default()
    };
    let message = "called the host more than 500 times and was stopped; ask for less in one call.";
    check(LOG, body, limits, LimitExceeded, message);

    // More log than is kept is no fault of the call.
    let body = "(call $log (i32.const 1) (i32.const 0) (i32.const 2048)) (i32.const 3072)";
    let limits = ToolLimits {
        log_bytes_max: 10,
        ..ToolLimits::default()
    };
    assert_eq!(
        run(LOG, body, limits),
        Ok(("hostile".to_owned(), Vec::new()))
    );
}

#[test]
fn traps_are_told_as_faults_of_the_tool() {
    for (body, reason) in [
        (
            "(unreachable)",
            "wasm trap: wasm `unreachable` instruction executed",
        ),
        (
            "(i32.div_u (i32.const 1) (i32.const 0))",
            "wasm trap: integer divide by zero",
        ),
        (
            "(i32.load (i32.const -8))",
            "wasm trap: out of bounds memory access",
        ),
        (
            "(call $run (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0)
                (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))",
            "wasm trap: call stack exhausted",
        ),
    ] {
        let message =
            format!("crashed ({reason}). This is a fault of the tool: do it another way.");
        check("", body, ToolLimits::default(), Trapped, &message);
    }
    // An answer that lies outside of the memory, and one that is not text.
    for body in [
        "(i32.store (i32.const 3080) (i32.const 0x7fffffff)) (i32.const 3072)",
        "(i32.store8 (i32.const 2048) (i32.const 0xff)) (i32.const 3072)",
        "(i32.const -4)",
    ] {
        let (kind, _) = run("", body, ToolLimits::default()).unwrap_err();
        assert!(matches!(kind, Trapped | LimitExceeded), "{kind:?}");
    }
}

#[test]
fn what_a_guest_changed_before_it_failed_is_told() {
    // Writes `hostile` into a file of that name, then traps.
    let body = "(call $write (i32.const 2048) (i32.const 7) (i32.const 2048) (i32.const 7)
        (i32.const 4096)) (unreachable)";
    let message = "crashed (wasm trap: wasm `unreachable` instruction executed). This is a fault of \
                   the tool: do it another way. It had already changed: hostile.";
    check(WRITE, body, ToolLimits::default(), Trapped, message);
}

#[test]
fn a_hundred_calls_at_once_share_the_slots() {
    let room = Room::with(&[]);
    let context = room.context();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_time()
        .build()
        .unwrap();
    let sums = runtime.block_on(async {
        let calls: Vec<_> = (0..100)
            .map(|n| {
                let context = context.clone();
                let arguments = json!({ "expression": format!("{n} + 1") });
                let call = ToolCall {
                    id: n.to_string(),
                    name: "calculate".into(),
                    arguments,
                };
                tokio::spawn(async move { standard().call(&call, &context).await.unwrap().text })
            })
            .collect();
        let mut sums = Vec::new();
        for call in calls {
            sums.push(call.await.unwrap());
        }
        sums
    });
    let expected: Vec<String> = (1..=100).map(|n| n.to_string()).collect();
    assert_eq!(sums, expected);
}
