//! What the lake knows already about the conversations of a write.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::compute::{cast, concat_batches};
use datafusion::arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{Expr, col, lit};
use datafusion::physical_plan::execute_stream;
use futures::TryStreamExt;

use super::Ingest;
use super::keys::{Key, KeyIndex, KeySet, Keyed, free_when_idle};
use super::prepared::Keys;
use super::versions::{Chosen, Version};
use crate::ingest::IngestError;
use crate::lake::{DataFile, LakeTable, SnapshotPins};

/// A write with more conversations than this looks its keys up in the index.
const LOOK_UP: usize = 64;
/// A lake with more messages than this gets no index: it would take more than a gigabyte.
const INDEXED: u64 = 64_000_000;
/// Conversations that are looked up at once where there is no index.
const SLICE: usize = 1024;

/// The lake's state as one write sees it.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Version of `messages` that was looked at.
    pub(super) version: i64,
    /// Keys of the write's messages that are there.
    pub(super) messages: KeySet,
    /// The versions of those that were edited or deleted.
    pub(super) versions: Keyed<Version>,
    /// Number of the next turn of the write's conversations that are there.
    pub(super) turns: Keyed<i32>,
    /// Whether there are no other conversations than those with turns.
    complete: bool,
}

impl Known {
    /// Whether the lake may have a conversation.
    pub(super) fn may_have(&self, conversation: Key) -> bool {
        !self.complete || self.turns.contains_key(&conversation)
    }

    fn take(&mut self, index: &KeyIndex, messages: &KeySet, conversations: &[(String, Key)]) {
        let there = messages.iter().filter(|key| index.contains(**key));
        self.messages = there.copied().collect();
        let versions = self.messages.iter();
        self.versions = versions
            .filter_map(|key| Some((*key, index.version_of(*key)?)))
            .collect();
        self.turns = conversations
            .iter()
            .filter_map(|(_, key)| Some((*key, index.next_turn(*key)?)))
            .collect();
    }
}

impl Ingest {
    /// Looks up messages and conversations: the keys of the write's messages, and the ids of its
    /// conversations, each once, with their keys. `with_index` uses the index for small writes too.
    pub(super) async fn look_up(
        &self,
        messages: &KeySet,
        conversations: &[(String, Key)],
        with_index: bool,
    ) -> Result<Known, IngestError> {
        let table = self.lake.table("messages")?;
        let snapshot = table.snapshot().await?;
        let mut known = Known {
            version: snapshot.version(),
            ..Known::default()
        };
        if with_index || conversations.len() > LOOK_UP && snapshot.records() <= INDEXED {
            let mut shared = self.index.lock().await;
            // Taken out while it is read: one that was read in part must not be used.
            let mut index = match shared.take() {
                Some(index) => index,
                None => {
                    free_when_idle(&self.index);
                    KeyIndex::default()
                }
            };
            if index.stale {
                self.catch_up(&mut index).await?;
            }
            index.used = std::time::Instant::now();
            known.version = index.version;
            known.complete = true;
            known.take(&index, messages, conversations);
            *shared = Some(index);
            return Ok(known);
        }
        if messages.is_empty() {
            return Ok(known);
        }
        let mut index = KeyIndex::default();
        let wanted: KeySet = conversations.iter().map(|(_, key)| *key).collect();
        // Bloom filters keep most files and row groups out.
        for slice in conversations.chunks(SLICE) {
            let filter = is_one_of(slice.iter());
            let mut stream = self.raw(table, snapshot.files(), &KEY_COLUMNS, &[filter])?;
            while let Some(batch) = stream.try_next().await? {
                index.add(&plain(&batch)?, Some(&wanted));
            }
        }
        known.take(&index, messages, conversations);
        Ok(known)
    }

    /// Reads the keys in the files that the index has not seen.
    async fn catch_up(&self, index: &mut KeyIndex) -> Result<(), IngestError> {
        let pins = SnapshotPins::default();
        let messages = self.lake.table("messages")?;
        let snapshot = pins.pin(messages).await?;
        let files = unseen(snapshot.files(), &mut index.files);
        let mut stream = self.raw(messages, &files, &KEY_COLUMNS, &[])?;
        while let Some(batch) = stream.try_next().await? {
            index.add(&plain(&batch)?, None);
        }
        let conversations = self.lake.table("conversations")?;
        let files = unseen(pins.pin(conversations).await?.files(), &mut index.files);
        let mut stream = self.raw(conversations, &files, &KEY_COLUMNS[..1], &[])?;
        while let Some(batch) = stream.try_next().await? {
            let ids = cast(batch.column(0), &DataType::Utf8)?;
            for id in ids.as_string::<i32>().iter().flatten() {
                index.insert_conversation(Key::of(&[id]));
            }
        }
        (index.version, index.stale) = (snapshot.version(), false);
        tracing::debug!(
            keys = index.len(),
            version = index.version,
            "read the keys of the messages"
        );
        Ok(())
    }

