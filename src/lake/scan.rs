//! Reading data files: Delta statistics prune files, a plain Parquet scan reads the rest.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, UInt64Array};
use datafusion::catalog::Session;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::stats::Precision;
use datafusion::common::{Column, ColumnStatistics, DFSchema, Statistics};
use datafusion::config::TableParquetOptions;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::scalar::ScalarValue;
use object_store::ObjectMeta;

use super::TableSchema;
use super::data_file::{ColumnRange, DataFile};
use super::table::LakeTable;

/// First read at the end of a Parquet file: holds the footer of files of usual size, so that one
/// request is enough.
const FOOTER_BYTES: usize = 64 * 1024;

impl LakeTable {
    /// A scan over some files of a snapshot: rows as they are written, every version of them.
    /// `filters` prune files, row groups and pages; they must be applied again above.
    ///
    /// # Errors
    /// When a filter cannot be planned.
    pub fn scan_files(
        &self,
        state: &dyn Session,
        files: &[Arc<DataFile>],
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = self.schema();
        let predicate = physical_predicate(state, &schema, filters)?;
        let mut kept = match &predicate {
            Some(predicate) => prune(self.definition(), files, predicate)?,
            None => files.to_vec(),
        };
        if let (Some(limit), None) = (limit, &predicate) {
            kept.truncate(files_for(limit, &kept));
        }
        if kept.is_empty() {
            let projected = match projection {
                Some(columns) => Arc::new(schema.project(columns)?),
                None => schema,
            };
            return Ok(Arc::new(EmptyExec::new(projected)));
        }
        self.store().register(state.runtime_env());
        let url = self.store().object_store_url().clone();
        let options = TableParquetOptions {
            global: state.config_options().execution.parquet.clone(),
            ..TableParquetOptions::default()
        };
        let readers = CachedParquetFileReaderFactory::new(
            Arc::clone(self.store().root()),
            state.runtime_env().cache_manager.get_file_metadata_cache(),
        );
        let unfiltered = predicate.is_none();
        let mut source = ParquetSource::new(Arc::clone(&schema))
            .with_table_parquet_options(options)
            .with_metadata_size_hint(FOOTER_BYTES)
            .with_parquet_file_reader_factory(Arc::new(readers));
        if let Some(predicate) = predicate {
            source = source.with_predicate(predicate);
        }
        let groups = self.groups(&kept, state.config().target_partitions())?;
        let config = FileScanConfigBuilder::new(url, Arc::new(source))
            .with_statistics(statistics(self.definition(), &kept))
            .with_projection_indices(projection.cloned())?
            .with_limit(limit.filter(|_| unfiltered))
            .with_file_groups(groups)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }

    /// Files shared among partitions, the largest first into the one that has least.
    fn groups(&self, files: &[Arc<DataFile>], partitions: usize) -> Result<Vec<FileGroup>> {
        let partitions = partitions.clamp(1, files.len().max(1));
        let mut by_size: Vec<&Arc<DataFile>> = files.iter().collect();
        by_size.sort_by_key(|file| std::cmp::Reverse(file.size));
        let mut groups: Vec<(u64, Vec<PartitionedFile>)> = vec![(0, Vec::new()); partitions];
        for file in by_size {
            let partitioned = self.partitioned(file)?;
            if let Some(least) = groups.iter_mut().min_by_key(|(size, _)| *size) {
                least.0 += file.size;
                least.1.push(partitioned);
            }
        }
        Ok(groups
            .into_iter()
            .map(|(_, files)| FileGroup::new(files))
            .collect())
    }

    fn partitioned(&self, file: &DataFile) -> Result<PartitionedFile> {
        let location = self
            .store()
            .path(&format!("{}/{}", self.name(), file.path))?;
        let last_modified = chrono::DateTime::from_timestamp_millis(file.modified);
        Ok(PartitionedFile::from(ObjectMeta {
            location,
            last_modified: last_modified.unwrap_or_default(),
            size: file.size,
            e_tag: None,
            version: None,
        }))
    }
}

/// How many files hold `limit` rows.
fn files_for(limit: usize, files: &[Arc<DataFile>]) -> usize {
    let mut rows = 0;
    for (index, file) in files.iter().enumerate() {
        rows += file.records;
        if rows >= limit as u64 {
            return index + 1;
        }
    }
    files.len()
}

fn physical_predicate(
    state: &dyn Session,
    schema: &datafusion::arrow::datatypes::SchemaRef,
    filters: &[Expr],
) -> Result<Option<Arc<dyn PhysicalExpr>>> {
    let Some(filter) = conjunction(filters.iter().cloned()) else {
        return Ok(None);
    };
    let schema = DFSchema::try_from(Arc::clone(schema))?;
    // The scan's filters carry the table's name, the schema here does not.
    let filter = unqualified(filter)?;
    state.create_physical_expr(filter, &schema).map(Some)
}

