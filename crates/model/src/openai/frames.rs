//! Makes an answer safe to hand to async-openai: every event is whole, valid JSON, bounded,
//! and a stream that merely stops is told from one that was finished. What was wrong is
//! put into the stream as an event of our own, `{"leadhand":…}`, so that nothing of the
//! answer ends up in a log. The format is that of server-sent events (WHATWG HTML, 9.2).
//! An answer in one piece is bounded here too.

use super::fault::{clean, of_silence, of_transport};
use super::part::{Part, read};
use crate::model::fault;
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt, unfold};
use http_body_util::BodyDataStream;
use leadhand_protocol::{ModelFault, ModelFaultKind};
use reqwest::{Body, Response, ResponseBuilderExt, Url};
use serde::de::IgnoredAny;
use serde_json::json;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// Bytes of an event stream for one byte of text; each token comes in a frame of its own.
const FRAME_OVERHEAD: usize = 100;
/// Bytes that an answer may have beyond its text.
const ENVELOPE_BYTES: usize = 65_536;

/// How many events of a stream may be read that nobody has taken yet.
const EVENTS_AHEAD_MAX: usize = 64;

/// What ends each event.
const FRAME_END: &str = "\n\n";
/// What ends a stream.
const DONE: &str = "[DONE]";
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

/// What an answer may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Largest reply that is taken, in bytes.
    pub(super) reply_bytes_max: usize,
    /// How long the connection may be silent.
    pub(super) idle: Duration,
}

/// Puts the filter around an event stream, which is read no further ahead of whoever takes the
/// events than [`EVENTS_AHEAD_MAX`] and a chunk: async-openai keeps all it has read.
pub(super) fn guarded_events(
    body: Body,
    bounds: Bounds,
    address: &Url,
    taken: watch::Receiver<usize>,
) -> Response {
    let begun = (Filter::new(body, bounds), 0, taken);
    let safe = unfold(begun, |(mut filter, given, mut taken)| async move {
        let is_near = |taken: &usize| given <= taken + EVENTS_AHEAD_MAX;
        // An error means that nobody takes any more.
        taken.wait_for(is_near).await.ok()?;
        let bytes = filter.next().await?;
        let given = given + bytes.matches(FRAME_END).count();
        Some((
            Ok::<_, std::io::Error>(Bytes::from(bytes)),
            (filter, given, taken),
        ))
    });
    bare(address.clone(), Body::wrap_stream(safe))
}

/// The events of a stream that nobody asked for.
pub(super) async fn gathered_events(
    body: Body,
    bounds: Bounds,
    url: &str,
) -> Result<Vec<Part>, ModelFault> {
    let mut filter = Filter::new(body, bounds);
    let mut events = Vec::new();
    while let Some(safe) = filter.next().await {
        for data in safe.lines().filter_map(|line| line.strip_prefix("data: ")) {
            if data == DONE {
                return Ok(events);
            }
            events.push(read(data.as_bytes(), url)?);
        }
    }
    Ok(events)
}

/// Turns a plain JSON answer into a stream of one event.
pub(super) async fn single_event(
    body: Body,
    bounds: Bounds,
    url: &str,
    address: &Url,
) -> Result<Response, ModelFault> {
    let body = whole_body(body, bounds, url).await?;
    read(&body, url)?;
    let event = frame(&String::from_utf8_lossy(&body));
    let events = Body::from(format!("{event}{}", frame(DONE)));
    Ok(bare(address.clone(), events))
}

/// A bounded body. One chunk, the usual case, is not copied.
pub(super) async fn whole_body(body: Body, bounds: Bounds, url: &str) -> Result<Bytes, ModelFault> {
    let mut chunks = BodyDataStream::new(body);
    let bytes_max = value_bytes_max(bounds.reply_bytes_max);
    let mut body = Bytes::new();
    let mut joined = Vec::new();
    loop {
        let heard = timeout(bounds.idle, chunks.next()).await;
        let chunk = heard.map_err(|_| of_silence(url))?;
        let Some(chunk) = chunk else {
            break;
        };
        let chunk = chunk.map_err(|error| of_transport(url, &error))?;
        if body.len() + joined.len() + chunk.len() > bytes_max {
            let max = bounds.reply_bytes_max;
            let what = format!("{url}: the answer is larger than {max} bytes (reply_bytes_max)");
            return Err(fault(ModelFaultKind::BadAnswer, what));
        }
        if body.is_empty() && joined.is_empty() {
            body = chunk;
        } else {
            joined.extend_from_slice(&std::mem::take(&mut body));
            joined.extend_from_slice(&chunk);
        }
    }
    if !joined.is_empty() {
        body = Bytes::from(joined);
    }
    if std::str::from_utf8(&body).is_err() {
        body = Bytes::from(String::from_utf8_lossy(&body).into_owned());
    }
    Ok(body)
}

