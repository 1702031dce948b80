//! The one write path of import, INSERT and COPY.
//!
//! `batch` brings rows into the columns of their table, `check` fills and checks them, `claims`
//! lets one write at a time touch a conversation, `known` (with `keys`) looks up what the lake has
//! of it, `merge` makes the rows of `conversations`; then messages are numbered, scored and
//! appended with everything else in one step.

mod batch;
mod check;
mod claims;
mod keys;
mod known;
mod merge;
mod turns;

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::logical_expr::{col, lit};
use datafusion::prelude::SessionContext;

use self::batch::TableBatch;
use self::check::{Rejects, check};
use verbatim_udfs::model::ModelSet;

use self::claims::Claims;
use self::keys::{Key, KeyIndex, KeySet, Keyed};
use super::IngestError;
use super::rows::{Receipt, Rows, WriteMode};
use crate::enrich::{record_set, score_messages};
use crate::lake::{Append, Lake, LakeError};

/// Adds the score columns to a batch of messages.
pub trait Score: Send + Sync {
    /// The batch with its score columns.
    ///
    /// # Errors
    /// When a model fails.
    fn score(&self, messages: &RecordBatch) -> Result<RecordBatch, IngestError>;
}

/// The models of this program.
struct Shipped;

impl Score for Shipped {
    fn score(&self, messages: &RecordBatch) -> Result<RecordBatch, IngestError> {
        Ok(score_messages(messages, ModelSet::shipped())?)
    }
}

/// The write path of one lake, shared by all who write.
pub struct Ingest {
    lake: Arc<Lake>,
    score: Arc<dyn Score>,
    claims: Arc<Claims>,
    /// Keys of all messages, while an import wants them.
    index: tokio::sync::Mutex<Option<KeyIndex>>,
}

impl std::fmt::Debug for Ingest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ingest").finish_non_exhaustive()
    }
}

/// How often a write looks again after another process has written in between.
const REDOS: usize = 100;

impl Ingest {
    /// The write path of a lake.
    pub fn new(lake: Arc<Lake>) -> Arc<Ingest> {
        Ingest::with_score(lake, Arc::new(Shipped))
    }

    /// The write path of a lake, scoring with `score`.
    pub fn with_score(lake: Arc<Lake>, score: Arc<dyn Score>) -> Arc<Ingest> {
        let (claims, index) = (Arc::default(), tokio::sync::Mutex::new(None));
        Arc::new(Ingest {
            lake,
            score,
            claims,
            index,
        })
    }

    /// The lake that is written to.
    pub fn lake(&self) -> &Arc<Lake> {
        &self.lake
    }

    /// Validates, fills, drops what is there already, scores and appends rows. They are durable
    /// when this returns; nothing of a write that failed is visible.
    ///
    /// # Errors
    /// A bad row of a statement, a column that may not be written, or a lake that cannot be
    /// written. The bad rows of an import are in the receipt.
    pub async fn write(
        self: &Arc<Self>,
        rows: Rows,
        mode: WriteMode,
    ) -> Result<Receipt, IngestError> {
        // A write that has begun is finished even if nobody waits for it any more: an append that
        // is under way cannot be called back, and the next write must know of its rows.
        let ingest = Arc::clone(self);
        let written = tokio::spawn(async move { ingest.write_all(&rows, mode).await }).await;
        written.map_err(|error| datafusion::error::DataFusionError::External(Box::new(error)))?
    }

    async fn write_all(&self, rows: &Rows, mode: WriteMode) -> Result<Receipt, IngestError> {
        for _ in 0..REDOS {
            match self.try_write(rows, mode, true).await {
                Err(IngestError::Lake(LakeError::Moved { .. })) => {
                    // Another process wrote, and the lake has read what: look again.
                    if let Some(index) = &mut *self.index.lock().await {
                        index.stale = true;
                    }
                }
                other => return other,
            }
        }
        Err(IngestError::Lake(LakeError::Contention {
            table: "messages".into(),
            attempts: REDOS,
        }))
    }

    /// What [`Ingest::write`] would do, without writing. Rows that were checked count as there for
    /// the checks after them, until [`Ingest::forget_keys`].
    ///
    /// # Errors
    /// As [`Ingest::write`].
    pub async fn check(&self, rows: Rows, mode: WriteMode) -> Result<Receipt, IngestError> {
        self.try_write(&rows, mode, false).await
    }

