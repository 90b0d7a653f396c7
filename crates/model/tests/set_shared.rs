//! What the callers of one model share: its pauses, and the turns in which they are served.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use futures::future::join_all;
use leadhand_model::{
    BoxFuture, Model, ModelInfo, ModelSet, ModelSetBuilder, ModelTerms, Pieces, Price, RetryPolicy,
    ToolStyle,
};
use leadhand_protocol::{
    ChatMessage, Limits, ModelFault, ModelFaultKind, ModelReply, ModelRequest, OutputFormat,
};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// How long an answer takes, of whatever kind.
const ANSWER_MS: u64 = 10;

/// Answers with the last message of the prompt, but with a fault until its time has come; keeps
/// when it was asked, and what.
struct Limited {
    fault: ModelFault,
    fit_at: Instant,
    asked: Arc<Mutex<Vec<(Instant, String)>>>,
}

impl Model for Limited {
    fn describe(&self) -> ModelInfo {
        ModelInfo {
            name: "limited".to_owned(),
            provider: "scripted".to_owned(),
            context_tokens: None,
            tool_style: ToolStyle::Native,
            price: Price::default(),
        }
    }

    fn call<'a>(
        &'a self,
        request: &'a ModelRequest,
        _: Pieces<'a>,
    ) -> BoxFuture<'a, Result<ModelReply, ModelFault>> {
        Box::pin(async {
            let text = request.messages[0].text().to_owned();
            let now = Instant::now();
            self.asked.lock().unwrap().push((now, text.clone()));
            tokio::time::sleep(Duration::from_millis(ANSWER_MS)).await;
            if now < self.fit_at {
                return Err(self.fault.clone());
            }
            Ok(ModelReply {
                text,
                ..ModelReply::default()
            })
        })
    }
}

struct Scene {
    model: Arc<Limited>,
    terms: ModelTerms,
    asked: Arc<Mutex<Vec<(Instant, String)>>>,
    begun: Instant,
}

/// A set around a model that asks everybody to come back after `retry_after_ms`, until so many
/// seconds have gone by.
fn scene(kind: ModelFaultKind, retry_after_ms: u64, limited_seconds: u64, permits: usize) -> Scene {
    let begun = Instant::now();
    let asked = Arc::default();
    let model = Limited {
        fault: ModelFault {
            kind,
            message: "come back later".to_owned(),
            retry_after_ms: Some(retry_after_ms),
        },
        fit_at: begun + Duration::from_secs(limited_seconds),
        asked: Arc::clone(&asked),
    };
    let terms = ModelTerms {
        retry: RetryPolicy {
            wait_ms_max: 20_000,
            ..RetryPolicy::default()
        },
        concurrency_max: permits,
        ..ModelTerms::default()
    };
    Scene {
        model: Arc::new(model),
        terms,
        asked,
        begun,
    }
}

impl Scene {
    fn builder(&self) -> ModelSetBuilder {
        let builder = ModelSet::builder().jitter_seed(1);
        let added = builder.add_on_terms("m", self.model.clone(), self.terms);
        added.unwrap()
    }

    fn set(&self) -> ModelSet {
        self.builder().build().unwrap()
    }

    /// How many requests came within so many milliseconds, and after them.
    fn requests(&self, within_ms: u64) -> (usize, usize) {
        let asked = self.asked.lock().unwrap();
        let parting = self.begun + Duration::from_millis(within_ms);
        let early = asked.iter().filter(|(when, _)| *when < parting).count();
        (early, asked.len() - early)
    }
}

async fn call(set: &ModelSet, text: &str) -> Result<ModelReply, ModelFault> {
    let user = ChatMessage::User {
        text: text.to_owned(),
    };
    let request = ModelRequest {
        models: Vec::new(),
        messages: vec![Arc::new(user)],
        tools: Arc::from([]),
        output: OutputFormat::Text,
        output_tokens_max: 100,
        temperature_milli: 0,
        seed: 0,
        trace: None,
    };
    set.call(&request, &|_| {}).await
}

#[tokio::test(start_paused = true)]
async fn what_one_caller_is_told_holds_for_all() {
    for kind in [ModelFaultKind::RateLimited, ModelFaultKind::ServerFailed] {
        let scene = scene(kind, 10_000, 10, 4);
        let set = scene.set();
        let replies = join_all((0..64).map(|_| call(&set, "go"))).await;
        // Four were under way when the first of them was told; nobody else asked in vain.
        assert_eq!(scene.requests(10_000), (4, 64));
        let failed = replies
            .iter()
            .map(|reply| reply.as_ref().unwrap().attempts.len());
        assert_eq!(failed.sum::<usize>(), 4);
        let took = scene.begun.elapsed();
        assert!(took < Duration::from_secs(13), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_is_asked_for_again_is_kept_again() {
    let scene = scene(ModelFaultKind::RateLimited, 10_000, 15, 1);
    let set = scene.set();
    join_all((0..8).map(|_| call(&set, "go"))).await;
    // One before the first pause, one before the second, and then each its own.
    assert_eq!(scene.requests(10_000), (1, 9));
    assert_eq!(scene.requests(20_000), (2, 8));
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_too_long_pauses_nobody() {
    let scene = scene(ModelFaultKind::RateLimited, 20_001, 60, 4);
    let set = scene.set();
    let faults = join_all((0..8).map(|_| call(&set, "go"))).await;
    assert!(faults.iter().all(Result::is_err));
    assert_eq!(scene.requests(10_000), (8, 0));
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_keeps_the_time_of_its_own_call() {
    let scene = scene(ModelFaultKind::RateLimited, 15_000, 60, 1);
    let limits = Limits {
        model_call_seconds_max: 5,
        ..Limits::default()
    };
    let set = scene.builder().limits(&limits).build().unwrap();
    let ended = tokio::join!(call(&set, "a"), call(&set, "b"));
    let said = |ended: Result<ModelReply, ModelFault>| ended.unwrap_err().message;
    let within = "no model answered within 5 s (model_call_seconds_max)";
    assert_eq!(
        (said(ended.0), said(ended.1)),
        (
            format!("{within}; the last fault, of `m`: come back later"),
            format!("{within}: the server had asked other calls to wait for longer (Retry-After)")
        )
    );
    assert_eq!(scene.begun.elapsed().as_secs(), 5);
    assert_eq!(scene.requests(10_000), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_run_with_one_call_is_served_next_but_one() {
    let scene = scene(ModelFaultKind::RateLimited, 0, 0, 1);
    let set = scene.set();
    let (many, one) = (set.for_run(), set.for_run());
    let many = (0..1_000).map(|_| call(&many, "many"));
    let (replies, reply) = tokio::join!(join_all(many), call(&one, "one"));
    assert!(replies.iter().all(Result::is_ok) && reply.is_ok());
    let asked = scene.asked.lock().unwrap();
    let place = asked.iter().position(|(_, text)| text == "one");
    // One of the many is inside when it comes, and one of them has its turn before it.
    assert_eq!((place, asked.len()), (Some(2), 1_001));
}
