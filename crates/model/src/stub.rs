//! A small OpenAI-compatible server for tests: it answers what it was told, right or wrong,
//! and keeps what it was asked. It knows as much HTTP/1.1 as its clients need, and no more;
//! it listens on loopback only and is gone when it is dropped.

use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Largest request that is read, in bytes.
const REQUEST_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Pieces that a streamed text is cut into.
const PIECES: usize = 3;

/// One answer of a [`StubServer`].
#[derive(Debug, Clone, PartialEq)]
pub enum StubAnswer {
    /// A text; streamed when the request wants it.
    Text(String),
    /// Native tool calls, `(name, arguments as JSON)`; streamed in fragments.
    ToolCalls(Vec<(String, String)>),
    /// A status with a header and a body.
    Status(u16, Option<(String, String)>, String),
    /// A successful answer of this content type and body, sent as it is.
    Body(String, Vec<u8>),
    /// The beginning of a streamed text, then the connection is closed.
    CutOff(String),
    /// The beginning of a streamed text, then nothing for ever.
    Silence(String),
    /// A streamed text of about so many bytes.
    Huge(usize),
    /// A body of this status and content type that begins so, and goes on with the same piece
    /// for ever, with a pause of so many milliseconds after each.
    Endless {
        /// The status.
        status: u16,
        /// The content type.
        kind: String,
        /// How it begins.
        start: Vec<u8>,
        /// How it goes on.
        piece: Vec<u8>,
        /// The pause.
        pause_ms: u64,
    },
    /// The connection is closed without an answer.
    HangUp,
}

impl StubAnswer {
    /// A text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// One native tool call.
    #[must_use]
    pub fn tool_call(name: &str, arguments: &Value) -> Self {
        Self::ToolCalls(vec![(name.to_owned(), arguments.to_string())])
    }

    /// A failure with a body.
    #[must_use]
    pub fn status(status: u16, body: &str) -> Self {
        Self::Status(status, None, body.to_owned())
    }

    /// Too many requests, with a `Retry-After`.
    #[must_use]
    pub fn rate_limited(retry_after: &str) -> Self {
        let header = ("Retry-After".to_owned(), retry_after.to_owned());
        Self::Status(
            429,
            Some(header),
            r#"{"error":{"message":"too many requests"}}"#.to_owned(),
        )
    }
}

/// What the server was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct StubRequest {
    /// Method and path.
    pub line: String,
    /// Header lines as they came.
    pub headers: Vec<String>,
    /// The body; null when it is no JSON.
    pub body: Value,
}

type Shared = Arc<Mutex<Script>>;

#[derive(Default)]
struct Script {
    answers: VecDeque<StubAnswer>,
    /// Given when no other is left.
    for_ever: Option<StubAnswer>,
    requests: Vec<StubRequest>,
}

/// The server. Dropping it closes every connection.
pub struct StubServer {
    port: u16,
    base_url: String,
    script: Shared,
    _tasks: JoinSet<()>,
}

impl StubServer {
    /// Starts on a free port of 127.0.0.1. Answers are given in order, whoever asks; when
    /// none is left the server answers 500.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(answers: Vec<StubAnswer>) -> std::io::Result<Self> {
        Self::start_at(0, answers).await
    }

    /// As [`StubServer::start`], on a port on which another one has listened; 0 is a free one.
    ///
    /// # Errors
    /// When somebody else has the port.
    pub async fn start_at(port: u16, answers: Vec<StubAnswer>) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let port = listener.local_addr()?.port();
        let base_url = format!("http://{}/v1", listener.local_addr()?);
        let script = Arc::new(Mutex::new(Script {
            answers: answers.into(),
            ..Script::default()
        }));
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, script.clone()));
        Ok(Self {
            port,
            base_url,
            script,
            _tasks: tasks,
        })
    }

    /// As [`StubServer::start`], with one answer to whatever is asked.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn for_ever(answer: StubAnswer) -> std::io::Result<Self> {
        let server = Self::start(Vec::new()).await?;
        let mut script = server.script.lock().unwrap_or_else(PoisonError::into_inner);
        script.for_ever = Some(answer);
        drop(script);
        Ok(server)
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What to set as base URL.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// All requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<StubRequest> {
        self.script
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .requests
            .clone()
    }

    /// Adds an answer at the end.
    pub fn push(&self, answer: StubAnswer) {
        self.script
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .answers
            .push_back(answer);
    }
}

async fn accept(listener: TcpListener, script: Shared) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, script.clone()));
    }
}

async fn serve(mut stream: TcpStream, script: Shared) {
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffer).await {
        let streams = request.body["stream"] == json!(true);
        let answer = {
            let mut script = script.lock().unwrap_or_else(PoisonError::into_inner);
            script.requests.push(request);
            let next = script.answers.pop_front();
            next.or_else(|| script.for_ever.clone())
        };
        let answer = answer.unwrap_or_else(|| StubAnswer::status(500, "the script is used up"));
        if !give(&mut stream, answer, streams).await.unwrap_or(false) {
            return;
        }
    }
}

async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<StubRequest> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            let mut lines = head.split("\r\n").map(str::to_owned);
            let line = lines.next()?;
            let headers = lines.collect::<Vec<_>>();
            let length = headers.iter().find_map(|header| {
                let (name, value) = header.split_once(':')?;
                let is_length = name.eq_ignore_ascii_case("content-length");
                is_length
                    .then(|| value.trim().parse::<usize>().ok())
                    .flatten()
            });
            let whole = end + 4 + length.unwrap_or(0);
            if buffer.len() >= whole {
                let body = serde_json::from_slice(&buffer[end + 4..whole]).unwrap_or_default();
                buffer.drain(..whole);
                return Some(StubRequest {
                    line,
                    headers,
                    body,
                });
            }
        }
        if stream.read_buf(buffer).await.ok()? == 0 || buffer.len() > REQUEST_BYTES_MAX {
            return None;
        }
    }
}

