//! Writing Parquet files: the one place that knows how a data file looks.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::array::{
    Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, StringArray, UInt32Array,
    new_null_array,
};
use datafusion::arrow::compute::{
    SortColumn, cast, concat_batches, filter_record_batch, lexsort_to_indices, not, take_arrays,
    take_record_batch,
};
use datafusion::arrow::datatypes::DataType;
use datafusion::functions_aggregate::min_max::{MaxAccumulator, MinAccumulator};
use datafusion::logical_expr::Accumulator as _;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::{EnabledStatistics, WriterProperties};
use datafusion::parquet::schema::types::ColumnPath;
use datafusion::scalar::ScalarValue;
use object_store::{ObjectStoreExt as _, PutPayload};

use super::data_file::{ColumnRange, DataFile};
use super::schema::{EDITED_AT, INGESTED_AT, IS_DELETED, SCORED_BY, VERSION_AT};
use super::store::Store;
use super::{LakeError, TableSchema};

/// Rows in a row group: small enough to prune and to share among cores.
const ROW_GROUP_ROWS: usize = 128 * 1024;

/// An encoded data file that is not yet in the store.
#[derive(Debug)]
pub(crate) struct Encoded {
    /// The file's description, complete but for its tags.
    pub(crate) file: DataFile,
    bytes: Bytes,
}

impl Encoded {
    /// Puts the file into the store.
    pub(crate) async fn put(self, store: &Store, table: &str) -> Result<DataFile, LakeError> {
        let path = store.path(&format!("{table}/{}", self.file.path))?;
        let put = store
            .root()
            .put(&path, PutPayload::from_bytes(self.bytes))
            .await;
        put.map_err(|error| LakeError::store(format!("writing {path}"), error))?;
        store.persist(&path).await?;
        Ok(self.file)
    }
}

/// The writer properties of every data file, whether appended, compacted or rescored: otherwise a
/// rewritten file loses what the appended one had.
fn properties(table: &TableSchema, rows: usize) -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_created_by(concat!("verbatim ", env!("CARGO_PKG_VERSION")).to_string())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).unwrap_or_default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Page);
    let distinct = rows.clamp(1, ROW_GROUP_ROWS) as u64;
    for name in &table.bloom {
        let column = ColumnPath::from(name.as_str());
        builder = builder
            .set_column_bloom_filter_enabled(column.clone(), true)
            .set_column_bloom_filter_fpp(column.clone(), 0.01)
            .set_column_bloom_filter_max_ndv(column, distinct);
    }
    for wide in [
        "text",
        "attributes",
        "evidence",
        "comment",
        "notes",
        "detail",
        "card",
        "answers",
    ] {
        if table.columns.index_of(wide).is_ok() {
            let column = ColumnPath::from(wide);
            builder = builder.set_column_statistics_enabled(column, EnabledStatistics::None);
        }
    }
    builder.build()
}

/// Sorts rows, which have the table's schema, and encodes them as one file.
pub(crate) fn encode(
    table: &TableSchema,
    batches: &[RecordBatch],
    now: i64,
) -> Result<Encoded, LakeError> {
    let rows = sort(table, concat_batches(&table.columns, batches)?)?;
    let properties = properties(table, rows.num_rows());
    let mut buffer = Vec::new();
    let mut writer =
        ArrowWriter::try_new(&mut buffer, Arc::clone(&table.columns), Some(properties))?;
    writer.write(&rows)?;
    writer.close()?;
    let file = DataFile {
        path: format!("part-{}.zstd.parquet", uuid::Uuid::new_v4()),
        size: buffer.len() as u64,
        records: rows.num_rows() as u64,
        modified: now,
        settled: false,
        deleted: false,
        landing: None,
        ranges: ranges(table, &rows)?,
    };
    Ok(Encoded {
        file,
        bytes: Bytes::from(buffer),
    })
}

fn sort(table: &TableSchema, rows: RecordBatch) -> Result<RecordBatch, LakeError> {
    let Some(column) = table
        .sort
        .as_ref()
        .and_then(|name| rows.column_by_name(name))
    else {
        return Ok(rows);
    };
    let mut by = vec![SortColumn {
        values: Arc::clone(column),
        options: None,
    }];
    // Rows of one time stay together by their key, so that the order is reproducible.
    by.extend(table.key_indices().into_iter().map(|index| SortColumn {
        values: Arc::clone(rows.column(index)),
        options: None,
    }));
    let order = lexsort_to_indices(&by, None)?;
    let columns = take_arrays(rows.columns(), &order, None)?;
    Ok(RecordBatch::try_new(rows.schema(), columns)?)
}

fn ranges(table: &TableSchema, rows: &RecordBatch) -> Result<Vec<ColumnRange>, LakeError> {
    let mut ranges = Vec::with_capacity(table.statistics.len());
    for name in &table.statistics {
        let column = table.columns.index_of(name)?;
        let values = rows.column(column);
        let (mut min, mut max) = (
            MinAccumulator::try_new(values.data_type())?,
            MaxAccumulator::try_new(values.data_type())?,
        );
        min.update_batch(std::slice::from_ref(values))?;
        max.update_batch(std::slice::from_ref(values))?;
        let bound = |value: ScalarValue| (!value.is_null()).then_some(value);
        ranges.push(ColumnRange {
            column,
            min: bound(min.evaluate()?),
            max: bound(max.evaluate()?),
            nulls: Some(values.null_count() as u64),
        });
    }
    ranges.sort_by_key(|range| range.column);
    Ok(ranges)
}

