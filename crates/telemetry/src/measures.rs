//! What is measured of runs, by the semantic conventions for metrics of generative AI clients
//! (<https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/>), which also state the
//! bounds of the buckets.

use leadhand_inspector::Span;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, MeterProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;

/// Bounds of buckets of tokens: powers of 4.
const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
/// Bounds of buckets of seconds: each twice the one before.
const SECONDS: [f64; 14] = [
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
const NANOS_PER_SECOND: f64 = 1e9;

pub(crate) struct Measures {
    tokens: Histogram<u64>,
    duration: Histogram<f64>,
    micro_usd: Counter<u64>,
    runs: Counter<u64>,
}

impl Measures {
    pub(crate) fn new(provider: &SdkMeterProvider) -> Self {
        let meter = provider.meter("leadhand");
        Self {
            tokens: meter
                .u64_histogram("gen_ai.client.token.usage")
                .with_unit("{token}")
                .with_description("Tokens of prompts and replies.")
                .with_boundaries(TOKENS.to_vec())
                .build(),
            duration: meter
                .f64_histogram("gen_ai.client.operation.duration")
                .with_unit("s")
                .with_description("How long model calls and tool calls took.")
                .with_boundaries(SECONDS.to_vec())
                .build(),
            micro_usd: meter
                .u64_counter("leadhand.spent")
                .with_unit("{micro_usd}")
                .with_description("Money spent on models, in millionths of a US dollar.")
                .build(),
            runs: meter
                .u64_counter("leadhand.runs")
                .with_unit("{run}")
                .with_description("How often runs ended or stopped, by outcome.")
                .build(),
        }
    }

    /// Measures a span.
    pub(crate) fn take(&self, span: &Span) {
        let told = |key: &'static str| Some(KeyValue::new(key, span.text(key)?.to_owned()));
        let names = [
            "gen_ai.operation.name",
            "gen_ai.provider.name",
            "gen_ai.request.model",
            "gen_ai.tool.name",
        ];
        let mut attributes: Vec<KeyValue> = names.into_iter().filter_map(told).collect();
        match span.text("gen_ai.operation.name") {
            Some("chat") => {
                for (key, kind) in [
                    ("gen_ai.usage.input_tokens", "input"),
                    ("gen_ai.usage.output_tokens", "output"),
                ] {
                    let mut attributes = attributes.clone();
                    attributes.push(KeyValue::new("gen_ai.token.type", kind));
                    self.tokens
                        .record(span.number(key).unwrap_or_default(), &attributes);
                }
                let spent = span.number("leadhand.micro_usd").unwrap_or_default();
                if spent > 0 {
                    self.micro_usd.add(spent, &attributes);
                }
            }
            Some("execute_tool") => {}
            Some("invoke_workflow") => {
                let outcome = told("leadhand.outcome");
                self.runs.add(1, outcome.as_slice());
                return;
            }
            _ => return,
        }
        if span.failure.is_some() {
            // The conventions' word for a kind of error that has no name.
            attributes.push(KeyValue::new("error.type", "_OTHER"));
        }
        let nanos = span.ended_ns.saturating_sub(span.began_ns);
        #[expect(
            clippy::cast_precision_loss,
            reason = "a duration of more than 104 days may be off by some nanoseconds"
        )]
        let seconds = nanos as f64 / NANOS_PER_SECOND;
        self.duration.record(seconds, &attributes);
    }
}
