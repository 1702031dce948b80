//! Writers for values that are neither lists nor JSON.

use std::fmt::Write;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Decimal256Type, DecimalType, Float32Type, Float64Type,
    Int16Type, Int32Type, Int64Type, IntervalMonthDayNanoType, IntervalUnit, Time64MicrosecondType,
    TimeUnit, TimestampMicrosecondType, UInt64Type,
};
use bytes::{BufMut, BytesMut};
use postgres_types::Type;

use super::datetime::{self, POSTGRES_EPOCH_DAYS, POSTGRES_EPOCH_MICROS, Zone};
use super::{EncodeError, Format, Writer, number};

/// The writer for a normalised array whose column is sent as `sent_as`.
pub(super) fn writer(
    sent_as: &Type,
    array: &ArrayRef,
    format: Format,
    zone: Zone,
) -> Result<Writer, EncodeError> {
    let binary = format == Format::Binary;
    Ok(match array.data_type() {
        DataType::Null => Box::new(|_, _| Ok(())),
        DataType::Boolean => {
            let array = array.as_boolean().clone();
            let (yes, no) = if binary { (1, 0) } else { (b't', b'f') };
            Box::new(move |row, out| {
                out.put_u8(if array.value(row) { yes } else { no });
                Ok(())
            })
        }
        DataType::Int16 if binary => primitive::<Int16Type>(array, |v, out| out.put_i16(v)),
        DataType::Int16 => primitive::<Int16Type>(array, display),
        DataType::Int32 if binary => primitive::<Int32Type>(array, |v, out| out.put_i32(v)),
        DataType::Int32 => primitive::<Int32Type>(array, display),
        // Object identifiers are 32 bits wide on the wire, whatever the column holds.
        DataType::Int64 if binary && *sent_as != Type::INT8 => {
            primitive::<Int64Type>(array, |v, out| out.put_u32(v as u32))
        }
        DataType::Int64 if binary => primitive::<Int64Type>(array, |v, out| out.put_i64(v)),
        DataType::Int64 => primitive::<Int64Type>(array, display),
        DataType::UInt64 => unsigned(array, binary),
        DataType::Float32 if binary => primitive::<Float32Type>(array, |v, out| out.put_f32(v)),
        DataType::Float32 => {
            primitive::<Float32Type>(array, |v, out| number::write_float(v, false, out))
        }
        DataType::Float64 if binary => primitive::<Float64Type>(array, |v, out| out.put_f64(v)),
        DataType::Float64 => {
            primitive::<Float64Type>(array, |v, out| number::write_float(v, true, out))
        }
        DataType::Decimal128(precision, scale) => {
            decimal::<Decimal128Type>(array, *precision, *scale, binary)
        }
        DataType::Decimal256(precision, scale) => {
            decimal::<Decimal256Type>(array, *precision, *scale, binary)
        }
        DataType::Utf8 => {
            let array = array.as_string::<i32>().clone();
            text(sent_as, binary, move |row, put| put(array.value(row)))
        }
        DataType::LargeUtf8 => {
            let array = array.as_string::<i64>().clone();
            text(sent_as, binary, move |row, put| put(array.value(row)))
        }
        DataType::Utf8View => {
            let array = array.as_string_view().clone();
            text(sent_as, binary, move |row, put| put(array.value(row)))
        }
        DataType::Binary => {
            let array = array.as_binary::<i32>().clone();
            bytes(sent_as, binary, move |row, put| put(array.value(row)))
        }
        DataType::LargeBinary => {
            let array = array.as_binary::<i64>().clone();
            bytes(sent_as, binary, move |row, put| put(array.value(row)))
        }
        DataType::BinaryView => {
            let array = array.as_binary_view().clone();
            bytes(sent_as, binary, move |row, put| put(array.value(row)))
        }
        DataType::FixedSizeBinary(_) => {
            let array = array.as_fixed_size_binary().clone();
            bytes(sent_as, binary, move |row, put| put(array.value(row)))
        }
        DataType::Date32 if binary => primitive::<Date32Type>(array, |days, out| {
            out.put_i32(days.saturating_sub(POSTGRES_EPOCH_DAYS));
        }),
        DataType::Date32 => primitive::<Date32Type>(array, datetime::write_date),
        DataType::Time64(TimeUnit::Microsecond) if binary => {
            primitive::<Time64MicrosecondType>(array, |v, out| out.put_i64(v))
        }
        DataType::Time64(TimeUnit::Microsecond) => {
            primitive::<Time64MicrosecondType>(array, datetime::write_time)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) if binary => {
            primitive::<TimestampMicrosecondType>(array, |micros, out| {
                out.put_i64(micros.saturating_sub(POSTGRES_EPOCH_MICROS));
            })
        }
        DataType::Timestamp(TimeUnit::Microsecond, None) => {
            primitive::<TimestampMicrosecondType>(array, datetime::write_timestamp)
        }
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            primitive::<TimestampMicrosecondType>(array, move |micros, out| {
                datetime::write_timestamptz(micros, zone, out);
            })
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            primitive::<IntervalMonthDayNanoType>(array, move |interval, out| {
                let micros = interval.nanoseconds / 1_000;
                if binary {
                    out.put_i64(micros);
                    out.put_i32(interval.days);
                    out.put_i32(interval.months);
                } else {
                    datetime::write_interval(interval.months, interval.days, micros, out);
                }
            })
        }
        other => return Err(EncodeError::Unsupported(other.clone())),
    })
}

