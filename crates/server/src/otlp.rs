//! Traces over OTLP, in binaries built with `--features otlp` and only where a collector is configured.
//!
//! A call continues the trace of its caller (`traceparent`). Without one its span stands below the ids that the
//! caller is told in `traceresponse`, so that log, answer and trace agree.

use std::sync::OnceLock;

use opentelemetry::Context;
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, TracerProvider};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing::Subscriber;
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt};
use tracing_subscriber::registry::LookupSpan;

use crate::config::TelemetrySection;
use crate::trace_ids::TraceIds;

/// What sends; it is asked to send the rest when the process ends.
static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// The layer that sends spans to the collector, if there is one.
pub(crate) fn layer<S>(config: &TelemetrySection) -> Option<OpenTelemetryLayer<S, SdkTracer>>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let endpoint = config.otlp_endpoint.as_deref()?;
    let exporter = match SpanExporter::builder().with_tonic().with_endpoint(endpoint).build() {
        Ok(exporter) => exporter,
        Err(error) => {
            // Nothing logs yet; a server without traces is better than none.
            eprintln!("recourse: traces can't be sent to {endpoint}: {error}");
            return None;
        }
    };
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_service_name("recourse").with_attribute(version).build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    let tracer = provider.tracer("recourse");
    // A second one would be a second start of the log, which has no effect either.
    let _ignored = PROVIDER.set(provider);
    Some(tracing_opentelemetry::layer().with_tracer(tracer))
}

/// Puts the span of a call into its trace.
pub(crate) fn continue_trace(span: &tracing::Span, ids: &TraceIds) {
    if PROVIDER.get().is_none() {
        return;
    }
    let parent = ids.parent.as_deref().unwrap_or(&ids.span_id);
    let (Ok(trace), Ok(parent)) = (TraceId::from_hex(&ids.trace_id), SpanId::from_hex(parent)) else { return };
    let flags = if ids.sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
    let context = SpanContext::new(trace, parent, flags, true, TraceState::default());
    if let Err(error) = span.set_parent(Context::new().with_remote_span_context(context)) {
        tracing::debug!(%error, "the trace could not be continued");
    }
}

/// Sends what waits, for five seconds at most.
pub(crate) async fn end() {
    let Some(provider) = PROVIDER.get() else { return };
    match tokio::task::spawn_blocking(|| provider.shutdown()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the last traces were not sent"),
        Err(error) => tracing::warn!(%error, "the last traces were not sent"),
    }
}
