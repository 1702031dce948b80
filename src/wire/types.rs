//! Which PostgreSQL type a column is sent as, and which Arrow type a parameter is read as.
//!
//! | Arrow | PostgreSQL |
//! |---|---|
//! | Boolean | `bool` |
//! | Int8, Int16, UInt8 | `int2` |
//! | Int32, UInt16 | `int4` |
//! | Int64, UInt32, UInt64 | `int8` (a UInt64 beyond its range is an error, 22003) |
//! | Float16, Float32 | `float4` |
//! | Float64 | `float8` |
//! | every decimal | `numeric` |
//! | every string, Null | `text` |
//! | every binary | `bytea`; `uuid` when the field carries Arrow's uuid extension |
//! | Date, Time, Timestamp | `date`, `time`, `timestamp`, `timestamptz` |
//! | Interval, Duration | `interval` |
//! | list of one of these | its array |
//! | struct, map, union, list of lists or of structs | `jsonb` |

use arrow::datatypes::{DataType, Field, IntervalUnit, TimeUnit};
use arrow_pg::datatypes::{PG_CHAR_KEY, PG_OID_ALIAS_KEY, pg_type_for_alias_kind};
use postgres_types::{Kind, Type};

/// Field metadata by which the schema files mark a string column as JSON.
const VERBATIM_TYPE_KEY: &str = "verbatim.type";
/// Field metadata of Arrow's canonical extension types.
const EXTENSION_KEY: &str = "ARROW:extension:name";

/// The PostgreSQL type in which the column `field` is sent.
pub(crate) fn column_type(field: &Field) -> Type {
    let metadata = field.metadata();
    if let Some(alias) = metadata.get(PG_OID_ALIAS_KEY)
        && let Some(alias) = pg_type_for_alias_kind(alias)
    {
        return match field.data_type() {
            DataType::Int32 | DataType::Int64 | DataType::UInt32 => alias,
            DataType::List(_) => Type::OID_ARRAY,
            _ => Type::TEXT,
        };
    }
    if metadata.contains_key(PG_CHAR_KEY) && is_string(field.data_type()) {
        return Type::CHAR;
    }
    match metadata.get(VERBATIM_TYPE_KEY).map(String::as_str) {
        Some("jsonb") => return Type::JSONB,
        Some("json") => return Type::JSON,
        Some("uuid") => return Type::UUID,
        _ => {}
    }
    if metadata.get(EXTENSION_KEY).map(String::as_str) == Some("arrow.uuid") {
        return Type::UUID;
    }
    data_type(field.data_type())
}

/// The PostgreSQL type for values of an Arrow type that carries no metadata.
pub(crate) fn data_type(arrow: &DataType) -> Type {
    match arrow {
        DataType::Boolean => Type::BOOL,
        DataType::Int8 | DataType::Int16 | DataType::UInt8 => Type::INT2,
        DataType::Int32 | DataType::UInt16 => Type::INT4,
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => Type::INT8,
        DataType::Float16 | DataType::Float32 => Type::FLOAT4,
        DataType::Float64 => Type::FLOAT8,
        DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => Type::NUMERIC,
        DataType::Null | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Type::TEXT,
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => Type::BYTEA,
        DataType::Date32 | DataType::Date64 => Type::DATE,
        DataType::Time32(_) | DataType::Time64(_) => Type::TIME,
        DataType::Timestamp(_, None) => Type::TIMESTAMP,
        DataType::Timestamp(_, Some(_)) => Type::TIMESTAMPTZ,
        DataType::Interval(_) | DataType::Duration(_) => Type::INTERVAL,
        DataType::Dictionary(_, values) => data_type(values),
        DataType::RunEndEncoded(_, values) => column_type(values),
        DataType::List(element)
        | DataType::LargeList(element)
        | DataType::FixedSizeList(element, _)
        | DataType::ListView(element)
        | DataType::LargeListView(element) => match is_nested(element.data_type()) {
            true => Type::JSONB,
            false => array_of(&column_type(element)),
        },
        DataType::Struct(_) | DataType::Map(..) | DataType::Union(..) => Type::JSONB,
    }
}

/// The array type whose elements are of type `element`; `text[]` where PostgreSQL has none for it.
fn array_of(element: &Type) -> Type {
    match *element {
        Type::BOOL => Type::BOOL_ARRAY,
        Type::CHAR => Type::CHAR_ARRAY,
        Type::INT2 => Type::INT2_ARRAY,
        Type::INT4 => Type::INT4_ARRAY,
        Type::INT8 => Type::INT8_ARRAY,
        Type::FLOAT4 => Type::FLOAT4_ARRAY,
        Type::FLOAT8 => Type::FLOAT8_ARRAY,
        Type::NUMERIC => Type::NUMERIC_ARRAY,
        Type::BYTEA => Type::BYTEA_ARRAY,
        Type::DATE => Type::DATE_ARRAY,
        Type::TIME => Type::TIME_ARRAY,
        Type::TIMESTAMP => Type::TIMESTAMP_ARRAY,
        Type::TIMESTAMPTZ => Type::TIMESTAMPTZ_ARRAY,
        Type::INTERVAL => Type::INTERVAL_ARRAY,
        Type::JSON => Type::JSON_ARRAY,
        Type::JSONB => Type::JSONB_ARRAY,
        Type::UUID => Type::UUID_ARRAY,
        Type::OID => Type::OID_ARRAY,
        _ => Type::TEXT_ARRAY,
    }
}