fn primitive<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    put: impl Fn(T::Native, &mut BytesMut) + Send + Sync + 'static,
) -> Writer {
    let array = array.as_primitive::<T>().clone();
    Box::new(move |row, out| {
        put(array.value(row), out);
        Ok(())
    })
}

fn display<V: std::fmt::Display>(value: V, out: &mut BytesMut) {
    // Writing to a growing buffer cannot fail.
    let _ = write!(out, "{value}");
}

/// Counts come as UInt64 from some functions; they are sent as `int8`.
fn unsigned(array: &ArrayRef, binary: bool) -> Writer {
    let array = array.as_primitive::<UInt64Type>().clone();
    Box::new(move |row, out| {
        let value = array.value(row);
        let signed = i64::try_from(value).map_err(|_| EncodeError::OutOfRange {
            value: value.to_string(),
            target: "bigint",
        })?;
        match binary {
            true => out.put_i64(signed),
            false => display(signed, out),
        }
        Ok(())
    })
}

fn decimal<T: DecimalType + ArrowPrimitiveType>(
    array: &ArrayRef,
    precision: u8,
    scale: i8,
    binary: bool,
) -> Writer {
    primitive::<T>(array, move |value, out| {
        let text = T::format_decimal(value, precision, scale);
        match binary {
            true => number::write_numeric(&text, out),
            false => out.put_slice(text.as_bytes()),
        }
    })
}

/// Strings. The closure hands the value of a row to its second argument.
fn text(
    sent_as: &Type,
    binary: bool,
    value: impl Fn(usize, &mut dyn FnMut(&str)) + Send + Sync + 'static,
) -> Writer {
    if *sent_as == Type::CHAR {
        // One byte, not one character.
        return Box::new(move |row, out| {
            value(row, &mut |text| {
                out.put_slice(text.as_bytes().get(..1).unwrap_or(b"\0"))
            });
            Ok(())
        });
    }
    if *sent_as == Type::UUID && binary {
        return Box::new(move |row, out| {
            let mut parsed = Ok(());
            value(row, &mut |text| match uuid::Uuid::parse_str(text) {
                Ok(uuid) => out.put_slice(uuid.as_bytes()),
                Err(_) => {
                    parsed = Err(EncodeError::OutOfRange {
                        value: text.to_owned(),
                        target: "uuid",
                    })
                }
            });
            parsed
        });
    }
    Box::new(move |row, out| {
        value(row, &mut |text| out.put_slice(text.as_bytes()));
        Ok(())
    })
}

/// Bytes, as `bytea` or as `uuid`.
fn bytes(
    sent_as: &Type,
    binary: bool,
    value: impl Fn(usize, &mut dyn FnMut(&[u8])) + Send + Sync + 'static,
) -> Writer {
    let as_uuid = *sent_as == Type::UUID;
    Box::new(move |row, out| {
        value(row, &mut |bytes| match uuid::Uuid::from_slice(bytes) {
            _ if binary => out.put_slice(bytes),
            Ok(uuid) if as_uuid => display(uuid, out),
            _ => {
                out.put_slice(b"\\x");
                write_hex(bytes, out);
            }
        });
        Ok(())
    })
}

fn write_hex(bytes: &[u8], out: &mut BytesMut) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.reserve(bytes.len() * 2);
    for byte in bytes {
        out.put_slice(&[
            DIGITS[usize::from(byte >> 4)],
            DIGITS[usize::from(byte & 15)],
        ]);
    }
}