    /// Frees the memory that a large import has taken.
    pub async fn forget_keys(&self) {
        *self.index.lock().await = None;
    }

    async fn try_write(
        &self,
        rows: &Rows,
        mode: WriteMode,
        really: bool,
    ) -> Result<Receipt, IngestError> {
        let mut rejects = Rejects::new(rows, mode);
        let mut receipt = Receipt::default();
        let mut append = Append::default();
        let mut messages = self.checked("messages", rows.messages.as_ref(), mode, &mut rejects)?;
        let given = self.checked(
            "conversations",
            rows.conversations.as_ref(),
            mode,
            &mut rejects,
        )?;

        let keys = Keys::of(&given, &messages)?;
        let claim = keys.conversations.iter().map(|(_, key)| *key).collect();
        let _claim = self.claims.claim(claim).await;
        let wanted: KeySet = keys.messages.iter().map(|(key, _)| *key).collect();
        let known = self.look_up(&wanted, &keys.conversations, !really).await?;
        let mut seen = KeySet::default();
        let fresh: Vec<bool> = keys
            .messages
            .iter()
            .map(|(key, _)| !known.messages.contains(key) && seen.insert(*key))
            .collect();
        receipt.duplicates += fresh.iter().filter(|fresh| !**fresh).count() as u64;
        messages.keep(&fresh)?;
        let keys_of_conversations = keys.conversations;
        let mut keys = kept(keys.messages, &fresh);

        let conversations = self.lake.table("conversations")?.definition();
        let old = known.conversations.as_ref();
        let old = old
            .map(|batch| TableBatch::new(conversations, batch))
            .transpose()?;
        let pretended = match really {
            true => Keyed::default(),
            false => known.turns.clone(),
        };
        let old = old.as_ref();
        let mut merged = merge::merge(&given, &messages, old, &pretended, mode, &mut rejects)?;
        let refused = std::mem::take(&mut merged.refused);
        let sound = std::mem::take(&mut merged.keep);
        messages.keep(&sound)?;
        keys = kept(keys, &sound);
        merged.group = kept(merged.group, &sound);
        receipt.new_conversations = merged.new_conversations;
        if messages.len() > 0 {
            for name in ["channel", "account_id", "source_customer_id"] {
                let column = merged.carry(&given, &messages, name)?;
                messages.put(name, column)?;
            }
        }
        let next_turns = turns::number(&mut messages, &merged.group, &keys, &known.turns)?;
        push(&mut append, &mut receipt, "conversations", merged.rows);
        for (table, batch) in &rows.others {
            let batch = self
                .other(table, batch, mode, &mut rejects, &mut receipt)
                .await?;
            push(&mut append, &mut receipt, table, batch);
        }
        if messages.len() > 0 {
            let scored = match really {
                true => self.scored(messages.batch()?).await?,
                false => messages.batch()?,
            };
            push(&mut append, &mut receipt, "messages", scored);
        }
        receipt.rejected = rejects.found;
        receipt.rejected.sort_by_key(|reject| reject.line);
        if append.tables.is_empty() {
            return Ok(receipt);
        }
        if !keys.is_empty() {
            append.messages_unchanged_since = Some(known.version);
        }
        if really {
            self.lake.append(append).await?;
        }
        if let Some(index) = &mut *self.index.lock().await {
            for ((message, conversation), turn) in keys.into_iter().zip(next_turns) {
                index.insert(message, conversation, turn);
            }
            for (_, conversation) in &keys_of_conversations {
                if !refused.contains(conversation) {
                    index.insert_conversation(*conversation);
                }
            }
        }
        Ok(receipt)
    }

    fn checked(
        &self,
        table: &str,
        batch: Option<&RecordBatch>,
        mode: WriteMode,
        rejects: &mut Rejects<'_>,
    ) -> Result<TableBatch, IngestError> {
        let definition = self.lake.table(table)?.definition();
        let empty;
        let batch = match batch {
            Some(batch) => batch,
            None => {
                empty = RecordBatch::new_empty(Arc::clone(&definition.columns));
                &empty
            }
        };
        let mut batch = TableBatch::new(definition, batch)?;
        check(&mut batch, mode, rejects)?;
        Ok(batch)
    }

