//! Commits: the one retry loop around every change of a table's log.
//!
//! A commit is the creation of the next numbered log entry. Where another writer was faster, the
//! new entries are read, the change is checked against them and tried again after a random pause.
//! Appends conflict with nothing; a replacement fails when one of its files is gone.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel as _;
use deltalake_core::kernel::transaction::TransactionError;
use deltalake_core::kernel::{Action, CommitInfo, Transaction};
use deltalake_core::logstore::{CommitOrBytes, LogStore as _};
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::protocol::SaveMode;
use deltalake_core::schema::StructType;
use rand::Rng as _;
use serde_json::Value;

use super::LakeError;
use super::data_file::{DataFile, Landing};
use super::state::{COMMIT_ID, COMMIT_WRITER, TableState, commit_info, read_commit};
use super::table::LakeTable;

const ATTEMPTS: usize = 200;
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// A change of a table.
#[derive(Debug, Default)]
pub(crate) struct Change {
    /// Files that are there from now on.
    pub(crate) added: Vec<DataFile>,
    /// Files that are gone.
    pub(crate) removed: Vec<Arc<DataFile>>,
    /// The batch of messages that lands with this commit.
    pub(crate) lands: Option<Landing>,
    /// Whether rows come or go; false for a rewrite of the same rows.
    pub(crate) data_change: bool,
    /// Name of the operation in the log.
    pub(crate) operation: &'static str,
}

impl Change {
    fn actions(&self, table: &LakeTable, id: &str, now: i64) -> Vec<Action> {
        let text = |value: &str| Value::String(value.to_string());
        let mut actions = vec![Action::CommitInfo(CommitInfo {
            timestamp: Some(now),
            operation: Some(self.operation.to_string()),
            operation_parameters: Some(HashMap::new()),
            is_blind_append: Some(self.removed.is_empty()),
            engine_info: Some(concat!("verbatim:", env!("CARGO_PKG_VERSION")).to_string()),
            info: HashMap::from([
                (COMMIT_WRITER.to_string(), text(table.writer())),
                (COMMIT_ID.to_string(), text(id)),
            ]),
            ..CommitInfo::default()
        })];
        actions.extend(self.lands.iter().map(|landing| {
            let (writer, sequence) = (&landing.writer, landing.sequence);
            Action::Txn(Transaction::new_with_last_update(
                writer,
                sequence,
                Some(now),
            ))
        }));
        let change = self.data_change;
        actions.extend(
            self.removed
                .iter()
                .map(|f| Action::Remove(f.to_remove(now, change))),
        );
        let columns = &table.definition().columns;
        actions.extend(
            self.added
                .iter()
                .map(|file| Action::Add(file.to_add(columns, change))),
        );
        actions
    }

    fn check(&self, state: &TableState, table: &LakeTable) -> Result<(), LakeError> {
        if self.removed.is_empty() {
            return Ok(());
        }
        let live: HashSet<&str> = state.files.iter().map(|file| file.path.as_str()).collect();
        match self
            .removed
            .iter()
            .find(|file| !live.contains(file.path.as_str()))
        {
            None => Ok(()),
            Some(gone) => Err(LakeError::Replaced {
                table: table.name().to_string(),
                path: gone.path.clone(),
            }),
        }
    }
}

impl LakeTable {
    /// Commits a change and returns its version. `check` is asked again whenever the table has
    /// moved on; its error ends the attempt.
    ///
    /// # Errors
    /// The error of `check`; [`LakeError::Replaced`]; [`LakeError::Contention`]; the store's.
    pub(crate) async fn commit(
        &self,
        change: &Change,
        check: impl Fn(&TableState) -> Result<(), LakeError>,
    ) -> Result<i64, LakeError> {
        let id = uuid::Uuid::new_v4().to_string();
        let mut updating = self.updating.lock().await;
        // An entry may only be created above a version known to be recent: the numbers of entries
        // that the log's clean-up has removed are free again.
        if !self.is_recent() {
            self.refresh_locked().await?;
        }
        if self.state.load().version < 0 {
            self.create_locked().await?;
        }
        for attempt in 0..ATTEMPTS {
            let state = self.state.load_full();
            change.check(&state, self)?;
            check(&state)?;
            let now = chrono::Utc::now().timestamp_millis();
            let actions = change.actions(self, &id, now);
            let version = state.version + 1;
            let (as_of, as_of_wall) = (Some(Instant::now()), SystemTime::now());
            if self.put_entry(version, &actions, &id).await? {
                let mut next = state.apply(&actions, self.definition(), true)?;
                // The number was free, so there was no other entry at that time.
                (next.as_of, next.as_of_wall) = (as_of, as_of_wall);
                self.state.store(Arc::new(next));
                return Ok(version);
            }
            // The first tries follow at once: most often one other commit has come first.
            if attempt >= 2 {
                let pause = LONGEST_PAUSE.min(Duration::from_millis(5 << attempt.min(7)));
                let pause = rand::rng().random_range(Duration::ZERO..=pause);
                // Reads need not wait for the pause; whatever comes meanwhile is checked again.
                drop(updating);
                tokio::time::sleep(pause).await;
                updating = self.updating.lock().await;
            }
            self.refresh_locked().await?;
        }
        Err(LakeError::Contention {
            table: self.name().to_string(),
            attempts: ATTEMPTS,
        })
    }

