//! Tables that INSERT can write to.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::sink::{DataSink, DataSinkExec};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::dml::InsertOp;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Statistics};
use futures::TryStreamExt;

use super::pipeline::Ingest;
use super::rows::{Rows, WriteMode};

/// A table whose INSERT goes through [`Ingest`]; everything else is the wrapped table's.
#[derive(Debug)]
pub struct Writable {
    inner: Arc<dyn TableProvider>,
    ingest: Arc<Ingest>,
    name: String,
}

/// Makes the lake's table `name` writable for INSERT.
pub fn writable(
    table: Arc<dyn TableProvider>,
    name: impl Into<String>,
    ingest: Arc<Ingest>,
) -> Arc<dyn TableProvider> {
    Arc::new(Writable {
        inner: table,
        ingest,
        name: name.into(),
    })
}

impl Writable {
    /// The table that is read.
    pub fn inner(&self) -> &Arc<dyn TableProvider> {
        &self.inner
    }
}

#[async_trait]
impl TableProvider for Writable {
    fn schema(&self) -> SchemaRef {
        self.inner.schema()
    }

    fn table_type(&self) -> TableType {
        self.inner.table_type()
    }

    fn get_column_default(&self, column: &str) -> Option<&Expr> {
        self.inner.get_column_default(column)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.inner.scan(state, projection, filters, limit).await
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        self.inner.supports_filters_pushdown(filters)
    }

    fn statistics(&self) -> Option<Statistics> {
        self.inner.statistics()
    }

    async fn insert_into(
        &self,
        _state: &dyn Session,
        input: Arc<dyn ExecutionPlan>,
        op: InsertOp,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if op != InsertOp::Append {
            return Err(DataFusionError::NotImplemented(
                "INSERT OVERWRITE: rows are only ever added".into(),
            ));
        }
        // What the engine fills may be NULL here.
        let fields = self
            .schema()
            .fields()
            .iter()
            .map(|field| Field::clone(field).with_nullable(true))
            .collect::<Vec<_>>();
        let sink = Sink {
            schema: Arc::new(Schema::new(fields)),
            ingest: Arc::clone(&self.ingest),
            name: self.name.clone(),
        };
        Ok(Arc::new(DataSinkExec::new(input, Arc::new(sink), None)))
    }
}

#[derive(Debug)]
struct Sink {
    schema: SchemaRef,
    ingest: Arc<Ingest>,
    name: String,
}

impl DisplayAs for Sink {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ingest(table={})", self.name)
    }
}

#[async_trait]
impl DataSink for Sink {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// All rows of the statement go in or none: they are one write.
    async fn write_all(
        &self,
        data: SendableRecordBatchStream,
        context: &Arc<TaskContext>,
    ) -> Result<u64> {
        let reserved = datafusion::execution::memory_pool::MemoryConsumer::new("INSERT")
            .register(context.memory_pool());
        let mut batches: Vec<RecordBatch> = Vec::new();
        let mut data = data;
        while let Some(batch) = data.try_next().await? {
            reserved.try_grow(batch.get_array_memory_size())?;
            batches.push(batch);
        }
        let Some(first) = batches.first() else {
            return Ok(0);
        };
        let rows = concat_batches(&first.schema(), &batches)?;
        drop(batches);
        let written = self
            .ingest
            .write(Rows::of(&self.name, rows), WriteMode::Statement)
            .await;
        let receipt = written.map_err(|error| DataFusionError::from(crate::Error::from(error)))?;
        Ok(receipt.inserted(&self.name))
    }
}
