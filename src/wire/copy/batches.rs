//! Values to record batches.

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, StringBuilder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::ScalarValue;
use postgres_types::Type;

use crate::Error;
use crate::wire::decode;
use crate::wire::encode::{Format, Zone};
use crate::wire::report::{Report, state};
use crate::wire::types::column_type;

/// SQLSTATE of a NULL in a column that must not have one.
const NOT_NULL_VIOLATION: &str = "23502";
/// Rows of one batch.
const BATCH_ROWS: usize = 8192;

/// Takes values row by row and makes batches of them.
pub(super) struct Batches {
    schema: SchemaRef,
    columns: Vec<Column>,
    rows: usize,
    done: Vec<RecordBatch>,
    done_bytes: usize,
    zone: Zone,
}

/// The values of one column so far.
struct Column {
    of: Type,
    values: Values,
}

enum Values {
    /// Strings, which need no conversion.
    Text(StringBuilder),
    Other(Vec<ScalarValue>),
}

impl Batches {
    /// No rows yet.
    pub(super) fn new(schema: &SchemaRef, zone: Zone) -> Batches {
        let columns = schema
            .fields()
            .iter()
            .map(|field| {
                let of = column_type(field);
                let values = match of {
                    Type::TEXT => Values::Text(StringBuilder::new()),
                    _ => Values::Other(Vec::new()),
                };
                Column { of, values }
            })
            .collect();
        Batches {
            schema: schema.clone(),
            columns,
            rows: 0,
            done: Vec::new(),
            done_bytes: 0,
            zone,
        }
    }

    /// Adds a row; there must be a value for every column.
    pub(super) fn put<'a>(
        &mut self,
        values: impl Iterator<Item = Option<&'a [u8]>>,
        format: Format,
    ) -> Result<(), Report> {
        let fields = self.schema.fields();
        for ((column, field), value) in self.columns.iter_mut().zip(fields).zip(values) {
            let put = column.put(value, format, self.zone);
            put.map_err(|report| report.with_context(format!("column {}", field.name())))?;
        }
        self.rows += 1;
        if self.rows == BATCH_ROWS {
            self.finish_batch()?;
        }
        Ok(())
    }

    /// Bytes of the batches that are finished.
    pub(super) fn held_bytes(&self) -> usize {
        self.done_bytes
    }

    /// Gives all rows so far.
    pub(super) fn take(&mut self) -> Result<Vec<RecordBatch>, Report> {
        self.finish_batch()?;
        self.done_bytes = 0;
        Ok(std::mem::take(&mut self.done))
    }

    fn finish_batch(&mut self) -> Result<(), Report> {
        if self.rows == 0 {
            return Ok(());
        }
        let arrays = self
            .columns
            .iter_mut()
            .zip(self.schema.fields())
            .map(|(column, field)| column.finish(field.data_type()))
            .collect::<Result<Vec<_>, Error>>()?;
        let batch = RecordBatch::try_new(self.schema.clone(), arrays)
            .map_err(|error| Report::error(NOT_NULL_VIOLATION, error.to_string()))?;
        self.rows = 0;
        self.done_bytes += batch.get_array_memory_size();
        self.done.push(batch);
        Ok(())
    }
}

impl Column {
    fn put(&mut self, value: Option<&[u8]>, format: Format, zone: Zone) -> Result<(), Report> {
        match &mut self.values {
            Values::Other(values) => values.push(decode::value(&self.of, format, value, zone)?),
            Values::Text(builder) => match value.map(std::str::from_utf8) {
                None => builder.append_null(),
                Some(Ok(text)) if !text.contains('\0') => builder.append_value(text),
                Some(_) => {
                    return Err(Report::error(
                        state::CHARACTER_NOT_IN_REPERTOIRE,
                        "invalid byte sequence for encoding \"UTF8\"",
                    ));
                }
            },
        }
        Ok(())
    }

    /// The column's values so far as an array of the type of the table.
    fn finish(&mut self, target: &DataType) -> Result<ArrayRef, Error> {
        let array: ArrayRef = match &mut self.values {
            Values::Text(builder) => std::sync::Arc::new(builder.finish()),
            Values::Other(values) => {
                let values = std::mem::take(values);
                let cast = values.iter().map(|value| value.cast_to(target));
                return Ok(ScalarValue::iter_to_array(
                    cast.collect::<Result<Vec<_>, _>>()?,
                )?);
            }
        };
        match array.data_type() == target {
            true => Ok(array),
            false => Ok(cast(&array, target).map_err(datafusion::error::DataFusionError::from)?),
        }
    }
}