/// The Arrow type in which a parameter declared with this PostgreSQL type is handed to the session;
/// `None` where the declaration leaves the type to the statement (`unknown`, or a type we lack).
pub(crate) fn parameter_type(declared: &Type) -> Option<DataType> {
    if let Kind::Array(element) = declared.kind() {
        let element = parameter_type(element)?;
        return Some(DataType::List(Field::new_list_field(element, true).into()));
    }
    Some(match *declared {
        Type::BOOL => DataType::Boolean,
        Type::INT2 => DataType::Int16,
        Type::INT4 => DataType::Int32,
        Type::INT8 | Type::OID => DataType::Int64,
        Type::FLOAT4 => DataType::Float32,
        Type::FLOAT8 => DataType::Float64,
        // PostgreSQL's numeric has no fixed scale; each value brings its own (see `parameters`).
        Type::NUMERIC => DataType::Decimal128(38, 10),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::CHAR => DataType::Utf8,
        Type::JSON | Type::JSONB | Type::UUID => DataType::Utf8,
        Type::BYTEA => DataType::Binary,
        Type::DATE => DataType::Date32,
        Type::TIME => DataType::Time64(TimeUnit::Microsecond),
        Type::TIMESTAMP => DataType::Timestamp(TimeUnit::Microsecond, None),
        Type::TIMESTAMPTZ => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Type::INTERVAL => DataType::Interval(IntervalUnit::MonthDayNano),
        _ => return None,
    })
}

/// The width of a type's values in bytes as `pg_type.typlen` gives it; -1 where it varies.
pub(crate) fn type_size(of: &Type) -> i16 {
    match *of {
        Type::BOOL | Type::CHAR => 1,
        Type::INT2 => 2,
        Type::INT4 | Type::FLOAT4 | Type::DATE | Type::OID => 4,
        Type::REGCLASS | Type::REGPROC | Type::REGTYPE | Type::REGNAMESPACE | Type::REGROLE => 4,
        Type::INT8 | Type::FLOAT8 | Type::TIME | Type::TIMESTAMP | Type::TIMESTAMPTZ => 8,
        Type::INTERVAL | Type::UUID => 16,
        Type::NAME => 64,
        _ => -1,
    }
}

/// The modifier of a `numeric(precision, scale)`; -1 (none) for every other type.
pub(crate) fn type_modifier(field: &Field) -> i32 {
    match field.data_type() {
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale)
            if *scale >= 0 =>
        {
            ((i32::from(*precision) << 16) | i32::from(*scale)) + 4
        }
        _ => -1,
    }
}

/// Whether values of this type are lists, structs or maps.
fn is_nested(arrow: &DataType) -> bool {
    match arrow {
        DataType::Dictionary(_, values) => is_nested(values),
        DataType::RunEndEncoded(_, values) => is_nested(values.data_type()),
        other => other.is_nested(),
    }
}

fn is_string(arrow: &DataType) -> bool {
    matches!(
        arrow,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(data_type: DataType) -> Type {
        column_type(&Field::new("c", data_type, true))
    }

    #[test]
    fn lists_are_arrays_unless_they_nest() {
        let list = |element| DataType::new_list(element, true);
        assert_eq!(sent(list(DataType::Float32)), Type::FLOAT4_ARRAY);
        assert_eq!(sent(list(DataType::Utf8View)), Type::TEXT_ARRAY);
        assert_eq!(sent(list(list(DataType::Int64))), Type::JSONB);
        assert_eq!(
            sent(DataType::new_large_list(DataType::Int64, true)),
            Type::INT8_ARRAY
        );
    }

    #[test]
    fn metadata_decides_before_the_arrow_type() {
        let json = Field::new("c", DataType::Utf8, true)
            .with_metadata([("verbatim.type".to_owned(), "jsonb".to_owned())].into());
        assert_eq!(column_type(&json), Type::JSONB);
        let class = Field::new("c", DataType::Int32, true)
            .with_metadata([("pg.oid_alias".to_owned(), "regclass".to_owned())].into());
        assert_eq!(column_type(&class), Type::REGCLASS);
    }

    #[test]
    fn a_declared_type_comes_back_as_itself() {
        for declared in [
            Type::BOOL,
            Type::INT2,
            Type::INT4,
            Type::INT8,
            Type::FLOAT4,
            Type::FLOAT8,
            Type::NUMERIC,
            Type::TEXT,
            Type::BYTEA,
            Type::DATE,
            Type::TIME,
            Type::TIMESTAMP,
            Type::TIMESTAMPTZ,
            Type::INTERVAL,
            Type::TEXT_ARRAY,
            Type::INT8_ARRAY,
        ] {
            let arrow = parameter_type(&declared);
            assert_eq!(arrow.as_ref().map(data_type), Some(declared));
        }
    }
}