    /// Rows of a table other than messages and conversations. Where rows have no versions, those
    /// whose key is there already are left out.
    async fn other(
        &self,
        name: &str,
        batch: &RecordBatch,
        mode: WriteMode,
        rejects: &mut Rejects<'_>,
        receipt: &mut Receipt,
    ) -> Result<RecordBatch, IngestError> {
        let mut batch = self.checked(name, Some(batch), mode, rejects)?;
        let table = self.lake.table(name)?;
        let key_columns = table.key_columns();
        if table.definition().is_versioned() || key_columns.is_empty() || batch.len() == 0 {
            return batch.batch();
        }
        let keys = row_keys(&batch.batch()?, key_columns)?;
        let mut there = KeySet::default();
        if table.snapshot().await?.records() > 0 {
            let first = batch.texts(&key_columns[0])?;
            let firsts: std::collections::BTreeSet<&str> = first.iter().flatten().collect();
            let wanted = firsts.into_iter().map(lit).collect();
            let names: Vec<&str> = key_columns.iter().map(String::as_str).collect();
            let rows = SessionContext::new()
                .read_table(table.provider())?
                .filter(col(&key_columns[0]).in_list(wanted, false))?
                .select_columns(&names)?;
            for rows in rows.collect().await? {
                there.extend(row_keys(&rows, key_columns)?);
            }
        }
        let fresh: Vec<bool> = keys.into_iter().map(|key| there.insert(key)).collect();
        receipt.duplicates += fresh.iter().filter(|fresh| !**fresh).count() as u64;
        batch.keep(&fresh)?;
        batch.batch()
    }

    async fn scored(&self, messages: RecordBatch) -> Result<RecordBatch, IngestError> {
        // What a file's scores are from can be looked up before the file is there.
        record_set(&self.lake, ModelSet::shipped()).await?;
        let score = Arc::clone(&self.score);
        let scored = tokio::task::spawn_blocking(move || score.score(&messages)).await;
        scored.map_err(|error| datafusion::error::DataFusionError::External(Box::new(error)))?
    }
}

/// Keys of a write: of each message with its conversation's, and of all conversations once.
struct Keys {
    messages: Vec<(Key, Key)>,
    conversations: Vec<(String, Key)>,
}

impl Keys {
    fn of(given: &TableBatch, messages: &TableBatch) -> Result<Keys, IngestError> {
        let mut seen = KeySet::default();
        let mut conversations = Vec::new();
        let mut add = |id: &str| {
            let key = Key::of(&[id]);
            if seen.insert(key) {
                conversations.push((id.to_string(), key));
            }
            key
        };
        given
            .texts("conversation_id")?
            .iter()
            .flatten()
            .for_each(|id| {
                add(id);
            });
        let ids = messages.texts("conversation_id")?.iter();
        let ids = ids.zip(messages.texts("message_id")?.iter());
        let messages = ids.map(|(conversation, message)| {
            let conversation = conversation.unwrap_or_default();
            let key = Key::of(&[conversation, message.unwrap_or_default()]);
            (key, add(conversation))
        });
        let messages = messages.collect();
        Ok(Keys {
            messages,
            conversations,
        })
    }
}

fn row_keys(batch: &RecordBatch, columns: &[String]) -> Result<Vec<Key>, IngestError> {
    let columns = columns.iter().map(|name| {
        let index = batch.schema().index_of(name)?;
        cast(
            batch.column(index),
            &datafusion::arrow::datatypes::DataType::Utf8,
        )
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let texts: Vec<_> = columns.iter().map(AsArray::as_string::<i32>).collect();
    let key = |row: usize| {
        let parts = texts.iter().map(|column| match column.is_valid(row) {
            true => column.value(row),
            false => "",
        });
        Key::of(&parts.collect::<Vec<_>>())
    };
    Ok((0..batch.num_rows()).map(key).collect())
}

fn kept<T>(items: Vec<T>, keep: &[bool]) -> Vec<T> {
    items
        .into_iter()
        .zip(keep)
        .filter_map(|(item, keep)| keep.then_some(item))
        .collect()
}

fn push(append: &mut Append, receipt: &mut Receipt, table: &str, batch: RecordBatch) {
    if batch.num_rows() > 0 {
        *receipt.inserted.entry(table.to_string()).or_default() += batch.num_rows() as u64;
        append.tables.push((table.to_string(), batch));
    }
}
