//! Reads JSON as models write it. What has one reading only is mended and counted; what
//! could be read in two ways is refused with the place and the cure, since a tool call must
//! never do something else than what was written. Finding JSON in prose is `find`'s work.
//!
//! Mended: comments, stray and missing commas, other quotation marks, keys without quotes,
//! Python's and JavaScript's literals, raw line breaks and lone backslashes in strings,
//! pairs of inner quotes, `"a" + "b"`, triple quotes, brackets not closed. Refused: strings
//! that never end, values without quotes, odd inner quotes, numbers JSON does not know.

use serde_json::{Map, Number, Value};

mod string;

/// Deepest nesting; deeper input is refused, so that no stack overflows.
const DEPTH_MAX: usize = 100;

/// One value that was read from the front of a text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct JsonRead {
    /// The value.
    pub(crate) value: Value,
    /// Where it ends in the text, in bytes.
    pub(crate) end: usize,
    /// Whether anything had to be mended.
    pub(crate) repaired: bool,
}

/// Why a text could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {what}")]
pub(crate) struct JsonFault {
    /// Line in the text, from 1.
    pub(crate) line: usize,
    /// Character in the line, from 1.
    pub(crate) column: usize,
    /// What is wrong there and how to mend it.
    pub(crate) what: String,
}

/// Reads the first value of `text`, which may be followed by anything. `cut_off` says that
/// the text ended because of a limit: then an open bracket is not closed for it.
pub(crate) fn read_json(text: &str, cut_off: bool) -> Result<JsonRead, JsonFault> {
    let mut strict = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    if let Some(Ok(value)) = strict.next() {
        let end = strict.byte_offset();
        // `1/3` starts with a number, and is none.
        let is_whole_token = value.is_object()
            || value.is_array()
            || value.is_string()
            || text[end..]
                .chars()
                .next()
                .is_none_or(|c| c.is_whitespace() || ",]}`".contains(c));
        if is_whole_token {
            return Ok(JsonRead {
                value,
                end,
                repaired: false,
            });
        }
    }
    let mut reader = Reader {
        text,
        at: 0,
        open: Vec::new(),
        cut_off,
    };
    let value = reader.value()?;
    Ok(JsonRead {
        value,
        end: reader.at,
        repaired: true,
    })
}

/// Reads a text that is one value and nothing else but closing leftovers.
pub(crate) fn read_whole_json(text: &str, cut_off: bool) -> Result<JsonRead, JsonFault> {
    let mut read = read_json(text, cut_off)?;
    let rest = text[read.end..].trim();
    if !rest.is_empty() {
        if rest
            .chars()
            .any(|c| !c.is_whitespace() && !"}]),;`".contains(c))
        {
            let what = "text after the end of the JSON; leave it out".to_owned();
            return Err(place(text, read.end, what));
        }
        read.repaired = true;
    }
    Ok(read)
}

/// Reads the first value of `text`, which prose may follow, but not more of the same JSON:
/// a bracket too many in the middle would else cut a value in half.
pub(crate) fn read_element(text: &str, cut_off: bool) -> Result<JsonRead, JsonFault> {
    let read = read_json(text, cut_off)?;
    let rest = text[read.end..].trim_start_matches(['}', ']']).trim_start();
    match rest.strip_prefix(',').map(str::trim_start) {
        Some(next) if next.starts_with(['"', '\'', '{', '[']) => Err(place(
            text,
            read.end,
            "the JSON goes on after its last bracket".to_owned(),
        )),
        _ => Ok(read),
    }
}

fn place(text: &str, at: usize, what: String) -> JsonFault {
    let before = &text[..at.min(text.len())];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    JsonFault {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        what,
    }
}

