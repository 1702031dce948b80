//! Rescoring in the background: history follows the models that were made active.
//!
//! What is to be done stands in the lake's catalog ([`CatalogObject::rescoring`]) until it is
//! done, so that a stop or a crash only delays it: the next server, or `verbatim rescore`, goes
//! on. How far it has come stands in the table `job_runs`.
//!
//! [`CatalogObject::rescoring`]: crate::catalog::CatalogObject::rescoring

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use datafusion::arrow::array::{
    ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use datafusion::error::DataFusionError;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::catalog::Rescoring;
use crate::enrich::{RescoreOptions, rescore};
use crate::error::Error;
use crate::ingest::{Ingest, Rows, WriteMode};

/// Rescores that are asked for, by function.
pub(crate) type Runs = BTreeMap<String, Rescoring>;

/// Time between two notes of how far a rescore has come.
const NOTE_INTERVAL: Duration = Duration::from_secs(5);

/// The task of one process that rescores what the catalog asks for.
pub(crate) struct Rescorer {
    ingest: Arc<Ingest>,
    state: Mutex<State>,
    tasks: TaskTracker,
}

#[derive(Default)]
struct State {
    running: bool,
    /// Something was asked for since the task last read the catalog.
    again: bool,
    closed: bool,
    /// Ends what the task does now.
    stop: CancellationToken,
}

impl Rescorer {
    /// Does nothing until it is woken.
    pub(crate) fn new(ingest: Arc<Ingest>) -> Arc<Rescorer> {
        Arc::new(Rescorer {
            ingest,
            state: Mutex::default(),
            tasks: TaskTracker::new(),
        })
    }

    /// Reads the catalog, and does what it asks for in the background.
    pub(crate) fn wake(self: &Arc<Self>) {
        let mut state = self.state.lock();
        if state.closed {
            return;
        }
        if state.running {
            state.again = true;
            state.stop.cancel();
            return;
        }
        state.running = true;
        state.stop = CancellationToken::new();
        let rescorer = Arc::clone(self);
        self.tasks.spawn(async move { rescorer.work().await });
    }

    /// Stops what is under way and waits until it has; the catalog still asks for the rest.
    pub(crate) async fn close(&self) {
        {
            let mut state = self.state.lock();
            state.closed = true;
            state.stop.cancel();
        }
        self.tasks.close();
        self.tasks.wait().await;
    }

    async fn work(&self) {
        loop {
            let stop = self.state.lock().stop.clone();
            tokio::select! {
                () = stop.cancelled() => {}
                done = self.rescore_all() => if let Err(error) = done {
                    tracing::warn!(%error, "rescoring was broken off: `verbatim rescore` goes on");
                },
            }
            let mut state = self.state.lock();
            if state.closed || !state.again {
                state.running = false;
                return;
            }
            state.again = false;
            state.stop = CancellationToken::new();
        }
    }

    /// Does what the catalog asks for until it asks for nothing.
    async fn rescore_all(&self) -> Result<(), Error> {
        loop {
            let runs = self.ingest.lake().latest_catalog().await?.rescoring.clone();
            if runs.is_empty() {
                return Ok(());
            }
            self.rescore_runs(&runs).await?;
        }
    }

    async fn rescore_runs(&self, runs: &Runs) -> Result<(), Error> {
        let (progress, seen) = watch::channel(0);
        let done = async {
            if !self.pass(runs, &progress).await? {
                return Ok::<bool, Error>(false);
            }
            // Writers in other processes may have scored with the old models until they saw the
            // change, and a write that was under way may land a moment later.
            tokio::time::sleep(self.ingest.lake().staleness() * 2).await;
            self.pass(runs, &progress).await
        };
        tokio::pin!(done);
        let mut notes = tokio::time::interval(NOTE_INTERVAL);
        notes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let done = loop {
            tokio::select! {
                done = &mut done => break done,
                _ = notes.tick() => {
                    let rows = *seen.borrow();
                    note(&self.ingest, runs, &Status::Running, rows).await?;
                }
            }
        };
        let rows = *seen.borrow();
        match done {
            Ok(true) => finish(&self.ingest, runs, rows).await,
            Ok(false) => Ok(()),
            Err(error) => {
                note(&self.ingest, runs, &Status::Failed(error.to_string()), rows).await?;
                Err(error)
            }
        }
    }

    /// Rescores every file that is stale now; false where other models were chosen meanwhile.
    async fn pass(&self, runs: &Runs, progress: &watch::Sender<u64>) -> Result<bool, Error> {
        let lake = self.ingest.lake();
        let active = self.ingest.models().active(&lake.catalog()).await?;
        let options = RescoreOptions {
            functions: runs.keys().cloned().collect(),
            ..RescoreOptions::default()
        };
        let before = *progress.borrow();
        let report = rescore(lake, active.set(), &options, |done| {
            progress.send_replace(before + done.rows);
            // Another process has chosen other models: two that rescore for different ones would
            // undo each other's work.
            if !runs.iter().all(|run| is_asked_for(&self.ingest, run)) {
                options.stop.cancel();
            }
        });
        Ok(report.await?.complete)
    }
}

fn is_asked_for(ingest: &Ingest, (function, run): (&String, &Rescoring)) -> bool {
    ingest.lake().catalog().rescoring.get(function) == Some(run)
}

/// How a run stands.
#[derive(Debug)]
pub(crate) enum Status {
    /// It goes on, or was broken off by the end of its process and will go on.
    Running,
    /// Every message is scored.
    Succeeded,
    /// What went wrong.
    Failed(String),
}

/// Takes runs that are done out of the catalog, unless they were asked for anew meanwhile.
pub(crate) async fn finish(ingest: &Arc<Ingest>, runs: &Runs, rows: u64) -> Result<(), Error> {
    let mut finished = Runs::new();
    let update = ingest.lake().update_catalog(|catalog| {
        finished.clear();
        for (function, run) in runs {
            if catalog.rescoring.get(function) == Some(run) {
                catalog.rescoring.remove(function);
                finished.insert(function.clone(), run.clone());
            }
        }
        Ok::<_, Error>(())
    });
    update.await?;
    note(ingest, &finished, &Status::Succeeded, rows).await
}

/// Writes how runs stand into `job_runs`.
pub(crate) async fn note(
    ingest: &Arc<Ingest>,
    runs: &Runs,
    status: &Status,
    rows: u64,
) -> Result<(), Error> {
    if runs.is_empty() {
        return Ok(());
    }
    let texts = |values: Vec<Option<String>>| Arc::new(StringArray::from(values)) as ArrayRef;
    let times = |values: Vec<Option<i64>>| {
        Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC")) as ArrayRef
    };
    let each = |value: Option<String>| texts(vec![value; runs.len()]);
    let (name, error) = match status {
        Status::Running => ("running", None),
        Status::Succeeded => ("succeeded", None),
        Status::Failed(error) => ("failed", Some(error.clone())),
    };
    let ended = (!matches!(status, Status::Running)).then(|| Utc::now().timestamp_micros());
    let ids = runs.values().map(|run| Some(run.run_id.clone()));
    let jobs = runs
        .keys()
        .map(|function| Some(format!("rescore {function}")));
    let started = runs.values().map(|run| Some(run.started_at));
    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("run_id", texts(ids.collect()), true),
        ("job", texts(jobs.collect()), true),
        ("status", each(Some(name.to_owned())), true),
        ("started_at", times(started.collect()), true),
        ("ended_at", times(vec![ended; runs.len()]), true),
        (
            "rows_written",
            Arc::new(Int64Array::from(vec![rows; runs.len()])) as ArrayRef,
            true,
        ),
        ("error", each(error), true),
    ]);
    let batch = batch.map_err(DataFusionError::from)?;
    let rows = Rows::of("job_runs", batch);
    ingest.write(rows, WriteMode::Statement).await?;
    Ok(())
}
