//! Arrow columns to PostgreSQL values, text and binary.
//!
//! A [`Column`] is made once per batch and column: the array is brought to one of a few shapes with
//! a vectorised cast, and a writer for that shape is chosen. Per value only that writer runs, which
//! appends to the connection's output; nothing is allocated per row.
//!
//! arrow-pg's encoder is not used: it sends `int8` wrongly in binary, prints infinities as `inf`,
//! and refuses lists of integers within lists, maps, uuids and 256-bit decimals.

mod array;
mod datetime;
mod json;
mod number;
mod row;
mod scalar;

#[cfg(test)]
mod tests;

use arrow::array::{Array, ArrayRef};
use arrow::buffer::NullBuffer;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, IntervalUnit, TimeUnit};
use arrow::error::ArrowError;
use bytes::{BufMut, BytesMut};
use postgres_types::{Kind, Type};

pub(crate) use datetime::{POSTGRES_EPOCH_DAYS, POSTGRES_EPOCH_MICROS, Zone};
pub(crate) use row::RowEncoder;

use crate::wire::types::column_type;

/// In which form a value travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i16)]
pub(crate) enum Format {
    /// As text, in the forms of PostgreSQL's output functions.
    Text = 0,
    /// As bytes, in the forms of PostgreSQL's send functions.
    Binary = 1,
}

/// Why a value cannot be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EncodeError {
    /// The value does not fit the type in which its column is sent.
    #[error("{value} is out of range for type {target}")]
    OutOfRange {
        /// The value.
        value: String,
        /// The PostgreSQL type.
        target: &'static str,
    },
    /// The array could not be brought to the form in which it is sent.
    #[error("a column of type {from} cannot be sent: {source}")]
    Cast {
        /// The Arrow type.
        from: DataType,
        /// What the cast says.
        source: ArrowError,
    },
    /// There is no PostgreSQL form for values of this Arrow type.
    #[error("a column of type {0} cannot be sent")]
    Unsupported(DataType),
}

/// Appends the value of a row, which must not be NULL, without length or delimiter.
type Writer = Box<dyn Fn(usize, &mut BytesMut) -> Result<(), EncodeError> + Send + Sync>;

/// One column of a batch, ready to be written value by value.
pub(crate) struct Column {
    nulls: Option<NullBuffer>,
    write: Writer,
}

impl Column {
    /// Prepares `array`, the values of `field`, to be written in `format`.
    pub(crate) fn new(
        field: &Field,
        array: &ArrayRef,
        format: Format,
        zone: Zone,
    ) -> Result<Column, EncodeError> {
        let sent_as = column_type(field);
        let array = normalize(array)?;
        let write = match sent_as.kind() {
            _ if matches!(sent_as, Type::JSONB | Type::JSON) => json::writer(
                field,
                &array,
                format == Format::Binary && sent_as == Type::JSONB,
            )?,
            Kind::Array(element) => array::writer(element, &array, format, zone)?,
            _ => scalar::writer(&sent_as, &array, format, zone)?,
        };
        Ok(Column {
            nulls: array.logical_nulls(),
            write,
        })
    }

    /// Whether the value of a row is NULL.
    pub(crate) fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// Appends the value of a row that is not NULL.
    pub(crate) fn write(&self, row: usize, out: &mut BytesMut) -> Result<(), EncodeError> {
        (self.write)(row, out)
    }

    /// Appends the value of a row behind its length, -1 for NULL.
    pub(crate) fn write_prefixed(&self, row: usize, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        out.put_i32(-1);
        if self.is_null(row) {
            return Ok(());
        }
        self.write(row, out)?;
        let length = (out.len() - start - 4) as i32;
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }
}

/// Brings an array to the shape its kind is written from: one integer type per PostgreSQL type,
/// microseconds, 32-bit offsets, no dictionaries.
fn normalize(array: &ArrayRef) -> Result<ArrayRef, EncodeError> {
    let target = match array.data_type() {
        DataType::Dictionary(_, values) => values.as_ref().clone(),
        DataType::RunEndEncoded(_, values) => values.data_type().clone(),
        DataType::Int8 | DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 => DataType::Int64,
        DataType::Float16 => DataType::Float32,
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::Date64 => DataType::Date32,
        DataType::Time32(_) | DataType::Time64(TimeUnit::Nanosecond) => {
            DataType::Time64(TimeUnit::Microsecond)
        }
        DataType::Timestamp(unit, zone) if *unit != TimeUnit::Microsecond => {
            DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
        }
        DataType::Interval(IntervalUnit::YearMonth | IntervalUnit::DayTime)
        | DataType::Duration(_) => DataType::Interval(IntervalUnit::MonthDayNano),
        DataType::LargeList(element)
        | DataType::FixedSizeList(element, _)
        | DataType::ListView(element)
        | DataType::LargeListView(element) => DataType::List(element.clone()),
        _ => return Ok(array.clone()),
    };
    // A value that does not fit is an error, not a NULL.
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    let cast = cast_with_options(array, &target, &options).map_err(|source| EncodeError::Cast {
        from: array.data_type().clone(),
        source,
    })?;
    match array.data_type() {
        // A dictionary of one of the others above.
        DataType::Dictionary(..) | DataType::RunEndEncoded(..) => normalize(&cast),
        _ => Ok(cast),
    }
}
