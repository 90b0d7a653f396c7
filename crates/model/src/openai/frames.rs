//! Makes an answer safe to hand to async-openai: every event is whole, valid JSON, bounded,
//! and a stream that merely stops is told from one that was finished. What was wrong is
//! put into the stream as an event of our own, `{"leadhand":…}`, so that nothing of the
//! answer ends up in a log. The format is that of server-sent events (WHATWG HTML, 9.2).

use super::fault::{clean, of_transport};
use crate::model::fault;
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt, unfold};
use leadhand_protocol::{ModelFault, ModelFaultKind};
use reqwest::{Body, Response};
use serde::de::IgnoredAny;
use serde_json::json;

/// Bytes of an event stream for one byte of text; each token comes in a frame of its own.
const FRAME_OVERHEAD: usize = 100;
/// Bytes that an answer may have beyond its text.
const ENVELOPE_BYTES: usize = 65_536;

/// Key of the events that are ours.
pub(super) const OURS: &str = "leadhand";
/// The stream came to its end; fine only after a finish reason.
pub(super) const ENDED: &str = "ended";
/// The connection broke off.
pub(super) const BROKEN: &str = "broken";
/// Nothing came for too long.
pub(super) const SILENT: &str = "silent";
/// An event was no JSON.
pub(super) const UNREADABLE: &str = "unreadable";
/// The answer is larger than allowed.
pub(super) const TOO_LARGE: &str = "too large";

/// Puts the filter around an event stream.
pub(super) fn guarded_events(response: Response, reply_bytes_max: usize) -> Response {
    let bytes_max = reply_bytes_max
        .saturating_mul(FRAME_OVERHEAD)
        .saturating_add(ENVELOPE_BYTES);
    let filter = Filter {
        chunks: response.bytes_stream().boxed(),
        bytes_left: bytes_max,
        frame_bytes_max: value_bytes_max(reply_bytes_max),
        frames: Frames::default(),
        is_over: false,
    };
    let safe = unfold(filter, |mut filter| async move {
        let bytes = filter.next().await?;
        Some((Ok::<_, std::io::Error>(Bytes::from(bytes)), filter))
    });
    events(Body::wrap_stream(safe))
}

/// Turns a plain JSON answer into a stream of one event.
pub(super) async fn single_event(
    response: Response,
    reply_bytes_max: usize,
    url: &str,
) -> Result<Response, ModelFault> {
    let bytes_max = value_bytes_max(reply_bytes_max);
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| of_transport(url, &error))?;
        if body.len() + chunk.len() > bytes_max {
            let what = format!(
                "{url}: the answer is larger than {reply_bytes_max} bytes (reply_bytes_max)"
            );
            return Err(fault(ModelFaultKind::BadAnswer, what));
        }
        body.extend_from_slice(&chunk);
    }
    let text = String::from_utf8_lossy(&body);
    if serde_json::from_str::<IgnoredAny>(&text).is_err() {
        let what = format!(
            "{url} answered 200 with something that is no JSON: {}",
            clean(&text)
        );
        return Err(fault(ModelFaultKind::BadAnswer, what));
    }
    Ok(events(Body::from(format!(
        "{}data: [DONE]\n\n",
        frame(&text)
    ))))
}

/// Most bytes of one JSON value that holds a reply: JSON escapes may need six bytes for one.
fn value_bytes_max(reply_bytes_max: usize) -> usize {
    reply_bytes_max
        .saturating_mul(6)
        .saturating_add(ENVELOPE_BYTES)
}

fn events(body: Body) -> Response {
    Response::from(http::Response::new(body))
}

fn frame(data: &str) -> String {
    // A line break in valid JSON stands between tokens only.
    format!("data: {}\n\n", data.replace(['\n', '\r'], " "))
}

fn ours(what: &str, words: &str) -> String {
    frame(&json!({ OURS: what, "words": words }).to_string())
}

struct Filter {
    chunks: BoxStream<'static, reqwest::Result<Bytes>>,
    bytes_left: usize,
    frame_bytes_max: usize,
    frames: Frames,
    is_over: bool,
}

impl Filter {
    /// The next safe bytes; none once the stream is over.
    async fn next(&mut self) -> Option<String> {
        while !self.is_over {
            let mut safe = String::new();
            match self.chunks.next().await {
                Some(Ok(chunk)) if chunk.len() > self.bytes_left => {
                    safe = ours(TOO_LARGE, "");
                    self.is_over = true;
                }
                Some(Ok(chunk)) => {
                    self.bytes_left -= chunk.len();
                    self.frames.take(&chunk, &mut safe);
                    if self.frames.held_bytes() > self.frame_bytes_max {
                        safe.push_str(&ours(TOO_LARGE, ""));
                        self.is_over = true;
                    }
                }
                Some(Err(error)) => {
                    let what = if error.is_timeout() { SILENT } else { BROKEN };
                    let told = of_transport("", &error).message;
                    safe = ours(what, told.trim_start_matches(": "));
                    self.is_over = true;
                }
                None => {
                    self.frames.take(b"\n\n", &mut safe);
                    safe.push_str(&ours(ENDED, ""));
                    self.is_over = true;
                }
            }
            if !safe.is_empty() {
                return Some(safe);
            }
        }
        None
    }
}

/// Cuts bytes into lines and lines into events.
#[derive(Default)]
struct Frames {
    line: Vec<u8>,
    data: String,
}

impl Frames {
    /// Of an event that has begun.
    fn held_bytes(&self) -> usize {
        self.line.len() + self.data.len()
    }

    fn take(&mut self, bytes: &[u8], safe: &mut String) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                self.take_line(
                    String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']),
                    safe,
                );
            }
        }
    }

    fn take_line(&mut self, line: &str, safe: &mut String) {
        if let Some(data) = line.strip_prefix("data:") {
            if !self.data.is_empty() {
                self.data.push('\n');
            }
            self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
        } else if line.starts_with('{') {
            // A bare error in the middle of the stream.
            self.data.push_str(line);
        }
        let is_end = line.is_empty();
        if (is_end || self.data == "[DONE]") && !self.data.is_empty() {
            let data = std::mem::take(&mut self.data);
            if data.trim() == "[DONE]" || serde_json::from_str::<IgnoredAny>(&data).is_ok() {
                safe.push_str(&frame(data.trim()));
            } else {
                safe.push_str(&ours(UNREADABLE, &clean(&data)));
            }
        }
    }
}