    /// Commits a change of the table's metadata, unless anything was committed meanwhile.
    ///
    /// # Errors
    /// [`LakeError::Contention`] when it was, the store's.
    pub(crate) async fn commit_metadata(&self, actions: Vec<Action>) -> Result<i64, LakeError> {
        let id = uuid::Uuid::new_v4().to_string();
        let _updating = self.updating.lock().await;
        let state = self.state.load_full();
        let version = state.version + 1;
        if !self.put_entry(version, &actions, &id).await? {
            return Err(LakeError::Contention {
                table: self.name().to_string(),
                attempts: 1,
            });
        }
        self.state
            .store(Arc::new(state.apply(&actions, self.definition(), true)?));
        Ok(version)
    }

    /// Creates a log entry; false when the version is taken by another commit.
    async fn put_entry(
        &self,
        version: i64,
        actions: &[Action],
        id: &str,
    ) -> Result<bool, LakeError> {
        let context = || format!("committing version {version} of table {}", self.name());
        let mut lines = Vec::new();
        for action in actions {
            let line = serde_json::to_vec(action)
                .map_err(|error| LakeError::delta(context(), error.into()))?;
            lines.extend_from_slice(&line);
            lines.push(b'\n');
        }
        let number = u64::try_from(version).unwrap_or_default();
        let entry = CommitOrBytes::LogBytes(lines.into());
        match self
            .log()
            .write_commit_entry(number, entry, uuid::Uuid::nil())
            .await
        {
            Ok(()) => {
                self.persist_entry(version).await;
                Ok(true)
            }
            Err(TransactionError::VersionAlreadyExists(_)) => self.is_mine(version, id).await,
            Err(error) => {
                // The answer may have been lost after the store took the entry.
                if self.is_mine(version, id).await.unwrap_or(false) {
                    return Ok(true);
                }
                Err(LakeError::delta(context(), error.into()))
            }
        }
    }

    /// Writes a log entry through to the disk. It is there and others may build on it, so that an
    /// error cannot take it back: the disk is about to fail, which is told.
    async fn persist_entry(&self, version: i64) {
        let entry = format!("{}/_delta_log/{version:020}.json", self.name());
        let persisted = match self.store().path(&entry) {
            Ok(path) => self.store().persist(&path).await,
            Err(error) => Err(error),
        };
        if let Err(error) = persisted {
            tracing::error!(table = self.name(), version, %error, "a commit may not survive");
        }
    }

    async fn is_mine(&self, version: i64, id: &str) -> Result<bool, LakeError> {
        let found = read_commit(self.log(), self.definition(), version).await?;
        Ok(found.is_some_and(|actions| commit_info(&actions, COMMIT_ID) == Some(id)))
    }

    /// Makes the table, unless another writer is faster.
    async fn create_locked(&self) -> Result<(), LakeError> {
        let table = self.definition();
        let context = || format!("creating table {}", table.name);
        let schema: StructType = table
            .columns
            .as_ref()
            .try_into_kernel()
            .map_err(|error: datafusion::arrow::error::ArrowError| LakeError::from(error))?;
        let property = |key: &str, value: String| (key.to_string(), Some(value));
        let created = CreateBuilder::new()
            .with_log_store(Arc::clone(self.log()))
            .with_table_name(&table.name)
            .with_comment(&table.comment)
            .with_columns(schema.fields().cloned())
            .with_save_mode(SaveMode::Ignore)
            .with_configuration([
                property("delta.dataSkippingStatsColumns", table.statistics.join(",")),
                property("delta.logRetentionDuration", "interval 1 hours".into()),
                property(
                    "delta.deletedFileRetentionDuration",
                    "interval 1 days".into(),
                ),
                property(
                    "delta.checkpointInterval",
                    self.options().checkpoint_interval.to_string(),
                ),
            ])
            .await;
        self.refresh_locked().await?;
        if self.state.load().version >= 0 {
            self.persist_entry(0).await;
        }
        match created {
            Err(error) if self.state.load().version < 0 => Err(LakeError::delta(context(), error)),
            _ => Ok(()),
        }
    }
}
