//! A data file of a table as the Delta log describes it.

use std::collections::HashMap;

use datafusion::arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::scalar::ScalarValue;
use deltalake_core::kernel::{Add, Remove};
use serde_json::{Map, Value, json};

use super::{LakeError, TableSchema};

/// Tag of a file whose keys are unique among all settled files and whose rows are older than any
/// later version in an unsettled one.
const TAG_SETTLED: &str = "verbatim.settled";
/// Tag of a settled file that holds nothing but messages that are gone.
const TAG_DELETED: &str = "verbatim.deleted";
/// Tags of a file that counts only when its batch of messages has landed.
const TAG_WRITER: &str = "verbatim.writer";
const TAG_SEQUENCE: &str = "verbatim.sequence";

/// A batch of messages that a file of another table belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landing {
    /// The writer, a Delta application id.
    pub writer: String,
    /// The batch's number, a Delta application version.
    pub sequence: i64,
}

/// Minimum, maximum and NULL count of one column of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnRange {
    /// Position of the column in the table.
    pub column: usize,
    /// A lower bound of the values that are not NULL.
    pub min: Option<ScalarValue>,
    /// An upper bound of the values that are not NULL.
    pub max: Option<ScalarValue>,
    /// How many rows are NULL.
    pub nulls: Option<u64>,
}

/// One Parquet file of a table.
#[derive(Debug, Clone)]
pub struct DataFile {
    /// Path below the table, as the log has it.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// Number of rows.
    pub records: u64,
    /// When it was written, in milliseconds since 1970.
    pub modified: i64,
    /// Whether its rows need no merging with those of other settled files.
    pub settled: bool,
    /// Whether it only tells which messages are gone: readers have no need of it, writers know by
    /// it what not to bring back.
    pub deleted: bool,
    /// The batch of messages on which its visibility depends.
    pub landing: Option<Landing>,
    /// Statistics, ordered by column.
    pub ranges: Vec<ColumnRange>,
}

impl DataFile {
    /// Statistics of a column.
    pub fn range(&self, column: usize) -> Option<&ColumnRange> {
        let position = self
            .ranges
            .binary_search_by_key(&column, |range| range.column)
            .ok()?;
        self.ranges.get(position)
    }

    /// The one value that every row of the file has in `column`; `None` when rows differ, some are
    /// NULL or the statistics do not tell.
    pub fn constant(&self, column: usize) -> Option<&ScalarValue> {
        let range = self.range(column)?;
        let same = range.nulls == Some(0) && range.min.is_some() && range.min == range.max;
        if same { range.min.as_ref() } else { None }
    }

    /// Whether every row of the file is NULL in `column`, as far as the statistics tell.
    pub fn all_null(&self, column: usize) -> bool {
        self.range(column)
            .is_some_and(|range| range.nulls == Some(self.records))
    }

    /// Reads an add action of the log.
    pub(crate) fn from_add(add: &Add, table: &TableSchema) -> Result<Self, LakeError> {
        let refuse = |feature: &str| LakeError::Unsupported {
            table: table.name.clone(),
            feature: feature.to_string(),
        };
        if add.deletion_vector.is_some() {
            return Err(refuse("deletion vectors"));
        }
        if add.path.contains("://") || add.path.starts_with('/') {
            return Err(refuse("files outside of its folder"));
        }
        let stats: Value = add
            .stats
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or(Value::Null);
        let records = stats["numRecords"]
            .as_u64()
            .ok_or_else(|| refuse("files without a row count"))?;
        let tag = |name: &str| add.tags.as_ref()?.get(name)?.as_deref();
        let landing = tag(TAG_WRITER)
            .zip(tag(TAG_SEQUENCE))
            .and_then(|(writer, sequence)| {
                Some(Landing {
                    writer: writer.to_string(),
                    sequence: sequence.parse().ok()?,
                })
            });
        Ok(DataFile {
            path: add.path.clone(),
            size: u64::try_from(add.size).unwrap_or_default(),
            records,
            modified: add.modification_time,
            settled: tag(TAG_SETTLED).is_some(),
            deleted: tag(TAG_DELETED).is_some(),
            landing,
            ranges: read_ranges(&stats, &table.columns),
        })
    }

