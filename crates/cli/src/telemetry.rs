//! What a run is told to OpenTelemetry with: the options, the variables that stand for them
//! everywhere, and what is said of it at the end.

use crate::failure::Failure;
use crate::model_choice::variable;
use crate::project::Project;
use crate::screen;
use clap::Args;
use leadhand::rooms::inspector::escape;
use leadhand::{Builder, TraceContext};

/// Where spans and metrics go.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct TelemetryOptions {
    /// Tell the run to this OTLP receiver while it goes on, over HTTP, such as
    /// http://127.0.0.1:4318 [default: OTEL_EXPORTER_OTLP_ENDPOINT; without it nothing is told]
    #[arg(long, value_name = "URL")]
    otlp_endpoint: Option<String>,
    /// Also tell what was said, called and brought, not only names, counts and times
    #[arg(long)]
    otlp_content: bool,
}

impl TelemetryOptions {
    /// The receiver that is wanted, if any is.
    fn endpoint(&self) -> Option<String> {
        let named = self.otlp_endpoint.clone();
        let is_off =
            variable("OTEL_SDK_DISABLED").is_some_and(|it| it.eq_ignore_ascii_case("true"));
        let usual = || variable("OTEL_EXPORTER_OTLP_ENDPOINT").filter(|_| !is_off);
        named.or_else(usual)
    }

    /// The builder of a [`leadhand::Leadhand`] that tells what is wanted.
    ///
    /// # Errors
    /// [`Failure::Usage`] for texts without a receiver, and for a program that was built without
    /// what sends.
    pub(crate) fn apply(&self, builder: Builder, project: &Project) -> Result<Builder, Failure> {
        let Some(endpoint) = self.endpoint() else {
            if self.otlp_content {
                return Err(Failure::usage(
                    "--otlp-content without a receiver",
                    "name one with --otlp-endpoint",
                ));
            }
            return Ok(builder);
        };
        told_to(builder, endpoint, self.otlp_content, project)
    }
}

#[cfg(feature = "telemetry")]
fn told_to(
    builder: Builder,
    endpoint: String,
    content: bool,
    project: &Project,
) -> Result<Builder, Failure> {
    use leadhand::{Content, TelemetryOptions};
    let mut options = TelemetryOptions::new(endpoint);
    if content {
        options.content = Content::Sent;
    }
    options.masked = project.known_secrets();
    if let Some(service) = variable("OTEL_SERVICE_NAME") {
        options.service = service;
    }
    Ok(builder.telemetry(options))
}

#[cfg(not(feature = "telemetry"))]
fn told_to(_: Builder, endpoint: String, _: bool, _: &Project) -> Result<Builder, Failure> {
    Err(Failure::usage(
        format!("this program was built without telemetry, and {endpoint} cannot be told anything"),
        "build it with --features telemetry, or leave --otlp-endpoint and \
         OTEL_EXPORTER_OTLP_ENDPOINT out",
    ))
}

/// The place in a trace that the program was called from, as `TRACEPARENT` and `TRACESTATE` tell
/// it. One that cannot be read begins a trace of its own, as the recommendation wants, and the
/// person is told.
pub(crate) fn trace_parent() -> Option<TraceContext> {
    let told = variable("TRACEPARENT")?;
    match told.parse::<TraceContext>() {
        Ok(context) => {
            let state = variable("TRACESTATE").unwrap_or_default();
            Some(context.with_state(&state))
        }
        Err(error) => {
            let told = escape::line(&told, 80);
            screen::note(&format!("TRACEPARENT `{told}` is left out: {error}"));
            None
        }
    }
}

/// Sends what waits, and says what did not arrive.
#[cfg(feature = "telemetry")]
pub(crate) async fn finish(leadhand: &leadhand::Leadhand, run: &leadhand::RunId) {
    let Some(telemetry) = leadhand.telemetry().cloned() else {
        return;
    };
    let flushed = tokio::task::spawn_blocking(move || telemetry.flush()).await;
    let Ok(told) = flushed else { return };
    if let Some(why) = &told.metrics {
        tracing::info!(%why, "metrics did not reach their receiver");
    }
    if told.spans_lost == 0 && !told.is_cut {
        return;
    }
    let why = match &told.why {
        Some(why) => escape::line(why, 300),
        None => "there was no time left".to_owned(),
    };
    let (lost, all) = (told.spans_lost, told.spans_lost + told.spans_sent);
    screen::note(&format!(
        "{lost} of {all} spans did not arrive: {why}\nhave them later with: leadhand trace export \
         {run} --format otlp"
    ));
}

#[cfg(not(feature = "telemetry"))]
pub(crate) async fn finish(_: &leadhand::Leadhand, _: &leadhand::RunId) {}