/// Whether the connection may be used again.
async fn give(stream: &mut TcpStream, answer: StubAnswer, streams: bool) -> std::io::Result<bool> {
    match answer {
        StubAnswer::Text(text) if streams => whole(stream, EVENTS, &text_events(&text)).await?,
        StubAnswer::ToolCalls(calls) if streams => {
            whole(stream, EVENTS, &call_events(&calls)).await?;
        }
        StubAnswer::Text(text) => {
            let message = json!({ "role": "assistant", "content": text });
            whole(stream, JSON, completion(&message, "stop").as_bytes()).await?;
        }
        StubAnswer::ToolCalls(calls) => {
            let calls = calls.iter().enumerate().map(|(index, (name, arguments))| {
                json!({ "id": format!("stub_{index}"), "type": "function",
                        "function": { "name": name, "arguments": arguments } })
            });
            let message = json!({ "role": "assistant", "content": null,
                                  "tool_calls": calls.collect::<Vec<_>>() });
            whole(stream, JSON, completion(&message, "tool_calls").as_bytes()).await?;
        }
        StubAnswer::Status(status, header, body) => {
            let header = header.map_or(String::new(), |(name, value)| {
                format!("{name}: {value}\r\n")
            });
            let head = format!(
                "HTTP/1.1 {status} Stub\r\n{header}Content-Length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(head.as_bytes()).await?;
        }
        StubAnswer::Body(kind, body) => whole(stream, &kind, &body).await?,
        StubAnswer::CutOff(text) => {
            open(stream, &text).await?;
            return Ok(false);
        }
        StubAnswer::Silence(text) => {
            open(stream, &text).await?;
            std::future::pending::<()>().await;
        }
        StubAnswer::Huge(bytes) => whole(stream, EVENTS, &text_events(&"x".repeat(bytes))).await?,
        StubAnswer::Endless {
            status,
            kind,
            start,
            piece,
            pause_ms,
        } => {
            let head = format!("HTTP/1.1 {status} Stub\r\nContent-Type: {kind}\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&start).await?;
            loop {
                stream.write_all(&piece).await?;
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            }
        }
        StubAnswer::HangUp => return Ok(false),
    }
    Ok(true)
}

const EVENTS: &str = "text/event-stream";
const JSON: &str = "application/json";

async fn whole(stream: &mut TcpStream, kind: &str, body: &[u8]) -> std::io::Result<()> {
    let length = body.len();
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await
}

/// A stream without a length that has begun.
async fn open(stream: &mut TcpStream, text: &str) -> std::io::Result<()> {
    let delta = chunk(&json!({ "content": text }), None);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {EVENTS}\r\nConnection: close\r\n\r\n");
    stream.write_all(format!("{head}{delta}").as_bytes()).await
}

fn usage() -> Value {
    json!({ "prompt_tokens": 11, "completion_tokens": 7,
            "prompt_tokens_details": { "cached_tokens": 5 },
            "completion_tokens_details": { "reasoning_tokens": 2 } })
}

fn completion(message: &Value, reason: &str) -> String {
    let choice = json!({ "index": 0, "message": message, "finish_reason": reason });
    json!({ "object": "chat.completion", "choices": [choice], "usage": usage() }).to_string()
}

fn chunk(delta: &Value, reason: Option<&str>) -> String {
    let choice = json!({ "index": 0, "delta": delta, "finish_reason": reason });
    format!(
        "data: {}\n\n",
        json!({ "object": "chat.completion.chunk", "choices": [choice] })
    )
}

fn text_events(text: &str) -> Vec<u8> {
    let mut events = chunk(&json!({ "role": "assistant", "content": "" }), None);
    let characters = text.chars().collect::<Vec<_>>();
    for piece in characters.chunks(characters.len().div_ceil(PIECES).max(1)) {
        events.push_str(&chunk(
            &json!({ "content": piece.iter().collect::<String>() }),
            None,
        ));
    }
    events.push_str(&chunk(&json!({}), Some("stop")));
    finish(events)
}

fn call_events(calls: &[(String, String)]) -> Vec<u8> {
    let mut events = String::new();
    for (index, (name, arguments)) in calls.iter().enumerate() {
        let first = json!({ "index": index, "id": format!("stub_{index}"), "type": "function",
                            "function": { "name": name, "arguments": "" } });
        events.push_str(&chunk(&json!({ "tool_calls": [first] }), None));
        let characters = arguments.chars().collect::<Vec<_>>();
        for piece in characters.chunks(characters.len().div_ceil(PIECES).max(1)) {
            let part = piece.iter().collect::<String>();
            let part = json!({ "index": index, "function": { "arguments": part } });
            events.push_str(&chunk(&json!({ "tool_calls": [part] }), None));
        }
    }
    events.push_str(&chunk(&json!({}), Some("tool_calls")));
    finish(events)
}

fn finish(mut events: String) -> Vec<u8> {
    events.push_str(&format!(
        "data: {}\n\n",
        json!({ "choices": [], "usage": usage() })
    ));
    events.push_str("data: [DONE]\n\n");
    events.into_bytes()
}
