//! Fills what a row leaves open and says what is wrong with it.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::Utc;
use datafusion::arrow::array::{Array, BooleanArray, StringArray, StringBuilder};
use datafusion::arrow::compute::is_not_null;
use datafusion::arrow::datatypes::DataType;

use super::batch::{TableBatch, time_array};
use crate::ingest::columns::shorten;
use crate::ingest::rows::{EARLIEST, Rows, WriteMode};
use crate::ingest::time::show;
use crate::ingest::values::{CHANNELS, RESOLVERS, ROLES, STATUSES};
use crate::ingest::{IngestError, Reject};
use crate::lake::schema::SQL_TYPE;

/// Microseconds that a clock may be ahead of ours.
const AHEAD: i64 = 86_400_000_000;
/// Source of rows that a statement gives without one.
const STATEMENT_SOURCE: &str = "sql";
/// No id needs more; an index on it, or a log line with it, should stay readable.
const LONGEST_ID: usize = 1024;

/// Rows that were found wrong. A statement stops at the first.
pub(super) struct Rejects<'r> {
    rows: &'r Rows,
    mode: WriteMode,
    pub(super) found: Vec<Reject>,
}

impl<'r> Rejects<'r> {
    pub(super) fn new(rows: &'r Rows, mode: WriteMode) -> Self {
        Rejects {
            rows,
            mode,
            found: Vec::new(),
        }
    }

    pub(super) fn add(
        &mut self,
        table: &str,
        number: usize,
        field: &str,
        reason: String,
    ) -> Result<(), IngestError> {
        let (file, line) = self.rows.place(table, number);
        let reject = Reject {
            file,
            line,
            field: field.to_string(),
            reason,
        };
        match self.mode {
            WriteMode::Statement => Err(IngestError::Invalid(reject)),
            WriteMode::Import { .. } => {
                self.found.push(reject);
                Ok(())
            }
        }
    }
}

/// The columns of a table whose values are of a fixed set.
fn enumerations(table: &str) -> &'static [(&'static str, &'static [&'static str])] {
    match table {
        "messages" => &[("role", &ROLES), ("channel", &CHANNELS)],
        "conversations" => &[
            ("channel", &CHANNELS),
            ("status", &STATUSES),
            ("resolved_by", &RESOLVERS),
        ],
        _ => &[],
    }
}

/// Whether a column must be filled by the one who writes; the others are filled here or later.
fn is_required(table: &str, column: &str) -> bool {
    let later = match table {
        "conversations" => &["started_at", "channel"][..],
        "messages" => &["is_private"],
        _ => &["annotation_id", "event_id"],
    };
    !later.contains(&column) && column != "version_at"
}

/// Fills and checks the rows of one table; the bad ones are taken out.
///
/// # Errors
/// The first bad row of a statement.
pub(super) fn check(
    batch: &mut TableBatch,
    mode: WriteMode,
    rejects: &mut Rejects<'_>,
) -> Result<(), IngestError> {
    let table = Arc::clone(&batch.table);
    if matches!(table.name.as_str(), "messages" | "conversations" | "events") {
        fill_identity(batch, mode)?;
    }
    fill_defaults(batch, mode)?;
    let mut keep = vec![true; batch.len()];
    let mut refuse = |keep: &mut [bool], row: usize, field: &str, reason: String| {
        if std::mem::replace(&mut keep[row], false) {
            return rejects.add(&table.name, batch.numbers[row], field, reason);
        }
        Ok(())
    };
    for field in table.columns.fields() {
        let name = field.name().as_str();
        if field.is_nullable() || !is_required(&table.name, name) || !batch.has(name) {
            continue;
        }
        let column = batch.column(name)?;
        for row in (0..column.len()).filter(|row| column.is_null(*row)) {
            refuse(&mut keep, row, name, "is required and missing".into())?;
        }
    }
    for name in &table.key {
        if let Ok(ids) = batch.texts(name) {
            for (row, id) in ids.iter().enumerate() {
                let length = id.map_or(0, str::len);
                if length > LONGEST_ID {
                    let reason = format!("has {length} bytes; an id may have {LONGEST_ID}");
                    refuse(&mut keep, row, name, reason)?;
                }
            }
        }
    }
    for (name, values) in enumerations(&table.name) {
        for (row, value) in batch.texts(name)?.iter().enumerate() {
            if let Some(value) = value.filter(|value| !values.contains(value)) {
                let reason = format!("\"{}\" is none of {}", shorten(value), values.join(", "));
                refuse(&mut keep, row, name, reason)?;
            }
        }
    }
    let (earliest, latest) = match mode {
        WriteMode::Import { earliest, latest } => (earliest, latest),
        WriteMode::Statement => (EARLIEST, None),
    };
    let latest = latest.unwrap_or_else(|| Utc::now().timestamp_micros() + AHEAD);
    for field in table.columns.fields() {
        let name = field.name().as_str();
        let future = matches!(name, "retention_expires_at" | "renewal_at");
        if !matches!(field.data_type(), DataType::Timestamp(..)) || future || !batch.has(name) {
            continue;
        }
        for (row, time) in batch.times(name)?.iter().enumerate() {
            let Some(time) = time else { continue };
            if time < earliest || time > latest {
                let when = if time < earliest { "before" } else { "after" };
                let bound = show(if time < earliest { earliest } else { latest });
                let reason = format!("{} is {when} {bound}, which cannot be right", show(time));
                refuse(&mut keep, row, name, reason)?;
            }
        }
    }
    for field in table.columns.fields() {
        let name = field.name().as_str();
        let json = field
            .metadata()
            .get(SQL_TYPE)
            .is_some_and(|sql| sql == "jsonb");
        if !json || !batch.has(name) {
            continue;
        }
        for (row, text) in batch.texts(name)?.iter().enumerate() {
            let bad =
                text.and_then(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).err());
            if let Some(error) = bad {
                refuse(&mut keep, row, name, format!("is not JSON: {error}"))?;
            }
        }
    }
    batch.keep(&keep)
}

