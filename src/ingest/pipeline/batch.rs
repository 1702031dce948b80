//! A batch in the columns of its table, while it is checked and filled.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, ListArray, RecordBatch, StringArray,
    TimestampMicrosecondArray, new_null_array,
};
use datafusion::arrow::compute::{cast, filter_record_batch};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimestampMicrosecondType};

use crate::ingest::IngestError;
use crate::ingest::values::is_score;
use crate::lake::TableSchema;

/// Rows in the schema of their table, without the score columns; every column may hold NULL.
#[derive(Debug, Clone)]
pub(super) struct TableBatch {
    pub(super) table: Arc<TableSchema>,
    pub(super) schema: SchemaRef,
    pub(super) columns: Vec<ArrayRef>,
    /// Number of each row in the batch that came in.
    pub(super) numbers: Vec<usize>,
}

impl TableBatch {
    /// Brings a batch into the schema of its table.
    ///
    /// # Errors
    /// A column that the table does not have, a score, or values that do not fit.
    pub(super) fn new(table: &Arc<TableSchema>, batch: &RecordBatch) -> Result<Self, IngestError> {
        let messages = table.name == "messages";
        let refuse = |column: &str, reason: String| IngestError::Column {
            table: table.name.clone(),
            column: column.to_string(),
            reason,
        };
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            let name = field.name();
            if table.columns.index_of(name).is_err() {
                return Err(refuse(name, "does not exist".into()));
            }
            if messages && is_score(name) && column.null_count() < column.len() {
                let reason = "is a score, which the engine writes by itself: leave it out";
                return Err(refuse(name, reason.into()));
            }
        }
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        for field in table.columns.fields() {
            if messages && is_score(field.name()) {
                continue;
            }
            let column = match batch.column_by_name(field.name()) {
                Some(column) if column.data_type() == field.data_type() => Arc::clone(column),
                Some(column) => cast(column, field.data_type())
                    .map_err(|error| refuse(field.name(), format!("does not fit: {error}")))?,
                None => new_null_array(field.data_type(), batch.num_rows()),
            };
            fields.push(Field::clone(field).with_nullable(true));
            columns.push(column);
        }
        Ok(TableBatch {
            table: Arc::clone(table),
            schema: Arc::new(Schema::new(fields)),
            columns,
            numbers: (0..batch.num_rows()).collect(),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    fn index(&self, name: &str) -> Result<usize, IngestError> {
        self.schema.index_of(name).map_err(IngestError::from)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.schema.index_of(name).is_ok()
    }

    pub(super) fn column(&self, name: &str) -> Result<&ArrayRef, IngestError> {
        Ok(&self.columns[self.index(name)?])
    }

    pub(super) fn texts(&self, name: &str) -> Result<&StringArray, IngestError> {
        let column = self.column(name)?;
        column
            .as_string_opt::<i32>()
            .ok_or_else(|| self.wrong(name, column.data_type()))
    }

    pub(super) fn times(&self, name: &str) -> Result<&TimestampMicrosecondArray, IngestError> {
        let column = self.column(name)?;
        let times = column.as_primitive_opt::<TimestampMicrosecondType>();
        times.ok_or_else(|| self.wrong(name, column.data_type()))
    }

    pub(super) fn flags(&self, name: &str) -> Result<&BooleanArray, IngestError> {
        let column = self.column(name)?;
        column
            .as_boolean_opt()
            .ok_or_else(|| self.wrong(name, column.data_type()))
    }

    pub(super) fn list(&self, name: &str) -> Result<&ListArray, IngestError> {
        let column = self.column(name)?;
        column
            .as_list_opt::<i32>()
            .ok_or_else(|| self.wrong(name, column.data_type()))
    }

    fn wrong(&self, name: &str, found: &DataType) -> IngestError {
        IngestError::Column {
            table: self.table.name.clone(),
            column: name.to_string(),
            reason: format!("has the unexpected type {found}"),
        }
    }

    pub(super) fn put(&mut self, name: &str, column: ArrayRef) -> Result<(), IngestError> {
        let index = self.index(name)?;
        self.columns[index] = column;
        Ok(())
    }

    pub(super) fn batch(&self) -> Result<RecordBatch, IngestError> {
        Ok(RecordBatch::try_new(
            Arc::clone(&self.schema),
            self.columns.clone(),
        )?)
    }

    /// Leaves only the rows that are marked.
    pub(super) fn keep(&mut self, keep: &[bool]) -> Result<(), IngestError> {
        if keep.iter().all(|keep| *keep) {
            return Ok(());
        }
        let mask = BooleanArray::from(keep.to_vec());
        self.columns = filter_record_batch(&self.batch()?, &mask)?
            .columns()
            .to_vec();
        let mut marks = keep.iter();
        self.numbers
            .retain(|_| marks.next().copied().unwrap_or(false));
        Ok(())
    }
}

/// The time column as the tables have it.
pub(super) fn time_array(times: Vec<Option<i64>>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC"))
}