/// A recursive-descent reader; `open` holds the closing brackets still to come.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    open: Vec<char>,
    cut_off: bool,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn fault<T>(&self, what: impl Into<String>) -> Result<T, JsonFault> {
        Err(place(self.text, self.at, what.into()))
    }

    fn skip_space(&mut self) {
        self.at += space_len(self.rest());
    }

    fn value(&mut self) -> Result<Value, JsonFault> {
        self.skip_space();
        match self.peek() {
            None => self.fault("the JSON ends where a value should stand"),
            Some('{') => self.object(),
            Some('[') => self.array(),
            Some('`') if self.rest().starts_with("``") => {
                self.fault("a fence stands where a value should")
            }
            Some(c) if string::is_quote(c) => self.strings().map(Value::String),
            Some('-' | '0'..='9') => self.number(),
            Some(c) if c.is_alphabetic() => self.word(),
            Some(c) => self.fault(format!("`{c}` stands where a value should")),
        }
    }

    fn object(&mut self) -> Result<Value, JsonFault> {
        self.enter('}')?;
        let mut map = Map::new();
        while !self.leave('}')? {
            let key = self.key()?;
            self.skip_space();
            if self.peek() != Some(':') {
                return self.fault(format!("`:` is missing after the key \"{key}\""));
            }
            self.bump();
            map.insert(key, self.value()?);
            self.between()?;
        }
        Ok(Value::Object(map))
    }

    fn array(&mut self) -> Result<Value, JsonFault> {
        self.enter(']')?;
        let mut items = Vec::new();
        while !self.leave(']')? {
            items.push(self.value()?);
            self.between()?;
        }
        Ok(Value::Array(items))
    }

    fn enter(&mut self, closing: char) -> Result<(), JsonFault> {
        if self.open.len() >= DEPTH_MAX {
            return self.fault(format!("more than {DEPTH_MAX} brackets inside each other"));
        }
        self.bump();
        self.open.push(closing);
        Ok(())
    }

    /// Whether the bracket ends here: with its own closing bracket, with one of a bracket
    /// around it, or with the end of a text that was not cut off.
    fn leave(&mut self, closing: char) -> Result<bool, JsonFault> {
        self.skip_space_and_commas();
        let ends = match self.peek() {
            None if self.cut_off => return self.fault("the JSON is cut off here"),
            None => true,
            Some(c) if c == closing => {
                self.bump();
                true
            }
            Some(c @ ('}' | ']')) => {
                if !self.open.contains(&c) {
                    return self.fault(format!("`{c}` closes nothing; `{closing}` is open"));
                }
                true
            }
            Some(_) => false,
        };
        if ends {
            self.open.pop();
        }
        Ok(ends)
    }

    fn skip_space_and_commas(&mut self) {
        self.skip_space();
        while self.peek() == Some(',') {
            self.bump();
            self.skip_space();
        }
    }

    /// What follows an element: a comma, the end, or an element whose comma is missing.
    fn between(&mut self) -> Result<(), JsonFault> {
        self.skip_space();
        let in_object = self.open.last() == Some(&'}');
        match self.peek() {
            None | Some(',' | '}' | ']') => Ok(()),
            Some(_) if in_object && starts_key(self.rest()) => Ok(()),
            Some(c) if !in_object && (c == '{' || c == '[' || string::is_quote(c)) => Ok(()),
            Some(c) if !in_object && (c.is_ascii_digit() || c == '-') => Ok(()),
            Some(c) => {
                let closing = self.open.last().copied().unwrap_or('}');
                self.fault(format!(
                    "`{c}` stands where `,` or `{closing}` should; a `\"` inside a string is \
                     written `\\\"`"
                ))
            }
        }
    }

    fn key(&mut self) -> Result<String, JsonFault> {
        match self.peek() {
            Some(c) if string::is_quote(c) => self.string(true),
            Some(_) => {
                let len = identifier_len(self.rest());
                if len == 0 {
                    return self.fault("a key in double quotes should stand here");
                }
                let key = self.rest()[..len].to_owned();
                self.at += len;
                Ok(key)
            }
            None => self.fault("the JSON ends where a key should stand"),
        }
    }

    fn number(&mut self) -> Result<Value, JsonFault> {
        let rest = self.rest();
        let len = rest
            .find(|c: char| !(c.is_alphanumeric() || "+-._/:".contains(c)))
            .unwrap_or(rest.len());
        let comment = ["//", "/*"]
            .iter()
            .filter_map(|mark| rest[..len].find(mark))
            .min();
        // A comment needs two characters; the second may lie beyond the token.
        let comment = comment.or_else(|| rest[..len].ends_with('/').then(|| len - 1));
        let len = comment.unwrap_or(len);
        let token = &rest[..len];
        match serde_json::from_str::<Number>(token) {
            Ok(number) => {
                self.at += len;
                Ok(Value::Number(number))
            }
            Err(_) => self.fault(format!("`{token}` is not a number; a string needs quotes")),
        }
    }

    fn word(&mut self) -> Result<Value, JsonFault> {
        let len = identifier_len(self.rest()).max(1);
        let word = self.rest().get(..len).unwrap_or_default();
        let value = match word {
            "true" | "True" | "TRUE" => Value::Bool(true),
            "false" | "False" | "FALSE" => Value::Bool(false),
            "null" | "None" | "NULL" | "undefined" => Value::Null,
            _ => return self.fault("a string stands here without double quotes around it"),
        };
        let after = self.rest()[len..].trim_start().chars().next();
        let ends = after.is_none_or(|c| ",}]/#\"'`".contains(c));
        if !ends && !starts_key(&self.rest()[len..]) {
            return self.fault("a string stands here without double quotes around it");
        }
        self.at += len;
        Ok(value)
    }
}

/// Bytes of blanks and comments at the front of a text.
fn space_len(text: &str) -> usize {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| {
            c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}' | '\u{2060}')
        });
        let comment = if rest.starts_with("//") || rest.starts_with('#') {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else {
            return text.len() - rest.len();
        };
        rest = &rest[comment..];
    }
}

/// Bytes of the name at the front of a text.
fn identifier_len(text: &str) -> usize {
    if !text.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '$') {
        return 0;
    }
    text.find(|c: char| !(c.is_alphanumeric() || "_$-".contains(c)))
        .unwrap_or(text.len())
}

/// Whether a key with its colon stands at the front of a text.
fn starts_key(text: &str) -> bool {
    /// Longest key that is recognised; it bounds the look ahead.
    const KEY_BYTES_MAX: usize = 120;
    let text = &text[space_len(text)..];
    let Some(first) = text.chars().next() else {
        return false;
    };
    let after = if string::is_quote(first) {
        let inner = &text[first.len_utf8()..];
        let window = &inner[..inner.floor_char_boundary(KEY_BYTES_MAX)];
        match window.find(string::closing_of(first)) {
            Some(end) => &inner[end + string::closing_of(first).len_utf8()..],
            None => return false,
        }
    } else {
        match identifier_len(text) {
            0 => return false,
            len => &text[len..],
        }
    };
    after.trim_start().starts_with(':')
}
