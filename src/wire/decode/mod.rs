//! PostgreSQL values to Arrow scalars: the parameters of a statement, the fields of a COPY.

mod array;
mod binary;
mod text;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use postgres_types::{Kind, Type};

use super::encode::{Format, Zone};
use super::report::{Report, state};
use super::types::parameter_type;

/// Reads a value of the PostgreSQL type `of`; `None` is NULL.
///
/// The scalar has the Arrow type of [`parameter_type`], except that a `numeric` keeps its own scale.
pub(crate) fn value(
    of: &Type,
    format: Format,
    bytes: Option<&[u8]>,
    zone: Zone,
) -> Result<ScalarValue, Report> {
    let Some(bytes) = bytes else {
        let arrow = parameter_type(of).unwrap_or(DataType::Utf8);
        return ScalarValue::try_from(&arrow).map_err(|error| crate::Error::from(error).into());
    };
    match format {
        Format::Text => text_value(of, utf8(bytes)?, zone),
        Format::Binary => match of.kind() {
            Kind::Array(element) => binary::array(element, bytes),
            _ => binary::value(of, bytes),
        },
    }
}

/// Reads a value from its text form.
pub(crate) fn text_value(of: &Type, text: &str, zone: Zone) -> Result<ScalarValue, Report> {
    match of.kind() {
        Kind::Array(element) => array::parse(of, element, text, zone),
        _ => text::value(of, text, zone),
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, Report> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err(Report::error(
            state::CHARACTER_NOT_IN_REPERTOIRE,
            "invalid byte sequence for encoding \"UTF8\"",
        )),
    }
}

/// A text that is no value of its type, in PostgreSQL's words.
fn invalid(of: &Type, text: &str) -> Report {
    let message = format!("invalid input syntax for type {}: \"{text}\"", spelled(of));
    Report::error(state::INVALID_TEXT_REPRESENTATION, message)
}

/// A number beyond its type, in PostgreSQL's words.
fn out_of_range(of: &Type, text: &str) -> Report {
    Report::error(
        "22003",
        format!("value \"{text}\" is out of range for type {}", spelled(of)),
    )
}

/// The name of a type as SQL spells it.
fn spelled(of: &Type) -> &str {
    match *of {
        Type::BOOL => "boolean",
        Type::INT2 => "smallint",
        Type::INT4 => "integer",
        Type::INT8 => "bigint",
        Type::FLOAT4 => "real",
        Type::FLOAT8 => "double precision",
        Type::TIMESTAMPTZ => "timestamp with time zone",
        _ => of.name(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use bytes::BytesMut;
    use datafusion::arrow::datatypes::Field;

    use super::*;
    use crate::wire::encode::Column;

    fn text(of: &Type, text: &str) -> Result<String, String> {
        let value = value(of, Format::Text, Some(text.as_bytes()), Zone::UTC);
        value
            .map(|value| value.to_string())
            .map_err(|report| report.state.to_owned())
    }

    /// A value written in one form and read back is the same value, for every type.
    #[test]
    fn what_is_written_is_read_back() {
        let samples = [
            (Type::BOOL, "t"),
            (Type::INT2, "-32768"),
            (Type::INT4, "2147483647"),
            (Type::INT8, "-9223372036854775808"),
            (Type::FLOAT4, "1.5"),
            (Type::FLOAT8, "-Infinity"),
            (Type::NUMERIC, "-12345.678"),
            (Type::NUMERIC, "0.00"),
            (Type::NUMERIC, "10000000000000000000.0001"),
            (Type::TEXT, "ä€𝄞"),
            (Type::BYTEA, "\\x00ff10"),
            (Type::DATE, "2024-02-29"),
            (Type::TIME, "23:59:59.999999"),
            (Type::TIMESTAMP, "1969-12-31 23:59:59.5"),
            (Type::TIMESTAMPTZ, "2024-07-01 02:00:00+00"),
            (Type::TEXT_ARRAY, r#"{a,"b c",NULL,"NULL","x\"y\\z",""}"#),
            (Type::INT8_ARRAY, "{}"),
            (Type::FLOAT4_ARRAY, "{1,NULL,-2.5}"),
        ];
        for (of, shown) in samples {
            let read = value(&of, Format::Text, Some(shown.as_bytes()), Zone::UTC).unwrap();
            for format in [Format::Text, Format::Binary] {
                let array = read.to_array().unwrap();
                let field = Field::new("c", array.data_type().clone(), true);
                let column = Column::new(&field, &array, format, Zone::UTC).unwrap();
                let mut bytes = BytesMut::new();
                column.write(0, &mut bytes).unwrap();
                if format == Format::Text {
                    assert_eq!(std::str::from_utf8(&bytes).unwrap(), shown);
                }
                let again = value(&of, format, Some(&bytes), Zone::UTC).unwrap();
                assert_eq!(again, read, "{of} {format:?}");
            }
        }
    }

    #[test]
    fn bad_text_is_named() {
        assert_eq!(text(&Type::INT4, "twelve"), Err("22P02".to_owned()));
        assert_eq!(text(&Type::INT2, "40000"), Err("22003".to_owned()));
        assert_eq!(text(&Type::INT4, " 12 "), Ok("12".to_owned()));
        assert_eq!(text(&Type::BOOL, "maybe"), Err("22P02".to_owned()));
        assert_eq!(text(&Type::BOOL, "on"), Ok("true".to_owned()));
        assert_eq!(text(&Type::TIMESTAMP, "yesterday"), Err("22007".to_owned()));
        assert_eq!(text(&Type::JSONB, "{"), Err("22P02".to_owned()));
        assert_eq!(text(&Type::UUID, "x"), Err("22P02".to_owned()));
        assert_eq!(text(&Type::INT4_ARRAY, "{1,2"), Err("22P02".to_owned()));
        assert_eq!(
            text(&Type::INT4_ARRAY, "{{1},{2}}"),
            Err("0A000".to_owned())
        );
    }

    #[test]
    fn short_binary_values_are_refused() {
        for of in [
            Type::INT4,
            Type::FLOAT8,
            Type::NUMERIC,
            Type::INTERVAL,
            Type::INT4_ARRAY,
        ] {
            let report = value(&of, Format::Binary, Some(&[1, 2]), Zone::UTC).unwrap_err();
            assert_eq!(report.state, "22P03", "{of}");
        }
        // An array that claims more elements than it brings.
        let claims = [1, 0, 23, i32::MAX, 1].map(i32::to_be_bytes).concat();
        let report =
            value(&Type::INT4_ARRAY, Format::Binary, Some(&claims), Zone::UTC).unwrap_err();
        assert_eq!(report.state, "22P03");
    }

    #[test]
    fn null_keeps_its_type() {
        let null = value(&Type::INT8, Format::Text, None, Zone::UTC).unwrap();
        assert_eq!(null, ScalarValue::Int64(None));
        let null = value(&Type::UNKNOWN, Format::Text, None, Zone::UTC).unwrap();
        assert_eq!(null, ScalarValue::Utf8(None));
        let list = value(&Type::TEXT_ARRAY, Format::Text, None, Zone::UTC).unwrap();
        let element = Arc::new(Field::new_list_field(DataType::Utf8, true));
        assert_eq!(list.data_type(), DataType::List(element));
    }
}
