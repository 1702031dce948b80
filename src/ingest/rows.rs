//! What goes into the write path and what comes back.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;

use super::error::Reject;

/// Rows on their way into the lake: batches with columns named as the tables name them. Columns
/// may be missing.
#[derive(Debug, Default, Clone)]
pub struct Rows {
    /// Rows of `conversations`; those that are there already get a new version where they differ.
    pub conversations: Option<RecordBatch>,
    /// Rows of `messages`; conversations that are nowhere yet are created from them.
    pub messages: Option<RecordBatch>,
    /// Rows of other tables.
    pub others: Vec<(String, RecordBatch)>,
    /// Where the rows come from, for rejects.
    pub origin: Option<Origin>,
}

/// The file that rows come from, and the line of each.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The file as the user named it.
    pub file: Arc<str>,
    /// Line of each row of `conversations`.
    pub conversations: Vec<u64>,
    /// Line of each row of `messages`.
    pub messages: Vec<u64>,
    /// Line of each row of the first of `others`.
    pub others: Vec<u64>,
}

impl Rows {
    /// Rows of one table.
    pub fn of(table: &str, batch: RecordBatch) -> Rows {
        let mut rows = Rows::default();
        match table {
            "conversations" => rows.conversations = Some(batch),
            "messages" => rows.messages = Some(batch),
            other => rows.others.push((other.to_string(), batch)),
        }
        rows
    }

    /// Where a row of a table comes from; its number, from 1, where nothing is known.
    pub(crate) fn place(&self, table: &str, row: usize) -> (String, u64) {
        let Some(origin) = &self.origin else {
            return (String::new(), row as u64 + 1);
        };
        let lines = match table {
            "conversations" => &origin.conversations,
            "messages" => &origin.messages,
            _ => &origin.others,
        };
        (
            origin.file.to_string(),
            lines.get(row).copied().unwrap_or(row as u64 + 1),
        )
    }
}

/// How strict a write is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
    /// An import: bad rows are rejected one by one and reported, the others go in. Ids of
    /// conversations are put behind their source where they are not yet.
    Import {
        /// Times before this one, in microseconds since 1970, are rejected.
        earliest: i64,
        /// Times after this one are rejected; `None`: a day from now.
        latest: Option<i64>,
    },
    /// An INSERT or a COPY: one bad row fails the statement and none goes in. Ids stay as they
    /// were given; a source and a channel that are missing are filled in.
    Statement,
}

/// Midnight of 1990-01-01, before which no customer conversation was recorded with a right clock.
pub const EARLIEST: i64 = 631_152_000_000_000;

impl WriteMode {
    /// An import with the usual bounds for times.
    pub fn import() -> WriteMode {
        WriteMode::Import {
            earliest: EARLIEST,
            latest: None,
        }
    }
}

/// What a write did. All of it is durable.
#[derive(Debug, Default, Clone)]
pub struct Receipt {
    /// Rows added, by table; new versions count.
    pub inserted: BTreeMap<String, u64>,
    /// Rows left out because their key was there already.
    pub duplicates: u64,
    /// Rows left out because they are bad; always empty for a statement.
    pub rejected: Vec<Reject>,
    /// Conversations that did not exist before.
    pub new_conversations: u64,
}

impl Receipt {
    /// Rows added to a table.
    pub fn inserted(&self, table: &str) -> u64 {
        self.inserted.get(table).copied().unwrap_or(0)
    }
}
