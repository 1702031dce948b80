//! Running a prepared statement.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{SchemaRef, UInt64Type};
use datafusion::common::ScalarValue;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{collect, execute_stream};

use super::limits::{self, Limits};
use super::outcome::Outcome;
use super::prepared::Prepared;
use super::{Session, explain, plan};
use crate::error::{Error, sqlstate};
use crate::statement::{CopyDirection, Discard, Kind, Reset, Set, Show};

impl Session {
    /// Runs a prepared statement with the values of its parameters.
    ///
    /// # Errors
    /// What goes wrong before the first row; later errors come through the stream.
    pub async fn run(
        &self,
        prepared: &Prepared,
        parameters: Vec<ScalarValue>,
    ) -> Result<Outcome, Error> {
        self.check_block(prepared.statement())?;
        let limits = self.cancel.start(self.own_limit());
        let result = limits
            .guard(self.dispatch(prepared, parameters, &limits))
            .await;
        if result.is_err() {
            self.mark_failed();
        }
        result
    }

    async fn dispatch(
        &self,
        prepared: &Prepared,
        parameters: Vec<ScalarValue>,
        limits: &Limits,
    ) -> Result<Outcome, Error> {
        let statement = prepared.statement();
        match statement.kind() {
            Kind::Query(_) => {
                let (schema, stream) = self.rows(prepared, parameters).await?;
                Ok(Outcome::Rows {
                    stream: limits.stream(Arc::clone(&schema), stream),
                    schema,
                    tag: "SELECT",
                })
            }
            Kind::Write(write) => {
                self.check_write(write.kind.tag())?;
                let plan = self.bind(prepared, parameters).await?;
                let rows = self.write(&plan).await?;
                Ok(Outcome::done(write.kind.tag_for(rows)))
            }
            Kind::Explain(inner) => {
                let plan = self.bind(prepared, parameters).await?;
                if inner.writes && matches!(plan, LogicalPlan::Analyze(_)) {
                    self.check_write("EXPLAIN ANALYZE of a write")?;
                }
                let batch = explain::lines(&self.collect(&plan).await?)?;
                Ok(rows_of(explain::schema(), batch, "EXPLAIN"))
            }
            Kind::Copy(copy) if copy.direction == CopyDirection::ToClient => {
                let (schema, stream) = self.rows(prepared, parameters).await?;
                Ok(Outcome::CopyOut {
                    stream: limits.stream(Arc::clone(&schema), stream),
                    schema,
                    options: copy.options.clone(),
                })
            }
            Kind::Copy(copy) => {
                self.check_write("COPY FROM")?;
                Ok(Outcome::CopyIn(Box::new(self.copy_target(copy).await?)))
            }
            Kind::CreateView(view) => self.run_create_view(view, prepared).await,
            Kind::DropView(view) => self.run_drop_view(view).await,
            Kind::CreateModel(create) => self.run_create_model(create, prepared).await,
            Kind::AlterModel(alter) => self.run_alter_model(alter).await,
            Kind::EvaluateModel(evaluate) => self.run_evaluate_model(evaluate, prepared).await,
            Kind::DropModel(drop) => self.run_drop_model(drop).await,
            Kind::Vacuum(_) => self.run_vacuum().await,
            Kind::Set(set) => self.run_set(set),
            Kind::Show(show) => self.run_show(prepared, show),
            Kind::Reset(reset) => self.run_reset(reset),
            Kind::Discard(discard) => self.run_discard(*discard),
            Kind::Transaction(transaction) => self.run_transaction(transaction),
            Kind::Prepare(prepare) => self.run_prepare(prepare).await,
            Kind::Execute(execute) => self.run_execute(execute).await,
            Kind::Deallocate(deallocate) => self.run_deallocate(deallocate),
            Kind::Declare(declare) => self.run_declare(declare, prepared, parameters).await,
            Kind::Fetch(fetch) => self.run_fetch(fetch).await,
            Kind::Close(close) => self.run_close(close),
            Kind::Notify(tag) => Ok(Outcome::done(*tag)),
        }
    }

    /// The rows of a planned query, for a cursor.
    pub(super) async fn open(
        &self,
        prepared: &Prepared,
        parameters: Vec<ScalarValue>,
    ) -> Result<(SchemaRef, SendableRecordBatchStream), Error> {
        let (schema, stream) = self.rows(prepared, parameters).await?;
        let names = Arc::clone(&schema);
        let stream = futures::StreamExt::map(stream, move |batch| limits::renamed(&names, &batch?));
        let stream = RecordBatchStreamAdapter::new(Arc::clone(&schema), stream);
        Ok((schema, Box::pin(stream)))
    }

