//! What came from a URL, as a model can read it: HTML as Markdown, JSON indented, other text as
//! it stands, and what is no text described by type and size. Long answers are given in pages.

use crate::charset;
use crate::markdown::{self, Style};

/// How an answer may be given, the default first.
pub const FORMS: [&str; 3] = ["markdown", "text", "raw"];
/// Most bytes of a body that are worked on.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// An answer to a request.
pub struct Page<'a> {
    /// The URL that was asked for.
    pub asked: &'a str,
    /// Where the answer came from, after redirects.
    pub url: &'a str,
    /// The header of that name; empty when there was none.
    pub content_type: &'a str,
    /// The body.
    pub body: &'a [u8],
    /// Whether the host cut it off.
    pub truncated: bool,
}

impl Page<'_> {
    /// Characters `start` to `start + chars_max - 1`, from 1, with notes in brackets behind.
    /// The error is that of a start behind the end.
    pub fn show(&self, form: &str, start: usize, chars_max: usize) -> Result<String, String> {
        let body = &self.body[..self.body.len().min(BODY_BYTES_MAX)];
        let kind = self.content_type.split(';').next().unwrap_or("").trim();
        let kind = kind.to_ascii_lowercase();
        if is_binary(&kind, body) {
            let kind = if kind.is_empty() {
                "unknown type"
            } else {
                &kind
            };
            return Ok(format!("[not text: {kind}, {} bytes]", self.body.len()));
        }
        let (text, charset_note) = charset::decode(body, self.content_type);
        let html = kind.contains("html") || kind.is_empty() && looks_like_html(&text);
        let text = match form {
            "raw" => text,
            "text" if html => markdown::convert(&text, self.url, Style::Plain),
            _ if html => markdown::convert(&text, self.url, Style::Markdown),
            _ if kind.contains("json") || kind.is_empty() => indented(&text).unwrap_or(text),
            _ => text,
        };
        let mut notes = Vec::new();
        let shown = cut(&text, start, chars_max, &mut notes)?;
        if shown.trim().is_empty() && notes.is_empty() {
            notes.push("[there is no text]".to_owned());
        }
        if self.truncated || self.body.len() > BODY_BYTES_MAX {
            let bytes = body.len();
            notes.push(format!(
                "[longer than can be read: this is from its first {bytes} bytes]"
            ));
        }
        notes.extend(charset_note);
        if form != "raw" && self.url != self.asked.trim() {
            notes.push(format!("[from {}]", self.url));
        }
        let shown = if notes.is_empty() {
            shown
        } else {
            shown.trim_end()
        };
        let separator = if shown.is_empty() || notes.is_empty() {
            ""
        } else {
            "\n"
        };
        Ok(format!("{shown}{separator}{}", notes.join("\n")))
    }
}

/// The characters that were asked for, and a note when there are others.
fn cut<'a>(
    text: &'a str,
    start: usize,
    chars_max: usize,
    notes: &mut Vec<String>,
) -> Result<&'a str, String> {
    let total = text.chars().count();
    if start > total.max(1) {
        return Err(format!(
            "there are {total} characters; start {start} is behind the end."
        ));
    }
    let place = |chars: usize| {
        text.char_indices()
            .nth(chars)
            .map_or(text.len(), |(at, _)| at)
    };
    let end = (start - 1).saturating_add(chars_max).min(total);
    if start > 1 || end < total {
        let next = end + 1;
        let more = if end < total {
            format!("; read on with start {next}")
        } else {
            String::new()
        };
        notes.push(format!("[characters {start} to {end} of {total}{more}]"));
    }
    Ok(&text[place(start - 1)..place(end)])
}

fn indented(text: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    serde_json::to_string_pretty(&value).ok()
}

/// A NUL says so, and bytes that are not UTF-8 where nothing says that they are text.
fn is_binary(kind: &str, body: &[u8]) -> bool {
    let utf16 = body.starts_with(&[0xFF, 0xFE]) || body.starts_with(&[0xFE, 0xFF]);
    let said = ["text/", "html", "xml", "json", "javascript"];
    let is_text = said.iter().any(|word| kind.contains(word));
    if is_text && utf16 {
        return false;
    }
    let nul = body.iter().take(8 * 1024).any(|byte| *byte == 0);
    nul || !is_text && std::str::from_utf8(body).is_err_and(|error| error.error_len().is_some())
}

fn looks_like_html(text: &str) -> bool {
    let start: String = text.trim_start().chars().take(15).collect();
    let start = start.to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}
