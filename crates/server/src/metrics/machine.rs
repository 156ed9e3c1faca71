//! What the process is and takes: its release, its start, time of the processor, memory, files, threads.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use recourse_domain::clock::Clock;

use crate::process::{self, SystemClock};

/// The gauges of the process.
#[derive(Default)]
pub(super) struct Machine {
    started: Gauge<f64, AtomicU64>,
    processor: Counter<f64, AtomicU64>,
    memory: Gauge<u64, AtomicU64>,
    open_files: Gauge<u64, AtomicU64>,
    threads: Gauge<u64, AtomicU64>,
}

impl Machine {
    /// Registers all of them; the process begins now.
    pub(super) fn register(&self, registry: &mut Registry) {
        self.started.set(seconds(SystemClock.now()));
        registry.register(
            "build",
            "The release that runs",
            Info::new([("version", env!("CARGO_PKG_VERSION"))].to_vec()),
        );
        registry.register_with_unit(
            "process_start_time",
            "When the process began, as Unix time",
            Unit::Seconds,
            self.started.clone(),
        );
        registry.register_with_unit("process_cpu", "Time of the processor", Unit::Seconds, self.processor.clone());
        registry.register_with_unit(
            "process_resident_memory",
            "Memory of the process",
            Unit::Bytes,
            self.memory.clone(),
        );
        registry.register("process_open_files", "Open files and sockets", self.open_files.clone());
        registry.register("process_threads", "Threads", self.threads.clone());
    }

    /// Reads what Linux tells of the process; elsewhere memory, files and threads stay zero.
    pub(super) fn read(&self) {
        self.processor.inner().store(process::processor_time().as_secs_f64().to_bits(), Ordering::Relaxed);
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let number = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            line.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or_default()
        };
        self.memory.set(number("VmRSS:") * 1024);
        self.threads.set(number("Threads:"));
        let files = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        self.open_files.set(u64::try_from(files).unwrap_or_default());
    }
}

/// An instant as Unix time.
#[expect(clippy::cast_precision_loss, reason = "microseconds since 1970 fit into 52 bits")]
pub(super) fn seconds(instant: chrono::DateTime<chrono::Utc>) -> f64 {
    instant.timestamp_micros() as f64 / 1e6
}
