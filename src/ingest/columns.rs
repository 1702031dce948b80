//! Builds the batches of one table row by row, from values as a file gives them.

use std::borrow::Cow;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int16Builder, Int32Builder, Int64Builder,
    ListBuilder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use serde_json::Value;

use super::list::words;
use super::time::{Micros, parse_time};

/// A value as a source gives it.
#[derive(Debug, Clone)]
pub(crate) enum Cell<'a> {
    Null,
    Text(Cow<'a, str>),
    Time(Micros),
    Json(Cow<'a, Value>),
}

/// A value in the type of its column.
#[derive(Debug, Clone)]
enum Slot<'a> {
    Null,
    Text(Cow<'a, str>),
    Whole(i64),
    Float(f64),
    Bool(bool),
    List(Vec<Cow<'a, str>>),
}

/// One row on its way in. A row that turns out bad is dropped without a trace.
pub(crate) struct Row<'a> {
    slots: Vec<Slot<'a>>,
}

impl<'a> Row<'a> {
    /// Sets a column from a value of the source; says what is wrong when it does not fit.
    pub(crate) fn set(
        &mut self,
        table: &TableBuilder,
        column: usize,
        cell: Cell<'a>,
    ) -> Result<(), String> {
        self.slots[column] = match to_slot(table.schema.field(column).data_type(), cell)? {
            // Unknown is NULL, never an empty string.
            Slot::Text(text) if text.is_empty() => Slot::Null,
            slot => slot,
        };
        Ok(())
    }

    pub(crate) fn is_null(&self, column: usize) -> bool {
        matches!(self.slots[column], Slot::Null)
    }

    pub(crate) fn text(&self, column: usize) -> Option<&str> {
        match &self.slots[column] {
            Slot::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn time(&self, column: usize) -> Option<Micros> {
        match self.slots[column] {
            Slot::Whole(micros) => Some(micros),
            _ => None,
        }
    }

    /// Adds to a list column.
    pub(crate) fn push(&mut self, column: usize, item: Cow<'a, str>) {
        match &mut self.slots[column] {
            Slot::List(items) => items.push(item),
            slot => *slot = Slot::List(vec![item]),
        }
    }
}

/// The rows of one table until they become a batch.
pub(crate) struct TableBuilder {
    schema: SchemaRef,
    columns: Vec<ColumnBuilder>,
    lines: Vec<u64>,
    bytes: usize,
}

enum ColumnBuilder {
    Text(StringBuilder),
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Float(Float64Builder),
    Bool(BooleanBuilder),
    Time(TimestampMicrosecondBuilder),
    List(ListBuilder<StringBuilder>),
}

impl TableBuilder {
    /// A builder for the columns of `schema` whose types a file can give.
    pub(crate) fn new(schema: &Schema) -> Self {
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        for field in schema.fields() {
            if let Some(column) = ColumnBuilder::new(field.data_type()) {
                fields.push(Field::clone(field).with_nullable(true));
                columns.push(column);
            }
        }
        let schema = Arc::new(Schema::new(fields));
        TableBuilder {
            schema,
            columns,
            lines: Vec::new(),
            bytes: 0,
        }
    }

    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.schema.index_of(name).ok()
    }

    pub(crate) fn rows(&self) -> usize {
        self.lines.len()
    }

    /// Rough size of what is held, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// An empty row for this table.
    pub(crate) fn row<'a>(&self) -> Row<'a> {
        Row {
            slots: vec![Slot::Null; self.columns.len()],
        }
    }

    /// Takes a row in; `line` is where its record begins.
    pub(crate) fn append(&mut self, row: Row<'_>, line: u64) {
        for (column, slot) in self.columns.iter_mut().zip(row.slots) {
            self.bytes += column.append(slot);
        }
        self.lines.push(line);
    }

    /// The rows so far as a batch with the line of each, and an empty builder again.
    pub(crate) fn finish(&mut self) -> Result<(RecordBatch, Vec<u64>), ArrowError> {
        let columns = self.columns.iter_mut().map(ColumnBuilder::finish).collect();
        self.bytes = 0;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        Ok((batch, std::mem::take(&mut self.lines)))
    }
}

impl ColumnBuilder {
    fn new(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Utf8 => ColumnBuilder::Text(StringBuilder::new()),
            DataType::Int16 => ColumnBuilder::Int16(Int16Builder::new()),
            DataType::Int32 => ColumnBuilder::Int32(Int32Builder::new()),
            DataType::Int64 => ColumnBuilder::Int64(Int64Builder::new()),
            DataType::Float64 => ColumnBuilder::Float(Float64Builder::new()),
            DataType::Boolean => ColumnBuilder::Bool(BooleanBuilder::new()),
            DataType::Timestamp(_, zone) => {
                let builder = TimestampMicrosecondBuilder::new();
                ColumnBuilder::Time(builder.with_timezone_opt(zone.clone()))
            }
            DataType::List(item) if *item.data_type() == DataType::Utf8 => {
                let builder = ListBuilder::new(StringBuilder::new());
                ColumnBuilder::List(builder.with_field(Arc::clone(item)))
            }
            _ => return None,
        })
    }

    /// Appends a value that `to_slot` made for this type; returns its rough size.
    fn append(&mut self, slot: Slot<'_>) -> usize {
        match (self, slot) {
            (ColumnBuilder::Text(builder), Slot::Text(text)) => {
                builder.append_value(&text);
                return text.len() + 4;
            }
            (ColumnBuilder::Text(builder), _) => builder.append_null(),
            (ColumnBuilder::Int16(builder), Slot::Whole(v)) => {
                builder.append_option(i16::try_from(v).ok());
            }
            (ColumnBuilder::Int16(builder), _) => builder.append_null(),
            (ColumnBuilder::Int32(builder), Slot::Whole(v)) => {
                builder.append_option(i32::try_from(v).ok());
            }
            (ColumnBuilder::Int32(builder), _) => builder.append_null(),
            (ColumnBuilder::Int64(builder), Slot::Whole(v)) => builder.append_value(v),
            (ColumnBuilder::Int64(builder), _) => builder.append_null(),
            (ColumnBuilder::Float(builder), Slot::Float(v)) => builder.append_value(v),
            (ColumnBuilder::Float(builder), _) => builder.append_null(),
            (ColumnBuilder::Bool(builder), Slot::Bool(v)) => builder.append_value(v),
            (ColumnBuilder::Bool(builder), _) => builder.append_null(),
            (ColumnBuilder::Time(builder), Slot::Whole(v)) => builder.append_value(v),
            (ColumnBuilder::Time(builder), _) => builder.append_null(),
            (ColumnBuilder::List(builder), Slot::List(items)) => {
                let size = items.iter().map(|item| item.len() + 4).sum();
                builder.append_value(items.iter().map(Some));
                return size;
            }
            (ColumnBuilder::List(builder), _) => builder.append_null(),
        }
        8
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            ColumnBuilder::Text(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Int16(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Int32(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Int64(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Float(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Bool(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Time(builder) => Arc::new(builder.finish()),
            ColumnBuilder::List(builder) => Arc::new(builder.finish()),
        }
    }
}

fn to_slot<'a>(data_type: &DataType, cell: Cell<'a>) -> Result<Slot<'a>, String> {
    let whole = |low: i64, high: i64| match number(&cell).and_then(|text| whole_number(&text)) {
        Some(value) if (low..=high).contains(&value) => Ok(Slot::Whole(value)),
        _ => Err(wants("a whole number", &cell)),
    };
    match (data_type, &cell) {
        (_, Cell::Null) => Ok(Slot::Null),
        (_, Cell::Json(value)) if value.is_null() => Ok(Slot::Null),
        (DataType::Utf8, _) => to_text(cell),
        (DataType::Int16, _) => whole(i16::MIN.into(), i16::MAX.into()),
        (DataType::Int32, _) => whole(i32::MIN.into(), i32::MAX.into()),
        (DataType::Int64, _) => whole(i64::MIN, i64::MAX),
        (DataType::Float64, _) => match number(&cell).and_then(|text| text.parse::<f64>().ok()) {
            Some(value) if value.is_finite() => Ok(Slot::Float(value)),
            _ => Err(wants("a number", &cell)),
        },
        (DataType::Boolean, _) => match &cell {
            Cell::Json(value) if value.is_boolean() => {
                Ok(Slot::Bool(value.as_bool() == Some(true)))
            }
            _ => match string(&cell).map(str::to_ascii_lowercase).as_deref() {
                Some("true" | "t" | "yes" | "1") => Ok(Slot::Bool(true)),
                Some("false" | "f" | "no" | "0") => Ok(Slot::Bool(false)),
                _ => Err(wants("true or false", &cell)),
            },
        },
        (DataType::Timestamp(..), Cell::Time(value)) => Ok(Slot::Whole(*value)),
        (DataType::Timestamp(..), _) => match string(&cell).and_then(parse_time) {
            Some(value) => Ok(Slot::Whole(value)),
            None => Err(wants("a time such as 2024-05-31T09:30:00Z", &cell)),
        },
        (DataType::List(_), _) => to_list(cell),
        (other, _) => Err(format!("columns of type {other} cannot be imported")),
    }
}

fn string<'c>(cell: &'c Cell<'_>) -> Option<&'c str> {
    match cell {
        Cell::Text(text) => Some(text),
        Cell::Json(value) => value.as_str(),
        _ => None,
    }
}

fn number<'c>(cell: &'c Cell<'_>) -> Option<Cow<'c, str>> {
    match cell {
        Cell::Json(value) if value.is_number() => Some(Cow::Owned(value.to_string())),
        _ => string(cell).map(|text| Cow::Borrowed(text.trim())),
    }
}

fn to_text(cell: Cell<'_>) -> Result<Slot<'_>, String> {
    Ok(Slot::Text(match cell {
        Cell::Text(text) => text,
        Cell::Time(time) => Cow::Owned(super::time::show(time)),
        Cell::Json(Cow::Borrowed(Value::String(text))) => Cow::Borrowed(text.as_str()),
        Cell::Json(value) => match value.as_ref() {
            Value::Number(number) => Cow::Owned(number.to_string()),
            Value::Bool(bool) => Cow::Borrowed(if *bool { "true" } else { "false" }),
            Value::String(text) => Cow::Owned(text.clone()),
            _ => return Err(wants("text", &Cell::Json(value))),
        },
        Cell::Null => return Ok(Slot::Null),
    }))
}

/// A JSON array, or its text, or PostgreSQL's `{a,b}`; a bare word is a list of one.
fn to_list(cell: Cell<'_>) -> Result<Slot<'_>, String> {
    let items = |values: &[Value]| {
        let texts = values.iter().map(|value| match value {
            Value::String(text) => Some(Cow::Owned(text.clone())),
            Value::Number(number) => Some(Cow::Owned(number.to_string())),
            _ => None,
        });
        texts.collect::<Option<Vec<_>>>()
    };
    let found = match &cell {
        Cell::Json(value) => match value.as_ref() {
            Value::Array(values) => items(values),
            Value::String(text) => words(text),
            _ => None,
        },
        Cell::Text(text) => words(text),
        _ => None,
    };
    found
        .map(Slot::List)
        .ok_or_else(|| wants("a list of text", &cell))
}

/// Also where it is written as a decimal, as tools do whose whole columns may have gaps.
fn whole_number(text: &str) -> Option<i64> {
    text.parse().ok().or_else(|| {
        let value = text.parse::<f64>().ok()?;
        (value.fract() == 0.0 && value.abs() <= LARGEST_EXACT).then_some(value as i64)
    })
}

/// Up to this every whole number is a float of its own.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

fn wants(what: &str, cell: &Cell<'_>) -> String {
    let found = match cell {
        Cell::Null => "null".to_string(),
        Cell::Text(text) => format!("\"{text}\""),
        Cell::Time(time) => super::time::show(*time),
        Cell::Json(value) => match value.as_ref() {
            Value::Array(_) => "an array".into(),
            Value::Object(_) => "an object".into(),
            other => other.to_string(),
        },
    };
    format!("wants {what}, found {}", shorten(&found))
}

/// At most 60 characters, so that an error stays a line.
pub(crate) fn shorten(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(60) {
        Some((at, _)) => Cow::Owned(format!("{}…", &text[..at])),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::whole_number;

    #[test]
    fn whole_numbers_may_be_written_as_decimals() {
        for (text, wanted) in [
            ("3", Some(3)),
            ("3.0", Some(3)),
            ("-2e3", Some(-2000)),
            ("9223372036854775807", Some(i64::MAX)),
            ("3.5", None),
            ("1e300", None),
            ("nan", None),
            ("inf", None),
            ("", None),
        ] {
            assert_eq!(whole_number(text), wanted, "{text}");
        }
    }
}
