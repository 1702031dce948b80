//! Values in text form.

use std::str::FromStr;

use datafusion::arrow::array::timezone::Tz;
use datafusion::arrow::compute::kernels::cast_utils::{parse_decimal, string_to_datetime};
use datafusion::arrow::datatypes::Decimal128Type;
use datafusion::common::ScalarValue;
use postgres_types::Type;

use super::{invalid, out_of_range};
use crate::wire::encode::Zone;
use crate::wire::report::Report;
use crate::wire::types::parameter_type;

/// What a date or time that cannot be read is called.
const INVALID_DATETIME_FORMAT: &str = "22007";

/// Reads a value that is no array.
pub(super) fn value(of: &Type, text: &str, zone: Zone) -> Result<ScalarValue, Report> {
    let trimmed = text.trim();
    Ok(match *of {
        Type::BOOL => {
            ScalarValue::Boolean(Some(boolean(trimmed).ok_or_else(|| invalid(of, text))?))
        }
        Type::INT2 => ScalarValue::Int16(Some(integer(of, trimmed)?)),
        Type::INT4 => ScalarValue::Int32(Some(integer(of, trimmed)?)),
        Type::INT8 | Type::OID => ScalarValue::Int64(Some(integer(of, trimmed)?)),
        Type::FLOAT4 => ScalarValue::Float32(Some(float(of, trimmed)?)),
        Type::FLOAT8 => ScalarValue::Float64(Some(float(of, trimmed)?)),
        Type::NUMERIC => numeric(trimmed).ok_or_else(|| invalid(of, text))?,
        Type::BYTEA => ScalarValue::Binary(Some(bytes(text).ok_or_else(|| invalid(of, text))?)),
        Type::UUID => {
            let uuid = uuid::Uuid::from_str(trimmed).map_err(|_| invalid(of, text))?;
            ScalarValue::Utf8(Some(uuid.to_string()))
        }
        Type::JSON | Type::JSONB => {
            serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|_| invalid(of, text))?;
            ScalarValue::Utf8(Some(text.to_owned()))
        }
        Type::TIMESTAMP => {
            // A time zone in the text of a `timestamp` is not looked at.
            let read = string_to_datetime(&chrono::Utc, without_offset(trimmed));
            let read = read.map_err(|_| invalid_datetime(of, text))?;
            ScalarValue::TimestampMicrosecond(Some(read.timestamp_micros()), None)
        }
        Type::TIMESTAMPTZ => {
            let zone = arrow_zone(zone).ok_or_else(|| invalid_datetime(of, text))?;
            let read = string_to_datetime(&zone, trimmed);
            let read = read.map_err(|_| invalid_datetime(of, text))?;
            ScalarValue::TimestampMicrosecond(Some(read.timestamp_micros()), Some("UTC".into()))
        }
        Type::DATE | Type::TIME | Type::INTERVAL => {
            let target = parameter_type(of).ok_or_else(|| invalid_datetime(of, text))?;
            let read = ScalarValue::Utf8(Some(trimmed.to_owned())).cast_to(&target);
            match read {
                Ok(read) if !read.is_null() => read,
                _ => return Err(invalid_datetime(of, text)),
            }
        }
        _ => ScalarValue::Utf8(Some(text.to_owned())),
    })
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "t" | "tr" | "tru" | "true" | "y" | "ye" | "yes" | "on" | "1" => Some(true),
        "f" | "fa" | "fal" | "fals" | "false" | "n" | "no" | "of" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn integer<T>(of: &Type, text: &str) -> Result<T, Report>
where
    T: FromStr<Err = std::num::ParseIntError>,
{
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    text.parse::<T>().map_err(|error| match error.kind() {
        PosOverflow | NegOverflow => out_of_range(of, text),
        _ => invalid(of, text),
    })
}

fn float<T: FromStr>(of: &Type, text: &str) -> Result<T, Report> {
    text.parse::<T>().map_err(|_| invalid(of, text))
}

/// A decimal with as many places as the text has.
pub(super) fn numeric(text: &str) -> Option<ScalarValue> {
    let mantissa = text.split(['e', 'E']).next().unwrap_or(text);
    let exponent: i64 = match text[mantissa.len()..].get(1..) {
        Some(exponent) => exponent.parse().ok()?,
        None => 0,
    };
    let digits = mantissa.trim_start_matches(['-', '+']);
    if digits.is_empty()
        || digits
            .bytes()
            .any(|byte| byte != b'.' && !byte.is_ascii_digit())
    {
        return None;
    }
    let places = mantissa
        .split_once('.')
        .map_or(0, |(_, places)| places.len()) as i64;
    let scale = i8::try_from((places - exponent).clamp(0, 38)).ok()?;
    let value = parse_decimal::<Decimal128Type>(text, 38, scale).ok()?;
    Some(ScalarValue::Decimal128(Some(value), 38, scale))
}

/// `\x` and hexadecimal digits, or the older form with `\nnn` octal escapes.
fn bytes(text: &str) -> Option<Vec<u8>> {
    if let Some(digits) = text.strip_prefix("\\x") {
        let digits: Vec<u8> = digits
            .bytes()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        return digits
            .chunks(2)
            .map(|pair| {
                let [high, low] = pair.try_into().ok()?;
                let digit = |byte: u8| (byte as char).to_digit(16);
                u8::try_from(digit(high)? * 16 + digit(low)?).ok()
            })
            .collect();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = match (first, tail) {
            (b'\\', [b'\\', tail @ ..]) => {
                out.push(b'\\');
                tail
            }
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..]) => {
                out.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
                tail
            }
            (b'\\', _) => return None,
            _ => {
                out.push(*first);
                tail
            }
        };
    }
    Some(out)
}

/// The text of a timestamp up to its time zone.
fn without_offset(text: &str) -> &str {
    let time = text.find([' ', 'T']).unwrap_or(text.len());
    let end = text[time..]
        .find(['+', '-', 'Z'])
        .map_or(text.len(), |at| time + at);
    text[..end].trim_end()
}

fn arrow_zone(zone: Zone) -> Option<Tz> {
    match zone {
        Zone::Named(zone) => zone.name().parse().ok(),
        Zone::Fixed(seconds) => {
            let minutes = seconds.unsigned_abs() / 60;
            let sign = if seconds < 0 { '-' } else { '+' };
            format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
                .parse()
                .ok()
        }
    }
}

fn invalid_datetime(of: &Type, text: &str) -> Report {
    Report {
        state: INVALID_DATETIME_FORMAT,
        ..invalid(of, text)
    }
}
