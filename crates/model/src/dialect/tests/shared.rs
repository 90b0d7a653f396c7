//! Tuning data of others: outputs that other repairers mend, a strict parser's suite, and
//! malformed actions of real agents. Bounds below are what was reached; they may only rise.

use super::super::find::find_json;
use super::super::json::read_whole_json;
use super::{raw, read, request, tool};
use crate::ToolStyle;
use base64::Engine;
use leadhand_protocol::OutputFormat;
use serde_json::{Value, json};
use std::io::Read;

/// The rows of a file, or none when the data is not at hand.
fn rows(name: &str) -> Option<Vec<Value>> {
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
    Some(
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}

/// Equal but for `1` against `1.0`.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

#[test]
fn strict_parser_suite() {
    let Some(rows) = rows("json_strict.jsonl.gz") else {
        return;
    };
    for row in &rows {
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(row["bytes_b64"].as_str().unwrap())
            .unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let is_utf8 = matches!(text, std::borrow::Cow::Borrowed(_));
        let strict = serde_json::from_slice::<Value>(&bytes).ok();
        match (
            row["expect"].as_str().unwrap(),
            read_whole_json(text.trim(), false),
        ) {
            ("accept", read) => {
                let read = read.unwrap();
                assert_eq!(
                    (Some(read.value), read.repaired),
                    (strict, false),
                    "{}",
                    row["id"]
                );
            }
            ("reject", Ok(read)) => {
                assert!(read.repaired || !is_utf8, "{}: taken for clean", row["id"]);
            }
            _ => {}
        }
    }
}

#[test]
fn repairs_agree_with_other_repairers_or_are_refused() {
    let Some(rows) = rows("json_repair.jsonl.gz") else {
        return;
    };
    let (mut agreed, mut refused, mut differed) = (0, 0, Vec::new());
    for row in &rows {
        let input = row["input"].as_str().unwrap();
        let whole = read_whole_json(input.trim(), false)
            .ok()
            .map(|read| read.value);
        let found = || {
            find_json(input, false)
                .into_iter()
                .find_map(|found| found.value.ok())
        };
        match whole.or_else(found) {
            None => refused += 1,
            Some(value) if same(&value, &row["expected"]) => agreed += 1,
            Some(value) => differed.push(format!("{} {input:?} read as {value}", row["id"])),
        }
    }
    println!(
        "agreed {agreed}, refused {refused}, differed {}:",
        differed.len()
    );
    println!("{}", differed.join("\n"));
    assert!(
        agreed >= 78 && differed.len() <= 5,
        "agreed {agreed}, differed {}",
        differed.len()
    );
}

/// An agent's command, put into a call without escaping a single quote, is either read as it
/// was written or refused: never as another command.
#[test]
fn a_command_is_never_read_as_another() {
    let Some(rows) = rows("malformed_actions.jsonl.gz") else {
        return;
    };
    let arguments = json!({ "type": "object", "properties": { "command": { "type": "string" } } });
    let (mut exact, mut refused, mut prose) = (0, 0, 0);
    for row in &rows {
        let request = request(vec![tool("run", arguments.clone())], OutputFormat::Text);
        let action = row["action"].as_str().unwrap();
        for style in [ToolStyle::Native, ToolStyle::Structured, ToolStyle::Text] {
            // By itself it is no call, whatever stands in it.
            let reply = read(&request, style, raw(action));
            assert!(reply.tool_calls.is_empty(), "{}", row["id"]);
            let written =
                format!("{{\"tool\": \"run\", \"arguments\": {{\"command\": \"{action}\"}}}}");
            let reply = read(&request, style, raw(&written));
            match &reply.tool_calls[..] {
                [call] => {
                    let command = call.arguments["command"].as_str().unwrap_or_default();
                    // Escapes that JSON knows are JSON's in either reading.
                    let plain = |text: &str| text.replace(['\\', '\n', '\t'], "");
                    let known = action
                        .replace("\\n", "")
                        .replace("\\t", "")
                        .replace("\\b", "");
                    assert_eq!(
                        plain(command).replace(['\u{8}', '\u{c}', '\r'], ""),
                        plain(&known).replace(['\u{8}', '\u{c}', '\r'], ""),
                        "{}",
                        row["id"]
                    );
                    exact += 1;
                }
                [] if reply.malformed.is_some() => refused += 1,
                [] => prose += 1,
                _ => panic!("{}: one call became several", row["id"]),
            }
        }
    }
    println!(
        "exact {exact}, refused {refused}, taken as prose {prose} of {}",
        rows.len() * 3
    );
    assert_eq!(prose, 0);
}