/// Most bytes of one JSON value that holds a reply: JSON escapes may need six bytes for one.
fn value_bytes_max(reply_bytes_max: usize) -> usize {
    reply_bytes_max
        .saturating_mul(6)
        .saturating_add(ENVELOPE_BYTES)
}

/// Nothing but a body, which is all that async-openai looks at. The address, which a response
/// must have, is the one that the answer had: a made-up one would be parsed each time.
fn bare(url: Url, body: Body) -> Response {
    let response = http::Response::builder().url(url).body(());
    Response::from(response.unwrap_or_default().map(|()| body))
}

fn frame(data: &str) -> String {
    // A line break in valid JSON stands between tokens only.
    format!("data: {}{FRAME_END}", data.replace(['\n', '\r'], " "))
}

fn ours(what: &str, words: &str) -> String {
    frame(&json!({ OURS: what, "words": words }).to_string())
}

struct Filter {
    chunks: BoxStream<'static, reqwest::Result<Bytes>>,
    idle: Duration,
    bytes_left: usize,
    frame_bytes_max: usize,
    frames: Frames,
    is_over: bool,
}

impl Filter {
    fn new(body: Body, bounds: Bounds) -> Self {
        let bytes_max = bounds
            .reply_bytes_max
            .saturating_mul(FRAME_OVERHEAD)
            .saturating_add(ENVELOPE_BYTES);
        Self {
            chunks: BodyDataStream::new(body).boxed(),
            idle: bounds.idle,
            bytes_left: bytes_max,
            frame_bytes_max: value_bytes_max(bounds.reply_bytes_max),
            frames: Frames::default(),
            is_over: false,
        }
    }

    /// The next safe bytes; none once the stream is over.
    async fn next(&mut self) -> Option<String> {
        while !self.is_over {
            let mut safe = String::new();
            let Ok(heard) = timeout(self.idle, self.chunks.next()).await else {
                self.is_over = true;
                return Some(ours(SILENT, ""));
            };
            match heard {
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
                    let told = of_transport("", &error).message;
                    safe = ours(BROKEN, told.trim_start_matches(": "));
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
        if (is_end || self.data == DONE) && !self.data.is_empty() {
            let data = std::mem::take(&mut self.data);
            if data.trim() == DONE || serde_json::from_str::<IgnoredAny>(&data).is_ok() {
                safe.push_str(&frame(data.trim()));
            } else {
                safe.push_str(&ours(UNREADABLE, &clean(&data)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Bounds, EVENTS_AHEAD_MAX, guarded_events};
    use futures::{FutureExt, StreamExt, stream};
    use reqwest::{Body, Url};
    use std::time::Duration;
    use tokio::sync::watch;

    #[tokio::test]
    async fn a_stream_is_read_no_further_ahead_than_somebody_takes_it() {
        let endless = stream::repeat_with(|| Ok::<_, std::io::Error>("data: 1\n\n"));
        let bounds = Bounds {
            reply_bytes_max: 1_000_000,
            idle: Duration::from_secs(60),
        };
        let (takes, taken) = watch::channel(0);
        let address = Url::parse("http://127.0.0.1/").unwrap();
        let answer = guarded_events(Body::wrap_stream(endless), bounds, &address, taken);
        let mut events = answer.bytes_stream();
        let mut read = 0;
        while let Some(event) = events.next().now_or_never() {
            event.unwrap().unwrap();
            read += 1;
            assert!(read <= EVENTS_AHEAD_MAX + 1, "nobody takes any");
        }
        assert_eq!(read, EVENTS_AHEAD_MAX + 1);
        takes.send_replace(1);
        events.next().now_or_never().unwrap().unwrap().unwrap();
        assert!(events.next().now_or_never().is_none());
        drop(takes);
        assert!(events.next().await.is_none(), "nobody is left to take any");
    }
}
