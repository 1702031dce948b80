//! One table of the lake.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use deltalake_core::kernel::EagerSnapshot;
use deltalake_core::logstore::LogStoreRef;
use parking_lot::Mutex;
use tokio_util::task::TaskTracker;

use super::data_file::{DataFile, Landing};
use super::options::LakeOptions;
use super::provider::LakeTableProvider;
use super::state::TableState;
use super::store::Store;
use super::{LakeError, TableSchema};

/// A state older than this is loaded anew: the log's clean-up may have removed the entries that
/// would lead on from it. Far below the log's retention of an hour.
const RELOAD_AFTER: Duration = Duration::from_secs(600);

/// One Delta table. It exists in the store from its first row on; until then it is empty.
pub struct LakeTable {
    definition: Arc<TableSchema>,
    store: Store,
    log: LogStoreRef,
    options: Arc<LakeOptions>,
    /// Id of this process in the log's commits.
    writer: Arc<str>,
    /// The table whose commits make rows of this one visible; none for `messages` itself.
    messages: Option<Arc<LakeTable>>,
    pub(crate) state: ArcSwap<TableState>,
    /// Held while the state is brought up to date or a commit is made.
    pub(crate) updating: tokio::sync::Mutex<()>,
    /// Whether upkeep is under way in this process.
    pub(crate) in_upkeep: AtomicBool,
    pub(crate) opened: Instant,
    /// When this process last removed what no version needs.
    pub(crate) vacuumed: Mutex<Option<Instant>>,
    pub(crate) background: TaskTracker,
    /// Version of the last checkpoint, as far as it is known.
    pub(crate) checkpointed: AtomicI64,
}

impl std::fmt::Debug for LakeTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LakeTable")
            .field("name", &self.definition.name)
            .finish_non_exhaustive()
    }
}

/// The files of a table at one version, as a statement sees them.
#[derive(Debug, Clone)]
pub struct Snapshot {
    state: Arc<TableState>,
    files: Arc<Vec<Arc<DataFile>>>,
    /// The snapshots of other tables that go with this one are read at that time or later.
    since: Option<Instant>,
}

impl Snapshot {
    /// Version of the table's log, −1 where the table has no row yet.
    pub fn version(&self) -> i64 {
        self.state.version
    }

    /// The files that are visible.
    pub fn files(&self) -> &[Arc<DataFile>] {
        &self.files
    }

    /// Rows in the visible files, superseded versions included.
    pub fn records(&self) -> u64 {
        self.files.iter().map(|file| file.records).sum()
    }

    /// Files of batches whose messages have not landed.
    pub(crate) fn unlanded(&self) -> Vec<Arc<DataFile>> {
        let visible: HashSet<&str> = self.files.iter().map(|file| file.path.as_str()).collect();
        let hidden = self
            .state
            .files
            .iter()
            .filter(|file| !visible.contains(file.path.as_str()));
        hidden.cloned().collect()
    }
}

impl LakeTable {
    pub(crate) fn new(
        definition: Arc<TableSchema>,
        store: &Store,
        options: Arc<LakeOptions>,
        writer: Arc<str>,
        messages: Option<Arc<LakeTable>>,
    ) -> Result<Self, LakeError> {
        let log = store.log_store(&definition.name)?;
        Ok(LakeTable {
            definition,
            store: store.clone(),
            log,
            options,
            writer,
            messages,
            state: ArcSwap::from_pointee(TableState::missing(None)),
            updating: tokio::sync::Mutex::default(),
            in_upkeep: AtomicBool::new(false),
            opened: Instant::now(),
            vacuumed: Mutex::default(),
            background: TaskTracker::new(),
            checkpointed: AtomicI64::new(0),
        })
    }

    /// Name of the table.
    pub fn name(&self) -> &str {
        &self.definition.name
    }

    /// Columns, key and writing rules of the table.
    pub fn definition(&self) -> &Arc<TableSchema> {
        &self.definition
    }

