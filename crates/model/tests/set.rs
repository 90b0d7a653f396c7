//! Asking many models: retries, fallbacks, time-outs, money, scripts and cassettes. The
//! clock is tokio's paused one.

#![allow(clippy::unwrap_used, reason = "a test may panic and print")]

use leadhand_model::{
    BoxFuture, Model, ModelConfig, ModelError, ModelInfo, ModelSet, ModelTerms, Pieces, Price,
    Provider, RetryPolicy, ScriptedModel, ToolStyle,
};
use leadhand_protocol::{
    Attempt, ChatMessage, FinishReason, Limits, ModelFault, ModelFaultKind, ModelReply,
    ModelRequest, OutputFormat, ToolCall, Usage,
};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

fn request(models: &[&str], text: &str) -> ModelRequest {
    ModelRequest {
        models: models.iter().map(ToString::to_string).collect(),
        messages: vec![
            Arc::new(ChatMessage::System {
                text: "You are the reviewer.".to_owned(),
            }),
            Arc::new(ChatMessage::User {
                text: text.to_owned(),
            }),
        ],
        tools: Arc::from([]),
        output: OutputFormat::Text,
        output_tokens_max: 100,
        temperature_milli: 0,
        seed: 0,
        trace: None,
    }
}

fn scripted(text: &str) -> ScriptedModel {
    ScriptedModel::parse(Path::new("script.jsonl"), text).unwrap()
}

fn fault_line(kind: &str) -> String {
    format!(
        "{{\"reply\":{{\"fault\":{{\"kind\":\"{kind}\",\"message\":\"{kind}!\"}}}},\"times\":0}}"
    )
}

fn attempt(model: &str, kind: ModelFaultKind, message: &str) -> Attempt {
    let fault = ModelFault {
        kind,
        message: message.to_owned(),
        retry_after_ms: None,
    };
    Attempt {
        model: model.to_owned(),
        fault,
    }
}

#[tokio::test(start_paused = true)]
async fn retries_then_falls_back_and_records_every_attempt() {
    let set = ModelSet::builder()
        .jitter_seed(1)
        .add("bad", scripted(&fault_line("server_failed")))
        .unwrap()
        .add("good", scripted("{\"reply\":{\"text\":\"fine\"}}"))
        .unwrap()
        .build()
        .unwrap();
    let begun = Instant::now();
    let reply = set
        .call(&request(&["bad", "none", "good"], "go"), &|_| {})
        .await
        .unwrap();
    let failed = || attempt("bad", ModelFaultKind::ServerFailed, "server_failed!");
    let unknown = attempt(
        "none",
        ModelFaultKind::NotFound,
        "there is no model `none`; there is: bad, good",
    );
    let expected = ModelReply {
        text: "fine".to_owned(),
        usage: Usage {
            input_tokens: 6,
            output_tokens: 1,
            ..Usage::default()
        },
        model: "good".to_owned(),
        attempts: vec![failed(), failed(), failed(), failed(), unknown],
        ..ModelReply::default()
    };
    assert_eq!(reply, expected);
    let most = Duration::from_millis(500 + 1_000 + 2_000);
    assert!(begun.elapsed() <= most && begun.elapsed() > Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_mended_is_not_tried_again() {
    for kind in [
        "unauthorised",
        "refused",
        "context_full",
        "not_found",
        "cancelled",
    ] {
        let set = ModelSet::builder()
            .add("a", scripted(&fault_line(kind)))
            .unwrap();
        let set = set
            .add("b", scripted(&fault_line("refused")))
            .unwrap()
            .build()
            .unwrap();
        let begun = Instant::now();
        let fault = set
            .call(&request(&["a", "b"], "go"), &|_| {})
            .await
            .unwrap_err();
        // The fault is the first model's, the fallbacks are told; a cancelled call has none.
        let expected = match kind {
            "cancelled" => "cancelled!".to_owned(),
            _ => format!("{kind}!; then `b`: refused!"),
        };
        assert_eq!((fault.message, begun.elapsed()), (expected, Duration::ZERO));
    }
}

#[tokio::test(start_paused = true)]
async fn one_attempt_and_the_whole_call_have_their_time_outs() {
    let slow = "{\"reply\":{\"text\":\"late\"},\"delay_ms\":50000,\"times\":0}";
    let retry = RetryPolicy {
        attempts_max: 3,
        attempt_ms_max: 20_000,
        ..RetryPolicy::default()
    };
    let limits = Limits {
        model_call_seconds_max: 45,
        ..Limits::default()
    };
    let set = ModelSet::builder()
        .limits(&limits)
        .add_on_terms(
            "slow",
            Arc::new(scripted(slow)),
            ModelTerms {
                retry,
                ..ModelTerms::default()
            },
        )
        .unwrap()
        .build()
        .unwrap();
    let begun = Instant::now();
    let fault = set.call(&request(&[], "go"), &|_| {}).await.unwrap_err();
    assert_eq!(begun.elapsed().as_secs(), 45);
    assert_eq!(
        (fault.kind, fault.message.as_str()),
        (
            ModelFaultKind::TimedOut,
            "no model answered within 45 s (model_call_seconds_max); the last fault, of `slow`: \
             model `slow` gave no whole answer within 20 s"
        )
    );
}

#[test]
fn waits_grow_with_full_jitter_and_honour_the_server() {
    let policy = RetryPolicy {
        first_wait_ms: 100,
        wait_ms_max: 1_000,
        ..RetryPolicy::default()
    };
    let fault = |retry_after_ms| ModelFault {
        kind: ModelFaultKind::RateLimited,
        message: String::new(),
        retry_after_ms,
    };
    let longest = |failed: u32| {
        (0..3_000)
            .filter_map(|r| policy.wait(failed, &fault(None), r))
            .max()
    };
    assert_eq!(longest(1), Some(Duration::from_millis(100)));
    assert_eq!(longest(3), Some(Duration::from_millis(400)));
    assert_eq!(longest(4), None);
    assert_eq!(policy.wait(1, &fault(None), 0), Some(Duration::ZERO));
    assert!(policy.wait(1, &fault(Some(900)), 55).unwrap() >= Duration::from_millis(900));
    assert_eq!(
        policy.wait(1, &fault(Some(1_001)), 0),
        None,
        "longer than anybody waits"
    );
    let endless = RetryPolicy {
        attempts_max: u32::MAX,
        ..policy
    };
    assert_eq!(
        endless.wait(u32::MAX - 1, &fault(None), 1_000),
        Some(Duration::from_millis(1_000))
    );
}

/// Counts how many calls run at once.
struct Counting {
    now: AtomicUsize,
    most: Arc<AtomicUsize>,
}

impl Model for Counting {
    fn describe(&self) -> ModelInfo {
        ModelInfo {
            name: "counting".to_owned(),
            provider: "scripted".to_owned(),
            context_tokens: None,
            tool_style: ToolStyle::Native,
            price: Price {
                input_micro_usd: 3_000_000,
                cached_micro_usd: Some(300_000),
                output_micro_usd: 15_000_000,
            },
        }
    }

    fn call<'a>(
        &'a self,
        _: &'a ModelRequest,
        _: Pieces<'a>,
    ) -> BoxFuture<'a, Result<ModelReply, ModelFault>> {
        Box::pin(async {
            let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_secs(1)).await;
            self.now.fetch_sub(1, Ordering::SeqCst);
            let usage = Usage {
                input_tokens: 1_000,
                cached_tokens: 600,
                output_tokens: 100,
                ..Usage::default()
            };
            Ok(ModelReply {
                text: "x".to_owned(),
                usage,
                ..ModelReply::default()
            })
        })
    }
}

