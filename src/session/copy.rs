//! COPY … FROM STDIN: rows of a client become an INSERT.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::MemTable;
use datafusion::common::{ScalarValue, TableReference};
use datafusion::datasource::{DefaultTableSource, provider_as_source};
use datafusion::execution::SessionState;
use datafusion::logical_expr::dml::InsertOp;
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, TableSource, cast, col, lit,
};
use datafusion::physical_plan::collect;

use super::Session;
use super::context::{BUILT_IN_SCHEMA, DATABASE, USER_SCHEMA};
use crate::error::{Error, sqlstate};
use crate::govern::{self, Privilege};
use crate::statement::{Copy, CopyOptions, CopyRelation};

/// A table that waits for the rows of a COPY … FROM STDIN.
pub struct CopyTarget {
    schema: SchemaRef,
    options: CopyOptions,
    table: TableReference,
    source: Arc<dyn TableSource>,
    state: SessionState,
}

impl CopyTarget {
    /// The columns that the rows bring, in order.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// How the client writes them.
    pub fn options(&self) -> &CopyOptions {
        &self.options
    }

    /// Writes rows of [`CopyTarget::schema`], all or none; the number written, durable.
    ///
    /// # Errors
    /// Where the table refuses a row.
    pub async fn write(&self, batches: Vec<RecordBatch>) -> Result<u64, Error> {
        let plan = self.plan(batches)?;
        let physical = self.state.create_physical_plan(&plan).await?;
        let counts = collect(physical, self.state.task_ctx()).await?;
        Ok(super::run::written(&counts))
    }

    fn plan(&self, batches: Vec<RecordBatch>) -> Result<LogicalPlan, Error> {
        let rows = MemTable::try_new(self.schema(), vec![batches])?;
        let rows = LogicalPlanBuilder::scan("copy", provider_as_source(Arc::new(rows)), None)?;
        let target = self.source.schema();
        let columns = target.fields().iter().map(|field| {
            let name = field.name();
            let value: Expr = if self.schema.index_of(name).is_ok() {
                col(datafusion::common::Column::from_name(name))
            } else if let Some(default) = self.source.get_column_default(name) {
                default.clone()
            } else {
                lit(ScalarValue::Null)
            };
            cast(value, field.data_type().clone()).alias(name)
        });
        let input = rows.project(columns.collect::<Vec<_>>())?.build()?;
        Ok(LogicalPlanBuilder::insert_into(
            input,
            self.table.clone(),
            Arc::clone(&self.source),
            InsertOp::Append,
        )?
        .build()?)
    }
}

impl Session {
    /// The table and columns that a COPY … FROM writes, if the user may.
    pub(super) async fn copy_target(&self, copy: &Copy) -> Result<CopyTarget, Error> {
        let CopyRelation::Table { name, columns, .. } = &copy.relation else {
            return Err(Error::statement(
                sqlstate::SYNTAX_ERROR,
                "COPY … FROM takes a table",
            ));
        };
        let no_table = || {
            Error::statement(
                sqlstate::UNDEFINED_TABLE,
                format!("table \"{}\" does not exist", name.join(".")),
            )
        };
        let table = match name.as_slice() {
            [table] => table,
            [schema, table] | [_, schema, table]
                if [BUILT_IN_SCHEMA, USER_SCHEMA].contains(&schema.as_str()) =>
            {
                table
            }
            _ => return Err(no_table()),
        };
        let reference = TableReference::full(DATABASE, BUILT_IN_SCHEMA, table.as_str());
        let state = self.state();
        let provider = state
            .schema_for_ref(reference.clone())?
            .table(table)
            .await?
            .ok_or_else(no_table)?;
        govern::authorize_table(
            table,
            Privilege::Insert,
            &self.principal,
            &self.engine.lake().catalog(),
        )?;
        let all = provider.schema();
        let schema = match columns.as_slice() {
            [] => all,
            columns => {
                let fields = columns
                    .iter()
                    .map(|column| {
                        all.field_with_name(column).cloned().map_err(|_| {
                            Error::statement(
                                sqlstate::UNDEFINED_COLUMN,
                                format!("column \"{column}\" of table \"{table}\" does not exist"),
                            )
                        })
                    })
                    .collect::<Result<Vec<_>, _>>()?;
                Arc::new(Schema::new(fields))
            }
        };
        Ok(CopyTarget {
            schema,
            options: copy.options.clone(),
            table: reference,
            source: Arc::new(DefaultTableSource::new(provider)),
            state,
        })
    }
}
