//! What the server counts, for Prometheus.

use std::sync::Arc;
use std::time::Instant;

use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

use super::report::Failure;
use crate::engine::Engine;

/// Upper bounds of the latency buckets, in seconds.
const LATENCY_BUCKETS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0,
];

/// The counters of one server.
pub(super) struct Metrics {
    registry: Registry,
    /// Connections with a session.
    pub(super) connections: IntGauge,
    /// Connections refused, by SQLSTATE.
    pub(super) refused: IntCounterVec,
    statements: IntCounterVec,
    seconds: HistogramVec,
    /// Rows sent to clients.
    pub(super) rows_sent: IntCounter,
    memory: IntGauge,
    lake_version: IntGaugeVec,
    lake_files: IntGaugeVec,
}

impl Metrics {
    /// All zero.
    pub(super) fn new() -> Result<Arc<Metrics>, prometheus::Error> {
        let registry = Registry::new();
        let connections =
            IntGauge::new("verbatim_connections", "Open connections with a session.")?;
        let refused = IntCounterVec::new(
            Opts::new(
                "verbatim_connections_refused_total",
                "Connections refused, by SQLSTATE.",
            ),
            &["state"],
        )?;
        let statements = IntCounterVec::new(
            Opts::new(
                "verbatim_statements_total",
                "Statements by the first words of their tag and by outcome: ok, gone, or SQLSTATE.",
            ),
            &["statement", "outcome"],
        )?;
        let seconds = HistogramVec::new(
            HistogramOpts::new(
                "verbatim_statement_seconds",
                "Time from the statement's arrival to its last row in the output.",
            )
            .buckets(LATENCY_BUCKETS.to_vec()),
            &["statement"],
        )?;
        let rows_sent = IntCounter::new("verbatim_rows_sent_total", "Rows sent to clients.")?;
        let memory = IntGauge::new(
            "verbatim_memory_reserved_bytes",
            "Memory that running statements have reserved.",
        )?;
        let lake_version = IntGaugeVec::new(
            Opts::new(
                "verbatim_lake_version",
                "Version of each table of the lake.",
            ),
            &["table"],
        )?;
        let lake_files = IntGaugeVec::new(
            Opts::new(
                "verbatim_lake_files",
                "Data files of each table of the lake.",
            ),
            &["table"],
        )?;
        registry.register(Box::new(connections.clone()))?;
        registry.register(Box::new(refused.clone()))?;
        registry.register(Box::new(statements.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        registry.register(Box::new(rows_sent.clone()))?;
        registry.register(Box::new(memory.clone()))?;
        registry.register(Box::new(lake_version.clone()))?;
        registry.register(Box::new(lake_files.clone()))?;
        Ok(Arc::new(Metrics {
            registry,
            connections,
            refused,
            statements,
            seconds,
            rows_sent,
            memory,
            lake_version,
            lake_files,
        }))
    }

    /// Everything in Prometheus' text form.
    pub(super) async fn text(&self, engine: &Engine) -> Result<Vec<u8>, prometheus::Error> {
        let reserved = engine.memory_reserved();
        self.memory.set(i64::try_from(reserved).unwrap_or(i64::MAX));
        for table in engine.lake().tables() {
            // A table that cannot be read keeps its last figures.
            if let Ok(snapshot) = table.snapshot().await {
                let files = i64::try_from(snapshot.files().len()).unwrap_or(i64::MAX);
                let name = [table.name()];
                self.lake_version
                    .with_label_values(&name)
                    .set(snapshot.version());
                self.lake_files.with_label_values(&name).set(files);
            }
        }
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

/// One statement that is being measured.
pub(super) struct Observed {
    metrics: Arc<Metrics>,
    statement: &'static str,
    started: Instant,
}

impl Observed {
    /// A statement that starts now.
    pub(super) fn start(metrics: &Arc<Metrics>, statement: &'static str) -> Observed {
        Observed {
            metrics: metrics.clone(),
            statement,
            started: Instant::now(),
        }
    }

    /// The statement ended so.
    pub(super) fn finish(self, outcome: &Result<(), Failure>) {
        let outcome = match outcome {
            Ok(()) => "ok",
            Err(Failure::Report(report)) => report.state,
            Err(Failure::Gone) => "gone",
        };
        self.metrics
            .statements
            .with_label_values(&[self.statement, outcome])
            .inc();
        let seconds = self.started.elapsed().as_secs_f64();
        self.metrics
            .seconds
            .with_label_values(&[self.statement])
            .observe(seconds);
    }
}
