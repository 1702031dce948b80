//! Structs, maps and nested lists as `jsonb`; strings that hold JSON pass through.
//!
//! Spacing is that of PostgreSQL's `jsonb` (`{"a": 1, "b": [1, 2]}`); members keep the order of the
//! struct, which says more than jsonb's order by length.

use std::io::Write;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field};
use bytes::{BufMut, BytesMut};
use postgres_types::Type;

use super::{EncodeError, Format, Writer, Zone, normalize, scalar};
use crate::wire::types::column_type;

/// The version byte that leads the binary form of `jsonb`.
const JSONB_VERSION: u8 = 1;

/// The writer for a column sent as JSON. `versioned` asks for the leading byte of binary `jsonb`.
pub(super) fn writer(
    field: &Field,
    array: &ArrayRef,
    versioned: bool,
) -> Result<Writer, EncodeError> {
    let body = member(field, array)?.write;
    Ok(match versioned {
        false => body,
        true => Box::new(move |row, out| {
            out.put_u8(JSONB_VERSION);
            body(row, out)
        }),
    })
}

/// A value somewhere within the document.
struct Member {
    nulls: Option<NullBuffer>,
    write: Writer,
}

impl Member {
    fn put(&self, row: usize, out: &mut BytesMut) -> Result<(), EncodeError> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            out.put_slice(b"null");
            return Ok(());
        }
        (self.write)(row, out)
    }
}

fn member(field: &Field, array: &ArrayRef) -> Result<Member, EncodeError> {
    let sent_as = column_type(field);
    let array = normalize(array)?;
    let write: Writer = match array.data_type() {
        DataType::Struct(fields) => {
            let members = fields
                .iter()
                .zip(array.as_struct().columns())
                .map(|(field, column)| Ok((key(field.name()), member(field, column)?)))
                .collect::<Result<Vec<_>, EncodeError>>()?;
            Box::new(move |row, out| {
                out.put_u8(b'{');
                for (nth, (key, member)) in members.iter().enumerate() {
                    separate(nth, out);
                    out.put_slice(key);
                    out.put_slice(b": ");
                    member.put(row, out)?;
                }
                out.put_u8(b'}');
                Ok(())
            })
        }
        DataType::List(element) => {
            let list = array.as_list::<i32>();
            let elements = member(element, list.values())?;
            let offsets = list.offsets().clone();
            Box::new(move |row, out| {
                out.put_u8(b'[');
                for (nth, at) in (offsets[row]..offsets[row + 1]).enumerate() {
                    separate(nth, out);
                    elements.put(at as usize, out)?;
                }
                out.put_u8(b']');
                Ok(())
            })
        }
        DataType::Map(entries, _) => {
            let DataType::Struct(fields) = entries.data_type() else {
                return Err(EncodeError::Unsupported(array.data_type().clone()));
            };
            let map = array.as_map();
            // A member name is a string, whatever the type of the keys.
            let keys = scalar::writer(
                &column_type(&fields[0]),
                &normalize(map.keys())?,
                Format::Text,
                Zone::UTC,
            )?;
            let values = member(&fields[1], map.values())?;
            let offsets = map.offsets().clone();
            Box::new(move |row, out| {
                out.put_u8(b'{');
                for (nth, at) in (offsets[row]..offsets[row + 1]).enumerate() {
                    separate(nth, out);
                    let start = out.len();
                    keys(at as usize, out)?;
                    quote_from(start, out);
                    out.put_slice(b": ");
                    values.put(at as usize, out)?;
                }
                out.put_u8(b'}');
                Ok(())
            })
        }
        DataType::Boolean => {
            let array = array.as_boolean().clone();
            Box::new(move |row, out| {
                out.put_slice(if array.value(row) { b"true" } else { b"false" });
                Ok(())
            })
        }
        other => {
            let shape = Shape::of(other, &sent_as);
            let text = scalar::writer(&sent_as, &array, Format::Text, Zone::UTC)?;
            Box::new(move |row, out| {
                let start = out.len();
                text(row, out)?;
                shape.finish(start, out);
                Ok(())
            })
        }
    };
    Ok(Member {
        nulls: array.logical_nulls(),
        write,
    })
}

/// What turns the text form of a scalar into a JSON value.
#[derive(Clone, Copy)]
enum Shape {
    /// JSON already.
    Raw,
    /// A number, unless it is one that JSON does not know.
    Float,
    /// A date and time: ISO 8601 with `T` and full offset.
    Instant,
    /// Anything else: a string.
    Text,
}

impl Shape {
    fn of(arrow: &DataType, sent_as: &Type) -> Shape {
        match arrow {
            _ if matches!(*sent_as, Type::JSON | Type::JSONB) => Shape::Raw,
            DataType::Int16 | DataType::Int32 | DataType::Int64 | DataType::UInt64 => Shape::Raw,
            DataType::Decimal128(..) | DataType::Decimal256(..) => Shape::Raw,
            DataType::Float32 | DataType::Float64 => Shape::Float,
            DataType::Timestamp(..) => Shape::Instant,
            _ => Shape::Text,
        }
    }

    fn finish(self, start: usize, out: &mut BytesMut) {
        match self {
            Shape::Raw => {}
            Shape::Float => {
                if out[start..].last().is_some_and(u8::is_ascii_alphabetic) {
                    quote_from(start, out); // "NaN", "Infinity"
                }
            }
            Shape::Instant => {
                if let Some(space) = out[start..].iter().position(|byte| *byte == b' ') {
                    out[start + space] = b'T';
                }
                let end = out.len();
                if end >= start + 3 && matches!(out[end - 3], b'+' | b'-') {
                    out.put_slice(b":00");
                }
                quote_from(start, out);
            }
            Shape::Text => quote_from(start, out),
        }
    }
}

fn separate(nth: usize, out: &mut BytesMut) {
    if nth > 0 {
        out.put_slice(b", ");
    }
}

/// A member name with its quotes and escapes.
fn key(name: &str) -> Vec<u8> {
    let mut out = BytesMut::from(name.as_bytes());
    quote_from(0, &mut out);
    out.to_vec()
}

/// Makes what was written from `start` on a JSON string.
fn quote_from(start: usize, out: &mut BytesMut) {
    let written = out.split_off(start);
    // The writers before this one append UTF-8 only.
    let text = String::from_utf8_lossy(&written);
    // Writing to a growing buffer cannot fail.
    let _ = serde_json::to_writer(out.writer().by_ref(), &text);
}