    /// The rows of a planned query, with the names of its plan.
    pub(super) async fn rows(
        &self,
        prepared: &Prepared,
        parameters: Vec<ScalarValue>,
    ) -> Result<(SchemaRef, SendableRecordBatchStream), Error> {
        let plan = self.bind(prepared, parameters).await?;
        self.authorize(&plan)?;
        let state = self.state();
        let physical = state.create_physical_plan(&plan).await?;
        let stream = execute_stream(physical, state.task_ctx())?;
        Ok((plan::visible(&stream.schema()), stream))
    }

    /// Runs a plan to its end.
    pub(super) async fn collect(&self, plan: &LogicalPlan) -> Result<Vec<RecordBatch>, Error> {
        self.authorize(plan)?;
        let state = self.state();
        let physical = state.create_physical_plan(plan).await?;
        Ok(collect(physical, state.task_ctx()).await?)
    }

    /// Runs a plan that writes; the number of rows it wrote.
    async fn write(&self, plan: &LogicalPlan) -> Result<u64, Error> {
        Ok(written(&self.collect(plan).await?))
    }

    /// Upkeep of the whole lake; for superusers, since it reads and rewrites every table.
    async fn run_vacuum(&self) -> Result<Outcome, Error> {
        self.check_write("VACUUM")?;
        if !self.principal.is_superuser(&self.engine.lake().catalog())? {
            return Err(Error::statement(
                sqlstate::INSUFFICIENT_PRIVILEGE,
                "permission denied to vacuum the lake",
            ));
        }
        self.engine.maintain().await?;
        Ok(Outcome::done("VACUUM"))
    }

    fn run_set(&self, set: &Set) -> Result<Outcome, Error> {
        {
            let mut settings = self.variables.settings();
            for (name, value) in &set.values {
                match value {
                    Some(value) => settings.set(name, value, set.scope)?,
                    None => settings.reset(name)?,
                }
            }
        }
        Ok(Outcome::done("SET"))
    }

    fn run_reset(&self, reset: &Reset) -> Result<Outcome, Error> {
        {
            let mut settings = self.variables.settings();
            match &reset.name {
                Some(name) => settings.reset(name)?,
                None => settings.reset_all(),
            }
        }
        Ok(Outcome::done("RESET"))
    }

    fn run_discard(&self, discard: Discard) -> Result<Outcome, Error> {
        use super::TransactionState;
        if discard.tag() == "DISCARD ALL" {
            if self.transaction() != TransactionState::Idle {
                return Err(Error::statement(
                    sqlstate::ACTIVE_SQL_TRANSACTION,
                    "DISCARD ALL cannot run inside a transaction block",
                ));
            }
            let mut inner = self.inner.lock();
            inner.prepared.clear();
            inner.cursors.clear();
            inner.free_all();
            drop(inner);
            self.variables.settings().reset_all();
        }
        Ok(Outcome::done(discard.tag()))
    }

    fn run_show(&self, prepared: &Prepared, show: &Show) -> Result<Outcome, Error> {
        let settings = self.variables.settings();
        let columns: Vec<Vec<String>> = match &show.name {
            Some(name) => vec![vec![settings.get(name)?]],
            None => {
                let all = settings.all();
                vec![
                    all.iter().map(|(name, _, _)| name.clone()).collect(),
                    all.iter().map(|(_, value, _)| value.clone()).collect(),
                    all.iter().map(|(_, _, text)| (*text).to_owned()).collect(),
                ]
            }
        };
        drop(settings);
        let schema = prepared
            .schema()
            .ok_or_else(|| Error::statement(sqlstate::INTERNAL_ERROR, "SHOW has no columns"))?;
        let columns = columns
            .into_iter()
            .map(|values| Arc::new(StringArray::from(values)) as ArrayRef)
            .collect();
        let batch =
            RecordBatch::try_new(Arc::clone(&schema), columns).map_err(DataFusionError::from)?;
        Ok(rows_of(schema, batch, "SHOW"))
    }
}

/// The number of rows that a write reports: the only column of its only row.
pub(super) fn written(batches: &[RecordBatch]) -> u64 {
    batches
        .iter()
        .filter_map(|batch| batch.columns().first()?.as_primitive_opt::<UInt64Type>())
        .flat_map(|counts| counts.values().iter())
        .sum()
}

pub(super) fn rows_of(schema: SchemaRef, batch: RecordBatch, tag: &'static str) -> Outcome {
    Outcome::Rows {
        stream: memory_stream(Arc::clone(&schema), vec![batch]),
        schema,
        tag,
    }
}

pub(super) fn memory_stream(
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
) -> SendableRecordBatchStream {
    let batches = futures::stream::iter(batches.into_iter().map(Ok));
    Box::pin(RecordBatchStreamAdapter::new(schema, batches))
}
