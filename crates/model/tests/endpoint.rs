//! An OpenAI-compatible endpoint at its best and at its worst.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic and print"
)]

use leadhand_model::{
    FoundServer, Model, ModelSet, ModelTerms, OpenAiModel, OpenAiOptions, RetryPolicy, StubAnswer,
    StubServer, ToolStyle, discover,
};
use leadhand_protocol::ModelFaultKind as Kind;
use leadhand_protocol::{
    ChatMessage, Effect, FinishReason, Isolation, ModelFault, ModelReply, ModelRequest,
    OutputFormat, ToolCall, ToolSpec, Usage,
};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const KEY: &str = "sk-secret-key";

fn request(tools: Vec<ToolSpec>) -> ModelRequest {
    let user = ChatMessage::User {
        text: "What is the weather in Bern?".to_owned(),
    };
    ModelRequest {
        models: Vec::new(),
        messages: vec![Arc::new(user)],
        tools: tools.into(),
        output: OutputFormat::Text,
        output_tokens_max: 100,
        temperature_milli: 0,
        seed: 7,
        trace: None,
    }
}

fn weather() -> ToolSpec {
    ToolSpec {
        name: "weather".to_owned(),
        description: "The weather of a city.".to_owned(),
        arguments: Arc::new(
            json!({ "type": "object", "properties": { "city": { "type": "string" } },
                           "required": ["city"] }),
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
    }
}

fn options(server: &StubServer) -> OpenAiOptions {
    OpenAiOptions {
        idle_ms: 100,
        ..OpenAiOptions::new(server.base_url(), Some(KEY), "m")
    }
}

async fn ask(server: &StubServer, request: &ModelRequest) -> Result<ModelReply, ModelFault> {
    ask_as(true, server, request).await
}

/// Asks for a stream or for the answer in one piece.
async fn ask_as(
    streams: bool,
    server: &StubServer,
    request: &ModelRequest,
) -> Result<ModelReply, ModelFault> {
    let options = OpenAiOptions {
        streams,
        ..options(server)
    };
    let model = OpenAiModel::new(options).unwrap();
    model.call(request, &|_| {}).await
}

/// A message about the endpoint.
fn at(said: &str) -> String {
    format!("URL/chat/completions{said}")
}

/// The kind of fault that one answer is, its message without the port; whatever was asked for.
async fn check_fault(answer: StubAnswer, kind: Kind, message: &str) {
    for streams in [true, false] {
        let server = StubServer::start(vec![answer.clone()]).await.unwrap();
        let asked = ask_as(streams, &server, &request(Vec::new())).await;
        let fault = asked.unwrap_err();
        let said = fault.message.replace(server.base_url(), "URL");
        assert_eq!((fault.kind, said.as_str()), (kind, message));
        assert_eq!(
            server.requests().len(),
            1,
            "a model asks once; retries are the set's"
        );
    }
}

const USAGE: Usage = Usage {
    input_tokens: 11,
    cached_tokens: 5,
    output_tokens: 7,
    reasoning_tokens: 2,
};

#[tokio::test]
async fn text_comes_in_pieces_and_plain() {
    for streams in [true, false] {
        let server = StubServer::start(vec![StubAnswer::text("Grüezi, it rains")])
            .await
            .unwrap();
        let options = OpenAiOptions {
            streams,
            ..options(&server)
        };
        let pieces = Mutex::new(Vec::new());
        let model = OpenAiModel::new(options).unwrap();
        let request = request(Vec::new());
        let take = |piece: &str| pieces.lock().unwrap().push(piece.to_owned());
        let reply = model.call(&request, &take).await.unwrap();
        let expected = ModelReply {
            text: "Grüezi, it rains".to_owned(),
            usage: USAGE,
            ..ModelReply::default()
        };
        assert_eq!(reply, expected);
        let pieces = pieces.into_inner().unwrap();
        assert_eq!(
            (pieces.concat(), pieces.len()),
            (expected.text, if streams { 3 } else { 1 })
        );
        let sent = &server.requests()[0];
        assert_eq!(sent.line, "POST /v1/chat/completions HTTP/1.1");
        assert!(
            sent.headers
                .iter()
                .any(|h| h.ends_with(&format!("Bearer {KEY}")))
        );
        let mut body = json!({
            "model": "m",
            "messages": [{ "role": "user", "content": "What is the weather in Bern?" }],
            "max_tokens": 100, "temperature": 0.0, "seed": 7, "stream": streams,
        });
        if streams {
            body["stream_options"] = json!({ "include_usage": true });
        }
        assert_eq!(sent.body, body);
    }
}

#[tokio::test]
async fn a_schema_goes_out_as_servers_take_it() {
    // llama.cpp answers 400 to `"items": false`.
    let tasks = json!({"type": "array", "minItems": 1, "items": false,
                       "prefixItems": [{"const": "t1"}, {"const": "t2"}]});
    let server = StubServer::start(vec![StubAnswer::text(r#"["t1"]"#)])
        .await
        .unwrap();
    let request = ModelRequest {
        output: OutputFormat::Json {
            name: "tasks".to_owned(),
            schema: tasks,
        },
        ..request(Vec::new())
    };
    ask(&server, &request).await.unwrap();
    assert_eq!(
        server.requests()[0].body["response_format"]["json_schema"]["schema"],
        json!({"type": "array", "minItems": 1, "maxItems": 2,
               "items": {"anyOf": [{"const": "t1"}, {"const": "t2"}]}})
    );
}

#[tokio::test]
async fn native_calls_arrive_whole_and_go_back_in_the_same_shape() {
    for streams in [true, false] {
        let answer = StubAnswer::tool_call("weather", &json!({ "city": "Bern" }));
        let server = StubServer::start(vec![answer, StubAnswer::text("Rain.")])
            .await
            .unwrap();
        let model = OpenAiModel::new(OpenAiOptions {
            streams,
            ..options(&server)
        })
        .unwrap();
        let mut request = request(vec![weather()]);
        let reply = model.call(&request, &|_| {}).await.unwrap();
        let call = Arc::new(ToolCall {
            id: "stub_0".to_owned(),
            name: "weather".to_owned(),
            arguments: json!({ "city": "Bern" }),
        });
        let expected = ModelReply {
            tool_calls: vec![call.clone()],
            finish: FinishReason::ToolCalls,
            usage: USAGE,
            ..ModelReply::default()
        };
        assert_eq!(reply, expected);
        request.messages.push(Arc::new(ChatMessage::Assistant {
            text: String::new(),
            tool_calls: vec![call],
        }));
        request.messages.push(Arc::new(ChatMessage::Tool {
            call_id: "stub_0".to_owned(),
            name: "weather".to_owned(),
            text: "rain".to_owned(),
        }));
        assert_eq!(model.call(&request, &|_| {}).await.unwrap().text, "Rain.");
        let sent = &server.requests()[1].body;
        assert_eq!(
            sent["messages"].as_array().unwrap()[1..],
            [
                json!({ "role": "assistant", "content": null, "tool_calls": [{
                    "id": "stub_0", "type": "function",
                    "function": { "name": "weather", "arguments": "{\"city\":\"Bern\"}" } }] }),
                json!({ "role": "tool", "tool_call_id": "stub_0", "content": "rain" }),
            ]
        );
        assert_eq!(sent["tools"][0]["function"]["name"], "weather");
    }
}

#[tokio::test]
async fn every_failure_status_is_a_fault_of_its_kind() {
    check_fault(
        StubAnswer::status(
            401,
            &format!(r#"{{"error":{{"message":"bad key {KEY}"}}}}"#),
        ),
        Kind::Unauthorised,
        &at(" answered 401 Unauthorized: bad key [key]; check the key and what it may use"),
    )
    .await;
    check_fault(
        StubAnswer::status(404, r#"{"detail":"no model m"}"#),
        Kind::NotFound,
        &at(" answered 404 Not Found: no model m; check the model's name and the base URL"),
    )
    .await;
    check_fault(
        StubAnswer::status(500, "<html>\n\u{1b}[31moops</html>"),
        Kind::ServerFailed,
        &at(" answered 500 Internal Server Error: <html> [31moops</html>"),
    )
    .await;
    check_fault(
        StubAnswer::status(
            400,
            r#"{"error":{"message":"maximum context length is 4096"}}"#,
        ),
        Kind::ContextFull,
        &at(
            " answered 400 Bad Request: maximum context length is 4096; shorten the prompt or \
             choose a model with more context",
        ),
    )
    .await;
    check_fault(
        StubAnswer::status(302, ""),
        Kind::Refused,
        &at(" answered 302 Found"),
    )
    .await;
}

#[tokio::test]
async fn every_unreadable_answer_is_a_fault_of_its_kind() {
    check_fault(
        StubAnswer::Body("application/json".to_owned(), b"{\"choices\":[]}".to_vec()),
        Kind::BadAnswer,
        &at(": the answer holds no choices"),
    )
    .await;
    check_fault(
        StubAnswer::Body("application/json".to_owned(), b"<p>hello".to_vec()),
        Kind::BadAnswer,
        &at(" answered 200 with something that is no JSON: <p>hello"),
    )
    .await;
    check_fault(
        StubAnswer::Body(
            "text/event-stream".to_owned(),
            b"data: {\"choices\n\n".to_vec(),
        ),
        Kind::BadAnswer,
        &at(": an event of the answer is no JSON: {\"choices"),
    )
    .await;
    check_fault(
        StubAnswer::Body(
            "text/event-stream".to_owned(),
            b"data: {\"error\":{\"message\":\"overloaded\",\"code\":429}}\n\n".to_vec(),
        ),
        Kind::RateLimited,
        &at(" answered with an error: overloaded"),
    )
    .await;
    check_fault(
        StubAnswer::CutOff("half an ans".to_owned()),
        Kind::Unreachable,
        &at(": the answer was cut off before its end"),
    )
    .await;
    check_fault(
        StubAnswer::Silence("half an ans".to_owned()),
        Kind::TimedOut,
        &at(": the answer stood still"),
    )
    .await;
    check_fault(
        StubAnswer::Huge(500_000),
        Kind::BadAnswer,
        &at(": the answer is larger than 400000 bytes (reply_bytes_max)"),
    )
    .await;
    // Not only what is said counts, but also what it is said with.
    let long = "n".repeat(500_000);
    let calls = [
        json!({"index": 0, "id": "a", "function": {"name": long, "arguments": "{}"}}),
        json!({"index": 0, "id": long, "function": {"name": "weather", "arguments": "{}"}}),
    ];
    for call in calls {
        let choice = json!({"delta": {"tool_calls": [call]}, "finish_reason": "tool_calls"});
        let event = format!("data: {}\n\n", json!({ "choices": [choice] }));
        check_fault(
            StubAnswer::Body("text/event-stream".to_owned(), event.into_bytes()),
            Kind::BadAnswer,
            &at(": the answer is larger than 400000 bytes (reply_bytes_max)"),
        )
        .await;
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let server = StubServer::start(Vec::new()).await.unwrap();
    let options = options(&server);
    drop(server);
    let fault = OpenAiModel::new(options)
        .unwrap()
        .call(&request(Vec::new()), &|_| {})
        .await;
    assert_eq!(fault.unwrap_err().kind, Kind::Unreachable);
    let hung_up = StubServer::start(vec![StubAnswer::HangUp]).await.unwrap();
    let fault = ask(&hung_up, &request(Vec::new())).await.unwrap_err();
    assert_eq!(fault.kind, Kind::Unreachable);
}

#[tokio::test]
async fn deviations_of_compatible_servers_are_understood() {
    let events = "text/event-stream";
    let call = r#"{"choices":[{"message":{"tool_calls":[{"function":{"name":"weather","arguments":{"city":"Bern"}}}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":"3","completion_tokens":4.0}}"#;
    let cases: Vec<(StubAnswer, &str, usize, u64)> = vec![
        // A plain answer to a request that asked for a stream, arguments as an object.
        (StubAnswer::Body("application/json".to_owned(), call.into()), "", 1, 3),
        // No blank after the colon, CRLF, comments, no `[DONE]`, text in parts, null fields.
        (
            StubAnswer::Body(
                events.to_owned(),
                b": ping\r\ndata:{\"choices\":[{\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"hi\"}],\"tool_calls\":null},\"finish_reason\":\"eos\"}],\"usage\":null}\r\n\r\n".to_vec(),
            ),
            "hi",
            0,
            11,
        ),
        // An event over two lines, invalid UTF-8 in the text.
        (
            StubAnswer::Body(
                events.to_owned(),
                b"data: {\"choices\":\ndata: [{\"delta\":{\"content\":\"a\xffb\"}}]}\n\ndata: [DONE]\n\n".to_vec(),
            ),
            "a\u{fffd}b",
            0,
            11,
        ),
    ];
    let cases = cases
        .into_iter()
        .flat_map(|case| [(true, case.clone()), (false, case)]);
    for (streams, (answer, text, calls, input_tokens)) in cases {
        let server = StubServer::start(vec![answer]).await.unwrap();
        let request = request(vec![weather()]);
        let reply = ask_as(streams, &server, &request).await.unwrap();
        assert_eq!(
            (reply.text.as_str(), reply.tool_calls.len(), reply.malformed),
            (text, calls, None)
        );
        if input_tokens == 3 {
            assert_eq!(reply.usage.total(), 7);
        } else {
            assert!(
                reply.usage.total() > 0,
                "tokens are estimated when nobody counts them"
            );
        }
    }
}

#[tokio::test]
async fn what_a_server_does_not_take_is_left_out_from_then_on() {
    let no_tools = r#"{"error":{"message":"m does not support tools"}}"#;
    let no_options = r#"{"error":{"message":"unknown field stream_options"}}"#;
    let answer = "Sure.\n```json\n{\"tool\":\"weather\",\"arguments\":{\"city\":\"Bern\"}}\n```";
    let server = StubServer::start(vec![
        StubAnswer::status(400, no_tools),
        StubAnswer::status(422, no_options),
        StubAnswer::text(answer),
        StubAnswer::text("Rain."),
    ])
    .await
    .unwrap();
    let model = OpenAiModel::new(options(&server)).unwrap();
    let request = request(vec![weather()]);
    let reply = model.call(&request, &|_| {}).await.unwrap();
    assert_eq!((reply.text.as_str(), reply.tool_calls.len()), ("Sure.", 1));
    assert_eq!(model.describe().tool_style, ToolStyle::Text);
    assert_eq!(model.call(&request, &|_| {}).await.unwrap().text, "Rain.");
    let last = &server.requests()[3].body;
    assert_eq!(
        (&last["tools"], &last["stream_options"]),
        (&Value::Null, &Value::Null)
    );
    assert!(
        last["messages"][0]["content"]
            .as_str()
            .unwrap()
            .contains("- weather {city: string}")
    );
}

#[tokio::test]
async fn the_set_waits_as_long_as_the_server_asks() {
    let answers = vec![StubAnswer::rate_limited("0.05"), StubAnswer::text("ok")];
    let server = StubServer::start(answers).await.unwrap();
    let retry = RetryPolicy {
        first_wait_ms: 0,
        ..RetryPolicy::default()
    };
    let model = Arc::new(OpenAiModel::new(options(&server)).unwrap());
    let terms = ModelTerms {
        retry,
        ..ModelTerms::default()
    };
    let set = ModelSet::builder()
        .add_on_terms("m", model, terms)
        .unwrap()
        .build()
        .unwrap();
    let begun = std::time::Instant::now();
    let reply = set.call(&request(Vec::new()), &|_| {}).await.unwrap();
    assert!(begun.elapsed().as_millis() >= 50);
    assert_eq!(reply.text, "ok");
    let faults = reply
        .attempts
        .iter()
        .map(|a| (a.fault.kind, a.fault.retry_after_ms));
    assert_eq!(faults.collect::<Vec<_>>(), [(Kind::RateLimited, Some(50))]);
}

#[tokio::test]
async fn a_key_is_never_shown() {
    let server = StubServer::start(Vec::new()).await.unwrap();
    let options = options(&server);
    assert!(!format!("{options:?}").contains(KEY));
    let broken = OpenAiOptions {
        key: Some(format!("{KEY}\n")),
        ..options
    };
    assert!(!OpenAiModel::new(broken).err().unwrap().contains(KEY));
}

#[tokio::test]
async fn a_running_server_and_its_models_are_found() {
    let list = r#"{"object":"list","data":[{"id":"a"},{"id":"b"},{"size":1}]}"#;
    let server = StubServer::start(vec![StubAnswer::Body(
        "application/json".to_owned(),
        list.into(),
    )])
    .await
    .unwrap();
    let found = discover(Some(server.base_url()), Some(KEY)).await;
    let expected = FoundServer {
        name: "server".to_owned(),
        base_url: server.base_url().to_owned(),
        models: vec!["a".to_owned(), "b".to_owned()],
        tool_style: ToolStyle::Native,
    };
    assert_eq!(found, [expected]);
    assert_eq!(server.requests()[0].line, "GET /v1/models HTTP/1.1");
    assert_eq!(
        discover(Some(server.base_url()), None).await,
        [],
        "it answers 500 now"
    );
}

#[tokio::test]
async fn a_real_server_calls_a_tool_in_every_style() {
    let Ok(base_url) = std::env::var("LEADHAND_BASE_URL") else {
        println!("skipped: LEADHAND_BASE_URL names no running server");
        return;
    };
    let models = discover(Some(&base_url), None).await;
    let model = models[0].models[0].clone();
    for style in [ToolStyle::Native, ToolStyle::Structured, ToolStyle::Text] {
        let tool_style = Some(style);
        let options = OpenAiOptions {
            tool_style,
            ..OpenAiOptions::new(&base_url, None, &model)
        };
        let asked = request(vec![weather()]);
        let begun = std::time::Instant::now();
        let reply = OpenAiModel::new(options)
            .unwrap()
            .call(&asked, &|_| {})
            .await
            .unwrap();
        println!(
            "{style:?} {:.1} s: {reply:?}",
            begun.elapsed().as_secs_f32()
        );
        let call = &reply.tool_calls[0];
        assert_eq!(
            (call.name.as_str(), &call.arguments["city"]),
            ("weather", &json!("Bern"))
        );
    }
}
