//! Counters in the text format of Prometheus, on a port of their own.
//!
//! Every label has few values: rpcs and routes of the contract, statuses, reasons of the contract.

mod machine;

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use recourse_domain::clock::Clock;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_repository::Store;

use crate::process::SystemClock;
use crate::serving::Sockets;
use crate::serving::tls::Certificate;
use crate::{health, limits};
use machine::Machine;

/// How a call came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Transport {
    /// gRPC and gRPC-Web.
    Grpc,
    /// Everything else.
    Rest,
}

impl Transport {
    /// Its label.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Transport::Grpc => "grpc",
            Transport::Rest => "rest",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    call: Cow<'static, str>,
    transport: &'static str,
    status: Cow<'static, str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TimeLabels {
    call: Cow<'static, str>,
    transport: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PoolLabels {
    pool: &'static str,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobLabel {
    job: String,
}

/// Upper ends of the histogram's buckets in seconds: the goals of `p99` lie between them.
const SECONDS: [f64; 13] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0];

/// What is counted.
pub struct Metrics {
    registry: Registry,
    calls: Family<CallLabels, Counter>,
    seconds: Family<TimeLabels, Histogram, fn() -> Histogram>,
    refusals: Family<ReasonLabel, Counter>,
    in_flight: Gauge,
    abandoned: Counter,
    connections: Family<PoolLabels, Gauge>,
    retried: Counter<u64, AtomicU64>,
    feed_waiting: Gauge,
    feed_lag: Gauge<f64, AtomicU64>,
    feed_kept: Gauge,
    leases: Family<JobLabel, Gauge<f64, AtomicU64>>,
    machine: Machine,
    sockets: Sockets,
    certificate: Option<(Arc<Certificate>, Gauge<f64, AtomicU64>)>,
    store_answers: Gauge,
    store: Store,
}

