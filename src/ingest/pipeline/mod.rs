//! The one write path of import, INSERT and COPY.
//!
//! `batch` brings rows into the columns of their table, `check` fills and checks them (`prepared`
//! holds the outcome), `claims` lets one write at a time touch a conversation, `known` (with `keys`)
//! looks up what the lake has of it, `versions` leaves out the messages that are there, `merge`
//! makes the rows of `conversations`, `others` those of the other tables; then messages are
//! numbered, scored and appended with everything else in one step.
//!
//! Within a process claims keep writes from overlapping; between processes the append fails when
//! anything has landed since the look-up, and the write looks again.

mod abandon;
mod batch;
mod check;
mod claims;
mod keys;
mod known;
mod merge;
mod others;
mod prepared;
mod turns;
mod versions;

use std::sync::Arc;

use chrono::Utc;
use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::datatypes::TimestampMicrosecondType;
use datafusion::prelude::{SessionConfig, SessionContext};

use self::abandon::{Commitment, Waiting};
use self::batch::{TableBatch, time_array};
use self::check::Rejects;
use self::claims::Claims;
pub use self::claims::Turn;
use self::keys::{Key, KeyIndex, KeySet, Keyed};
use self::prepared::Prepared;
use super::IngestError;
use super::rows::{Receipt, Rows, WriteMode};
use crate::enrich::{OwnModelStore, record_set, score_messages};
use crate::lake::schema::VERSION_AT;
use crate::lake::{Append, Lake, LakeError};
use verbatim_udfs::model::ModelSet;

/// Adds the score columns to a batch of messages.
pub trait Score: Send + Sync {
    /// The batch with its score columns, as `models` have them.
    ///
    /// # Errors
    /// When a model fails.
    fn score(&self, messages: &RecordBatch, models: &ModelSet) -> Result<RecordBatch, IngestError>;
}

/// The models that are given, and nothing else.
struct Models;

impl Score for Models {
    fn score(&self, messages: &RecordBatch, models: &ModelSet) -> Result<RecordBatch, IngestError> {
        Ok(score_messages(messages, models)?)
    }
}

