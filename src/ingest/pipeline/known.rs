//! What the lake knows already about the conversations of a write.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::compute::{cast, concat_batches};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{col, lit};
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::{DataFrame, SessionContext};
use futures::TryStreamExt;

use super::Ingest;
use super::keys::{Key, KeyIndex, KeySet, Keyed};
use crate::ingest::IngestError;
use crate::lake::{LakeTable, SnapshotPins};

/// A write with more conversations than this looks its keys up in the index.
const LOOK_UP: usize = 64;
/// A lake with more messages than this gets no index: it would take more than a gigabyte.
const INDEXED: u64 = 64_000_000;

/// The lake's state as one write sees it.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Version of `messages` that was looked at.
    pub(super) version: i64,
    /// Keys of the write's messages that are there.
    pub(super) messages: KeySet,
    /// Number of the next turn of the write's conversations that are there.
    pub(super) turns: Keyed<i32>,
    /// Rows of `conversations` that are there, in that table's schema.
    pub(super) conversations: Option<RecordBatch>,
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
            self.look_up_in_index(messages, conversations, &mut known)
                .await?;
            // The index knows which conversations there are at all.
            let there = conversations
                .iter()
                .filter(|(_, key)| known.turns.contains_key(key));
            known.conversations = self
                .conversations(&there.cloned().collect::<Vec<_>>())
                .await?;
            return Ok(known);
        }
        if !messages.is_empty() && snapshot.records() > 0 {
            let context = context();
            let found = key_columns(&context, table)?;
            let found = match conversations.len() <= LOOK_UP {
                true => found.filter(is_one_of("conversation_id", conversations))?,
                false => found,
            };
            let mut index = KeyIndex::default();
            let mut stream = found.execute_stream().await?;
            let wanted: KeySet = conversations.iter().map(|(_, key)| *key).collect();
            while let Some(batch) = stream.try_next().await? {
                index.add(&plain(&batch)?, Some(&wanted));
            }
            known.messages = messages
                .iter()
                .copied()
                .filter(|key| index.contains(*key))
                .collect();
            known.turns = turns(&index, conversations);
        }
        known.conversations = self.conversations(conversations).await?;
        Ok(known)
    }

    async fn look_up_in_index(
        &self,
        messages: &KeySet,
        conversations: &[(String, Key)],
        known: &mut Known,
    ) -> Result<(), IngestError> {
        let mut shared = self.index.lock().await;
        // Taken out while it is read: one that was read in part must not be used.
        let mut index = shared.take().unwrap_or_default();
        if index.stale {
            self.catch_up(&mut index).await?;
        }
        known.version = index.version;
        known.messages = messages
            .iter()
            .copied()
            .filter(|key| index.contains(*key))
            .collect();
        known.turns = turns(&index, conversations);
        *shared = Some(index);
        Ok(())
    }

    /// Reads the keys in the files that the index has not seen.
    async fn catch_up(&self, index: &mut KeyIndex) -> Result<(), IngestError> {
        let messages = self.lake.table("messages")?;
        let pins = SnapshotPins::default();
        let version = pins.pin(messages).await?.version();
        let mut stream = unseen(&pins, messages, &KEY_COLUMNS, &mut index.files).await?;
        while let Some(batch) = stream.try_next().await? {
            index.add(&plain(&batch)?, None);
        }
        let conversations = self.lake.table("conversations")?;
        let mut stream = unseen(&pins, conversations, &KEY_COLUMNS[..1], &mut index.files).await?;
        while let Some(batch) = stream.try_next().await? {
            let ids = cast(batch.column(0), &DataType::Utf8)?;
            for id in ids.as_string::<i32>().iter().flatten() {
                index.insert_conversation(Key::of(&[id]));
            }
        }
        (index.version, index.stale) = (version, false);
        tracing::debug!(keys = index.len(), version, "read the keys of the messages");
        Ok(())
    }

    async fn conversations(
        &self,
        wanted: &[(String, Key)],
    ) -> Result<Option<RecordBatch>, IngestError> {
        let table = self.lake.table("conversations")?;
        if wanted.is_empty() || table.snapshot().await?.records() == 0 {
            return Ok(None);
        }
        let rows = context()
            .read_table(table.provider())?
            .filter(is_one_of("conversation_id", wanted))?;
        let rows = rows.collect().await?;
        let Some(first) = rows.first() else {
            return Ok(None);
        };
        let rows = concat_batches(&first.schema(), &rows)?;
        Ok((rows.num_rows() > 0).then_some(rows))
    }
}

fn context() -> SessionContext {
    SessionContext::new()
}

const KEY_COLUMNS: [&str; 3] = ["conversation_id", "message_id", "turn_index"];

/// Columns of the files of a table that are not in `seen`; then they are.
async fn unseen(
    pins: &SnapshotPins,
    table: &Arc<LakeTable>,
    columns: &[&str],
    seen: &mut HashSet<String>,
) -> Result<SendableRecordBatchStream, IngestError> {
    let snapshot = pins.pin(table).await?;
    let files = snapshot
        .files()
        .iter()
        .filter(|file| seen.insert(file.path.clone()));
    let files: Vec<_> = files.cloned().collect();
    let schema = table.schema();
    let columns = columns.iter().map(|name| schema.index_of(name));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let context = context();
    let plan = table.scan_files(&context.state(), &files, Some(&columns), &[], None)?;
    Ok(execute_stream(plan, context.task_ctx())?)
}

fn key_columns(context: &SessionContext, table: &Arc<LakeTable>) -> Result<DataFrame, IngestError> {
    let columns = ["conversation_id", "message_id", "turn_index"];
    Ok(context
        .read_table(table.provider())?
        .select_columns(&columns)?)
}

fn is_one_of(column: &str, wanted: &[(String, Key)]) -> datafusion::logical_expr::Expr {
    col(column).in_list(
        wanted.iter().map(|(id, _)| lit(id.as_str())).collect(),
        false,
    )
}

fn turns(index: &KeyIndex, conversations: &[(String, Key)]) -> Keyed<i32> {
    let found = conversations
        .iter()
        .filter_map(|(_, key)| Some((*key, index.next_turn(*key)?)));
    found.collect()
}

/// The key columns with plain strings: scans may give views or dictionaries.
fn plain(batch: &RecordBatch) -> Result<RecordBatch, IngestError> {
    let types = [DataType::Utf8, DataType::Utf8, DataType::Int32];
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