fn unqualified(filter: Expr) -> Result<Expr> {
    use datafusion::common::tree_node::{Transformed, TreeNode};
    let plain = filter.transform(|expr| {
        Ok(match expr {
            Expr::Column(column) if column.relation.is_some() => {
                Transformed::yes(Expr::Column(Column::new_unqualified(column.name)))
            }
            other => Transformed::no(other),
        })
    })?;
    Ok(plain.data)
}

/// The files that may hold rows for which the predicate is true.
fn prune(
    table: &TableSchema,
    files: &[Arc<DataFile>],
    predicate: &Arc<dyn PhysicalExpr>,
) -> Result<Vec<Arc<DataFile>>> {
    let pruning = PruningPredicateBuilder::new()
        .with_file_schema(Arc::clone(&table.columns))
        .build(Arc::clone(predicate));
    let Some(pruning) = pruning else {
        return Ok(files.to_vec());
    };
    let keep = pruning.prune(&LogStatistics { table, files })?;
    Ok(files
        .iter()
        .zip(keep)
        .filter(|(_, keep)| *keep)
        .map(|(file, _)| Arc::clone(file))
        .collect())
}

/// The log's statistics in the form that pruning asks for.
struct LogStatistics<'a> {
    table: &'a TableSchema,
    files: &'a [Arc<DataFile>],
}

impl LogStatistics<'_> {
    fn bounds(
        &self,
        column: &Column,
        bound: impl Fn(&ColumnRange) -> Option<ScalarValue>,
    ) -> Option<ArrayRef> {
        let index = self.table.columns.index_of(&column.name).ok()?;
        let unknown = ScalarValue::try_from(self.table.columns.field(index).data_type()).ok()?;
        let mut known = false;
        let values: Vec<ScalarValue> = self
            .files
            .iter()
            .map(|file| {
                let value = file.range(index).and_then(&bound);
                known |= value.is_some();
                value.unwrap_or_else(|| unknown.clone())
            })
            .collect();
        if known {
            ScalarValue::iter_to_array(values).ok()
        } else {
            None
        }
    }
}

impl PruningStatistics for LogStatistics<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, |range| range.min.clone())
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, |range| range.max.clone())
    }

    fn num_containers(&self) -> usize {
        self.files.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let index = self.table.columns.index_of(&column.name).ok()?;
        let counts = self
            .files
            .iter()
            .map(|file| file.range(index).and_then(|r| r.nulls));
        Some(Arc::new(UInt64Array::from_iter(counts)))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(UInt64Array::from_iter_values(
            self.files.iter().map(|file| file.records),
        )))
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}

/// Statistics of a scan over whole files: the number of rows is exact, so that counting reads
/// nothing; bounds are good for the planner only.
pub(crate) fn statistics(table: &TableSchema, files: &[Arc<DataFile>]) -> Statistics {
    let rows: u64 = files.iter().map(|file| file.records).sum();
    let bytes: u64 = files.iter().map(|file| file.size).sum();
    let mut columns = vec![ColumnStatistics::new_unknown(); table.columns.fields().len()];
    for name in &table.statistics {
        if let Ok(index) = table.columns.index_of(name) {
            columns[index] = column_statistics(index, files);
        }
    }
    Statistics {
        num_rows: Precision::Exact(usize::try_from(rows).unwrap_or(usize::MAX)),
        total_byte_size: Precision::Inexact(usize::try_from(bytes).unwrap_or(usize::MAX)),
        column_statistics: columns,
    }
}

fn column_statistics(index: usize, files: &[Arc<DataFile>]) -> ColumnStatistics {
    let mut statistics = ColumnStatistics::new_unknown();
    let mut nulls = Some(0);
    let mut bounds: Option<(ScalarValue, ScalarValue)> = None;
    for file in files {
        let range = file.range(index);
        nulls = nulls
            .zip(range.and_then(|range| range.nulls))
            .map(|(sum, more)| sum + more);
        if range.is_some_and(|range| range.nulls == Some(file.records)) {
            continue;
        }
        let Some((min, max)) = range.and_then(|r| r.min.as_ref().zip(r.max.as_ref())) else {
            return ColumnStatistics::new_unknown();
        };
        match &mut bounds {
            None => bounds = Some((min.clone(), max.clone())),
            Some((low, high)) => {
                if min < low {
                    low.clone_from(min);
                }
                if max > high {
                    high.clone_from(max);
                }
            }
        }
    }
    if let Some(nulls) = nulls {
        statistics.null_count = Precision::Exact(usize::try_from(nulls).unwrap_or(usize::MAX));
    }
    if let Some((min, max)) = bounds {
        statistics.min_value = Precision::Inexact(min);
        statistics.max_value = Precision::Inexact(max);
    }
    statistics
}
