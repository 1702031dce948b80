//! Parquet files whose columns are named as ours.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray};
use datafusion::arrow::compute::{cast, filter_record_batch};
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json::LineDelimitedWriter;
use serde_json::{Map, Value};

use super::canonical::{Defaults, OF_MESSAGES, is_engine};
use super::too_long;
use crate::ingest::mapping::Fault;
use crate::lake::TableSchema;

/// Rows of the tables from a batch of a file, and the faults of rows with a value that does not
/// fit.
#[derive(Debug, Default)]
pub(super) struct Split {
    pub(super) conversations: Option<RecordBatch>,
    /// Messages, or rows of the table that was named.
    pub(super) rows: Option<RecordBatch>,
    /// Number of each row that is left, in the batch.
    pub(super) numbers: Vec<usize>,
    pub(super) faults: Vec<(usize, Fault)>,
}

/// The tables that rows go to.
pub(super) struct Tables<'t> {
    pub(super) messages: &'t TableSchema,
    pub(super) conversations: &'t TableSchema,
    /// The table that was named.
    pub(super) other: Option<&'t TableSchema>,
}

/// Sorts the columns of a batch to the tables that have them; the others go into `attributes`.
/// Rows with more bytes of text than `limit` are at fault.
///
/// # Errors
/// A column whose type does not fit: none of the rows can go in.
pub(super) fn split(
    batch: &RecordBatch,
    tables: &Tables<'_>,
    defaults: &Defaults,
    limit: usize,
) -> Result<Split, Fault> {
    let is_message = |field: &Arc<Field>| OF_MESSAGES.contains(&field.name().as_str());
    let shown = batch.schema();
    let message = tables.other.is_some() || shown.fields().iter().any(is_message);
    let plain = match message {
        true => tables.messages,
        false => tables.conversations,
    };
    let rows_of = tables.other.unwrap_or(plain);
    let mut sound = Sound::new(batch.num_rows());
    let mut rows = Columns::default();
    let mut of_conversation = Columns::default();
    let mut extra = Vec::new();
    for (index, field) in shown.fields().iter().enumerate() {
        let name = field.name().as_str();
        if is_engine(&rows_of.name, name) {
            continue;
        }
        let mut fit = |table: &TableSchema| fit(table, name, batch.column(index), &mut sound);
        if let Some((field, column)) = fit(rows_of)? {
            rows.push(field, column);
            continue;
        }
        let of_its_conversation = match message && tables.other.is_none() {
            true => fit(tables.conversations)?,
            false => None,
        };
        match of_its_conversation {
            Some((field, column)) => of_conversation.push(field, column),
            None => extra.push(index),
        }
    }
    for column in rows.arrays.iter().chain(&of_conversation.arrays) {
        sound.measure(column);
    }
    sound.refuse_longer_than(limit);
    let fault = |error: ArrowError| Fault::new("", error.to_string());
    if !extra.is_empty() && rows_of.columns.index_of("attributes").is_ok() {
        let more = batch.project(&extra).and_then(|batch| to_json(&batch));
        rows.attributes(more.map_err(fault)?, &mut sound);
    }
    for (name, default) in [("source", &defaults.source), ("channel", &defaults.channel)] {
        if let Some(default) = default
            && rows_of.columns.index_of(name).is_ok()
        {
            rows.fill(name, default, batch.num_rows());
        }
    }
    if !of_conversation.fields.is_empty() {
        for name in [
            "conversation_id",
            "source",
            "source_conversation_id",
            "channel",
        ] {
            if let Some(index) = rows.column(name) {
                of_conversation.push(
                    Arc::clone(&rows.fields[index]),
                    Arc::clone(&rows.arrays[index]),
                );
            }
        }
    }
    let mask = BooleanArray::from(sound.rows.clone());
    let kept = |columns: &Columns| {
        let batch = columns.batch()?;
        filter_record_batch(&batch, &mask)
    };
    let mut split = Split::default();
    let rows = kept(&rows).map_err(fault)?;
    let numbered = sound.rows.iter().enumerate();
    split.numbers = numbered.filter_map(|(row, ok)| ok.then_some(row)).collect();
    split.faults = sound.faults;
    if message {
        split.rows = Some(rows);
        if !of_conversation.fields.is_empty() {
            split.conversations = Some(kept(&of_conversation).map_err(fault)?);
        }
    } else {
        split.conversations = Some(rows);
    }
    Ok(split)
}

/// A column in the type that its table wants; `None` where the table does not have it.
fn fit(
    table: &TableSchema,
    name: &str,
    given: &ArrayRef,
    sound: &mut Sound,
) -> Result<Option<(Arc<Field>, ArrayRef)>, Fault> {
    let Ok(wanted) = table.columns.field_with_name(name) else {
        return Ok(None);
    };
    let column = cast(given, wanted.data_type()).map_err(|_| {
        let (found, wanted) = (given.data_type(), wanted.data_type());
        Fault::new(
            name,
            format!("the column has the type {found}, which does not fit {wanted}"),
        )
    })?;
    for row in (0..column.len()).filter(|row| column.is_null(*row) && given.is_valid(*row)) {
        let reason = format!("does not fit the type {}", wanted.data_type());
        sound.refuse(row, Fault::new(name, reason));
    }
    let field = Arc::new(wanted.clone().with_nullable(true));
    Ok(Some((field, without_empty(column))))
}

