//! Invented rows.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::{SessionConfig, SessionContext};
use verbatim::lake::{Append, Lake, SnapshotPins};

pub const DAY: i64 = 86_400_000_000;
pub const START: i64 = 1_750_000_000_000_000;

pub fn times(values: Vec<i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
}

pub fn texts<S: AsRef<str>>(values: impl IntoIterator<Item = S>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

pub fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

/// `count` messages of one conversation, an hour apart, customer and agent in turn.
pub fn messages(conversation: &str, first: usize, count: usize) -> RecordBatch {
    let turns = first..first + count;
    batch(vec![
        (
            "conversation_id",
            texts(turns.clone().map(|_| conversation)),
        ),
        (
            "message_id",
            texts(turns.clone().map(|turn| format!("m{turn}"))),
        ),
        ("source", texts(turns.clone().map(|_| "test"))),
        (
            "role",
            texts(turns.clone().map(|turn| ["customer", "agent"][turn % 2])),
        ),
        (
            "sent_at",
            times(
                turns
                    .clone()
                    .map(|turn| START + turn as i64 * DAY / 24)
                    .collect(),
            ),
        ),
        (
            "text",
            texts(turns.clone().map(|turn| format!("words of turn {turn}"))),
        ),
        (
            "is_private",
            Arc::new(BooleanArray::from(vec![false; count])),
        ),
    ])
}

/// One version of a conversation.
pub fn conversation(id: &str, status: &str, version_at: i64) -> RecordBatch {
    batch(vec![
        ("conversation_id", texts([id])),
        ("source", texts(["test"])),
        ("channel", texts(["chat"])),
        ("started_at", times(vec![START])),
        ("status", texts([status])),
        ("version_at", times(vec![version_at])),
    ])
}

/// The rows with one column set.
fn with(rows: &RecordBatch, name: &str, values: ArrayRef) -> RecordBatch {
    let schema = rows.schema();
    let fields = schema.fields().iter().map(|field| field.name().as_str());
    let mut columns: Vec<(&str, ArrayRef)> = fields
        .zip(rows.columns().iter().cloned())
        .filter(|(field, _)| *field != name)
        .collect();
    columns.push((name, values));
    batch(columns)
}

/// The version of the rows with which they are gone.
pub fn deleted(rows: RecordBatch) -> RecordBatch {
    let flags = BooleanArray::from(vec![true; rows.num_rows()]);
    with(&rows, "is_deleted", Arc::new(flags))
}

/// A later version of a message.
pub fn edited(message: RecordBatch, text: &str) -> RecordBatch {
    let message = with(&message, "text", texts([text]));
    with(&message, "edited_at", times(vec![START + DAY]))
}

pub fn append(tables: Vec<(&str, RecordBatch)>) -> Append {
    let tables = tables
        .into_iter()
        .map(|(name, rows)| (name.to_string(), rows))
        .collect();
    Append {
        tables,
        ..Append::default()
    }
}

/// A session with the lake's tables.
pub fn session(lake: &Lake) -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(3);
    let session = SessionContext::new_with_config(config);
    for table in lake.tables() {
        session
            .register_table(table.name(), table.provider())
            .unwrap();
    }
    session
}

/// A session whose statements all see the snapshots that the first one pinned.
pub fn pinned(lake: &Lake) -> SessionContext {
    let config = SessionConfig::new().with_extension(Arc::new(SnapshotPins::default()));
    let session = SessionContext::new_with_config(config);
    for table in lake.tables() {
        session
            .register_table(table.name(), table.provider())
            .unwrap();
    }
    session
}

/// A query's answer, one line a row, cells separated by `|`.
pub async fn query(lake: &Lake, sql: &str) -> Vec<String> {
    ask(&session(lake), sql).await
}

pub async fn ask(session: &SessionContext, sql: &str) -> Vec<String> {
    let batches = session.sql(sql).await.unwrap().collect().await.unwrap();
    let table = pretty_format_batches(&batches).unwrap().to_string();
    table
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            cells.join("|")
        })
        .collect()
}

pub async fn number(lake: &Lake, sql: &str) -> i64 {
    query(lake, sql).await[0].parse().unwrap()
}