    /// Columns of the table.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.definition.columns)
    }

    /// Names of the columns that identify a row.
    pub fn key_columns(&self) -> &[String] {
        &self.definition.key
    }

    /// The lake's place in its object store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn log(&self) -> &LogStoreRef {
        &self.log
    }

    pub(crate) fn options(&self) -> &LakeOptions {
        &self.options
    }

    pub(crate) fn writer(&self) -> &str {
        &self.writer
    }

    pub(crate) fn messages(&self) -> Option<&Arc<LakeTable>> {
        self.messages.as_ref()
    }

    /// What users see of the table: the latest version of each key that is not deleted.
    pub fn provider(self: &Arc<Self>) -> Arc<dyn TableProvider> {
        Arc::new(LakeTableProvider::new(Arc::clone(self)))
    }

    /// The table as it is, at most [`LakeOptions::staleness`] ago; one's own commits at once.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn snapshot(&self) -> Result<Arc<Snapshot>, LakeError> {
        match &self.messages {
            Some(messages) => {
                let messages = messages.own_snapshot().await?;
                self.snapshot_with(&messages).await
            }
            None => self.own_snapshot().await,
        }
    }

    /// The table as it goes with a snapshot of `messages`: at least as recent, without the rows
    /// whose messages are not in it.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn snapshot_with(&self, messages: &Snapshot) -> Result<Arc<Snapshot>, LakeError> {
        if self.messages.is_none() {
            return Ok(Arc::new(messages.clone()));
        }
        // A batch's other rows were there before its messages: they are seen by a read that begins
        // when the messages have been read. This process's own are in its state already.
        let since = messages.since.max(messages.state.read_foreign);
        let state = self.state_since(since).await?;
        let files = self.landed_files(&state, &messages.state).await?;
        Ok(Arc::new(Snapshot {
            state,
            files,
            since: messages.since,
        }))
    }

    /// The snapshot at hand, without a look at the store.
    pub fn cached_version(&self) -> i64 {
        self.state.load().version
    }

    async fn own_snapshot(&self) -> Result<Arc<Snapshot>, LakeError> {
        // A machine that has just started has no earlier instant: then nothing is old.
        let since = Instant::now().checked_sub(self.options.staleness);
        let state = self.state_since(since).await?;
        let files = Arc::clone(&state.files);
        Ok(Arc::new(Snapshot {
            state,
            files,
            since,
        }))
    }

    /// The state as of now.
    pub(crate) async fn fresh_state(&self) -> Result<Arc<TableState>, LakeError> {
        self.state_since(Some(Instant::now())).await
    }

    /// A state read at `since` or later; one task reads it for all that wait.
    async fn state_since(&self, since: Option<Instant>) -> Result<Arc<TableState>, LakeError> {
        let enough = |state: &TableState| state.as_of.is_some() && state.as_of >= since;
        let state = self.state.load_full();
        if enough(&state) {
            return Ok(state);
        }
        let _updating = self.updating.lock().await;
        if !enough(&self.state.load()) {
            self.refresh_locked().await?;
        }
        Ok(self.state.load_full())
    }

    /// Whether the entries after the state are certainly still in the log.
    pub(crate) fn is_recent(&self) -> bool {
        let state = self.state.load();
        let steady = state.as_of.map(|as_of| as_of.elapsed());
        // The steady clock stands still while the machine sleeps, the other may be set.
        let wall = SystemTime::now().duration_since(state.as_of_wall).ok();
        let is_short = |age: Option<Duration>| age.is_some_and(|age| age < RELOAD_AFTER);
        is_short(steady) && is_short(wall)
    }

    /// Brings the state up to date; the caller holds `updating`.
    pub(crate) async fn refresh_locked(&self) -> Result<(), LakeError> {
        let state = self.state.load_full();
        let next = if self.is_recent() {
            state.advance(&self.log, &self.definition).await?
        } else {
            TableState::load(&self.log, &self.definition).await?
        };
        self.state.store(Arc::new(next));
        Ok(())
    }

    /// Whether a file counts, from what is at hand: true where that is not known.
    pub(crate) fn may_be_visible(&self, state: &TableState, file: &DataFile) -> bool {
        let (Some(landing), Some(messages)) = (&file.landing, &self.messages) else {
            return true;
        };
        let messages = messages.state.load();
        match messages.has_landed(landing) {
            Some(landed) => landed,
            None => match messages.looked_up.lock().get(&landing.writer) {
                Some(known) => known.is_some_and(|last| landing.sequence <= last),
                // Nobody has looked yet; who does will tell.
                None => state.version >= 0,
            },
        }
    }

    /// The files of `state` whose batches are in the state of `messages`.
    async fn landed_files(
        &self,
        state: &TableState,
        messages: &TableState,
    ) -> Result<Arc<Vec<Arc<DataFile>>>, LakeError> {
        let landings = || state.files.iter().filter_map(|file| file.landing.as_ref());
        let Some(table) = self
            .messages
            .as_ref()
            .filter(|_| landings().next().is_some())
        else {
            return Ok(Arc::clone(&state.files));
        };
        let unknown: HashSet<&str> = landings()
            .filter(|landing| messages.has_landed(landing).is_none())
            .map(|landing| landing.writer.as_str())
            .collect();
        let before = table.look_up_landed(unknown, messages).await?;
        let landed = |landing: &Landing| match messages.has_landed(landing) {
            Some(landed) => landed,
            None => matches!(before.get(&landing.writer), Some(Some(n)) if landing.sequence <= *n),
        };
        let files = state
            .files
            .iter()
            .filter(|file| file.landing.as_ref().is_none_or(landed));
        Ok(Arc::new(files.cloned().collect()))
    }

    /// The last batches of writers that have made no commit since the state was loaded.
    async fn look_up_landed(
        &self,
        writers: HashSet<&str>,
        state: &TableState,
    ) -> Result<HashMap<String, Option<i64>>, LakeError> {
        let mut found: HashMap<String, Option<i64>> = HashMap::new();
        let mut unknown = Vec::new();
        {
            let known = state.looked_up.lock();
            for writer in writers {
                match known.get(writer) {
                    Some(sequence) => drop(found.insert(writer.to_string(), *sequence)),
                    None => unknown.push(writer),
                }
            }
        }
        let Some(version) = u64::try_from(state.version)
            .ok()
            .filter(|_| !unknown.is_empty())
        else {
            return Ok(found);
        };
        let fail = |error| {
            LakeError::delta(
                format!("looking for landed batches in {}", self.name()),
                error,
            )
        };
        let log = self.log.as_ref();
        let snapshot = match EagerSnapshot::try_new(log, Some(version)).await {
            Ok(snapshot) => snapshot,
            // The log has been shortened beyond that version.
            Err(_) => EagerSnapshot::try_new(log, None).await.map_err(fail)?,
        };
        for writer in unknown {
            let sequence = snapshot
                .transaction_version(log, writer)
                .await
                .map_err(fail)?;
            state.looked_up.lock().insert(writer.to_string(), sequence);
            found.insert(writer.to_string(), sequence);
        }
        Ok(found)
    }
}
