//! Parquet files whose columns are named as ours.

use std::sync::Arc;

use bytes::{Buf, Bytes};
use datafusion::arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, StringArray};
use datafusion::arrow::compute::{cast, filter_record_batch};
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::arrow::json::LineDelimitedWriter;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use tokio::runtime::Handle;

use super::canonical::{Defaults, OF_MESSAGES, is_engine};
use crate::ingest::IngestError;
use crate::ingest::input::{Place, Source};
use crate::ingest::mapping::Fault;
use crate::lake::TableSchema;

/// The batches of a Parquet file.
pub(super) type Batches = Box<dyn Iterator<Item = Result<RecordBatch, IngestError>>>;

/// Opens a file or an object; standard input cannot be read backwards.
pub(super) fn open(source: &Source, rows: usize, runtime: &Handle) -> Result<Batches, IngestError> {
    let name = source.name.clone();
    let fault = move |error: &dyn std::fmt::Display| IngestError::format(&name, error.to_string());
    match &source.place {
        Place::Standard => Err(fault(
            &"Parquet cannot be read from standard input; name a file",
        )),
        Place::File(path) => {
            let file =
                std::fs::File::open(path).map_err(|error| IngestError::io(&source.name, error))?;
            batches(file, rows, fault)
        }
        Place::Object(store, path) => {
            let object = Object {
                store: Arc::clone(store),
                path: path.clone(),
                size: source.size.unwrap_or(0),
                runtime: runtime.clone(),
            };
            batches(object, rows, fault)
        }
    }
}

fn batches<R: ChunkReader + 'static>(
    reader: R,
    rows: usize,
    fault: impl Fn(&dyn std::fmt::Display) -> IngestError + 'static,
) -> Result<Batches, IngestError> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(reader)
        .and_then(|builder| builder.with_batch_size(rows).build())
        .map_err(|error| fault(&error))?;
    Ok(Box::new(
        reader.map(move |batch| batch.map_err(|error| fault(&error))),
    ))
}

/// An object read range by range, on a thread that may block.
struct Object {
    store: Arc<dyn ObjectStore>,
    path: ObjectPath,
    size: u64,
    runtime: Handle,
}

impl Length for Object {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for Object {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let length = usize::try_from(self.size.saturating_sub(start).min(1 << 16));
        Ok(self.get_bytes(start, length.unwrap_or(0))?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let range = start..start + length as u64;
        let read = self
            .runtime
            .block_on(self.store.get_range(&self.path, range));
        read.map_err(|error| ParquetError::External(Box::new(error)))
    }
}

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

/// Sorts the columns of a batch to the tables that have them; the others go into `attributes`.
pub(super) fn split(
    batch: &RecordBatch,
    messages: &TableSchema,
    conversations: &TableSchema,
    table: Option<&TableSchema>,
    defaults: &Defaults,
) -> Result<Split, IngestError> {
    let is_message = |field: &Arc<Field>| OF_MESSAGES.contains(&field.name().as_str());
    let message = table.is_some() || batch.schema().fields().iter().any(is_message);
    let rows_of = table.unwrap_or(if message { messages } else { conversations });
    let mut split = Split::default();
    let mut rows = Columns::default();
    let mut of_conversation = Columns::default();
    let mut extra = Vec::new();
    let mut sound = vec![true; batch.num_rows()];
    let shown = batch.schema();
    for (index, field) in shown.fields().iter().enumerate() {
        let name = field.name().as_str();
        let mut fit = |table: &TableSchema| -> Result<Option<(Arc<Field>, ArrayRef)>, IngestError> {
            let Ok(wanted) = table.columns.field_with_name(name) else {
                return Ok(None);
            };
            let given = batch.column(index);
            let column = cast(given, wanted.data_type())
                .map_err(|error| IngestError::format(name, error.to_string()))?;
            for row in (0..column.len()).filter(|row| column.is_null(*row) && given.is_valid(*row))
            {
                if std::mem::replace(&mut sound[row], false) {
                    let reason = format!("does not fit the type {}", wanted.data_type());
                    split.faults.push((row, Fault::new(name, reason)));
                }
            }
            Ok(Some((Arc::new(wanted.clone().with_nullable(true)), column)))
        };
        if is_engine(&rows_of.name, name) {
            continue;
        }
        if let Some((field, column)) = fit(rows_of)? {
            rows.push(field, column);
            continue;
        }
        match (message && table.is_none())
            .then(|| fit(conversations))
            .transpose()?
            .flatten()
        {
            Some((field, column)) => of_conversation.push(field, column),
            None => extra.push(index),
        }
    }
    if !extra.is_empty() && rows.column("attributes").is_none() {
        let attributes = to_json(&batch.project(&extra)?)?;
        let field = Field::new("attributes", attributes.data_type().clone(), true);
        rows.push(Arc::new(field), attributes);
    }
    for (name, default) in [("source", &defaults.source), ("channel", &defaults.channel)] {
        if let Some(default) = default
            && rows_of.columns.index_of(name).is_ok()
            && rows.column(name).is_none()
        {
            let values = std::iter::repeat_n(default, batch.num_rows());
            let column: ArrayRef = Arc::new(StringArray::from_iter_values(values));
            rows.push(
                Arc::new(Field::new(name, column.data_type().clone(), true)),
                column,
            );
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
    let mask = BooleanArray::from(sound.clone());
    let rows = filter_record_batch(&rows.batch()?, &mask)?;
    split.numbers = sound
        .iter()
        .enumerate()
        .filter_map(|(row, ok)| ok.then_some(row))
        .collect();
    if message {
        split.rows = Some(rows);
        if !of_conversation.fields.is_empty() {
            let rows = filter_record_batch(&of_conversation.batch()?, &mask)?;
            split.conversations = Some(rows);
        }
    } else {
        split.conversations = Some(rows);
    }
    Ok(split)
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

    fn batch(&self) -> Result<RecordBatch, IngestError> {
        Ok(RecordBatch::try_new(
            Arc::new(Schema::new(self.fields.clone())),
            self.arrays.clone(),
        )?)
    }
}

/// Each row as a JSON object; NULL where it would be empty.
fn to_json(batch: &RecordBatch) -> Result<ArrayRef, IngestError> {
    let mut writer = LineDelimitedWriter::new(Vec::new());
    writer.write(batch)?;
    writer.finish()?;
    let text = String::from_utf8_lossy(&writer.into_inner()).into_owned();
    let lines = text.lines().map(|line| (line != "{}").then_some(line));
    Ok(Arc::new(lines.collect::<StringArray>()))
}