#[tokio::test(start_paused = true)]
async fn concurrency_is_bounded_and_money_is_counted() {
    let most = Arc::new(AtomicUsize::new(0));
    let model = Arc::new(Counting {
        now: AtomicUsize::new(0),
        most: most.clone(),
    });
    let terms = ModelTerms {
        concurrency_max: 2,
        ..ModelTerms::default()
    };
    let set = ModelSet::builder()
        .add_on_terms("m", model, terms)
        .unwrap()
        .build()
        .unwrap();
    let asked = request(&[], "go");
    let take = |_: &str| {};
    let (a, b, c, d, e) = tokio::join!(
        set.call(&asked, &take),
        set.call(&asked, &take),
        set.call(&asked, &take),
        set.call(&asked, &take),
        set.call(&asked, &take)
    );
    // 400 fresh at 3 $, 600 cached at 0.3 $, 100 written at 15 $ a million.
    for reply in [a, b, c, d, e] {
        assert_eq!(reply.unwrap().micro_usd, 1_200 + 180 + 1_500);
    }
    assert_eq!(most.load(Ordering::SeqCst), 2);
    assert_eq!(
        set.describe("m").unwrap().price.cached_micro_usd,
        Some(300_000)
    );
}

#[tokio::test(start_paused = true)]
async fn a_script_answers_in_order_where_it_fits() {
    let model = scripted(
        "# a comment\n\n\
         {\"when\":{\"contains\":\"weather\"},\"reply\":{\"tool_calls\":[{\"name\":\"look\",\"arguments\":{\"a\":1}}]}}\n\
         {\"when\":{\"role_contains\":\"reviewer\"},\"times\":2,\"reply\":{\"text\":\"fine\"}}\n",
    );
    let call = ToolCall {
        id: "call_1".to_owned(),
        name: "look".to_owned(),
        arguments: json!({ "a": 1 }),
    };
    let first = model
        .call(&request(&[], "the weather"), &|_| {})
        .await
        .unwrap();
    assert_eq!(
        (first.tool_calls, first.finish),
        (vec![Arc::new(call)], FinishReason::ToolCalls)
    );
    for _ in 0..2 {
        assert_eq!(
            model
                .call(&request(&[], "the weather"), &|_| {})
                .await
                .unwrap()
                .text,
            "fine"
        );
    }
    let fault = model
        .call(&request(&[], "the weather"), &|_| {})
        .await
        .unwrap_err();
    assert_eq!(
        fault.message,
        "script.jsonl: no line is left that fits a prompt ending in \"the weather\"; add one, or \
         raise `times` of one"
    );
}