    /// The add action of the log for this file.
    pub(crate) fn to_add(&self, columns: &Schema, data_change: bool) -> Add {
        let mut tags = HashMap::new();
        if self.settled {
            tags.insert(TAG_SETTLED.to_string(), Some("true".to_string()));
        }
        if self.deleted {
            tags.insert(TAG_DELETED.to_string(), Some("true".to_string()));
        }
        if let Some(landing) = &self.landing {
            tags.insert(TAG_WRITER.to_string(), Some(landing.writer.clone()));
            tags.insert(TAG_SEQUENCE.to_string(), Some(landing.sequence.to_string()));
        }
        Add {
            path: self.path.clone(),
            size: i64::try_from(self.size).unwrap_or(i64::MAX),
            modification_time: self.modified,
            data_change,
            stats: Some(write_ranges(self.records, &self.ranges, columns).to_string()),
            tags: (!tags.is_empty()).then_some(tags),
            ..Add::default()
        }
    }

    /// The remove action of the log for this file.
    pub(crate) fn to_remove(&self, now: i64, data_change: bool) -> Remove {
        Remove {
            path: self.path.clone(),
            data_change,
            deletion_timestamp: Some(now),
            extended_file_metadata: Some(true),
            partition_values: Some(HashMap::new()),
            size: Some(i64::try_from(self.size).unwrap_or(i64::MAX)),
            ..Remove::default()
        }
    }
}

fn write_ranges(records: u64, ranges: &[ColumnRange], columns: &Schema) -> Value {
    let mut min = Map::new();
    let mut max = Map::new();
    let mut nulls = Map::new();
    for range in ranges {
        let name = columns.field(range.column).name();
        for (bound, into) in [(&range.min, &mut min), (&range.max, &mut max)] {
            if let Some(value) = bound.as_ref().and_then(to_json) {
                into.insert(name.clone(), value);
            }
        }
        if let Some(count) = range.nulls {
            nulls.insert(name.clone(), json!(count));
        }
    }
    json!({ "numRecords": records, "minValues": min, "maxValues": max, "nullCount": nulls })
}

fn read_ranges(stats: &Value, columns: &Schema) -> Vec<ColumnRange> {
    let mut ranges = Vec::new();
    for (column, field) in columns.fields().iter().enumerate() {
        let name = field.name().as_str();
        let bound = |of: &str, upper| from_json(&stats[of][name], field, upper);
        let range = ColumnRange {
            column,
            min: bound("minValues", false),
            max: bound("maxValues", true),
            nulls: stats["nullCount"][name].as_u64(),
        };
        if range.min.is_some() || range.max.is_some() || range.nulls.is_some() {
            ranges.push(range);
        }
    }
    ranges
}

fn to_json(value: &ScalarValue) -> Option<Value> {
    match value {
        ScalarValue::Utf8(Some(text)) => Some(json!(text)),
        ScalarValue::Boolean(Some(flag)) => Some(json!(flag)),
        ScalarValue::Int16(Some(number)) => Some(json!(number)),
        ScalarValue::Int32(Some(number)) => Some(json!(number)),
        ScalarValue::Int64(Some(number)) => Some(json!(number)),
        ScalarValue::Float32(Some(number)) if number.is_finite() => Some(json!(number)),
        ScalarValue::Float64(Some(number)) if number.is_finite() => Some(json!(number)),
        ScalarValue::TimestampMicrosecond(Some(time), _) => {
            let time = chrono::DateTime::from_timestamp_micros(*time)?;
            Some(json!(time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()))
        }
        _ => None,
    }
}

