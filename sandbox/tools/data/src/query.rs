//! `query_json`.

use crate::jq;
use guest::{ANSWER_BYTES_MAX, ErrorKind, ToolError, fault};
use jaq_core::{Ctx, Vars};
use jaq_json::read;
use serde::de::IgnoredAny;

/// Longest query, in bytes.
const QUERY_BYTES_MAX: usize = 8_000;
/// How deep values may be nested, and how many brackets of a query may be open at once:
/// readers and printers call themselves for each.
const DEPTH_MAX: usize = 100;

/// Runs a query over each value of a text. A text of several values, such as JSON Lines, is
/// queried value by value.
pub fn query(json: &str, query: &str) -> Result<String, ToolError> {
    let refuse = |message: String| fault(ErrorKind::InvalidArguments, message);
    if query.len() > QUERY_BYTES_MAX || depth(query) > DEPTH_MAX {
        let message = format!(
            "the query has more than {QUERY_BYTES_MAX} bytes, or more than {DEPTH_MAX} brackets \
             within each other."
        );
        return Err(fault(ErrorKind::LimitExceeded, message));
    }
    let filter = jq::compile(query)
        .map_err(|why| refuse(format!("`{query}` is not a jq expression: {why}.")))?;
    check(json.trim_start_matches('\u{feff}'))?;
    let mut results = Results::default();
    for value in read::parse_many(json.trim_start_matches('\u{feff}').as_bytes()) {
        let value = value.map_err(|error| refuse(format!("the JSON cannot be read: {error}.")))?;
        let context = Ctx::<jq::Data>::new(&filter.lut, Vars::new([]));
        for result in filter.id.run((context, value)) {
            match result.map_err(|exception| exception.get_err().ok()) {
                Ok(value) if results.add(&value.to_string()) => {}
                Ok(_) => return Ok(results.cut()),
                Err(why) => return Err(refuse(results.broken(why.map(|why| why.to_string())))),
            }
        }
    }
    Ok(match results.count {
        0 => "The query gives nothing.".to_owned(),
        _ => results.text.trim_end().to_owned(),
    })
}

/// Whether it is JSON that can be read here, with line and column of what is not.
fn check(json: &str) -> Result<(), ToolError> {
    let refuse = |why: String| {
        let message = format!("The JSON cannot be read: {why}.");
        Err(fault(ErrorKind::InvalidArguments, message))
    };
    if depth(json) > DEPTH_MAX {
        return refuse(format!("it is nested deeper than {DEPTH_MAX}"));
    }
    let mut values = 0_usize;
    for value in serde_json::Deserializer::from_str(json).into_iter::<IgnoredAny>() {
        if let Err(error) = value {
            return refuse(error.to_string());
        }
        values += 1;
    }
    match values {
        0 => refuse("it is empty".to_owned()),
        _ => Ok(()),
    }
}

/// The most brackets that are open at once outside of strings.
fn depth(text: &str) -> usize {
    let (mut open, mut most) = (0_usize, 0);
    let (mut quoted, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' | b'(' if !quoted => open += 1,
            b']' | b'}' | b')' if !quoted => open = open.saturating_sub(1),
            _ => {}
        }
        most = most.max(open);
    }
    most
}

#[derive(Default)]
struct Results {
    text: String,
    count: usize,
}

impl Results {
    /// Takes a result; false when it does not fit the answer.
    fn add(&mut self, result: &str) -> bool {
        if self.text.len() + result.len() > ANSWER_BYTES_MAX && self.count > 0 {
            return false;
        }
        self.text.push_str(result);
        self.count += 1;
        if self.text.len() > ANSWER_BYTES_MAX {
            return false;
        }
        self.text.push('\n');
        true
    }

    fn cut(mut self) -> String {
        let bytes = self.text.len();
        if bytes > ANSWER_BYTES_MAX {
            self.text
                .truncate(self.text.floor_char_boundary(ANSWER_BYTES_MAX));
            return self.text
                + &format!("\n[cut off: this result has {bytes} bytes; ask for less]");
        }
        let (text, count) = (self.text, self.count);
        format!("{text}[{count} results fit; narrow the query to see others]")
    }

    fn broken(&self, why: Option<String>) -> String {
        let why = why.unwrap_or_else(|| "it ends the program".to_owned());
        let mut why: String = why.chars().take(400).collect();
        if self.count > 0 {
            why = format!("{why}, after {} results", self.count);
        }
        format!("the query fails on this JSON: {why}.")
    }
}
