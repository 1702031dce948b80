//! Group commit: appends that arrive together share the commits of their tables.
//!
//! One task takes what has arrived since its last commit, writes it as one file a table and
//! commits. So an append on an idle lake is committed at once, and under load the groups grow by
//! themselves; small ones are held back up to the flush interval, so that the log does not grow by
//! hundreds of commits a second.
//!
//! Other tables commit first, `messages` last. The files of the others carry the batch's number
//! and are ignored by readers until `messages` names it (a Delta application transaction).
//!
//! An append that depends on what its caller has looked up lands in the same way even when it
//! brings no messages: the log of `messages` is the one place where writers of different processes
//! meet, so that of two that looked at the same state one learns that it was overtaken.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use datafusion::arrow::array::RecordBatch;
use futures::future::try_join_all;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::commit::Change;
use super::data_file::{DataFile, Landing};
use super::options::LakeOptions;
use super::schema::{CONVERSATIONS, MESSAGES};
use super::state::TableState;
use super::table::LakeTable;
use super::write::{by_settled, conform, encode, pieces, scored_by};
use super::{LakeError, TableSchema};

/// Rows to append, by table.
#[derive(Debug, Default)]
pub struct Append {
    /// Rows of each table; columns by name, missing ones are NULL.
    pub tables: Vec<(String, RecordBatch)>,
    /// Fail with [`LakeError::Moved`] when another process has landed messages, conversations or
    /// anything else that depended on a look-up after this version of `messages`: the caller looked
    /// for what is there in that version and has to look again.
    pub messages_unchanged_since: Option<i64>,
}

/// An append that is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Version of `messages` that holds it.
    pub messages_version: i64,
}

/// What is told of each commit of this process that added rows.
pub trait CommitHook: Send + Sync {
    /// Rows have been committed to a table. Called in the order of the commits; must not block.
    fn committed(&self, table: &str, version: i64, rows: &[RecordBatch]);
}

pub(crate) type Hooks = ArcSwap<Vec<Arc<dyn CommitHook>>>;

/// Rows in one data file of an append.
const FILE_ROWS: usize = 1 << 20;
/// Groups below this size are held back under load.
const SMALL_BYTES: usize = 4 << 20;
/// Small commits that may follow each other at once before they are held back.
const BURST: f64 = 32.0;
/// Tries of a group whose messages were overtaken.
const REDOS: usize = 20;

struct Request {
    tables: BTreeMap<String, Vec<RecordBatch>>,
    unchanged_since: Option<i64>,
    bytes: usize,
    done: oneshot::Sender<Result<Committed, LakeError>>,
    _room: OwnedSemaphorePermit,
}

impl Request {
    /// Whether the rows become visible with a commit of `messages`. Those of conversations always
    /// do, since others merge what they bring into what was there.
    fn lands_with_messages(&self) -> bool {
        self.unchanged_since.is_some()
            || self.tables.contains_key(MESSAGES)
            || self.tables.contains_key(CONVERSATIONS)
    }
}

/// Takes appends and hands them to the committing task.
#[derive(Debug)]
pub(crate) struct Appender {
    requests: parking_lot::Mutex<Option<mpsc::Sender<Request>>>,
    task: parking_lot::Mutex<Option<tokio::task::JoinHandle<()>>>,
    /// Kibibytes of rows that may wait.
    room: Arc<Semaphore>,
    room_size: usize,
}

impl Appender {
    pub(crate) fn start(
        tables: Vec<Arc<LakeTable>>,
        options: Arc<LakeOptions>,
        hooks: Arc<Hooks>,
    ) -> Self {
        let (sender, requests) = mpsc::channel(1024);
        let room_size = (options.flush_bytes * 3 / 1024).clamp(1024, 1 << 22);
        let committer = Committer {
            tables,
            options,
            hooks,
            batches: new_landing(),
            tokens: BURST,
            refilled: Instant::now(),
        };
        Appender {
            requests: parking_lot::Mutex::new(Some(sender)),
            task: parking_lot::Mutex::new(Some(tokio::spawn(committer.run(requests)))),
            room: Arc::new(Semaphore::new(room_size)),
            room_size,
        }
    }

    pub(crate) async fn append(
        &self,
        definition: impl Fn(&str) -> Result<Arc<TableSchema>, LakeError>,
        append: Append,
    ) -> Result<Committed, LakeError> {
        let now = chrono::Utc::now().timestamp_micros();
        let mut tables: BTreeMap<String, Vec<RecordBatch>> = BTreeMap::new();
        let mut bytes = 0;
        for (name, rows) in &append.tables {
            let rows = conform(definition(name)?.as_ref(), rows, now)?;
            if rows.num_rows() > 0 {
                bytes += rows.get_array_memory_size();
                tables.entry(name.clone()).or_default().push(rows);
            }
        }
        let kibibytes = u32::try_from((bytes / 1024).clamp(1, self.room_size)).unwrap_or(1);
        let room = Arc::clone(&self.room).acquire_many_owned(kibibytes).await;
        let (done, answer) = oneshot::channel();
        let request = Request {
            tables,
            unchanged_since: append.messages_unchanged_since,
            bytes,
            done,
            _room: room.map_err(|_| LakeError::Closed)?,
        };
        let sender = self.requests.lock().clone().ok_or(LakeError::Closed)?;
        sender.send(request).await.map_err(|_| LakeError::Closed)?;
        answer.await.map_err(|_| LakeError::Closed)?
    }

