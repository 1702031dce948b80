//! The physical operator that keeps the latest version of each row.
//!
//! It reads the un-compacted tail of a table into memory, keeps the latest version of each key in
//! it, and lets the rows of the settled files pass whose keys are not in the tail. Its first
//! partition is the tail, the others are those of the settled files.
//!
//! Where the times of settled files and of the tail overlap, a settled row may be the later one:
//! then the keys and versions of those files are read first, and the tail loses the keys of which a
//! later version is settled. So only the tail is ever held in memory.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{Array, BooleanArray, RecordBatch, TimestampMicrosecondArray};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{HashMap, Statistics};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties as _, Partitioning,
    PlanProperties,
};
use futures::stream::{self, TryStreamExt as _};
use tokio::sync::OnceCell;

use super::TableSchema;
use super::schema::IS_DELETED;

/// Which rows of the tail come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TailRows {
    /// None: another operator puts them out.
    None,
    /// The latest version of each key unless it is deleted.
    Live,
    /// The latest version of each key, deleted or not: it still hides rows of settled files.
    Latest,
}

/// Keeps the latest version of each key.
#[derive(Debug)]
pub struct LatestVersionExec {
    table: Arc<TableSchema>,
    tail: Arc<dyn ExecutionPlan>,
    settled: Option<Arc<dyn ExecutionPlan>>,
    /// Keys and versions of the settled rows that may be later than some of the tail.
    overlapping: Option<Arc<dyn ExecutionPlan>>,
    tail_rows: TailRows,
    /// The first columns of the inputs come out, the rest is for merging.
    width: usize,
    properties: Arc<PlanProperties>,
    merged: Arc<OnceCell<Arc<Tail>>>,
}

/// The tail in memory.
#[derive(Debug)]
struct Tail {
    /// The latest version of each key, as wanted.
    rows: Vec<RecordBatch>,
    keys: Keys,
    _memory: MemoryReservation,
}

#[derive(Debug)]
struct Keys {
    converter: RowConverter,
    /// Position of the latest version of each key, by the key's row format.
    latest: HashMap<Box<[u8]>, (usize, usize)>,
}

impl LatestVersionExec {
    /// `tail` has `width` columns to put out, then key, version and deletion columns by name;
    /// `settled` the same without versions; `overlapping` keys and versions of settled rows.
    pub(crate) fn try_new(
        table: &Arc<TableSchema>,
        tail: Arc<dyn ExecutionPlan>,
        settled: Option<Arc<dyn ExecutionPlan>>,
        overlapping: Option<Arc<dyn ExecutionPlan>>,
        tail_rows: TailRows,
        width: usize,
    ) -> Result<Self> {
        let output: SchemaRef = Arc::new(tail.schema().project(&(0..width).collect::<Vec<_>>())?);
        let partitions = settled
            .as_ref()
            .map_or(0, |s| s.output_partitioning().partition_count());
        let properties = PlanProperties::new(
            EquivalenceProperties::new(output),
            Partitioning::UnknownPartitioning(1 + partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(LatestVersionExec {
            table: Arc::clone(table),
            tail,
            settled,
            overlapping,
            tail_rows,
            width,
            properties: Arc::new(properties),
            merged: Arc::default(),
        })
    }
}

impl DisplayAs for LatestVersionExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "LatestVersionExec: table={}, key=[{}]",
            self.table.name,
            self.table.key.join(", ")
        )
    }
}