/// The write path of one lake, shared by all who write.
pub struct Ingest {
    lake: Arc<Lake>,
    score: Arc<dyn Score>,
    models: Arc<OwnModelStore>,
    claims: Arc<Claims>,
    /// Keys of all messages, while an import wants them.
    index: Arc<tokio::sync::Mutex<Option<KeyIndex>>>,
    /// What the look-ups run in: one for all, so that it keeps the footers of the lake's files.
    context: SessionContext,
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
        Ingest::with_score(lake, Arc::new(Models))
    }

    /// The write path of a lake, scoring with `score`.
    pub fn with_score(lake: Arc<Lake>, score: Arc<dyn Score>) -> Arc<Ingest> {
        let mut config = SessionConfig::new();
        // Ids are few among many: decode the other columns where they are only.
        config.options_mut().execution.parquet.pushdown_filters = true;
        Arc::new(Ingest {
            models: Arc::new(OwnModelStore::new(Arc::clone(&lake))),
            lake,
            score,
            claims: Arc::default(),
            index: Arc::default(),
            context: SessionContext::new_with_config(config),
        })
    }

    /// The lake that is written to.
    pub fn lake(&self) -> &Arc<Lake> {
        &self.lake
    }

    /// The models of the lake, which say what new messages are scored with.
    pub fn models(&self) -> &Arc<OwnModelStore> {
        &self.models
    }

    /// Takes the next turn: of writes that touch the same rows, that of the earlier turn is first.
    pub fn turn(&self) -> Turn {
        self.claims.turn()
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
        self.write_in_turn(self.turn(), rows, mode).await
    }

    /// [`Ingest::write`] in a turn that was taken before.
    ///
    /// # Errors
    /// As [`Ingest::write`].
    pub async fn write_in_turn(
        self: &Arc<Self>,
        turn: Turn,
        rows: Rows,
        mode: WriteMode,
    ) -> Result<Receipt, IngestError> {
        // An append that is under way is finished even if nobody waits for it any more: it cannot be
        // called back, and the next write must know of its rows.
        let commitment = Arc::new(Commitment::default());
        let (ingest, own) = (Arc::clone(self), Arc::clone(&commitment));
        let written = async move { ingest.write_all(&turn, &rows, mode, &own).await };
        let written = tokio::spawn(written);
        let task = written.abort_handle();
        let _waiting = Waiting { commitment, task };
        let written = written.await;
        written.map_err(|error| datafusion::error::DataFusionError::External(Box::new(error)))?
    }

    async fn write_all(
        &self,
        turn: &Turn,
        rows: &Rows,
        mode: WriteMode,
        commitment: &Commitment,
    ) -> Result<Receipt, IngestError> {
        let prepared = self.prepare(rows, mode)?;
        turn.claim(prepared.claimed()).await;
        for _ in 0..REDOS {
            let written = self
                .try_write(rows, &prepared, mode, Some(commitment))
                .await;
            if let Err(IngestError::Lake(error)) = &written {
                // Another process wrote, or this one did without knowing: an append whose answer
                // was lost may have landed, or may still.
                if let Some(index) = &mut *self.index.lock().await {
                    index.stale = true;
                }
                if matches!(error, LakeError::Moved { .. }) {
                    continue;
                }
            }
            return written;
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
        self.check_in_turn(self.turn(), rows, mode).await
    }

    /// [`Ingest::check`] in a turn that was taken before.
    ///
    /// # Errors
    /// As [`Ingest::write`].
    pub async fn check_in_turn(
        &self,
        turn: Turn,
        rows: Rows,
        mode: WriteMode,
    ) -> Result<Receipt, IngestError> {
        let prepared = self.prepare(&rows, mode)?;
        turn.claim(prepared.claimed()).await;
        self.try_write(&rows, &prepared, mode, None).await
    }

    /// Frees the memory that a large import has taken.
    pub async fn forget_keys(&self) {
        *self.index.lock().await = None;
    }

    /// One try of a write; without a commitment, of a check that appends nothing.
    async fn try_write(
        &self,
        rows: &Rows,
        prepared: &Prepared,
        mode: WriteMode,
        commitment: Option<&Commitment>,
    ) -> Result<Receipt, IngestError> {
        let really = commitment.is_some();
        let mut rejects = Rejects::new(rows, mode);
        rejects.found.clone_from(&prepared.rejected);
        let mut receipt = Receipt::default();
        let mut append = Append::default();
        let (mut messages, given) = (prepared.messages.clone(), &prepared.given);
        let keys = &prepared.keys;
        let now = Utc::now().timestamp_micros();

        let wanted: KeySet = keys.messages.iter().map(|(key, _)| *key).collect();
        let known = self.look_up(&wanted, &keys.conversations, !really).await?;
        let chosen = versions::choose(&mut messages, &keys.messages, &known, now)?;
        let old_turns = self.turns_of(&chosen, keys, &known).await?;
        receipt.duplicates += chosen.keep.iter().filter(|keep| !**keep).count() as u64;
        messages.keep(&chosen.keep)?;
        let mut kept_keys = kept(&keys.messages, &chosen.keep);

        // A conversation that gets nothing new need not be looked at.
        let touched: KeySet = kept_keys
            .iter()
            .map(|(_, conversation)| *conversation)
            .collect();
        let is_touched =
            |key: &Key| known.may_have(*key) && (touched.contains(key) || keys.given.contains(key));
        let mut old = Vec::new();
        for conversation in &keys.conversations {
            if is_touched(&conversation.1) {
                old.push(conversation);
            }
        }
        let old = self.conversations(&old).await?;
        let conversations = self.lake.table("conversations")?.definition();
        let old = old
            .map(|batch| TableBatch::new(conversations, &batch))
            .transpose()?;
        let pretended = match really {
            true => Keyed::default(),
            false => known.turns.clone(),
        };
        let old = old.as_ref();
        let mut merged = merge::merge(given, &messages, old, &pretended, mode, &mut rejects)?;
        let refused = std::mem::take(&mut merged.refused);
        let sound = std::mem::take(&mut merged.keep);
        messages.keep(&sound)?;
        kept_keys = kept(&kept_keys, &sound);
        merged.group = kept(&merged.group, &sound);
        receipt.new_conversations = merged.new_conversations;
        if messages.len() > 0 {
            for name in ["channel", "account_id", "source_customer_id"] {
                let column = merged.carry(given, &messages, name)?;
                messages.put(name, column)?;
            }
        }
        let next_turns = turns::number(
            &mut messages,
            &merged.group,
            &kept_keys,
            &known.turns,
            old_turns,
        )?;
        // What is merged with what was looked up must not have changed until it is durable.
        let mut depends = messages.len() > 0 || merged.rows.num_rows() > 0;
        for (batch, keys) in &prepared.others {
            let new = self.other(batch, keys, now, &mut receipt).await?;
            depends |= !batch.table.is_versioned() && new.num_rows() > 0;
            push(&mut append, &mut receipt, &batch.table.name, new);
        }
        let versions = accepted(&messages)?;
        if messages.len() > 0 {
            let scored = match really {
                true => self.scored(messages.batch()?).await?,
                false => messages.batch()?,
            };
            push(&mut append, &mut receipt, "messages", scored);
        }
        // As late as can be, so that versions of different writers are in the order of landing.
        let merged = stamped(merged.rows)?;
        push(&mut append, &mut receipt, "conversations", merged);
        receipt.rejected = rejects.found;
        receipt.rejected.sort_by_key(|reject| reject.line);
        if append.tables.is_empty() {
            return Ok(receipt);
        }
        append.messages_unchanged_since = depends.then_some(known.version);
        if let Some(commitment) = commitment {
            if !commitment.begin() {
                return Err(LakeError::Closed.into());
            }
            self.lake.append(append).await?;
        }
        if let Some(index) = &mut *self.index.lock().await {
            for ((message, conversation), (turn, version)) in kept_keys
                .into_iter()
                .zip(next_turns.into_iter().zip(versions))
            {
                index.insert(message, conversation, turn, version);
            }
            for (_, conversation) in &keys.conversations {
                if !refused.contains(conversation) {
                    index.insert_conversation(*conversation);
                }
            }
        }
        Ok(receipt)
    }

    async fn scored(&self, messages: RecordBatch) -> Result<RecordBatch, IngestError> {
        let catalog = self.lake.refresh_catalog().await?;
        let active = self.models.active_or_shipped(&catalog).await?;
        // What a file's scores are from can be looked up before the file is there.
        record_set(&self.lake, active.set()).await?;
        let score = Arc::clone(&self.score);
        let scored =
            tokio::task::spawn_blocking(move || score.score(&messages, active.set())).await;
        scored.map_err(|error| datafusion::error::DataFusionError::External(Box::new(error)))?
    }
}

