//! Lists of scalars as PostgreSQL arrays of one dimension.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field};
use bytes::{BufMut, BytesMut};
use postgres_types::Type;

use super::{Column, EncodeError, Format, Writer, Zone};

/// The writer for a normalised list array whose elements are sent as `element`.
pub(super) fn writer(
    element: &Type,
    array: &ArrayRef,
    format: Format,
    zone: Zone,
) -> Result<Writer, EncodeError> {
    let DataType::List(field) = array.data_type() else {
        return Err(EncodeError::Unsupported(array.data_type().clone()));
    };
    let field: &Field = field;
    let list = array.as_list::<i32>().clone();
    let elements = Column::new(field, list.values(), format, zone)?;
    let offsets = list.offsets().clone();
    let range = move |row: usize| offsets[row] as usize..offsets[row + 1] as usize;
    let element_oid = element.oid();
    Ok(match format {
        Format::Binary => Box::new(move |row, out| {
            let range = range(row);
            if range.is_empty() {
                out.put_i32(0);
                out.put_i32(0);
                out.put_u32(element_oid);
                return Ok(());
            }
            out.put_i32(1);
            out.put_i32(i32::from(range.clone().any(|at| elements.is_null(at))));
            out.put_u32(element_oid);
            out.put_i32(range.len() as i32);
            out.put_i32(1); // the index of the first element
            for at in range {
                elements.write_prefixed(at, out)?;
            }
            Ok(())
        }),
        Format::Text => Box::new(move |row, out| {
            out.put_u8(b'{');
            for (nth, at) in range(row).enumerate() {
                if nth > 0 {
                    out.put_u8(b',');
                }
                if elements.is_null(at) {
                    out.put_slice(b"NULL");
                    continue;
                }
                let start = out.len();
                elements.write(at, out)?;
                quote_element(start, out);
            }
            out.put_u8(b'}');
            Ok(())
        }),
    })
}

/// Puts the element that begins at `start` into quotes where the array syntax asks for it.
fn quote_element(start: usize, out: &mut BytesMut) {
    let written = &out[start..];
    let special = |byte: &u8| {
        matches!(byte, b'{' | b'}' | b',' | b'"' | b'\\') || (*byte as char).is_ascii_whitespace()
    };
    let plain = !written.is_empty()
        && !written.iter().any(special)
        && !written.eq_ignore_ascii_case(b"null");
    if plain {
        return;
    }
    let written = out.split_off(start);
    out.put_u8(b'"');
    for byte in written {
        if matches!(byte, b'"' | b'\\') {
            out.put_u8(b'\\');
        }
        out.put_u8(byte);
    }
    out.put_u8(b'"');
}