    /// Commits what has arrived and ends the task.
    pub(crate) async fn close(&self) {
        drop(self.requests.lock().take());
        let task = self.task.lock().take();
        if let Some(task) = task
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the committing task ended badly");
        }
    }
}

fn new_landing() -> Landing {
    Landing {
        writer: uuid::Uuid::new_v4().to_string(),
        sequence: 0,
    }
}

struct Committer {
    tables: Vec<Arc<LakeTable>>,
    options: Arc<LakeOptions>,
    hooks: Arc<Hooks>,
    /// The last batch of messages.
    batches: Landing,
    /// Small commits that may still follow each other at once.
    tokens: f64,
    refilled: Instant,
}

impl Committer {
    async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some(first) = requests.recv().await {
            let mut group = vec![first];
            self.gather(&mut group, &mut requests).await;
            // The others depend on nothing and are visible by themselves.
            let (batch, single): (Vec<_>, Vec<_>) =
                group.into_iter().partition(Request::lands_with_messages);
            for group in [single, batch] {
                if !group.is_empty() {
                    self.commit(group).await;
                }
            }
        }
    }

    /// Takes what has arrived; waits for more when many small groups have been committed.
    async fn gather(&mut self, group: &mut Vec<Request>, requests: &mut mpsc::Receiver<Request>) {
        let interval = self.options.flush_interval.as_secs_f64().max(0.001);
        // Four small commits an interval once the burst is spent.
        self.tokens =
            (self.tokens + self.refilled.elapsed().as_secs_f64() / interval * 4.0).min(BURST);
        self.refilled = Instant::now();
        let mut bytes: usize = group.iter().map(|request| request.bytes).sum();
        while bytes < self.options.flush_bytes {
            match requests.try_recv() {
                Ok(request) => {
                    bytes += request.bytes;
                    group.push(request);
                }
                Err(_) => break,
            }
        }
        if bytes >= SMALL_BYTES || self.tokens >= 1.0 {
            self.tokens = (self.tokens - 1.0).max(0.0);
            return;
        }
        let until = self.refilled + Duration::from_secs_f64(interval / 4.0 * (1.0 - self.tokens));
        while bytes < SMALL_BYTES {
            match tokio::time::timeout_at(until.into(), requests.recv()).await {
                Ok(Some(request)) => {
                    bytes += request.bytes;
                    group.push(request);
                }
                Ok(None) | Err(_) => break,
            }
        }
    }

    async fn commit(&mut self, mut group: Vec<Request>) {
        for _ in 0..REDOS {
            let written = self.try_commit(&mut group).await;
            let outcome = match written {
                // The overtaken requests have been answered and taken out: again with the rest.
                Err(LakeError::Moved { .. }) if !group.is_empty() => continue,
                Err(LakeError::Moved { .. }) => return,
                other => other,
            };
            for request in group {
                // The caller may have gone away.
                let _ = request.done.send(outcome.clone());
            }
            return;
        }
        let error = LakeError::Contention {
            table: MESSAGES.to_string(),
            attempts: REDOS,
        };
        for request in group {
            let _ = request.done.send(Err(error.clone()));
        }
    }

    async fn try_commit(&mut self, group: &mut Vec<Request>) -> Result<Committed, LakeError> {
        let messages = self.table(MESSAGES)?;
        let mut rows: BTreeMap<String, Vec<RecordBatch>> = BTreeMap::new();
        for request in group.iter() {
            for (table, batches) in &request.tables {
                rows.entry(table.clone())
                    .or_default()
                    .extend(batches.iter().cloned());
            }
        }
        let lands = group.iter().any(Request::lands_with_messages).then(|| {
            self.batches.sequence += 1;
            self.batches.clone()
        });
        let result = self.write_and_commit(group, &rows, lands, &messages).await;
        if let Err(error) = &result {
            // A number that did not land must never seem to have landed: later ones of the same
            // writer would say so.
            self.batches = new_landing();
            if let LakeError::Moved { version } = error {
                answer_overtaken(group, *version, &messages.state.load());
            }
        }
        result
    }

    async fn write_and_commit(
        &self,
        group: &[Request],
        rows: &BTreeMap<String, Vec<RecordBatch>>,
        lands: Option<Landing>,
        messages: &Arc<LakeTable>,
    ) -> Result<Committed, LakeError> {
        let oldest = group
            .iter()
            .filter_map(|request| request.unchanged_since)
            .min();
        let check = |state: &TableState| match oldest {
            Some(since) if state.foreign_version > since => Err(LakeError::Moved {
                version: state.foreign_version,
            }),
            _ => Ok(()),
        };
        // With a fresh state: what is committed to the other tables in vain stays in them.
        match oldest {
            Some(_) => check(messages.fresh_state().await?.as_ref())?,
            None => check(&messages.state.load())?,
        }
        let written = rows.iter().map(|(name, batches)| async {
            let table = self.table(name)?;
            let files = write_files(&table, batches.clone()).await?;
            Ok::<_, LakeError>((table, files))
        });
        let mut written = try_join_all(written).await?;
        let of_messages = written
            .iter()
            .position(|(table, _)| table.name() == MESSAGES);
        let of_messages = match of_messages {
            Some(position) => written.swap_remove(position).1,
            None => Vec::new(),
        };
        let others = written.into_iter().map(|(table, mut files)| {
            files
                .iter_mut()
                .for_each(|file| file.landing.clone_from(&lands));
            let change = Change {
                added: files,
                ..appending()
            };
            async move {
                let version = table.commit(&change, |_| Ok(())).await?;
                Ok::<_, LakeError>((table, version))
            }
        });
        let mut committed = try_join_all(others).await?;
        let mut messages_version = messages.state.load().version;
        if lands.is_some() {
            let change = Change {
                added: of_messages,
                lands,
                ..appending()
            };
            messages_version = messages.commit(&change, check).await?;
            committed.push((Arc::clone(messages), messages_version));
        }
        for (table, version) in &committed {
            if let Some(rows) = rows.get(table.name()) {
                for hook in self.hooks.load().iter() {
                    tell(hook.as_ref(), table.name(), *version, rows);
                }
            }
            table.after_commit();
        }
        Ok(Committed { messages_version })
    }

    fn table(&self, name: &str) -> Result<Arc<LakeTable>, LakeError> {
        let found = self.tables.iter().find(|table| table.name() == name);
        found
            .cloned()
            .ok_or_else(|| LakeError::NoSuchTable(name.to_string()))
    }
}