/// The versions of messages.
fn accepted(messages: &TableBatch) -> Result<Vec<versions::Version>, IngestError> {
    let edited = messages.times("edited_at")?;
    let deleted = messages.column("is_deleted")?.as_boolean();
    let rows = 0..messages.len();
    Ok(rows
        .map(|row| versions::Version::of(edited, deleted, row))
        .collect())
}

/// Rows with the time of their version as late as now.
fn stamped(rows: RecordBatch) -> Result<RecordBatch, IngestError> {
    let schema = rows.schema();
    let index = schema.index_of(VERSION_AT)?;
    let now = Utc::now().timestamp_micros();
    let versions = rows
        .column(index)
        .as_primitive::<TimestampMicrosecondType>();
    let versions = versions
        .iter()
        .map(|at| Some(at.map_or(now, |at| at.max(now))));
    let mut columns = rows.columns().to_vec();
    columns[index] = time_array(versions.collect());
    Ok(RecordBatch::try_new(schema, columns)?)
}

fn kept<T: Copy>(items: &[T], keep: &[bool]) -> Vec<T> {
    let items = items.iter().zip(keep);
    items
        .filter_map(|(item, keep)| keep.then_some(*item))
        .collect()
}

fn push(append: &mut Append, receipt: &mut Receipt, table: &str, batch: RecordBatch) {
    if batch.num_rows() > 0 {
        *receipt.inserted.entry(table.to_string()).or_default() += batch.num_rows() as u64;
        append.tables.push((table.to_string(), batch));
    }
}