    /// Rows of `conversations` that are there, in that table's schema.
    pub(super) async fn conversations(
        &self,
        wanted: &[&(String, Key)],
    ) -> Result<Option<RecordBatch>, IngestError> {
        let table = self.lake.table("conversations")?;
        if wanted.is_empty() || table.snapshot().await?.records() == 0 {
            return Ok(None);
        }
        let rows = self
            .context
            .read_table(table.provider())?
            .filter(is_one_of(wanted.iter().copied()))?;
        let rows = rows.collect().await?;
        let Some(first) = rows.first() else {
            return Ok(None);
        };
        let rows = concat_batches(&first.schema(), &rows)?;
        Ok((rows.num_rows() > 0).then_some(rows))
    }

    /// The numbers that the messages have of which a write brings later versions; `None` where it
    /// brings none.
    pub(super) async fn turns_of(
        &self,
        chosen: &Chosen,
        keys: &Keys,
        known: &Known,
    ) -> Result<Option<Keyed<i32>>, IngestError> {
        if chosen.revised.is_empty() {
            return Ok(None);
        }
        let revised = chosen.revised.iter().map(|row| keys.messages[*row]);
        let there: Keyed<Key> = revised
            .filter(|(message, _)| known.messages.contains(message))
            .collect();
        let wanted: KeySet = there.values().copied().collect();
        let mut conversations = Vec::new();
        for conversation in &keys.conversations {
            if wanted.contains(&conversation.1) {
                conversations.push(conversation);
            }
        }
        let mut turns = Keyed::default();
        let table = self.lake.table("messages")?;
        let snapshot = table.snapshot().await?;
        for slice in conversations.chunks(SLICE) {
            let filter = is_one_of(slice.iter().copied());
            let mut stream = self.raw(table, snapshot.files(), &KEY_COLUMNS, &[filter])?;
            while let Some(batch) = stream.try_next().await? {
                turns.extend(super::keys::numbered(&plain(&batch)?, &there));
            }
        }
        Ok(Some(turns))
    }

    /// Rows of files as they are, whatever version: what readers do not see any more is there too.
    fn raw(
        &self,
        table: &Arc<LakeTable>,
        files: &[Arc<DataFile>],
        columns: &[&str],
        filters: &[Expr],
    ) -> Result<SendableRecordBatchStream, IngestError> {
        let schema = table.schema();
        let columns = columns.iter().map(|name| schema.index_of(name));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let plan = table.scan_files(&self.context.state(), files, Some(&columns), filters, None)?;
        Ok(execute_stream(plan, self.context.task_ctx())?)
    }
}

/// What is read of a message; the columns of [`KeyIndex::add`].
const KEY_COLUMNS: [&str; 5] = [
    "conversation_id",
    "message_id",
    "turn_index",
    "edited_at",
    "is_deleted",
];

/// The files that are not in `seen`; then they are.
fn unseen(files: &[Arc<DataFile>], seen: &mut HashSet<String>) -> Vec<Arc<DataFile>> {
    let files = files.iter().filter(|file| seen.insert(file.path.clone()));
    files.cloned().collect()
}

fn is_one_of<'k>(wanted: impl Iterator<Item = &'k (String, Key)>) -> Expr {
    let ids = wanted.map(|(id, _)| lit(id.as_str()));
    col("conversation_id").in_list(ids.collect(), false)
}

/// The key columns with plain strings: scans may give views or dictionaries.
fn plain(batch: &RecordBatch) -> Result<RecordBatch, IngestError> {
    let types = [
        DataType::Utf8,
        DataType::Utf8,
        DataType::Int32,
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Boolean,
    ];
    let columns = batch
        .columns()
        .iter()
        .zip(&types)
        .map(|(column, wanted)| cast(column, wanted));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let fields = KEY_COLUMNS.into_iter().zip(types);
    let fields = fields.map(|(name, data_type)| Field::new(name, data_type, true));
    let schema = Schema::new(fields.collect::<Vec<_>>());
    Ok(RecordBatch::try_new(Arc::new(schema), columns)?)
}