impl ExecutionPlan for LatestVersionExec {
    fn name(&self) -> &'static str {
        "LatestVersionExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        std::iter::once(&self.tail)
            .chain(&self.settled)
            .chain(&self.overlapping)
            .collect()
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false; self.children().len()]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut children = children.into_iter();
        let tail = children.next().unwrap_or_else(|| Arc::clone(&self.tail));
        let mut next = |own: &Option<_>| own.as_ref().and_then(|_| children.next());
        let (settled, overlapping) = (next(&self.settled), next(&self.overlapping));
        Ok(Arc::new(Self::try_new(
            &self.table,
            tail,
            settled,
            overlapping,
            self.tail_rows,
            self.width,
        )?))
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        let request = |_| match partition {
            None => ChildStats::At(None),
            Some(_) => ChildStats::Skip,
        };
        self.children().into_iter().map(request).collect()
    }

    /// At most the rows of both inputs: good for the order of joins.
    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        arguments: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let mut statistics = Statistics::new_unknown(&self.schema());
        if arguments.partition().is_none() {
            let rows = inputs
                .iter()
                .take(1 + usize::from(self.settled.is_some()))
                .map(|input| input.num_rows)
                .reduce(|a, b| a.add(&b));
            statistics.num_rows = rows.unwrap_or_default().to_inexact();
        }
        Ok(Arc::new(statistics))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let schema = self.schema();
        let merged = Arc::clone(&self.merged);
        let (table, tail) = (Arc::clone(&self.table), Arc::clone(&self.tail));
        let overlapping = self.overlapping.clone();
        let tail_rows = self.tail_rows;
        let task = Arc::clone(&context);
        let tail = async move {
            let read = || async {
                let merged = merge(&table, &tail, overlapping.as_ref(), task, tail_rows);
                merged.await.map(Arc::new)
            };
            merged.get_or_try_init(read).await.cloned()
        };
        let width: Vec<usize> = (0..self.width).collect();
        if partition == 0 {
            let rows = stream::once(async move {
                let rows = match tail_rows {
                    TailRows::None => Vec::new(),
                    TailRows::Live | TailRows::Latest => tail.await?.rows.clone(),
                };
                let rows = rows.into_iter().map(move |rows| Ok(rows.project(&width)?));
                Ok::<_, DataFusionError>(stream::iter(rows))
            });
            let rows = rows.try_flatten();
            return Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)));
        }
        let Some(settled) = &self.settled else {
            return Err(DataFusionError::Internal(format!(
                "no partition {partition}"
            )));
        };
        let rows = settled.execute(partition - 1, context)?;
        let key = key_positions(&self.table, &rows.schema())?;
        let rows = stream::once(async move {
            let tail = tail.await?;
            Ok::<_, DataFusionError>(rows.and_then(move |batch| {
                let passed = pass(&tail.keys, &batch, &key, &width);
                async move { passed }
            }))
        });
        let rows = rows.try_flatten().try_filter(|batch| {
            let keep = batch.num_rows() > 0;
            async move { keep }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

/// The rows of settled files whose keys are not in the tail.
fn pass(keys: &Keys, batch: &RecordBatch, key: &[usize], width: &[usize]) -> Result<RecordBatch> {
    let rows = keys.rows(batch, key)?;
    let keep: BooleanArray = rows
        .iter()
        .map(|row| Some(!keys.latest.contains_key(row.as_ref())))
        .collect();
    let batch = batch.project(width)?;
    if keep.true_count() == batch.num_rows() {
        return Ok(batch);
    }
    Ok(filter_record_batch(&batch, &keep)?)
}

impl Keys {
    fn rows(&self, batch: &RecordBatch, key: &[usize]) -> Result<Rows> {
        let columns: Vec<_> = key
            .iter()
            .map(|&index| Arc::clone(batch.column(index)))
            .collect();
        Ok(self.converter.convert_columns(&columns)?)
    }
}

fn key_positions(table: &TableSchema, schema: &SchemaRef) -> Result<Vec<usize>> {
    table
        .key
        .iter()
        .map(|name| Ok(schema.index_of(name)?))
        .collect()
}

/// Reads the tail and keeps the latest version of each key.
async fn merge(
    table: &TableSchema,
    tail: &Arc<dyn ExecutionPlan>,
    overlapping: Option<&Arc<dyn ExecutionPlan>>,
    context: Arc<TaskContext>,
    wanted: TailRows,
) -> Result<Tail> {
    let memory = MemoryConsumer::new("LatestVersionExec").register(context.memory_pool());
    let schema = tail.schema();
    let key = key_positions(table, &schema)?;
    let fields = key
        .iter()
        .map(|&i| SortField::new(schema.field(i).data_type().clone()));
    let converter = RowConverter::new(fields.collect())?;
    let mut keys = Keys {
        converter,
        latest: HashMap::new(),
    };
    let mut batches: Vec<RecordBatch> = Vec::new();
    let mut versions: Vec<Vec<TimestampMicrosecondArray>> = Vec::new();
    for partition in 0..tail.output_partitioning().partition_count() {
        let mut rows = tail.execute(partition, Arc::clone(&context))?;
        while let Some(batch) = rows.try_next().await? {
            let keyed = keys.rows(&batch, &key)?;
            memory
                .try_grow(batch.get_array_memory_size() + keyed.size() + 64 * batch.num_rows())?;
            versions.push(version_arrays(table, &batch));
            let here = batches.len();
            for (row, keyed) in keyed.iter().enumerate() {
                match keys.latest.get_mut(keyed.as_ref()) {
                    Some(known) => {
                        if version(&versions, *known) <= version(&versions, (here, row)) {
                            *known = (here, row);
                        }
                    }
                    None => drop(keys.latest.insert(keyed.as_ref().into(), (here, row))),
                }
            }
            batches.push(batch);
        }
    }
    if let Some(overlapping) = overlapping {
        lose_settled(table, &mut keys, &versions, overlapping, &context).await?;
    }
    let mut latest: Vec<Vec<bool>> = batches.iter().map(|b| vec![false; b.num_rows()]).collect();
    for (batch, row) in keys.latest.values() {
        latest[*batch][*row] = true;
    }
    let mut rows = Vec::with_capacity(batches.len());
    if wanted == TailRows::None {
        return Ok(Tail {
            rows,
            keys,
            _memory: memory,
        });
    }
    for (batch, latest) in batches.iter().zip(latest) {
        let deleted = batch.column_by_name(IS_DELETED);
        let deleted = deleted.and_then(|flags| flags.as_any().downcast_ref::<BooleanArray>());
        let keep: BooleanArray = latest
            .into_iter()
            .enumerate()
            .map(|(row, latest)| {
                let deleted = || deleted.is_some_and(|d| d.is_valid(row) && d.value(row));
                Some(latest && (wanted == TailRows::Latest || !deleted()))
            })
            .collect();
        if keep.true_count() > 0 {
            rows.push(filter_record_batch(batch, &keep)?);
        }
    }
    Ok(Tail {
        rows,
        keys,
        _memory: memory,
    })
}

/// Takes the keys out of the tail of which a later version is settled.
async fn lose_settled(
    table: &TableSchema,
    keys: &mut Keys,
    versions: &[Vec<TimestampMicrosecondArray>],
    settled: &Arc<dyn ExecutionPlan>,
    context: &Arc<TaskContext>,
) -> Result<()> {
    let key = key_positions(table, &settled.schema())?;
    for partition in 0..settled.output_partitioning().partition_count() {
        let mut rows = settled.execute(partition, Arc::clone(context))?;
        while let Some(batch) = rows.try_next().await? {
            let theirs = [version_arrays(table, &batch)];
            for (row, keyed) in keys.rows(&batch, &key)?.iter().enumerate() {
                let is_later =
                    |tail: &(usize, usize)| version(versions, *tail) < version(&theirs, (0, row));
                if keys.latest.get(keyed.as_ref()).is_some_and(is_later) {
                    keys.latest.remove(keyed.as_ref());
                }
            }
        }
    }
    Ok(())
}

fn version_arrays(table: &TableSchema, batch: &RecordBatch) -> Vec<TimestampMicrosecondArray> {
    let columns = table
        .version_columns()
        .iter()
        .filter_map(|name| batch.column_by_name(name));
    columns
        .filter_map(|column| column.as_any().downcast_ref().cloned())
        .collect()
}

/// The version of a row, NULL before every time.
fn version(
    versions: &[Vec<TimestampMicrosecondArray>],
    (batch, row): (usize, usize),
) -> (Option<i64>, Option<i64>) {
    let at = |index: usize| {
        let times: Option<&TimestampMicrosecondArray> = versions[batch].get(index);
        times.and_then(|times| times.is_valid(row).then(|| times.value(row)))
    };
    (at(0), at(1))
}
