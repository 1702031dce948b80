//! A batch as `DataRow` messages.

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use bytes::{BufMut, BytesMut};

use super::{Column, EncodeError, Format, Zone};

/// Writes the rows of one batch as `DataRow` messages straight into the output of a connection.
pub(crate) struct RowEncoder {
    columns: Vec<Column>,
    rows: usize,
}

impl RowEncoder {
    /// Prepares a batch whose columns were described to the client as those of `schema`; `formats`
    /// has one entry per column.
    pub(crate) fn new(
        schema: &Schema,
        batch: &RecordBatch,
        formats: &[Format],
        zone: Zone,
    ) -> Result<RowEncoder, EncodeError> {
        let columns = schema
            .fields()
            .iter()
            .zip(batch.columns())
            .zip(formats)
            .map(|((field, array), format)| Column::new(field, array, *format, zone))
            .collect::<Result<_, _>>()?;
        Ok(RowEncoder {
            columns,
            rows: batch.num_rows(),
        })
    }

    /// How many rows the batch has.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// The columns, to be written in another framing than `DataRow`.
    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Appends one row. On an error the output holds no part of it.
    pub(crate) fn write(&self, row: usize, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        out.put_u8(b'D');
        out.put_i32(0);
        out.put_i16(self.columns.len() as i16);
        for column in &self.columns {
            if let Err(error) = column.write_prefixed(row, out) {
                out.truncate(start);
                return Err(error);
            }
        }
        let length = (out.len() - start - 1) as i32;
        out[start + 1..start + 5].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }
}