/// Brings rows into the table's schema: columns by name, types cast, missing ones NULL; the times
/// of writing and of the version are `now` where they are not given.
///
/// # Errors
/// [`LakeError::Column`] for a column that the table does not have, a value that cannot be cast,
/// and NULL where the table has none.
pub(crate) fn conform(
    table: &TableSchema,
    batch: &RecordBatch,
    now: i64,
) -> Result<RecordBatch, LakeError> {
    let fail = |column: &str, message: String| LakeError::Column {
        table: table.name.clone(),
        column: column.to_string(),
        message,
    };
    let schema = batch.schema();
    let mut given: HashMap<&str, &ArrayRef> = HashMap::with_capacity(batch.num_columns());
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        if table.columns.index_of(field.name()).is_err() {
            return Err(fail(field.name(), "there is no such column".into()));
        }
        given.insert(field.name(), column);
    }
    let mut columns = Vec::with_capacity(table.columns.fields().len());
    for field in table.columns.fields() {
        let name = field.name().as_str();
        let column = match given.get(name) {
            Some(column) => {
                cast_to(column, field.data_type()).map_err(|error| fail(name, error.to_string()))?
            }
            None => new_null_array(field.data_type(), batch.num_rows()),
        };
        let column = match name {
            INGESTED_AT | VERSION_AT if column.null_count() > 0 => {
                fill(&column, now).map_err(|error| fail(name, error.to_string()))?
            }
            _ => column,
        };
        if !field.is_nullable() && column.null_count() > 0 {
            return Err(fail(name, "is NULL, which the table does not allow".into()));
        }
        columns.push(column);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        Arc::clone(&table.columns),
        columns,
        &options,
    )?)
}

fn cast_to(column: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, LakeError> {
    if column.data_type() == wanted {
        return Ok(Arc::clone(column));
    }
    Ok(cast(column, wanted)?)
}

fn fill(column: &ArrayRef, now: i64) -> Result<ArrayRef, LakeError> {
    let now = ScalarValue::TimestampMicrosecond(Some(now), Some("UTC".into())).to_scalar()?;
    let present = datafusion::arrow::compute::is_not_null(column)?;
    Ok(datafusion::arrow::compute::kernels::zip::zip(
        &present, column, &now,
    )?)
}

/// Parts rows, which have the table's schema, into those that may be read without merging (of a
/// table that never changes, or messages that are neither edited nor deleted) and the others: one
/// edited message must not make a tail of the thousands around it.
pub(crate) fn by_settled(
    table: &TableSchema,
    batch: RecordBatch,
) -> Result<Vec<(bool, RecordBatch)>, LakeError> {
    if table.is_versioned() {
        return Ok(vec![(false, batch)]);
    }
    let edited = batch.column_by_name(EDITED_AT);
    let deleted = deletions(&batch);
    let is_settled = (0..batch.num_rows()).map(|row| {
        let edited = edited.is_some_and(|edited| edited.is_valid(row));
        let deleted = deleted.is_some_and(|flags| flags.is_valid(row) && flags.value(row));
        Some(!edited && !deleted)
    });
    let is_settled = is_settled.collect();
    parted(batch, &is_settled)
}

/// Parts rows into those that say that a row is gone and the others.
pub(crate) fn by_deleted(batch: RecordBatch) -> Result<Vec<(bool, RecordBatch)>, LakeError> {
    let Some(deleted) = deletions(&batch) else {
        return Ok(vec![(false, batch)]);
    };
    let deleted = deleted.iter().map(|flag| Some(flag == Some(true)));
    let deleted = deleted.collect();
    parted(batch, &deleted)
}

fn deletions(batch: &RecordBatch) -> Option<&BooleanArray> {
    batch.column_by_name(IS_DELETED)?.as_any().downcast_ref()
}

fn parted(batch: RecordBatch, mask: &BooleanArray) -> Result<Vec<(bool, RecordBatch)>, LakeError> {
    let count = mask.true_count();
    if count == batch.num_rows() || count == 0 {
        return Ok(vec![(count > 0, batch)]);
    }
    Ok(vec![
        (true, filter_record_batch(&batch, mask)?),
        (false, filter_record_batch(&batch, &not(mask)?)?),
    ])
}

/// The model set that has scored the rows; `None` for rows without scores.
pub(crate) fn scored_by(batch: &RecordBatch) -> Option<String> {
    let column = batch
        .column_by_name(SCORED_BY)?
        .as_any()
        .downcast_ref::<StringArray>()?;
    column.iter().flatten().next().map(String::from)
}

/// Parts rows by the model set that has scored them.
pub(crate) fn by_scorer(
    batch: RecordBatch,
) -> Result<Vec<(Option<String>, RecordBatch)>, LakeError> {
    let sets = batch
        .column_by_name(SCORED_BY)
        .and_then(|column| column.as_any().downcast_ref::<StringArray>());
    let mut rows: BTreeMap<Option<&str>, Vec<u32>> = BTreeMap::new();
    for (row, set) in (0..).zip(sets.into_iter().flatten()) {
        rows.entry(set).or_default().push(row);
    }
    if rows.len() < 2 {
        let set = rows.into_keys().next().flatten().map(String::from);
        return Ok(vec![(set, batch)]);
    }
    let parts = rows.into_iter().map(|(set, rows)| {
        let rows = take_record_batch(&batch, &UInt32Array::from(rows))?;
        Ok((set.map(String::from), rows))
    });
    parts.collect()
}

/// Cuts rows into pieces of about `rows` rows.
pub(crate) fn pieces(batches: Vec<RecordBatch>, rows: usize) -> Vec<Vec<RecordBatch>> {
    let mut pieces = Vec::new();
    let mut piece = Vec::new();
    let mut held = 0;
    for batch in batches {
        held += batch.num_rows();
        piece.push(batch);
        if held >= rows {
            pieces.push(std::mem::take(&mut piece));
            held = 0;
        }
    }
    if held > 0 {
        pieces.push(piece);
    }
    pieces
}