#[test]
fn a_wrong_script_names_its_line() {
    let check = |text: &str, expected: &str| {
        let fault = ScriptedModel::parse(Path::new("s.jsonl"), text).unwrap_err();
        assert_eq!(fault.to_string(), expected);
    };
    check(
        "{\"reply\":{\"text\":\"a\"}}\n{\"reply\":{}}",
        "s.jsonl:2: `reply` wants `text`, `tool_calls` or `malformed`, or else `fault`",
    );
    check(
        "{\"reply\":{\"txt\":\"a\"}}",
        "s.jsonl:1: unknown field `txt`, expected one of `text`, `tool_calls`, `malformed`, \
         `finish`, `usage`, `fault` at line 1 column 15",
    );
}

#[tokio::test(start_paused = true)]
async fn a_cassette_repeats_what_was_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script.jsonl");
    let text = format!(
        "{{\"reply\":{{\"text\":\"fine\"}}}}\n{}\n",
        fault_line("refused")
    );
    std::fs::write(&script, text).unwrap();
    let file = Some(folder.path().join("cassette.jsonl"));
    let scripted = ModelConfig {
        provider: Provider::Scripted,
        file: Some(script),
        ..ModelConfig::default()
    };
    let recorder = ModelConfig {
        provider: Provider::Cassette,
        file: file.clone(),
        record: Some("real".to_owned()),
        ..ModelConfig::default()
    };
    let player = ModelConfig {
        record: None,
        ..recorder.clone()
    };
    let none = |_: &str| None;
    let set = ModelSet::builder()
        .add_config("real", &scripted, none)
        .unwrap();
    let set = set
        .add_config("tape", &recorder, none)
        .unwrap()
        .build()
        .unwrap();
    let recorded = set.call(&request(&["tape"], "one"), &|_| {}).await.unwrap();
    set.call(&request(&["tape"], "two"), &|_| {})
        .await
        .unwrap_err();

    let set = ModelSet::builder()
        .add_config("tape", &player, none)
        .unwrap()
        .build()
        .unwrap();
    assert_eq!(
        set.call(&request(&[], "one"), &|_| {}).await.unwrap(),
        recorded
    );
    let fault = set.call(&request(&[], "two"), &|_| {}).await.unwrap_err();
    assert_eq!(fault.message, "refused!");
    let fault = set.call(&request(&[], "three"), &|_| {}).await.unwrap_err();
    assert!(
        fault.message.contains("no answer is recorded for request"),
        "{fault}"
    );
}

#[test]
fn configurations_are_checked() {
    let check = |config: &ModelConfig, expected: &str| {
        let fault = ModelSet::builder()
            .add_config("m", config, |_| None)
            .err()
            .unwrap();
        assert_eq!(fault.to_string(), expected);
    };
    check(
        &ModelConfig {
            model: Some("x".to_owned()),
            ..ModelConfig::default()
        },
        "model `m` wants its key in the environment variable OPENAI_API_KEY, which is not set",
    );
    check(
        &ModelConfig {
            base_url: Some("http://127.0.0.1:1/v1".to_owned()),
            ..ModelConfig::default()
        },
        "model `m`: wants `model`, the name of the model at the endpoint",
    );
    check(
        &ModelConfig {
            base_url: Some("http://me:pw@127.0.0.1/v1".to_owned()),
            model: Some("x".to_owned()),
            ..ModelConfig::default()
        },
        "model `m`: the base URL wants http:// or https:// and no user name in it; put the key \
         into api_key_env",
    );
    assert!(matches!(
        ModelSet::builder().build(),
        Err(ModelError::NoModels)
    ));
    let written = "{\"provider\":\"openai\",\"base_url\":\"http://127.0.0.1:1/v1\",\"model\":\"x\",\
                   \"tool_style\":\"text\",\"price\":{\"input_micro_usd\":5},\"retry\":{\"attempts_max\":2}}";
    let config = serde_json::from_str::<ModelConfig>(written).unwrap();
    let set = ModelSet::builder()
        .add_config("m", &config, |_| None)
        .unwrap()
        .build()
        .unwrap();
    let info = set.describe("m").unwrap();
    assert_eq!(
        (info.tool_style, info.price.input_micro_usd),
        (ToolStyle::Text, 5)
    );
    assert_eq!(
        (set.default_name(), set.names().collect::<Vec<_>>()),
        ("m", vec!["m"])
    );
}
