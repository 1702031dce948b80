//! A write whose rows have been checked: what does not depend on the state of the lake.

use std::collections::BTreeSet;

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;

use super::Ingest;
use super::batch::TableBatch;
use super::check::{Rejects, check};
use super::keys::{Key, KeySet};
use crate::ingest::rows::{Rows, WriteMode};
use crate::ingest::{IngestError, Reject};

/// The rows of a write, checked and filled.
pub(super) struct Prepared {
    pub(super) messages: TableBatch,
    /// Rows of `conversations`.
    pub(super) given: TableBatch,
    /// Rows of other tables, with their keys.
    pub(super) others: Vec<(TableBatch, Vec<Key>)>,
    pub(super) rejected: Vec<Reject>,
    pub(super) keys: Keys,
}

impl Ingest {
    /// Checks and fills the rows of a write.
    pub(super) fn prepare(&self, rows: &Rows, mode: WriteMode) -> Result<Prepared, IngestError> {
        let mut rejects = Rejects::new(rows, mode);
        let messages = self.checked("messages", rows.messages.as_ref(), mode, &mut rejects)?;
        let given = rows.conversations.as_ref();
        let given = self.checked("conversations", given, mode, &mut rejects)?;
        let mut others = Vec::with_capacity(rows.others.len());
        for (table, batch) in &rows.others {
            let batch = self.checked(table, Some(batch), mode, &mut rejects)?;
            let keys = row_keys(&batch.batch()?, &batch.table.name, &batch.table.key)?;
            others.push((batch, keys));
        }
        Ok(Prepared {
            keys: Keys::of(&given, &messages)?,
            messages,
            given,
            others,
            rejected: rejects.found,
        })
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
                empty = RecordBatch::new_empty(definition.columns.clone());
                &empty
            }
        };
        let mut batch = TableBatch::new(definition, batch)?;
        check(&mut batch, mode, rejects)?;
        Ok(batch)
    }
}

impl Prepared {
    /// Everything of which only one write at a time may touch the same.
    pub(super) fn claimed(&self) -> KeySet {
        let conversations = self.keys.conversations.iter().map(|(_, key)| *key);
        let others = self
            .others
            .iter()
            .flat_map(|(_, keys)| keys.iter().copied());
        conversations.chain(others).collect()
    }
}

/// Keys of a write: of each message with its conversation's, and of all conversations once.
pub(super) struct Keys {
    pub(super) messages: Vec<(Key, Key)>,
    pub(super) conversations: Vec<(String, Key)>,
    /// The conversations with a row of their own.
    pub(super) given: KeySet,
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
        let given = given.texts("conversation_id")?.iter().flatten();
        let given = given.map(&mut add).collect();
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
            given,
        })
    }
}

/// The keys of a table's rows.
pub(super) fn row_keys(
    batch: &RecordBatch,
    table: &str,
    columns: &[String],
) -> Result<Vec<Key>, IngestError> {
    let columns = columns.iter().map(|name| {
        let index = batch.schema().index_of(name)?;
        cast(batch.column(index), &DataType::Utf8)
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let texts: Vec<_> = columns.iter().map(AsArray::as_string::<i32>).collect();
    let key = |row: usize| {
        let parts = texts.iter().map(|column| match column.is_valid(row) {
            true => column.value(row),
            false => "",
        });
        Key::of(&std::iter::once(table).chain(parts).collect::<Vec<_>>())
    };
    Ok((0..batch.num_rows()).map(key).collect())
}

/// The different values of a text column.
pub(super) fn distinct<'b>(
    batch: &'b TableBatch,
    column: &str,
) -> Result<BTreeSet<&'b str>, IngestError> {
    Ok(batch.texts(column)?.iter().flatten().collect())
}
