//! A component whose tools do what a service outside does: `book`, which can be undone, `undo_book`
//! and, if wanted, `probe_book`. It is written as text and made here, so that no compiler of guests
//! is needed. Whatever it is called for, it sends the arguments as they are to the service, to the
//! path that has the name of the tool, and its result is the answer.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Where the specs lie in the guest's memory, the strings they name, the URL, and what the host
/// and the guest answer.
const SPECS: u32 = 1024;
const STRINGS: u32 = 2048;
const URL: u32 = 8192;
const LIST: u32 = 10_240;
const ANSWER: u32 = 10_300;
const RESPONSE: u32 = 10_400;

/// The numbers of the contract's `effect`.
const PURE: u8 = 0;
const IDEMPOTENT: u8 = 1;
const COMPENSABLE: u8 = 3;

/// The guest's memory, as far as it says what its tools are.
#[derive(Default)]
struct Specs {
    count: u32,
    specs: Vec<u8>,
    strings: Vec<u8>,
}

impl Specs {
    fn words(&mut self, words: &[u32]) {
        let bytes = words.iter().flat_map(|word| word.to_le_bytes());
        self.specs.extend(bytes);
    }

    /// A string, as its place and length.
    fn string(&mut self, text: &str) -> [u32; 2] {
        let at = STRINGS + u32::try_from(self.strings.len()).unwrap();
        self.strings.extend_from_slice(text.as_bytes());
        [at, u32::try_from(text.len()).unwrap()]
    }

    /// A tool that reaches the service.
    fn tool(&mut self, name: &str, properties: &str, effect: u8) {
        let [name, name_bytes] = self.string(name);
        let [says, says_bytes] = self.string("Do it.");
        let schema = format!("{{\"type\":\"object\",\"properties\":{properties}}}");
        let [schema, schema_bytes] = self.string(&schema);
        let [capability, capability_bytes] = self.string("net.internal");
        // One access: the capability, on no argument, by any method.
        let access = STRINGS + u32::try_from(self.strings.len().next_multiple_of(4)).unwrap();
        self.strings.resize((access - STRINGS) as usize, 0);
        for word in [capability, capability_bytes, 0, 0, 0, 0, 0] {
            self.strings.extend_from_slice(&word.to_le_bytes());
        }
        self.words(&[name, name_bytes, says, says_bytes, schema, schema_bytes]);
        // No schema of results.
        self.words(&[0, 0, 0, u32::from(effect), access, 1]);
        self.count += 1;
    }
}

/// The component, for the service at this origin.
pub(crate) fn component(origin: &str, with_probe: bool) -> Vec<u8> {
    let mut specs = Specs::default();
    specs.tool("book", r#"{"what":{"type":"string"}}"#, COMPENSABLE);
    let given = r#"{"arguments":{"type":"object"}}"#;
    specs.tool("undo_book", given, IDEMPOTENT);
    if with_probe {
        specs.tool("probe_book", given, PURE);
    }
    let text = module(&specs, &format!("{origin}/"));
    let mut module = wat::parse_str(text).unwrap();
    let mut resolve = Resolve::default();
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../sandbox/wit");
    let (package, _) = resolve.push_path(wit).unwrap();
    let world = resolve.select_world(&[package], Some("tool")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let mut encoder = ComponentEncoder::default().module(&module).unwrap();
    encoder.encode().unwrap()
}

/// Offsets in what the host answers are those of `result<response, error>` of the contract, as
/// the canonical ABI lays it out.
fn module(specs: &Specs, base_url: &str) -> String {
    let base_bytes = base_url.len();
    format!(
        r#"(module
            (import "leadhand:tool/http@0.2.0" "send" (func $send
                (param i32 i32 i32 i32 i32 i32 i32 i32 i32)))
            (memory (export "memory") 4)
            (global $free (mut i32) (i32.const 65536))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (local $at i32)
                (local.set $at
                    (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
                (global.set $free (i32.add (local.get $at) (local.get 3)))
                (local.get $at))
            (data (i32.const {SPECS}) "{specs}")
            (data (i32.const {STRINGS}) "{strings}")
            (data (i32.const {URL}) "{base_url}")
            (data (i32.const {LIST}) "{list}")
            (data (i32.const 16) "POST")
            (func (export "specs") (result i32) (i32.const {LIST}))
            (func (export "call") (param i32 i32 i32 i32 i64 i64)
                (param $name i32) (param $name_bytes i32) (param $body i32) (param $body_bytes i32)
                (result i32)
                (memory.copy (i32.const {path}) (local.get $name) (local.get $name_bytes))
                (call $send (i32.const 16) (i32.const 4)
                    (i32.const {URL}) (i32.add (i32.const {base_bytes}) (local.get $name_bytes))
                    (i32.const 0) (i32.const 0)
                    (local.get $body) (local.get $body_bytes) (i32.const {RESPONSE}))
                (if (i32.load8_u (i32.const {RESPONSE})) (then
                    ;; an error: `failed`, with what the host says
                    (i32.store (i32.const {ANSWER}) (i32.const 1))
                    (i32.store offset=4 (i32.const {ANSWER}) (i32.const 5))
                    (i64.store offset=8 (i32.const {ANSWER})
                        (i64.load offset=8 (i32.const {RESPONSE}))))
                (else
                    ;; the body
                    (i32.store (i32.const {ANSWER}) (i32.const 0))
                    (i64.store offset=4 (i32.const {ANSWER})
                        (i64.load offset=24 (i32.const {RESPONSE})))))
                (i32.const {ANSWER})))"#,
        specs = escaped(&specs.specs),
        strings = escaped(&specs.strings),
        list = escaped(&[SPECS.to_le_bytes(), specs.count.to_le_bytes()].concat()),
        path = URL as usize + base_bytes,
    )
}

/// Bytes as a string of the text format.
fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}
