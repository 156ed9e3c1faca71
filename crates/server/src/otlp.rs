//! Traces over OTLP, where a collector is configured.
//!
//! A call continues the trace of its caller (`traceparent`). Without one its span stands below the ids that the
//! caller is told in `traceresponse`, so that log, answer and trace agree.
//!
//! Calls never wait for the collector: spans go into a queue of 2,048 from which a thread of its own sends them, and
//! what does not fit is dropped.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::trace::{
    SpanContext, SpanId, Status, TraceContextExt, TraceFlags, TraceId, TraceState, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, SpanData};
use tracing::Subscriber;
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt};
use tracing_subscriber::registry::LookupSpan;

use crate::config::TelemetrySection;
use crate::metrics::Transport;
use crate::trace_ids::TraceIds;

/// Longest time that one batch may take, and the last ones at the end of the process.
const PATIENCE: Duration = Duration::from_secs(5);

/// What sends; it is asked to send the rest when the process ends.
static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// The layer that sends spans to the collector, if there is one.
pub(crate) fn layer<S>(config: &TelemetrySection) -> Option<OpenTelemetryLayer<S, SdkTracer>>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let endpoint = config.otlp_endpoint.as_deref()?;
    let exporter = match SpanExporter::builder().with_tonic().with_endpoint(endpoint).with_timeout(PATIENCE).build() {
        Ok(exporter) => exporter,
        Err(error) => {
            // Nothing logs yet; a server without traces is better than none.
            eprintln!("recourse: traces can't be sent to {endpoint}: {error}");
            return None;
        }
    };
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_service_name("recourse").with_attribute(version).build();
    let exporter = Watched { exporter, failing: AtomicBool::new(false), lost: AtomicU64::new(0) };
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    let tracer = provider.tracer("recourse");
    // A second one would be a second start of the log, which has no effect either.
    let _ignored = PROVIDER.set(provider);
    // Where in the source a span was made, and on which thread, tells an operator nothing.
    Some(tracing_opentelemetry::layer().with_tracer(tracer).with_location(false).with_threads(false))
}

/// Whether there is a collector.
pub(crate) fn is_on() -> bool {
    PROVIDER.get().is_some()
}

/// Puts the span of a call into its trace.
pub(crate) fn continue_trace(span: &tracing::Span, ids: &TraceIds) {
    if !is_on() {
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

/// How a call ended, as its span tells it: the log may leave out reads.
pub(crate) struct Ended<'e> {
    /// The rpc, or the template of a route that is none.
    pub(crate) name: &'e str,
    /// The template of the main route.
    pub(crate) route: Option<&'e str>,
    pub(crate) transport: Transport,
    /// HTTP status, or the word of the gRPC code.
    pub(crate) status: &'e str,
    pub(crate) reason: &'e str,
    /// Whether it is the server that failed.
    pub(crate) is_fault: bool,
}

/// Writes the end of a call into its span, in the words that collectors know.
pub(crate) fn end_call(span: &tracing::Span, ended: &Ended<'_>) {
    if !is_on() {
        return;
    }
    // Recording the field `otel.name` would be too late: that names only spans that were not entered yet.
    span.context().span().update_name(ended.name.to_owned());
    match ended.transport {
        Transport::Grpc => {
            span.set_attribute("rpc.system", "grpc");
            span.set_attribute("rpc.response.status_code", ended.status.to_owned());
        }
        // A status of REST is three digits.
        Transport::Rest => {
            span.set_attribute("http.response.status_code", ended.status.parse::<i64>().unwrap_or_default());
            if let Some(route) = ended.route {
                span.set_attribute("http.route", route.to_owned());
            }
        }
    }
    if !ended.reason.is_empty() {
        span.set_attribute("error.type", ended.reason.to_owned());
    }
    if ended.is_fault {
        span.set_status(Status::error(ended.status.to_owned()));
    }
}

/// Sends what waits, for five seconds at most.
pub(crate) async fn end() {
    let Some(provider) = PROVIDER.get() else { return };
    match tokio::task::spawn_blocking(|| provider.shutdown_with_timeout(PATIENCE)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the last traces were not sent"),
        Err(error) => tracing::warn!(%error, "the last traces were not sent"),
    }
}

/// Says once that the collector can't be reached, and once that it can again, however many batches are lost.
#[derive(Debug)]
struct Watched {
    exporter: SpanExporter,
    failing: AtomicBool,
    lost: AtomicU64,
}

impl opentelemetry_sdk::trace::SpanExporter for Watched {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let sent = self.exporter.export(batch).await;
        match &sent {
            Ok(()) => {
                if self.failing.swap(false, Ordering::Relaxed) {
                    let lost = self.lost.swap(0, Ordering::Relaxed);
                    tracing::info!(lost, "traces are sent again");
                }
            }
            Err(error) => {
                self.lost.fetch_add(spans, Ordering::Relaxed);
                if !self.failing.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%error, "traces are not sent; this is said once until they are again");
                }
            }
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