/// Calls a hook. One that panics must not take the committing task with it: every later append of
/// the process would fail.
fn tell(hook: &dyn CommitHook, table: &str, version: i64, rows: &[RecordBatch]) {
    let call = std::panic::AssertUnwindSafe(|| hook.committed(table, version, rows));
    if std::panic::catch_unwind(call).is_err() {
        tracing::error!(table, version, "a hook panicked after a commit");
    }
}

fn appending() -> Change {
    Change {
        data_change: true,
        operation: "WRITE",
        ..Change::default()
    }
}

/// Answers and takes out the requests that another process has overtaken.
fn answer_overtaken(group: &mut Vec<Request>, version: i64, state: &TableState) {
    let foreign = state.foreign_version.max(version);
    let (moved, rest): (Vec<_>, Vec<_>) = std::mem::take(group)
        .into_iter()
        .partition(|request| request.unchanged_since.is_some_and(|since| since < foreign));
    *group = rest;
    for request in moved {
        let _ = request
            .done
            .send(Err(LakeError::Moved { version: foreign }));
    }
}

/// Encodes rows and puts them into the store. Settled rows and others go into files of their own,
/// and so do the rows that different model sets have scored.
async fn write_files(
    table: &Arc<LakeTable>,
    batches: Vec<RecordBatch>,
) -> Result<Vec<DataFile>, LakeError> {
    let mut kinds: BTreeMap<(bool, Option<String>), Vec<RecordBatch>> = BTreeMap::new();
    for batch in batches {
        for (settled, batch) in by_settled(table.definition(), batch)? {
            kinds
                .entry((settled, scored_by(&batch)))
                .or_default()
                .push(batch);
        }
    }
    let mut files = Vec::new();
    for ((settled, _), batches) in kinds {
        for piece in pieces(batches, FILE_ROWS) {
            let mut file = table.write_file(piece).await?;
            file.settled = settled;
            files.push(file);
        }
    }
    Ok(files)
}

impl LakeTable {
    /// Encodes rows of the table's schema, puts them into the store and describes the file; it is
    /// part of the table when it is committed.
    pub(crate) async fn write_file(&self, rows: Vec<RecordBatch>) -> Result<DataFile, LakeError> {
        let definition = Arc::clone(self.definition());
        let now = chrono::Utc::now().timestamp_millis();
        let encoded = tokio::task::spawn_blocking(move || encode(&definition, &rows, now)).await;
        let encoded = encoded
            .map_err(|error| datafusion::error::DataFusionError::External(Box::new(error)))??;
        encoded.put(self.store(), self.name()).await
    }
}