/// Unknown is NULL, never an empty text.
fn without_empty(column: ArrayRef) -> ArrayRef {
    match column.as_string_opt::<i32>() {
        Some(texts) if texts.iter().any(|text| text == Some("")) => {
            let texts = texts
                .iter()
                .map(|text| text.filter(|text| !text.is_empty()));
            Arc::new(texts.collect::<StringArray>())
        }
        _ => column,
    }
}

/// Which rows of a batch are good so far, and what is wrong with the others.
struct Sound {
    rows: Vec<bool>,
    /// Bytes of text of each row.
    bytes: Vec<usize>,
    faults: Vec<(usize, Fault)>,
}

impl Sound {
    fn new(rows: usize) -> Self {
        Sound {
            rows: vec![true; rows],
            bytes: vec![0; rows],
            faults: Vec::new(),
        }
    }

    fn refuse(&mut self, row: usize, fault: Fault) {
        if std::mem::replace(&mut self.rows[row], false) {
            self.faults.push((row, fault));
        }
    }

    fn measure(&mut self, column: &ArrayRef) {
        if let Some(texts) = column.as_string_opt::<i32>() {
            for (bytes, text) in self.bytes.iter_mut().zip(texts) {
                *bytes += text.map_or(0, str::len);
            }
        }
    }

    fn refuse_longer_than(&mut self, limit: usize) {
        for row in 0..self.rows.len() {
            if self.bytes[row] > limit {
                self.refuse(row, Fault::new("", too_long(limit)));
            }
        }
    }
}

#[derive(Default)]
struct Columns {
    fields: Vec<Arc<Field>>,
    arrays: Vec<ArrayRef>,
}

impl Columns {
    fn push(&mut self, field: Arc<Field>, array: ArrayRef) {
        self.fields.push(field);
        self.arrays.push(array);
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name() == name)
    }

    /// Sets a column of texts.
    fn put(&mut self, name: &str, texts: StringArray) {
        let array: ArrayRef = Arc::new(texts);
        match self.column(name) {
            Some(index) => self.arrays[index] = array,
            None => {
                let field = Field::new(name, array.data_type().clone(), true);
                self.push(Arc::new(field), array);
            }
        }
    }

    fn texts(&self, name: &str) -> Option<&StringArray> {
        self.arrays[self.column(name)?].as_string_opt::<i32>()
    }

    /// Puts `default` where the column says nothing.
    fn fill(&mut self, name: &str, default: &str, rows: usize) {
        let filled = match self.texts(name) {
            Some(texts) if texts.null_count() == 0 => return,
            Some(texts) => texts
                .iter()
                .map(|text| Some(text.unwrap_or(default)))
                .collect(),
            None => StringArray::from_iter_values(std::iter::repeat_n(default, rows)),
        };
        self.put(name, filled);
    }

    /// Puts what the table has no columns for into `attributes`, beside what the file has there.
    fn attributes(&mut self, more: StringArray, sound: &mut Sound) {
        let Some(given) = self.texts("attributes") else {
            return self.put("attributes", more);
        };
        let both = given.iter().zip(&more).enumerate();
        let merged = both.map(|(row, texts)| match texts {
            (Some(given), Some(more)) => match merged(given, more) {
                Ok(merged) => Some(merged),
                Err(error) => {
                    let reason = format!("is no JSON object: {error}");
                    sound.refuse(row, Fault::new("attributes", reason));
                    None
                }
            },
            (given, more) => given.or(more).map(String::from),
        });
        let merged = merged.collect();
        self.put("attributes", merged);
    }

    fn batch(&self) -> Result<RecordBatch, ArrowError> {
        RecordBatch::try_new(
            Arc::new(Schema::new(self.fields.clone())),
            self.arrays.clone(),
        )
    }
}

/// The members of two objects in one.
fn merged(given: &str, more: &str) -> Result<String, serde_json::Error> {
    let mut given: Map<String, Value> = serde_json::from_str(given)?;
    given.append(&mut serde_json::from_str(more)?);
    Ok(Value::Object(given).to_string())
}

/// Each row as a JSON object; NULL where it would be empty.
fn to_json(batch: &RecordBatch) -> Result<StringArray, ArrowError> {
    let mut writer = LineDelimitedWriter::new(Vec::new());
    writer.write(batch)?;
    writer.finish()?;
    let text = String::from_utf8_lossy(&writer.into_inner()).into_owned();
    let lines = text.lines().map(|line| (line != "{}").then_some(line));
    Ok(lines.collect())
}
