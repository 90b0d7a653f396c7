//! What a model call costs this process in CPU time: bare reqwest, which writes the messages
//! into a body and reads the answer into a small struct, and a [`ModelSet`] with the same prompt,
//! by turns in one run. The server answers at once and is a child process, so its time does not
//! count. Use the ratios; a machine that does other work shows other times.
//!
//!     cargo run --release -p leadhand-model --example measure_client
// An example prints, and one that cannot set up has nothing to say.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use leadhand_model::{
    BoxFuture, Model, ModelInfo, ModelSet, ModelTerms, OpenAiModel, OpenAiOptions, Pieces, Price,
    ToolStyle,
};
use leadhand_protocol::{
    ChatMessage, Effect, Isolation, ModelFault, ModelReply, ModelRequest, OutputFormat, ToolCall,
    ToolSpec,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Turns of each kind; the median counts.
const TURNS: usize = 11;
/// Calls at the same time.
const CONCURRENCY: [usize; 2] = [1, 64];
/// Messages of the prompt, and calls of one turn.
const PROMPTS: [(usize, usize); 3] = [(2, 3_000), (16, 2_000), (500, 600)];
/// Calls of one turn without a network.
const SET_CALLS: usize = 50_000;
/// The argument that makes this program the server.
const SERVE: &str = "serve";

fn main() {
    if std::env::args().nth(1).as_deref() == Some(SERVE) {
        return serve();
    }
    // What the bare client encrypts with where it does.
    rustls::crypto::ring::default_provider()
        .install_default()
        .expect("nobody installed another");
    let server = Server::start();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let url = format!("{}/chat/completions", server.base_url);
    println!("µs of CPU a call, medians of {TURNS} turns:");
    for at_once in CONCURRENCY {
        for (messages, calls) in PROMPTS {
            let request = Arc::new(request(messages));
            let plain = Arc::new(Plain::of(&request));
            let mut bare = Vec::new();
            let mut mine = Vec::new();
            for _ in 0..TURNS {
                // Connections of its own for each turn: the kernel treats some of them worse
                // than others for as long as they last.
                let set = ours(&server.base_url);
                let client = reqwest::Client::builder().no_proxy().build().unwrap();
                let (url, plain) = (url.clone(), plain.clone());
                bare.push(runtime.block_on(turn(calls, at_once, move || {
                    let (client, url, plain) = (client.clone(), url.clone(), plain.clone());
                    async move { bare_call(&client, &url, &plain).await }
                })));
                let request = request.clone();
                mine.push(runtime.block_on(turn(calls, at_once, move || {
                    let (set, request) = (set.clone(), request.clone());
                    async move { set.call(&request, &|_| {}).await.unwrap().text }
                })));
            }
            let (bare, mine) = (median(bare), median(mine));
            println!(
                "{at_once:3} at once, {messages:3} messages: bare reqwest {bare:6.1}, model set \
                 {mine:6.1}, {:+6.1}, ratio {:.2}",
                mine - bare,
                mine / bare
            );
        }
        let spent = (0..TURNS).map(|_| {
            let (set, request) = (around(AtOnce), Arc::new(request(2)));
            runtime.block_on(turn(SET_CALLS, at_once, move || {
                let (set, request) = (set.clone(), request.clone());
                async move { set.call(&request, &|_| {}).await.unwrap().text }
            }))
        });
        let alone = median(spent.collect());
        println!(
            "{at_once:3} at once, a model set around a model that answers at once: {alone:.2}"
        );
    }
}

fn median(mut spent: Vec<f64>) -> f64 {
    spent.sort_by(f64::total_cmp);
    spent[spent.len() / 2]
}

/// CPU microseconds a call.
async fn turn<F>(calls: usize, at_once: usize, ask: impl Fn() -> F + Clone + Send + 'static) -> f64
where
    F: Future<Output = String> + Send + 'static,
{
    let began = cpu_time();
    let mut callers = JoinSet::new();
    for _ in 0..at_once {
        let ask = ask.clone();
        callers.spawn(async move {
            for _ in 0..calls.div_ceil(at_once) {
                assert_eq!(ask().await, "done");
            }
        });
    }
    while let Some(ended) = callers.join_next().await {
        ended.unwrap();
    }
    let made = calls.div_ceil(at_once) * at_once;
    (cpu_time() - began).as_secs_f64() * 1e6 / made as f64
}

/// What this process has computed so far.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap(),
        u32::try_from(time.tv_nsec).unwrap(),
    )
}

/// A conversation of so many messages: calls of one tool and their results after the first two.
fn request(messages: usize) -> ModelRequest {
    let mut all = vec![
        Arc::new(ChatMessage::System {
            text: "You do one step of a larger task and answer in a few words.".to_owned(),
        }),
        Arc::new(ChatMessage::User {
            text: "[[task:t17]] Complete step t17.\nt3: done t3\nt9: done t9".to_owned(),
        }),
    ];
    for round in 0..messages.saturating_sub(2) / 2 {
        all.push(Arc::new(ChatMessage::Assistant {
            text: String::new(),
            tool_calls: vec![Arc::new(ToolCall {
                id: format!("call_{round}"),
                name: "lookup".to_owned(),
                arguments: json!({ "x": round }),
            })],
        }));
        all.push(Arc::new(ChatMessage::Tool {
            call_id: format!("call_{round}"),
            name: "lookup".to_owned(),
            text: format!("v{round}"),
        }));
    }
    let arguments = json!({ "type": "object", "properties": { "x": { "type": "integer" } },
                            "required": ["x"] });
    let lookup = ToolSpec {
        name: "lookup".to_owned(),
        description: "Look up a value.".to_owned(),
        arguments: Arc::new(arguments),
        result: None,
        effect: Effect::Pure,
        probe: None,
        undo: None,
        accesses: Vec::new(),
        isolation: Isolation::Sandboxed,
        trusted: false,
        equal_by: Vec::new(),
        poll_every_ms: None,
    };
    ModelRequest {
        models: Vec::new(),
        messages: all,
        tools: if messages > 2 {
            Arc::from([lookup])
        } else {
            Arc::from([])
        },
        output: OutputFormat::Text,
        output_tokens_max: 0,
        temperature_milli: 0,
        seed: 7,
        trace: None,
    }
}

