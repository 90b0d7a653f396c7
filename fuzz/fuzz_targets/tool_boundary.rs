//! Values that cross the boundary between host and guest. The bytes are taken in one of three
//! ways, as the first of them says: as arguments of the standard tools, as the memory of a guest
//! that holds what it answers, and as the memory of a guest that holds what it says of its tools.
//! Nothing panics, and the host serves the next call.
#![no_main]

use leadhand_protocol::{Capability, Grant, Permit, ToolCall, ToolLimits};
use leadhand_sandbox::{CallContext, ToolHost, Workspace};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Where the bytes lie in the guest, and the answer or the list of tools begins.
const AT: usize = 1_024;
/// Most bytes put there.
const BYTES_MAX: usize = 8_192;

struct Room {
    host: ToolHost,
    context: CallContext,
    runtime: tokio::runtime::Runtime,
}

fn room() -> &'static Room {
    static ROOM: OnceLock<Room> = OnceLock::new();
    ROOM.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap().keep();
        std::fs::write(folder.join("a.md"), "text").unwrap();
        let grant = |capability| Grant {
            capability,
            resource: "**".to_owned(),
        };
        let context = CallContext {
            workspace: Arc::new(Workspace::open(folder).unwrap()),
            permit: Permit {
                grants: vec![grant(Capability::FsRead), grant(Capability::Clock)],
                closed: Vec::new(),
                listed: Vec::new(),
            },
            limits: ToolLimits {
                fuel_max: 20_000_000,
                wall_ms: 2_000,
                ..ToolLimits::default()
            },
            key: leadhand_protocol::ContentHash::of(b"call"),
            trace: None,
            call_id: "call-1".to_owned(),
            agent: "fuzz".to_owned(),
            now_ms: 0,
            seed: 0,
        };
        let answering = component("", "(call $fill (local.get 8) (local.get 9))");
        let host = ToolHost::builder().component("answering", answering);
        Room {
            host: host.build().unwrap(),
            context,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .unwrap(),
        }
    })
}

/// A guest with one tool, `answer`. What its `call` gives lies at `AT`, and `body` may put it
/// there; `data` goes over everything else.
fn component(data: &str, body: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
            (memory (export "memory") 4)
            (global $free (mut i32) (i32.const 65536))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (local $at i32)
                (local.set $at
                    (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
                (global.set $free (i32.add (local.get $at) (local.get 3)))
                (local.get $at))
            (func $digit (param $letter i32) (result i32)
                (i32.and (i32.sub (local.get $letter) (i32.const 97)) (i32.const 15)))
            ;; Two letters of a to p are one byte; they begin behind `{{"x":"`.
            (func $fill (param $from i32) (param $length i32)
                (local $to i32) (local $end i32)
                (local.set $to (i32.const {AT}))
                (local.set $end (i32.sub
                    (i32.add (local.get $from) (local.get $length)) (i32.const 3)))
                (local.set $from (i32.add (local.get $from) (i32.const 6)))
                (block $done (loop $again
                    (br_if $done (i32.gt_u (local.get $from) (local.get $end)))
                    (i32.store8 (local.get $to) (i32.or
                        (i32.shl (call $digit (i32.load8_u (local.get $from))) (i32.const 4))
                        (call $digit (i32.load8_u offset=1 (local.get $from)))))
                    (local.set $to (i32.add (local.get $to) (i32.const 1)))
                    (local.set $from (i32.add (local.get $from) (i32.const 2)))
                    (br $again))))
            (data (i32.const 20000) "answer")
            (data (i32.const 20100) "{{\"type\":\"object\",\"properties\":{{}}}}")
            (data (i32.const 20200)
                "\20\4e\00\00\06\00\00\00" "\20\4e\00\00\06\00\00\00"
                "\84\4e\00\00\21\00\00\00")
            (data (i32.const 20300) "\e8\4e\00\00\01\00\00\00")
            {data}
            (func (export "specs") (result i32) (i32.const 20300))
            (func (export "call")
                (param i32 i32 i32 i32 i64 i64 i32 i32 i32 i32) (result i32)
                {body} (i32.const {AT})))"#
    );
    let mut module = wat::parse_str(text).unwrap();
    let mut resolve = Resolve::default();
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../sandbox/wit");
    let (package, _) = resolve.push_path(wit).unwrap();
    let world = resolve.select_world(&[package], Some("tool")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let encoder = ComponentEncoder::default().module(&module).unwrap();
    encoder.validate(true).encode().unwrap()
}

fn call(room: &Room, name: &str, arguments: Value) {
    let call = ToolCall {
        id: "1".to_owned(),
        name: name.to_owned(),
        arguments,
    };
    let given = room.runtime.block_on(room.host.call(&call, &room.context));
    let told = match &given {
        Ok(output) => output.text.len(),
        Err(fault) => fault.message.len(),
    };
    assert!(told <= room.context.limits.output_bytes_max);
}

/// A guest of which the list of tools is made of bytes.
fn load(bytes: &[u8]) {
    let bytes: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    // The bytes are the list of tools; the texts of the one good tool lie behind, to be found.
    let data = format!(
        "(data (i32.const {AT}) \"{bytes}\") (data (i32.const 20300) \"\\00\\04\\00\\00\\01\\00\\00\\00\")"
    );
    let built = ToolHost::builder()
        .standard_tools(false)
        .calls_max(1)
        .component("stranger", component(&data, ""))
        .build();
    if let Err(error) = built {
        assert!(!error.to_string().is_empty());
    }
}

fuzz_target!(|bytes: &[u8]| {
    let room = room();
    let Some((way, bytes)) = bytes.split_first() else {
        return;
    };
    let bytes = &bytes[..bytes.len().min(BYTES_MAX)];
    match way % 16 {
        0 => load(bytes),
        1..=7 => {
            let tools = [
                "calculate",
                "read_file",
                "list_files",
                "search_files",
                "write_file",
            ];
            let name = tools[usize::from(way / 16) % tools.len()];
            let text = String::from_utf8_lossy(bytes);
            let arguments = serde_json::from_str(&text).unwrap_or_else(
                |_| json!({ "path": text, "pattern": text, "expression": text, "content": text }),
            );
            call(room, name, arguments);
        }
        _ => {
            let letter = |half: u8| char::from(b'a' + half);
            let letters: String = bytes
                .iter()
                .flat_map(|byte| [letter(byte >> 4), letter(byte & 15)])
                .collect();
            call(room, "answer", json!({ "x": letters }));
        }
    }
    call(room, "calculate", json!({ "expression": "1 + 1" }));
});
