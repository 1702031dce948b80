//! Values in binary form.

use bytes::{Buf, TryGetError};
use datafusion::arrow::datatypes::IntervalMonthDayNano;
use datafusion::common::ScalarValue;
use postgres_types::Type;

use super::{array, text, utf8};
use crate::wire::encode::{POSTGRES_EPOCH_DAYS, POSTGRES_EPOCH_MICROS, Zone};
use crate::wire::report::{Report, state};

/// The largest exponent of 10,000 that a 38-digit decimal can hold.
const MAX_NUMERIC_WEIGHT: i16 = 10;

/// A body that ends before its value does.
struct Short;

impl From<TryGetError> for Short {
    fn from(_: TryGetError) -> Self {
        Short
    }
}

/// Reads a value that is no array.
pub(super) fn value(of: &Type, bytes: &[u8]) -> Result<ScalarValue, Report> {
    let mut rest = bytes;
    match fixed(of, &mut rest) {
        Ok(Some(value)) if rest.is_empty() => return Ok(value),
        Ok(None) => {}
        _ => return Err(malformed(of)),
    }
    match (of, bytes) {
        (&Type::BYTEA, _) => Ok(ScalarValue::Binary(Some(bytes.to_vec()))),
        (&Type::JSONB, [1, json @ ..]) => text::value(of, utf8(json)?, Zone::UTC),
        (&Type::JSONB, _) => Err(malformed(of)),
        _ => text::value(of, utf8(bytes)?, Zone::UTC),
    }
}

/// Reads a value of a type whose binary form is not its text; `None` for the others.
fn fixed(of: &Type, rest: &mut &[u8]) -> Result<Option<ScalarValue>, Short> {
    Ok(Some(match *of {
        Type::BOOL => ScalarValue::Boolean(Some(rest.try_get_u8()? != 0)),
        Type::INT2 => ScalarValue::Int16(Some(rest.try_get_i16()?)),
        Type::INT4 => ScalarValue::Int32(Some(rest.try_get_i32()?)),
        Type::OID => ScalarValue::Int64(Some(i64::from(rest.try_get_u32()?))),
        Type::INT8 => ScalarValue::Int64(Some(rest.try_get_i64()?)),
        Type::FLOAT4 => ScalarValue::Float32(Some(rest.try_get_f32()?)),
        Type::FLOAT8 => ScalarValue::Float64(Some(rest.try_get_f64()?)),
        Type::NUMERIC => numeric(rest)?,
        Type::DATE => {
            let days = rest.try_get_i32()?;
            ScalarValue::Date32(Some(days.saturating_add(POSTGRES_EPOCH_DAYS)))
        }
        Type::TIME => ScalarValue::Time64Microsecond(Some(rest.try_get_i64()?)),
        Type::TIMESTAMP => ScalarValue::TimestampMicrosecond(instant(rest)?, None),
        Type::TIMESTAMPTZ => ScalarValue::TimestampMicrosecond(instant(rest)?, Some("UTC".into())),
        Type::INTERVAL => {
            let nanoseconds = rest.try_get_i64()?.saturating_mul(1_000);
            let (days, months) = (rest.try_get_i32()?, rest.try_get_i32()?);
            let interval = IntervalMonthDayNano::new(months, days, nanoseconds);
            ScalarValue::IntervalMonthDayNano(Some(interval))
        }
        Type::UUID => {
            let uuid = uuid::Uuid::from_u128(rest.try_get_u128()?);
            ScalarValue::Utf8(Some(uuid.to_string()))
        }
        _ => return Ok(None),
    }))
}

/// Reads a one-dimensional array.
pub(super) fn array(element: &Type, bytes: &[u8]) -> Result<ScalarValue, Report> {
    let mut rest = bytes;
    let short = |_| malformed(element);
    let dimensions = rest.try_get_i32().map_err(short)?;
    let _has_nulls = rest.try_get_i32().map_err(short)?;
    let _element_oid = rest.try_get_u32().map_err(short)?;
    let length = match dimensions {
        0 => 0,
        1 => {
            let length = rest.try_get_i32().map_err(short)?;
            let _first_index = rest.try_get_i32().map_err(short)?;
            // Each element takes four bytes at least.
            match usize::try_from(length) {
                Ok(length) if length <= rest.len() / 4 => length,
                _ => return Err(malformed(element)),
            }
        }
        _ => return Err(array::too_many_dimensions()),
    };
    let mut elements = Vec::with_capacity(length);
    for _ in 0..length {
        let size = rest.try_get_i32().map_err(short)?;
        elements.push(match usize::try_from(size) {
            Err(_) => None,
            Ok(size) => {
                let (bytes, tail) = rest
                    .split_at_checked(size)
                    .ok_or_else(|| malformed(element))?;
                rest = tail;
                Some(value(element, bytes)?)
            }
        });
    }
    array::list(element, elements)
}

fn instant(rest: &mut &[u8]) -> Result<Option<i64>, Short> {
    Ok(Some(
        rest.try_get_i64()?.saturating_add(POSTGRES_EPOCH_MICROS),
    ))
}

/// Reads the digits in base 10,000; see `encode::number` for the form.
fn numeric(rest: &mut &[u8]) -> Result<ScalarValue, Short> {
    let groups = usize::from(rest.try_get_u16()?);
    let weight = rest.try_get_i16()?;
    let sign = rest.try_get_u16()?;
    let scale = usize::from(rest.try_get_u16()?);
    // NaN and the infinities have signs of their own; decimals have no such values.
    if !matches!(sign, 0 | 0x4000) || weight > MAX_NUMERIC_WEIGHT || scale > 38 {
        return Err(Short);
    }
    let digits = (0..groups)
        .map(|_| rest.try_get_u16())
        .collect::<Result<Vec<_>, _>>()?;
    // Digit `at` stands for 10,000 to the power `weight - at`; those not sent are zero.
    let group = |at: i32| {
        usize::try_from(at)
            .ok()
            .and_then(|at| digits.get(at))
            .copied()
            .unwrap_or(0)
    };
    let weight = i32::from(weight);
    let mut text = String::from(if sign == 0 { "0" } else { "-0" });
    for at in 0..=weight {
        text.push_str(&format!("{:04}", group(at)));
    }
    let mut fraction = String::new();
    for at in weight + 1..=weight + scale.div_ceil(4) as i32 {
        fraction.push_str(&format!("{:04}", group(at)));
    }
    fraction.truncate(scale);
    if scale > 0 {
        text.push('.');
        text.push_str(&fraction);
    }
    text::numeric(&text).ok_or(Short)
}

fn malformed(of: &Type) -> Report {
    Report::error(
        state::INVALID_BINARY_REPRESENTATION,
        format!("incorrect binary data format for type {}", of.name()),
    )
}