fn ours(base_url: &str) -> ModelSet {
    let options = OpenAiOptions {
        streams: false,
        tool_style: Some(ToolStyle::Native),
        ..OpenAiOptions::new(base_url, Some("sk-measure"), "stub")
    };
    around(OpenAiModel::new(options).unwrap())
}

fn around(model: impl Model) -> ModelSet {
    let terms = ModelTerms {
        concurrency_max: 64,
        ..ModelTerms::default()
    };
    let builder = ModelSet::builder().add_on_terms("m", Arc::new(model), terms);
    builder.unwrap().build().unwrap()
}

/// Answers without a network, but not without letting others go first.
struct AtOnce;

impl Model for AtOnce {
    fn describe(&self) -> ModelInfo {
        ModelInfo {
            name: "at once".to_owned(),
            provider: "example".to_owned(),
            context_tokens: None,
            tool_style: ToolStyle::Native,
            price: Price::default(),
        }
    }

    fn call<'a>(
        &'a self,
        _: &'a ModelRequest,
        _: Pieces<'a>,
    ) -> BoxFuture<'a, Result<ModelReply, ModelFault>> {
        Box::pin(async {
            tokio::task::yield_now().await;
            Ok(ModelReply {
                text: "done".to_owned(),
                ..ModelReply::default()
            })
        })
    }
}

/// The same prompt in the types that somebody without a runtime would write.
#[derive(Serialize)]
struct Plain {
    model: &'static str,
    messages: Vec<PlainMessage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<Value>,
}

#[derive(Serialize, Deserialize)]
struct PlainMessage {
    role: String,
    content: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<PlainCall>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct PlainCall {
    id: String,
    r#type: String,
    function: PlainFunction,
}

#[derive(Serialize, Deserialize)]
struct PlainFunction {
    name: String,
    arguments: String,
}

#[derive(Deserialize)]
struct PlainReply {
    choices: Vec<PlainChoice>,
}

#[derive(Deserialize)]
struct PlainChoice {
    message: PlainMessage,
}

impl Plain {
    fn of(request: &ModelRequest) -> Self {
        let tools = request.tools.iter().map(|tool| {
            json!({ "type": "function", "function": { "name": tool.name,
                    "description": tool.description, "parameters": tool.arguments } })
        });
        Self {
            model: "stub",
            messages: request.messages.iter().map(|entry| plain(entry)).collect(),
            tools: (!request.tools.is_empty()).then(|| tools.collect()),
        }
    }
}

fn plain(entry: &ChatMessage) -> PlainMessage {
    let said = |role: &str| PlainMessage {
        role: role.to_owned(),
        content: Some(entry.text().to_owned()),
        tool_calls: Vec::new(),
        tool_call_id: None,
    };
    match entry {
        ChatMessage::System { .. } => said("system"),
        ChatMessage::User { .. } => said("user"),
        ChatMessage::Assistant { tool_calls, .. } => PlainMessage {
            tool_calls: tool_calls
                .iter()
                .map(|call| PlainCall {
                    id: call.id.clone(),
                    r#type: "function".to_owned(),
                    function: PlainFunction {
                        name: call.name.clone(),
                        arguments: call.arguments.to_string(),
                    },
                })
                .collect(),
            ..said("assistant")
        },
        ChatMessage::Tool { call_id, .. } => PlainMessage {
            tool_call_id: Some(call_id.clone()),
            ..said("tool")
        },
    }
}

async fn bare_call(client: &reqwest::Client, url: &str, plain: &Plain) -> String {
    let body = serde_json::to_vec(plain).unwrap();
    let posted = client
        .post(url)
        .header("content-type", "application/json")
        .header("authorization", "Bearer sk-measure")
        .body(body);
    let answer = posted.send().await.unwrap().bytes().await.unwrap();
    let mut reply = serde_json::from_slice::<PlainReply>(&answer).unwrap();
    reply.choices.remove(0).message.content.unwrap()
}

/// The child process that answers. It ends when its input is closed.
struct Server {
    base_url: String,
    child: Child,
}

impl Server {
    fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg(SERVE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut port).unwrap();
        Self {
            base_url: format!("http://127.0.0.1:{}/v1", port.trim()),
            child,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}

fn serve() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            std::thread::spawn(move || answer_all(stream));
        }
    });
    drop(std::io::stdin().read(&mut [0]));
}

/// Answers whatever comes over one connection.
fn answer_all(mut stream: TcpStream) {
    let body = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000, "model": "stub",
        "choices": [{ "index": 0, "finish_reason": "stop",
                      "message": { "role": "assistant", "content": "done" } }],
        "usage": { "prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18 } })
    .to_string();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut length = 0;
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(given) = lower.strip_prefix("content-length:") {
                length = given.trim().parse().unwrap();
            }
        }
        let mut asked = vec![0; length];
        reader.read_exact(&mut asked).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
    }
}
