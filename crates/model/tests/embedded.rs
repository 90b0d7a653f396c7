//! The model in this process, when LEADHAND_TEST_MODEL names a GGUF file.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic and print"
)]

use leadhand_model::{EmbeddedModel, EmbeddedOptions, Model};
use leadhand_protocol::{
    ChatMessage, Effect, Isolation, ModelFaultKind, ModelRequest, OutputFormat, ToolSpec,
};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

fn model_file() -> Option<PathBuf> {
    let file = std::env::var_os("LEADHAND_TEST_MODEL").map(PathBuf::from);
    if file.is_none() {
        println!("skipped: LEADHAND_TEST_MODEL names no GGUF file");
    }
    file
}

fn request(messages: Vec<ChatMessage>) -> ModelRequest {
    let tool = |name: &str, description: &str, argument: &str| ToolSpec {
        name: name.to_owned(),
        description: description.to_owned(),
        arguments: Arc::new(
            json!({ "type": "object", "properties": { argument: { "type": "string" } },
                           "required": [argument] }),
        ),
        result: None,
        effect: Effect::Pure,
        accesses: Vec::new(),
        probe: None,
        undo: None,
        isolation: Isolation::Sandboxed,
        trusted: false,
        equal_by: Vec::new(),
        poll_every_ms: None,
    };
    ModelRequest {
        models: Vec::new(),
        messages: messages.into_iter().map(Arc::new).collect(),
        tools: Arc::from([
            tool("read_file", "Reads a file of the workspace.", "path"),
            tool("search", "Searches the web.", "query"),
        ]),
        output: OutputFormat::Text,
        output_tokens_max: 200,
        temperature_milli: 0,
        seed: 0,
        trace: None,
    }
}

#[tokio::test]
async fn it_calls_a_tool_and_then_answers() {
    let Some(file) = model_file() else { return };
    let model = EmbeddedModel::new(EmbeddedOptions::new("test", &file));
    let mut request = request(vec![
        ChatMessage::System {
            text: "You carry out tasks with tools.".to_owned(),
        },
        ChatMessage::User {
            text: "What does the file notes.md say about the deadline?".to_owned(),
        },
    ]);
    let begun = Instant::now();
    let reply = model.call(&request, &|_| {}).await.unwrap();
    println!(
        "{:.1} s with loading: {reply:?}",
        begun.elapsed().as_secs_f32()
    );
    assert_eq!(reply.tool_calls[0].name, "read_file");
    let call_id = reply.tool_calls[0].id.clone();
    request.messages.push(Arc::new(ChatMessage::Assistant {
        text: reply.text,
        tool_calls: reply.tool_calls,
    }));
    request.messages.push(Arc::new(ChatMessage::Tool {
        call_id,
        name: "read_file".to_owned(),
        text: "# Notes\nThe deadline is on 14 March.".to_owned(),
    }));
    // The smallest models would rather read it once more, unless they are told.
    request.messages.push(Arc::new(ChatMessage::User {
        text: "You have read the file. Give the final answer now, in one sentence.".to_owned(),
    }));
    let begun = Instant::now();
    let reply = model.call(&request, &|_| {}).await.unwrap();
    println!("{:.1} s: {reply:?}", begun.elapsed().as_secs_f32());
    assert!(reply.text.contains("14 March"), "{reply:?}");
    assert!(
        reply.usage.cached_tokens > reply.usage.input_tokens / 2,
        "the prefix is kept"
    );
}

#[tokio::test]
async fn a_dropped_call_frees_the_model() {
    let Some(file) = model_file() else { return };
    let model = EmbeddedModel::new(EmbeddedOptions::new("test", &file));
    let mut long = request(vec![ChatMessage::User {
        text: "Count from 1 to 1000.".to_owned(),
    }]);
    long.tools = Arc::from([]);
    long.output_tokens_max = 4_000;
    let (heard, first_piece) = tokio::sync::oneshot::channel();
    let heard = std::sync::Mutex::new(Some(heard));
    let take = |_: &str| {
        if let Some(heard) = heard.lock().unwrap().take() {
            heard.send(()).unwrap();
        }
    };
    tokio::select! {
        _ = model.call(&long, &take) => panic!("it cannot have counted so far"),
        _ = first_piece => {}
    }
    let mut short = long.clone();
    short.output_tokens_max = 3;
    let begun = Instant::now();
    model.call(&short, &|_| {}).await.unwrap();
    assert!(begun.elapsed().as_secs() < 20, "the dropped call went on");
}

#[tokio::test]
async fn a_file_that_is_no_model_is_told_to_every_caller() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for path in [file.path(), Path::new("/no/such/file.gguf")] {
        let model = EmbeddedModel::new(EmbeddedOptions::new("test", path));
        let hello = request(vec![ChatMessage::User {
            text: "hello".to_owned(),
        }]);
        // The thread fails before, while and after the calls come in.
        for _ in 0..100 {
            let (one, other) =
                tokio::join!(model.call(&hello, &|_| {}), model.call(&hello, &|_| {}));
            for fault in [one, other].map(Result::unwrap_err) {
                assert_eq!(fault.kind, ModelFaultKind::NotFound, "{fault}");
                assert!(fault.message.contains(path.to_str().unwrap()), "{fault}");
            }
        }
    }
}