impl Metrics {
    /// Nothing counted yet, over a store, and with the certificate of the listeners if they have one.
    pub(crate) fn new(store: Store, certificate: Option<Arc<Certificate>>) -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("recourse"),
            calls: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            refusals: Family::default(),
            in_flight: Gauge::default(),
            abandoned: Counter::default(),
            connections: Family::default(),
            retried: Counter::default(),
            feed_waiting: Gauge::default(),
            feed_lag: Gauge::default(),
            feed_kept: Gauge::default(),
            leases: Family::default(),
            machine: Machine::default(),
            sockets: Sockets::default(),
            certificate: certificate.map(|certificate| (certificate, Gauge::default())),
            store_answers: Gauge::default(),
            store,
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("calls", "Calls that were answered", self.calls.clone());
        registry.register_with_unit(
            "call_duration",
            "Time until the answer begins",
            Unit::Seconds,
            self.seconds.clone(),
        );
        registry.register("refusals", "Calls that were refused, by public reason", self.refusals.clone());
        registry.register("calls_in_flight", "Calls that wait for their answer", self.in_flight.clone());
        registry.register("calls_abandoned", "Calls whose client went away before the answer", self.abandoned.clone());
        registry.register("store_connections", "Connections to the store", self.connections.clone());
        registry.register("store_up", "Whether the store answered this reading", self.store_answers.clone());
        registry.register("transactions_retried", "Transactions run again since the start", self.retried.clone());
        registry.register(
            "feed_waiting",
            "Changes without a place in the feed, ten thousand at most",
            self.feed_waiting.clone(),
        );
        registry.register_with_unit(
            "feed_lag",
            "Age of the change that waits longest",
            Unit::Seconds,
            self.feed_lag.clone(),
        );
        registry.register(
            "feed_kept",
            "Places of the feed that are kept; it grows while nothing is forgotten",
            self.feed_kept.clone(),
        );
        registry.register_with_unit(
            "job_lease",
            "Time that a job's lease still holds; below zero nobody does the job",
            Unit::Seconds,
            self.leases.clone(),
        );
        registry.register("connections_open", "Connections of clients", self.sockets.open.clone());
        registry.register(
            "connections_refused",
            "Connections closed at once, for there were too many in all or of one address",
            self.sockets.refused.clone(),
        );
        if let Some((_, ends)) = &self.certificate {
            registry.register_with_unit(
                "certificate_end_time",
                "When the certificate of the listeners ends, as Unix time",
                Unit::Seconds,
                ends.clone(),
            );
        }
        self.machine.register(registry);
    }

    /// The counters of the listeners.
    pub(crate) fn sockets(&self) -> Sockets {
        self.sockets.clone()
    }

    /// A call begins.
    pub(crate) fn begin(self: &Arc<Self>) -> OpenCall {
        self.in_flight.inc();
        OpenCall { metrics: Arc::clone(self), answered: false }
    }

    /// Everything as text; what only the store knows is asked now, for a moment at most.
    pub async fn text(&self) -> Result<String, std::fmt::Error> {
        let asked = tokio::time::timeout(limits::METRICS_STORE, self.ask_store()).await;
        self.store_answers.set(i64::from(matches!(asked, Ok(Ok(())))));
        for pool in self.store.pools() {
            let gauge = |state| self.connections.get_or_create_owned(&PoolLabels { pool: pool.pool, state });
            gauge("idle").set(i64::from(pool.idle));
            gauge("used").set(i64::from(pool.open.saturating_sub(pool.idle)));
        }
        self.retried.inner().store(self.store.transactions_retried(), Ordering::Relaxed);
        if let Some((certificate, gauge)) = &self.certificate
            && let Some(ends) = certificate.ends()
        {
            gauge.set(machine::seconds(ends));
        }
        self.machine.read();
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    async fn ask_store(&self) -> Result<(), recourse_repository::StoreError> {
        let now = SystemClock.now();
        let seconds = |delta: chrono::TimeDelta| delta.as_seconds_f64();
        let backlog = self.store.feed_backlog().await?;
        self.feed_waiting.set(backlog.waiting);
        self.feed_lag.set(backlog.oldest.map_or(0.0, |oldest| seconds(now - oldest).max(0.0)));
        let ends = self.store.feed_ends().await?;
        self.feed_kept.set(ends.newest.saturating_sub(ends.oldest));
        for lease in self.store.leases().await? {
            let left = seconds(lease.expires - now);
            self.leases.get_or_create_owned(&JobLabel { job: lease.name }).set(left);
        }
        Ok(())
    }
}

/// A call that waits for its answer.
pub(crate) struct OpenCall {
    metrics: Arc<Metrics>,
    answered: bool,
}

impl OpenCall {
    /// The answer begins.
    pub(crate) fn end(
        mut self,
        call: Cow<'static, str>,
        transport: Transport,
        status: Cow<'static, str>,
        reason: &str,
        took: Duration,
    ) {
        self.answered = true;
        let transport = transport.word();
        if !reason.is_empty() {
            // Only the contract's own words become labels.
            let reason = Reason::from_str_name(reason).map_or("OTHER", |reason| reason.as_str_name());
            self.metrics.refusals.get_or_create_owned(&ReasonLabel { reason }).inc();
        }
        self.metrics.seconds.get_or_create(&TimeLabels { call: call.clone(), transport }).observe(took.as_secs_f64());
        self.metrics.calls.get_or_create(&CallLabels { call, transport, status }).inc();
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.metrics.in_flight.dec();
        if !self.answered {
            self.metrics.abandoned.inc();
        }
    }
}

/// `/metrics`, and health in clear text for whoever looks after the process.
pub(crate) fn routes(metrics: Arc<Metrics>, readiness: health::Readiness) -> Router {
    Router::new().route("/metrics", get(show)).with_state(metrics).merge(health::routes(readiness))
}

async fn show(State(metrics): State<Arc<Metrics>>) -> Response {
    match metrics.text().await {
        Ok(text) => ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
            .into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
