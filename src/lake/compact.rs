//! Upkeep of a table: small files together, superseded versions away, the log short.
//!
//! Compaction replaces files that hold the same rows, so that appends never wait for it. In a
//! table whose rows have versions it merges the tail; together with the settled files when the
//! tail has grown to a quarter of them, else among itself, so that a row is rewritten only a few
//! times however long the table lives.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use datafusion::arrow::array::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::{SessionConfig, SessionContext};
use deltalake_core::DeltaTable;
use deltalake_core::operations::vacuum::VacuumMode;
use deltalake_core::protocol::checkpoints::{cleanup_expired_logs_for, create_checkpoint};
use futures::TryStreamExt as _;

use super::LakeError;
use super::commit::Change;
use super::data_file::DataFile;
use super::latest::{LatestVersionExec, TailRows};
use super::schema::SCORED_BY;
use super::table::{LakeTable, Snapshot};
use super::write::{by_deleted, by_scorer};

/// Files below this size are put together.
const SMALL_BYTES: u64 = 32 << 20;
/// A compacted file ends at this many rows …
const FILE_ROWS: u64 = 512 * 1024;
/// … or when its rows fill this much memory, or its sources this much of the store.
const FILE_MEMORY: usize = 512 << 20;
const FILE_BYTES: u64 = 64 << 20;
/// A tail is merged at each read, so it is compacted earlier than files that are only many.
const TAIL_SHARE: usize = 4;
const TAIL_ROWS: u64 = 200_000;
/// Log entries are kept for an hour.
const KEEP: chrono::TimeDelta = chrono::TimeDelta::hours(1);
/// A server that is restarted often removes files too.
const FIRST_VACUUM: Duration = Duration::from_secs(600);
/// Files that no version names may belong to a commit under way.
const GRACE: chrono::TimeDelta = chrono::TimeDelta::hours(24);

impl LakeTable {
    /// Starts upkeep in the background where a commit has made it due.
    pub(crate) fn after_commit(self: &Arc<Self>) {
        if !self.needs_checkpoint() && !self.needs_compaction() && !self.needs_vacuum() {
            return;
        }
        if self.in_upkeep.swap(true, Ordering::AcqRel) {
            return;
        }
        let table = Arc::clone(self);
        self.background.spawn(async move {
            if table.needs_checkpoint()
                && let Err(error) = table.shorten_log_if_due().await
            {
                tracing::warn!(table = table.name(), %error, "no checkpoint was made");
            }
            if table.needs_compaction()
                && let Err(error) = table.compact().await
                && !error.is_retryable()
            {
                tracing::warn!(table = table.name(), %error, "compaction failed");
            }
            if table.needs_vacuum()
                && let Err(error) = table.clean_up().await
                && !error.is_retryable()
            {
                tracing::warn!(table = table.name(), %error, "files could not be removed");
            }
            table.in_upkeep.store(false, Ordering::Release);
        });
    }

    fn needs_vacuum(&self) -> bool {
        let interval = self.options().vacuum_interval;
        match *self.vacuumed.lock() {
            Some(last) => last.elapsed() >= interval,
            None => self.opened.elapsed() >= interval.min(FIRST_VACUUM),
        }
    }

    /// Removes from the store what no version needs any more.
    async fn clean_up(&self) -> Result<(), LakeError> {
        *self.vacuumed.lock() = Some(Instant::now());
        let snapshot = self.snapshot().await?;
        self.drop_unlanded(&snapshot).await?;
        self.vacuum().await
    }

    fn needs_checkpoint(&self) -> bool {
        let since = self.cached_version() - self.checkpointed.load(Ordering::Relaxed);
        since >= self.options().checkpoint_interval.max(1)
    }

    /// Makes a checkpoint unless another process has just made one.
    async fn shorten_log_if_due(&self) -> Result<(), LakeError> {
        let hint = self
            .store()
            .path(&format!("{}/_delta_log/_last_checkpoint", self.name()))?;
        let hint = self.store().get(&hint).await?.unwrap_or_default();
        let hint: serde_json::Value = serde_json::from_slice(&hint).unwrap_or_default();
        let last = hint["version"].as_i64().unwrap_or_default();
        self.checkpointed.fetch_max(last, Ordering::Relaxed);
        if self.needs_checkpoint() {
            self.shorten_log(self.cached_version()).await?;
        }
        Ok(())
    }

    /// A guess from the state at hand, without looking at what has landed.
    fn needs_compaction(&self) -> bool {
        let state = self.state.load();
        // Files that count for nothing until their messages land cannot be compacted.
        let files = state.files.iter();
        let files = files.filter(|file| !file.deleted && self.may_be_visible(&state, file));
        let files: Vec<_> = files.collect();
        let small = files.iter().filter(|file| file.size < SMALL_BYTES).count();
        let tail = files.iter().filter(|file| !file.settled);
        let (tail, rows) = tail.fold((0, 0), |(n, rows), file| (n + 1, rows + file.records));
        small >= self.options().compact_files
            || tail >= (self.options().compact_files / TAIL_SHARE).max(2)
            || (tail > 0 && rows >= TAIL_ROWS && self.definition().is_versioned())
    }

