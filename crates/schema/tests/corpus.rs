//! Tools of others and calls of them, from the folder that `LEADHAND_SHARED` names: all tools
//! are read, calls that are right are accepted, calls that are wrong are refused by a message
//! that names the argument or the function. Bounds below are those that are promised; they may
//! only rise.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on should stop, and says what it measured"
)]

use leadhand_schema::{ForeignTool, Schema, no_such_tool, offered_name};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::io::Read;

/// Per mille of calls that must be judged as they are.
const RIGHT_MILLI_MIN: usize = 990;

/// The text of a file, or none when the data is not at hand.
fn text(name: &str) -> Option<String> {
    let Some(folder) = std::env::var_os("LEADHAND_SHARED") else {
        println!("skipped: LEADHAND_SHARED does not name a folder with data/{name}");
        return None;
    };
    let path = std::path::Path::new(&folder).join("data").join(name);
    let file = std::fs::File::open(&path).unwrap_or_else(|why| panic!("{path:?}: {why}"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut text)
        .unwrap();
    Some(text)
}

/// Tools on offer, with their schemas compiled.
struct Offer(BTreeMap<String, Schema>);

impl Offer {
    fn of(tools: &[Value]) -> Self {
        let read = tools.iter().map(|raw| {
            let tool = ForeignTool::read(raw).unwrap_or_else(|why| panic!("{why}: {raw}"));
            assert!(is_sound(&tool.name), "{}", tool.name);
            assert_eq!(tool.arguments["type"], "object");
            assert!(tool.arguments["properties"].is_object());
            (tool.name, Schema::of_arguments(&tool.arguments))
        });
        Self(read.collect())
    }

    /// What is wrong with a call, in words; none when nothing is.
    fn faults(&self, name: &str, arguments: &Value) -> Vec<String> {
        let names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        match self.0.get(&offered_name(name)) {
            Some(schema) => schema.faults(arguments),
            None => vec![no_such_tool(name, &names)],
        }
    }
}

fn is_sound(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    !name.is_empty() && name.len() <= 64 && name.bytes().all(plain)
}

/// What a wrong call is wrong about: its function, or the arguments in which it differs from
/// every right call of that function.
fn at_fault(row: &Value, call: &Value) -> Vec<String> {
    let name = call["name"].as_str().unwrap();
    let right = row["gold"].as_array().unwrap().iter();
    let given = call["args"].as_object().unwrap();
    let differing = |right: &Map<String, Value>| -> Vec<String> {
        let keys = given.keys().chain(right.keys());
        keys.filter(|key| given.get(*key) != right.get(*key))
            .cloned()
            .collect()
    };
    let of_same = right.filter(|it| it["name"] == name);
    let nearest = of_same
        .map(|it| differing(it["args"].as_object().unwrap()))
        .filter(|differing| !differing.is_empty())
        .min_by_key(Vec::len);
    nearest.unwrap_or_else(|| vec![name.to_owned()])
}

#[test]
fn tools_of_others_are_read_and_their_calls_judged() {
    let Some(text) = text("toolcalls.jsonl.gz") else {
        return;
    };
    let (mut tools, mut right, mut accepted) = (0, 0, 0);
    let mut wrong: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let (mut surprises, mut nameless) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let offer = Offer::of(row["tools"].as_array().unwrap());
        tools += offer.0.len();
        for call in row["gold"].as_array().into_iter().flatten() {
            let faults = offer.faults(call["name"].as_str().unwrap(), &call["args"]);
            right += 1;
            accepted += usize::from(faults.is_empty());
            if !faults.is_empty() {
                surprises.push(format!("{}: refused: {faults:?}", row["id"]));
            }
        }
        for invalid in row["invalid_calls"].as_array().into_iter().flatten() {
            let call = &invalid["call"];
            let faults = offer.faults(call["name"].as_str().unwrap(), &call["args"]);
            let kind = invalid["kind"].as_str().unwrap().to_owned();
            let (all, refused) = wrong.entry(kind).or_default();
            *all += 1;
            *refused += usize::from(!faults.is_empty());
            if faults.is_empty() {
                surprises.push(format!("{}: accepted: {call}", row["id"]));
                continue;
            }
            let message = faults.join("; ");
            let named = at_fault(&row, call);
            if !named.iter().any(|name| message.contains(name.as_str())) {
                nameless.push(format!(
                    "{}: {message} says nothing of {named:?}",
                    row["id"]
                ));
            }
        }
    }
    let (all, refused) = wrong
        .values()
        .fold((0, 0), |sum, kind| (sum.0 + kind.0, sum.1 + kind.1));
    println!("{tools} tools read; {accepted} of {right} right calls accepted");
    println!("{refused} of {all} wrong calls refused: {wrong:?}");
    println!("{}", surprises.join("\n"));
    assert_eq!(nameless, Vec::<String>::new());
    assert!(accepted * 1000 >= right * RIGHT_MILLI_MIN);
    for (kind, (all, refused)) in wrong {
        assert!(refused * 1000 >= all * RIGHT_MILLI_MIN, "{kind}");
    }
}

#[test]
fn tools_of_whole_programs_are_read() {
    let Some(text) = text("toolcalls_multiturn_docs.json.gz") else {
        return;
    };
    let programs: BTreeMap<String, Vec<Value>> = serde_json::from_str(&text).unwrap();
    let read: usize = programs
        .values()
        .map(|tools| Offer::of(tools).0.len())
        .sum();
    let described: usize = programs.values().map(Vec::len).sum();
    println!("{read} tools of {} programs read", programs.len());
    assert_eq!(read, described);
}