fn from_json(value: &Value, field: &Field, upper: bool) -> Option<ScalarValue> {
    Some(match field.data_type() {
        DataType::Utf8 => ScalarValue::Utf8(Some(value.as_str()?.to_string())),
        DataType::Boolean => ScalarValue::Boolean(Some(value.as_bool()?)),
        DataType::Int16 => ScalarValue::Int16(Some(value.as_i64()?.try_into().ok()?)),
        DataType::Int32 => ScalarValue::Int32(Some(value.as_i64()?.try_into().ok()?)),
        DataType::Int64 => ScalarValue::Int64(Some(value.as_i64()?)),
        // Reading decimal text may be off by the last bit, so bounds are widened by it.
        DataType::Float64 if upper => ScalarValue::Float64(Some(value.as_f64()?.next_up())),
        DataType::Float64 => ScalarValue::Float64(Some(value.as_f64()?.next_down())),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let text = value.as_str()?;
            let time = chrono::DateTime::parse_from_rfc3339(text)
                .ok()?
                .timestamp_micros();
            // Other writers cut times to milliseconds, which lowers an upper bound.
            let fraction = text.split('.').nth(1).unwrap_or_default();
            let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
            let cut = digits < 6;
            let time = if upper && cut { time + 999 } else { time };
            ScalarValue::TimestampMicrosecond(Some(time), zone.clone())
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::lake::built_in_tables;

    fn time(micros: i64) -> ScalarValue {
        ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into()))
    }

    #[test]
    fn an_add_action_is_read_as_it_was_written() {
        let table = &built_in_tables().unwrap()[0];
        let column = |name: &str| table.columns.index_of(name).unwrap();
        let mut ranges = vec![
            ColumnRange {
                column: column("role"),
                min: Some(ScalarValue::from("agent")),
                max: Some(ScalarValue::from("customer")),
                nulls: Some(0),
            },
            ColumnRange {
                column: column("sent_at"),
                min: Some(time(1_700_000_000_123_456)),
                max: Some(time(1_700_000_001_000_001)),
                nulls: Some(0),
            },
            ColumnRange {
                column: column("scored_by"),
                min: Some(ScalarValue::from("set")),
                max: Some(ScalarValue::from("set")),
                nulls: Some(0),
            },
        ];
        ranges.sort_by_key(|range| range.column);
        let file = DataFile {
            path: "a.parquet".into(),
            size: 7,
            records: 3,
            modified: 11,
            settled: true,
            deleted: true,
            landing: Some(Landing {
                writer: "w".into(),
                sequence: 5,
            }),
            ranges: ranges.clone(),
        };
        let read = DataFile::from_add(&file.to_add(&table.columns, true), table).unwrap();
        assert_eq!(read.ranges, ranges);
        assert_eq!(read.landing, file.landing);
        assert!(read.settled && read.deleted);
        assert_eq!((read.records, read.size, read.modified), (3, 7, 11));
        assert_eq!(
            read.constant(column("scored_by")),
            Some(&ScalarValue::from("set"))
        );
        assert_eq!(read.constant(column("role")), None);
    }

    #[test]
    fn times_cut_by_others_stay_upper_bounds() {
        let table = &built_in_tables().unwrap()[0];
        let sent_at = table.columns.field_with_name("sent_at").unwrap();
        for cut in [
            "2023-11-14T22:13:20.123Z",
            "2023-11-14T22:13:20.123+00:00",
            "2023-11-15T00:13:20.123+02:00",
        ] {
            let bound = |upper| from_json(&json!(cut), sent_at, upper);
            assert_eq!(bound(true), Some(time(1_700_000_000_123_999)), "{cut}");
            assert_eq!(bound(false), Some(time(1_700_000_000_123_000)), "{cut}");
        }
        let whole = json!("2023-11-14T22:13:20.123456+00:00");
        assert_eq!(
            from_json(&whole, sent_at, true),
            Some(time(1_700_000_000_123_456))
        );
    }
}