/// `source`, `conversation_id` and `source_conversation_id` from each other.
fn fill_identity(batch: &mut TableBatch, mode: WriteMode) -> Result<(), IngestError> {
    let (ids, sources) = (batch.texts("conversation_id")?, batch.texts("source")?);
    let natives = batch.texts("source_conversation_id")?;
    let is_whole = |row: usize| {
        let rest = ids.value(row).strip_prefix(sources.value(row));
        rest.is_some_and(|rest| rest.starts_with(':'))
    };
    let nulls = ids.null_count() + sources.null_count() + natives.null_count();
    if nulls == 0 && (0..batch.len()).all(is_whole) {
        return Ok(());
    }
    let (mut id, mut source, mut native) = (
        StringBuilder::new(),
        StringBuilder::new(),
        StringBuilder::new(),
    );
    for row in 0..batch.len() {
        let given =
            |column: &StringArray| column.is_valid(row).then(|| column.value(row).to_string());
        let (row_id, row_native) = (given(ids), given(natives));
        let row_source = given(sources).or_else(|| match mode {
            WriteMode::Import { .. } => None,
            WriteMode::Statement => {
                let prefix = row_id.as_deref().and_then(|id| id.split_once(':'));
                let prefix = prefix
                    .map(|(source, _)| source)
                    .filter(|source| !source.is_empty());
                Some(prefix.unwrap_or(STATEMENT_SOURCE).to_string())
            }
        });
        let prefix = row_source.as_ref().map(|source| format!("{source}:"));
        let row_id: Option<Cow<'_, str>> = match (&row_id, &row_native, &prefix) {
            (Some(id), _, Some(prefix)) if !id.starts_with(prefix) => match mode {
                WriteMode::Import { .. } => Some(format!("{prefix}{id}").into()),
                WriteMode::Statement => Some(id.into()),
            },
            (None, Some(native), Some(prefix)) => Some(format!("{prefix}{native}").into()),
            (id, _, _) => id.as_deref().map(Cow::Borrowed),
        };
        let row_native = row_native.or_else(|| {
            let id = row_id.as_deref()?;
            let bare = prefix.as_deref().and_then(|prefix| id.strip_prefix(prefix));
            Some(bare.unwrap_or(id).to_string())
        });
        id.append_option(row_id);
        source.append_option(row_source);
        native.append_option(row_native);
    }
    let (id, source, native) = (id.finish(), source.finish(), native.finish());
    batch.put("conversation_id", Arc::new(id))?;
    batch.put("source", Arc::new(source))?;
    batch.put("source_conversation_id", Arc::new(native))
}

fn fill_defaults(batch: &mut TableBatch, mode: WriteMode) -> Result<(), IngestError> {
    let rows = batch.len();
    if batch.table.name == "messages" {
        let private = batch.column("is_private")?;
        if private.null_count() > 0 {
            let given = datafusion::arrow::array::AsArray::as_boolean(private);
            let filled = given.iter().map(|value| Some(value.unwrap_or(false)));
            batch.put("is_private", Arc::new(filled.collect::<BooleanArray>()))?;
        }
        let natives = batch.texts("source_message_id")?;
        if natives.null_count() == rows && matches!(mode, WriteMode::Statement) {
            batch.put("source_message_id", Arc::clone(batch.column("message_id")?))?;
        }
        let types = batch.texts("content_type")?;
        if types.null_count() > 0 {
            let with_text = is_not_null(batch.column("text")?)?;
            let filled = types
                .iter()
                .zip(with_text.iter())
                .map(|(given, text)| given.or((text == Some(true)).then_some("message")));
            let filled: StringArray = filled.collect();
            batch.put("content_type", Arc::new(filled))?;
        }
    }
    for id in ["annotation_id", "event_id"] {
        // A statement may leave the id of what it records to the engine.
        if batch.has(id) && batch.table.key.iter().any(|key| key == id) {
            let given = batch.texts(id)?;
            if given.null_count() > 0 && matches!(mode, WriteMode::Statement) {
                let filled = given.iter().map(|id| match id {
                    Some(id) => id.to_string(),
                    None => uuid::Uuid::new_v4().to_string(),
                });
                let filled = StringArray::from_iter_values(filled);
                batch.put(id, Arc::new(filled))?;
            }
        }
    }
    if batch.has("ingested_at") {
        let now = Utc::now().timestamp_micros();
        batch.put("ingested_at", time_array(vec![Some(now); rows]))?;
    }
    Ok(())
}
