//! Rows of the tables beside messages and conversations.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use datafusion::arrow::array::{Array, RecordBatch};
use datafusion::logical_expr::{col, lit};

use super::Ingest;
use super::batch::{TableBatch, time_array};
use super::keys::{AsIs, Key, KeySet};
use super::prepared::{distinct, row_keys};
use crate::ingest::IngestError;
use crate::ingest::rows::Receipt;
use crate::lake::schema::{INGESTED_AT, VERSION_AT};

/// Values of a key that are looked up at once.
const SLICE: usize = 4096;

impl Ingest {
    /// The rows of a table that go in. Where rows have no versions, those whose key is there
    /// already are left out.
    pub(super) async fn other(
        &self,
        batch: &TableBatch,
        keys: &[Key],
        now: i64,
        receipt: &mut Receipt,
    ) -> Result<RecordBatch, IngestError> {
        let mut batch = batch.clone();
        if batch.len() == 0 {
            return batch.batch();
        }
        if batch.has(INGESTED_AT) {
            batch.put(INGESTED_AT, time_array(vec![Some(now); batch.len()]))?;
        }
        if batch.table.is_versioned() {
            order_versions(&mut batch, keys, now)?;
            return batch.batch();
        }
        let mut there = self.keys_there(&batch).await?;
        let fresh: Vec<bool> = keys.iter().map(|key| there.insert(*key)).collect();
        receipt.duplicates += fresh.iter().filter(|fresh| !**fresh).count() as u64;
        batch.keep(&fresh)?;
        batch.batch()
    }

    /// The keys in the lake that begin as one of the batch does.
    async fn keys_there(&self, batch: &TableBatch) -> Result<KeySet, IngestError> {
        let table = self.lake.table(&batch.table.name)?;
        let mut there = KeySet::default();
        let Some(first) = table.key_columns().first() else {
            return Ok(there);
        };
        if table.snapshot().await?.records() == 0 {
            return Ok(there);
        }
        let names: Vec<&str> = table.key_columns().iter().map(String::as_str).collect();
        let wanted: Vec<_> = distinct(batch, first)?.into_iter().map(lit).collect();
        for wanted in wanted.chunks(SLICE) {
            let rows = self
                .context
                .read_table(table.provider())?
                .filter(col(first).in_list(wanted.to_vec(), false))?
                .select_columns(&names)?;
            for rows in rows.collect().await? {
                there.extend(row_keys(&rows, table.name(), table.key_columns())?);
            }
        }
        Ok(there)
    }
}

/// Versions of one row that come together without a time are in the order in which they come.
fn order_versions(batch: &mut TableBatch, keys: &[Key], now: i64) -> Result<(), IngestError> {
    let given = batch.times(VERSION_AT)?;
    let mut seen: HashMap<Key, i64, BuildHasherDefault<AsIs>> = HashMap::default();
    let times = keys.iter().enumerate().map(|(row, key)| {
        let count = seen.entry(*key).or_insert(-1);
        *count += 1;
        Some(match given.is_valid(row) {
            true => given.value(row),
            false => now + *count,
        })
    });
    let times: Vec<_> = times.collect();
    if seen.values().any(|count| *count > 0) {
        batch.put(VERSION_AT, time_array(times))?;
    }
    Ok(())
}
