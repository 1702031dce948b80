//! Arrays in text form, `{a,"b c",NULL}`, and lists from their elements.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use postgres_types::Type;

use super::{invalid, text};
use crate::wire::encode::Zone;
use crate::wire::report::{Report, state};
use crate::wire::types::parameter_type;

/// Reads a one-dimensional array.
pub(super) fn parse(
    of: &Type,
    element: &Type,
    input: &str,
    zone: Zone,
) -> Result<ScalarValue, Report> {
    let body = input
        .trim()
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .ok_or_else(|| invalid(of, input))?;
    let mut elements = Vec::new();
    let mut rest = body.trim_start();
    while !rest.is_empty() {
        let (value, quoted, tail) = next(rest).ok_or_else(|| invalid(of, input))?;
        if !quoted && value.contains(['{', '}']) {
            return Err(too_many_dimensions());
        }
        elements.push(match quoted || !value.eq_ignore_ascii_case("null") {
            true => Some(text::value(element, &value, zone)?),
            false => None,
        });
        rest = match tail.strip_prefix(',') {
            // A comma promises one more element.
            Some(tail) if !tail.trim().is_empty() => tail.trim_start(),
            None if tail.is_empty() => tail,
            _ => return Err(invalid(of, input)),
        };
    }
    list(element, elements)
}

/// The first element of `input`, whether it was quoted, and what follows it.
fn next(input: &str) -> Option<(String, bool, &str)> {
    let mut value = String::new();
    let mut characters = input.char_indices();
    let quoted = input.starts_with('"');
    if quoted {
        characters.next();
    }
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => value.push(characters.next()?.1),
            '"' if quoted => return Some((value, true, input[at + 1..].trim_start())),
            '"' => return None,
            ',' if !quoted => return unquoted(value, &input[at..]),
            other => value.push(other),
        }
    }
    if quoted {
        return None;
    }
    unquoted(value, "")
}

/// An element without quotes must not be empty.
fn unquoted(value: String, tail: &str) -> Option<(String, bool, &str)> {
    let value = value.trim_end().to_owned();
    (!value.is_empty()).then_some((value, false, tail))
}

/// The list of these elements.
pub(super) fn list(
    element: &Type,
    elements: Vec<Option<ScalarValue>>,
) -> Result<ScalarValue, Report> {
    let mut arrow = parameter_type(element).unwrap_or(DataType::Utf8);
    if let DataType::Decimal128(precision, _) = arrow {
        // Every numeric brings its own scale: the widest holds them all.
        let scale = elements.iter().flatten().map(|value| match value {
            ScalarValue::Decimal128(_, _, scale) => *scale,
            _ => 0,
        });
        arrow = DataType::Decimal128(precision, scale.max().unwrap_or(0));
    }
    let converted = elements
        .into_iter()
        .map(|value| match value {
            Some(value) => value.cast_to(&arrow),
            None => ScalarValue::try_from(&arrow),
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(crate::Error::from)?;
    Ok(ScalarValue::List(ScalarValue::new_list_nullable(
        &converted, &arrow,
    )))
}

/// Arrays of arrays are not taken.
pub(super) fn too_many_dimensions() -> Report {
    Report::error(
        state::FEATURE_NOT_SUPPORTED,
        "arrays of more than one dimension are not supported",
    )
}
