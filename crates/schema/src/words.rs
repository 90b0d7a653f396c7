//! Words for types, as Python, Java, JavaScript, Gemini and people write them: `dict`, `float`,
//! `ArrayList`, `List[int]`, `string[]`, `Optional[str]`, `"a" | "b"`.

use serde_json::{Value, json};

/// Characters of a word that is read; a longer one is no word.
const WORD_CHARS_MAX: usize = 200;
/// How deep words stand in words.
const DEPTH_MAX: usize = 6;

/// What JSON Schema calls what the word means; `{}` is anything. None for a word unknown here.
pub(crate) fn read(word: &str) -> Option<Value> {
    if word.chars().count() > WORD_CHARS_MAX {
        return None;
    }
    parse(word, DEPTH_MAX)
}

/// Whether a word is spelled as in Java or JavaScript, and in no other language that tools are
/// described in.
pub(crate) fn is_java_like(word: &str) -> bool {
    const WORDS: [&str; 15] = [
        "String",
        "Boolean",
        "Integer",
        "Long",
        "Double",
        "Float",
        "Character",
        "Array",
        "ArrayList",
        "HashMap",
        "Hashtable",
        "LinkedList",
        "long",
        "char",
        "short",
    ];
    let head = word.split(['<', '[']).next().unwrap_or_default();
    WORDS.contains(&head.trim())
}

/// Whether JSON Schema has the word itself.
pub(crate) fn is_own(word: &str) -> bool {
    const WORDS: [&str; 7] = [
        "object", "array", "string", "integer", "number", "boolean", "null",
    ];
    WORDS.contains(&word)
}

/// Either of several schemas, in the shortest form.
pub(crate) fn union(mut parts: Vec<Value>) -> Value {
    if parts.len() == 1 {
        return parts.remove(0);
    }
    let mut types: Vec<Value> = Vec::new();
    for part in &parts {
        let fields = part.as_object();
        if fields.is_some_and(serde_json::Map::is_empty) {
            return json!({});
        }
        match fields.and_then(|fields| fields.get("type")) {
            Some(Value::String(_)) if fields.is_some_and(|fields| fields.len() == 1) => {
                if !types.contains(&part["type"]) {
                    types.push(part["type"].clone());
                }
            }
            _ => return json!({ "anyOf": parts }),
        }
    }
    match types.len() {
        1 => json!({ "type": types[0] }),
        _ => json!({ "type": types }),
    }
}

fn parse(word: &str, depth: usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    let word = word.trim();
    let parts = split(word, &['|']);
    if parts.len() > 1 {
        let parts: Option<Vec<Value>> = parts.into_iter().map(|part| parse(part, depth)).collect();
        return parts.map(literals_together).map(union);
    }
    if let Some(inner) = word.strip_suffix('?') {
        return Some(union(vec![parse(inner, depth)?, json!({"type": "null"})]));
    }
    if let Some(inner) = word.strip_suffix("[]") {
        return Some(json!({"type": "array", "items": parse(inner, depth)?}));
    }
    if let Some(literal) = literal(word) {
        return Some(json!({ "enum": [literal] }));
    }
    for (open, close) in [('[', ']'), ('<', '>')] {
        if let Some((head, inner)) = word.strip_suffix(close).and_then(|it| it.split_once(open)) {
            return generic(head, &split(inner, &[',']), depth);
        }
    }
    let lower = word.to_lowercase();
    for of in ["list of ", "array of ", "lists of ", "arrays of "] {
        if let Some(inner) = lower.strip_prefix(of) {
            let items = parse(inner, depth).or_else(|| parse(inner.strip_suffix('s')?, depth))?;
            return Some(json!({"type": "array", "items": items}));
        }
    }
    plain(&lower)
}