    /// Puts small files together and drops superseded versions. Rows are the same afterwards.
    ///
    /// # Errors
    /// [`LakeError::Replaced`] when another process has replaced the same files, the store's.
    pub async fn compact(&self) -> Result<(), LakeError> {
        let snapshot = self.snapshot().await?;
        let (settled, tail) = snapshot.split();
        if tail.is_empty() {
            return self.put_together(&settled).await;
        }
        let rows = |files: &[Arc<DataFile>]| files.iter().map(|file| file.records).sum::<u64>();
        if rows(&tail) * TAIL_SHARE as u64 >= rows(&settled) {
            return self.settle(&snapshot).await;
        }
        self.merge_tail(&tail).await?;
        self.put_together(&settled).await
    }

    /// Upkeep now: merges all versions, makes a checkpoint, removes what no version needs.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn maintain(&self) -> Result<(), LakeError> {
        let snapshot = self.snapshot().await?;
        if snapshot.version() < 0 {
            return Ok(());
        }
        self.drop_unlanded(&snapshot).await?;
        let (settled, tail) = snapshot.split();
        let compacted = match tail.is_empty() {
            true => self.put_together(&settled).await,
            false => self.settle(&snapshot).await,
        };
        match compacted {
            Err(error) if !error.is_retryable() => return Err(error),
            _ => {}
        }
        self.shorten_log(self.cached_version()).await?;
        *self.vacuumed.lock() = Some(Instant::now());
        self.vacuum().await
    }

    /// Rewrites files with the rows of `rows`, in one commit that changes no data: for compaction
    /// and for scoring anew. Appends meanwhile do not disturb it.
    ///
    /// # Errors
    /// [`LakeError::Replaced`] when one of `removed` has been replaced by somebody else: redo with
    /// a new snapshot. The errors of `rows`.
    pub async fn replace(
        &self,
        removed: &[Arc<DataFile>],
        rows: SendableRecordBatchStream,
    ) -> Result<i64, LakeError> {
        let settled = removed.iter().all(|file| file.settled);
        self.replace_as(removed, rows, settled).await
    }

    async fn replace_as(
        &self,
        removed: &[Arc<DataFile>],
        mut rows: SendableRecordBatchStream,
        settled: bool,
    ) -> Result<i64, LakeError> {
        let mut added = Vec::new();
        // Rows that different model sets have scored go into files of their own, so that the
        // statistics of each tell its set.
        let mut pieces: BTreeMap<(bool, Option<String>), Piece> = BTreeMap::new();
        let mut write = async |deleted: bool, piece: Piece| {
            let mut file = self.write_file(piece.rows).await?;
            (file.settled, file.deleted) = (settled, deleted);
            added.push(file);
            Ok::<_, LakeError>(())
        };
        while let Some(batch) = rows.try_next().await? {
            // In the tail they still hide rows of settled files.
            let parts = match settled {
                true => by_deleted(batch)?,
                false => vec![(false, batch)],
            };
            for (deleted, batch) in parts {
                for (set, batch) in by_scorer(batch)? {
                    let piece = pieces.entry((deleted, set)).or_default();
                    piece.count += batch.num_rows() as u64;
                    piece.memory += batch.get_array_memory_size();
                    piece.rows.push(batch);
                    if piece.count >= FILE_ROWS || piece.memory >= FILE_MEMORY {
                        write(deleted, std::mem::take(piece)).await?;
                    }
                }
            }
        }
        for ((deleted, _), piece) in pieces {
            if piece.count > 0 {
                write(deleted, piece).await?;
            }
        }
        let change = Change {
            added,
            removed: removed.to_vec(),
            operation: "OPTIMIZE",
            ..Change::default()
        };
        self.commit(&change, |_| Ok(())).await
    }

    /// Puts small settled files of the same model set together, in the order of their commits.
    async fn put_together(&self, settled: &[Arc<DataFile>]) -> Result<(), LakeError> {
        let scored_by = self.definition().columns.index_of(SCORED_BY).ok();
        let mut kinds: BTreeMap<Option<String>, Vec<Arc<DataFile>>> = BTreeMap::new();
        for file in settled.iter().filter(|file| file.size < SMALL_BYTES) {
            let set = scored_by
                .and_then(|column| file.constant(column))
                .map(ToString::to_string);
            kinds.entry(set).or_default().push(Arc::clone(file));
        }
        for files in kinds.into_values() {
            for bin in bins(files) {
                let rows = self.run(self.scan(&bin)?)?;
                self.replace_as(&bin, rows, true).await?;
            }
        }
        Ok(())
    }

    /// Merges the tail among itself; deletions stay, since they hide rows of settled files.
    async fn merge_tail(&self, tail: &[Arc<DataFile>]) -> Result<(), LakeError> {
        if tail.len() < 2 {
            return Ok(());
        }
        let rows = self.latest(tail, None, TailRows::Latest)?;
        self.replace_as(tail, self.run(rows)?, false)
            .await
            .map(|_| ())
    }

    /// Merges the tail with the settled files: the result is settled.
    async fn settle(&self, snapshot: &Snapshot) -> Result<(), LakeError> {
        let (settled, mut tail) = snapshot.split();
        if tail.is_empty() {
            return Ok(());
        }
        // That a message is gone is kept in a file that only writers read, or the next import of
        // the same export would bring it back. A conversation is brought back by what it gets.
        let rows = match self.definition().is_versioned() {
            true => TailRows::Live,
            false => TailRows::Latest,
        };
        let deleted = snapshot.files().iter().filter(|file| file.deleted);
        tail.extend(deleted.cloned());
        let session = session();
        let rows = self
            .scan_merged(&session.state(), &settled, &tail, rows, None, &[], None)
            .map_err(LakeError::from)?;
        let removed = [settled, tail].concat();
        self.replace_as(&removed, self.run(rows)?, true)
            .await
            .map(|_| ())
    }

    /// Removes the files of batches that will never land: their writer has been gone for a day.
    async fn drop_unlanded(&self, snapshot: &Snapshot) -> Result<(), LakeError> {
        let before = (chrono::Utc::now() - GRACE).timestamp_millis();
        let mut removed = snapshot.unlanded();
        removed.retain(|file| file.modified < before);
        if removed.is_empty() {
            return Ok(());
        }
        let change = Change {
            removed,
            operation: "DELETE",
            ..Change::default()
        };
        self.commit(&change, |_| Ok(())).await.map(|_| ())
    }

    /// Makes a checkpoint and removes log entries that are no longer needed.
    pub(crate) async fn shorten_log(&self, version: i64) -> Result<(), LakeError> {
        let fail = |error| LakeError::delta(format!("checkpoint of table {}", self.name()), error);
        let Ok(number) = u64::try_from(version) else {
            return Ok(());
        };
        let mut table = DeltaTable::new(Arc::clone(self.log()));
        table.load_version(number).await.map_err(fail)?;
        create_checkpoint(&table, None).await.map_err(fail)?;
        let before = (chrono::Utc::now() - KEEP).timestamp_millis();
        cleanup_expired_logs_for(number, self.log().as_ref(), before, None)
            .await
            .map_err(fail)?;
        Ok(())
    }

    /// Removes data files that no version of the retention time needs, and after a day those that
    /// no version names at all.
    async fn vacuum(&self) -> Result<(), LakeError> {
        let fail = |error| LakeError::delta(format!("vacuum of table {}", self.name()), error);
        let retention = chrono::TimeDelta::from_std(self.options().retention).unwrap_or(KEEP);
        self.store()
            .remove_staged(self.name(), GRACE.to_std().unwrap_or_default())
            .await?;
        for (mode, keep) in [(VacuumMode::Lite, retention), (VacuumMode::Full, GRACE)] {
            let mut table = DeltaTable::new(Arc::clone(self.log()));
            table.load().await.map_err(fail)?;
            table
                .vacuum()
                .with_mode(mode)
                .with_retention_period(keep)
                .with_enforce_retention_duration(false)
                .await
                .map_err(fail)?;
        }
        Ok(())
    }

    fn scan(&self, files: &[Arc<DataFile>]) -> Result<Arc<dyn ExecutionPlan>, LakeError> {
        Ok(self.scan_files(&session().state(), files, None, &[], None)?)
    }

    fn latest(
        &self,
        tail: &[Arc<DataFile>],
        settled: Option<Arc<dyn ExecutionPlan>>,
        rows: TailRows,
    ) -> Result<Arc<dyn ExecutionPlan>, LakeError> {
        let width = self.schema().fields().len();
        let tail = self.scan(tail)?;
        let plan = LatestVersionExec::try_new(self.definition(), tail, settled, None, rows, width)?;
        Ok(Arc::new(plan))
    }

    fn run(&self, plan: Arc<dyn ExecutionPlan>) -> Result<SendableRecordBatchStream, LakeError> {
        let session = session();
        self.store().register(&session.runtime_env());
        Ok(execute_stream(plan, session.task_ctx())?)
    }
}

/// A session for upkeep: one core, so that queries keep theirs.
fn session() -> SessionContext {
    SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1))
}

/// Rows on their way into one file.
#[derive(Default)]
struct Piece {
    rows: Vec<RecordBatch>,
    count: u64,
    memory: usize,
}

/// Files in bins that each make one file.
fn bins(files: Vec<Arc<DataFile>>) -> Vec<Vec<Arc<DataFile>>> {
    let mut bins = Vec::new();
    let mut bin: Vec<Arc<DataFile>> = Vec::new();
    let (mut rows, mut bytes) = (0, 0);
    for file in files {
        if rows + file.records > FILE_ROWS || bytes + file.size > FILE_BYTES {
            bins.push(std::mem::take(&mut bin));
            (rows, bytes) = (0, 0);
        }
        rows += file.records;
        bytes += file.size;
        bin.push(file);
    }
    bins.push(bin);
    bins.retain(|bin| bin.len() > 1);
    bins
}