fn generic(head: &str, inner: &[&str], depth: usize) -> Option<Value> {
    let first = inner.first()?;
    match last_part(&head.to_lowercase()) {
        "optional" | "nullable" => Some(union(vec![parse(first, depth)?, json!({"type": "null"})])),
        "union" | "oneof" => {
            let parts: Option<Vec<Value>> = inner.iter().map(|part| parse(part, depth)).collect();
            parts.map(union)
        }
        "literal" | "enum" => {
            let values: Option<Vec<Value>> =
                inner.iter().map(|part| literal(part.trim())).collect();
            values.map(|values| json!({ "enum": values }))
        }
        "annotated" | "promise" | "required" | "notrequired" | "final" => parse(first, depth),
        "tuple" if inner.last().is_some_and(|last| last.trim() != "...") => {
            let items: Option<Vec<Value>> = inner.iter().map(|part| parse(part, depth)).collect();
            let items = items?;
            let count = items.len();
            Some(
                json!({"type": "array", "prefixItems": items, "minItems": count, "maxItems": count}),
            )
        }
        other => match plain(other)?["type"].as_str() {
            Some("array") => Some(json!({"type": "array", "items": parse(first, depth)?})),
            Some("object") => {
                let values = parse(inner.last()?, depth)?;
                Some(json!({"type": "object", "additionalProperties": values}))
            }
            _ => None,
        },
    }
}

/// `"a" | "b"` is one choice of two values, not two choices.
fn literals_together(parts: Vec<Value>) -> Vec<Value> {
    let (literals, mut others): (Vec<Value>, Vec<Value>) = parts
        .into_iter()
        .partition(|part| part.get("enum").is_some());
    if !literals.is_empty() {
        let values: Vec<Value> = literals.iter().map(|it| it["enum"][0].clone()).collect();
        others.insert(0, json!({ "enum": values }));
    }
    others
}

fn literal(word: &str) -> Option<Value> {
    for quote in ['"', '\''] {
        let inner = word
            .strip_prefix(quote)
            .and_then(|it| it.strip_suffix(quote));
        if let Some(inner) = inner.filter(|inner| !inner.contains(quote)) {
            return Some(json!(inner));
        }
    }
    serde_json::from_str::<Value>(word)
        .ok()
        .filter(Value::is_number)
}

fn plain(lower: &str) -> Option<Value> {
    let name = match last_part(lower) {
        "object" | "dict" | "dictionary" | "hashmap" | "map" | "record" | "struct" | "json"
        | "hash" | "hashtable" | "mapping" | "treemap" | "jsonobject" | "defaultdict"
        | "ordereddict" | "typeddict" | "basemodel" => "object",
        "array" | "list" | "arraylist" | "tuple" | "set" | "sequence" | "vector" | "linkedlist"
        | "iterable" | "collection" | "frozenset" | "vec" | "slice" | "queue" | "deque"
        | "jsonarray" | "hashset" => "array",
        "string" | "str" | "text" | "char" | "character" | "varchar" | "uuid" | "date"
        | "datetime" | "date-time" | "time" | "timestamp" | "url" | "uri" | "email" | "path"
        | "bytes" | "base64" | "bytestring" | "symbol" | "charsequence" => "string",
        "integer" | "int" | "long" | "short" | "byte" | "int8" | "int16" | "int32" | "int64"
        | "uint" | "uint8" | "uint16" | "uint32" | "uint64" | "bigint" | "biginteger" | "usize"
        | "isize" | "u8" | "u16" | "u32" | "u64" | "i8" | "i16" | "i32" | "i64" => "integer",
        "number" | "float" | "double" | "decimal" | "real" | "numeric" | "float32" | "float64"
        | "bigdecimal" | "f32" | "f64" => "number",
        "boolean" | "bool" => "boolean",
        "null" | "none" | "nonetype" | "nil" | "void" | "undefined" => "null",
        "any" | "anytype" | "anything" | "mixed" | "unknown" | "variant" | "dynamic" | "*" | "" => {
            return Some(json!({}));
        }
        _ => return None,
    };
    Some(json!({ "type": name }))
}

/// `java.util.HashMap` and `typing.List` without where they are from.
fn last_part(word: &str) -> &str {
    let word = word.trim();
    word.rsplit_once('.').map_or(word, |(_, last)| last)
}

/// Splits where no bracket or quote is open.
fn split<'a>(text: &'a str, at: &[char]) -> Vec<&'a str> {
    let (mut open, mut quote, mut from) = (0_usize, None, 0);
    let mut parts = Vec::new();
    for (index, c) in text.char_indices() {
        match (quote, c) {
            (Some(begun), _) if begun == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '<' | '(' | '{') => open += 1,
            (None, ']' | '>' | ')' | '}') => open = open.saturating_sub(1),
            (None, _) if open == 0 && at.contains(&c) => {
                parts.push(&text[from..index]);
                from = index + c.len_utf8();
            }
            (None, _) => {}
        }
    }
    parts.push(&text[from..]);
    parts
}
