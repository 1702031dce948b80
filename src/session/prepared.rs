//! Prepared statements: what a statement needs and what it returns, known before it runs.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::sqlparser::ast;

use super::Session;
use super::outcome::Outcome;
use crate::catalog::CatalogObject;
use crate::error::{Error, sqlstate};
use crate::statement::{Deallocate, Execute, Prepare, Statement};

/// A statement that was parsed, planned and authorised; cheap to clone.
#[derive(Debug, Clone)]
pub struct Prepared(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    statement: Statement,
    parameters: Vec<DataType>,
    schema: Option<SchemaRef>,
    plan: Option<Planned>,
}

/// A plan, with what it takes to make it anew.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) logical: LogicalPlan,
    pub(super) ast: ast::Statement,
    /// Parameters whose values a table function needs while it is planned.
    pub(super) late: Vec<usize>,
    /// The catalog whose views are in the plan.
    pub(super) catalog: Arc<CatalogObject>,
}

impl Prepared {
    pub(super) fn new(
        statement: Statement,
        parameters: Vec<DataType>,
        schema: Option<SchemaRef>,
        plan: Option<Planned>,
    ) -> Self {
        Prepared(Arc::new(Parts {
            statement,
            parameters,
            schema,
            plan,
        }))
    }

    /// The statement.
    pub fn statement(&self) -> &Statement {
        &self.0.statement
    }

    /// The types of `$1`, `$2`, …
    pub fn parameters(&self) -> &[DataType] {
        &self.0.parameters
    }

    /// The columns of the result, `None` for a statement that returns no rows.
    pub fn schema(&self) -> Option<SchemaRef> {
        self.0.schema.clone()
    }

    pub(super) fn plan(&self) -> Option<&Planned> {
        self.0.plan.as_ref()
    }
}

impl Session {
    pub(super) async fn run_prepare(&self, prepare: &Prepare) -> Result<Outcome, Error> {
        if self.inner.lock().prepared.contains_key(&prepare.name) {
            return Err(Error::statement(
                sqlstate::DUPLICATE_PREPARED_STATEMENT,
                format!("prepared statement \"{}\" already exists", prepare.name),
            ));
        }
        let statement = prepare.statement.as_ref().clone();
        let declared = self.arrow_types(&prepare.types).await?;
        let prepared = Box::pin(self.prepare(statement, &declared)).await?;
        self.inner
            .lock()
            .prepared
            .insert(prepare.name.clone(), prepared);
        Ok(Outcome::done("PREPARE"))
    }

    /// The statement that an EXECUTE names.
    pub(super) fn named(&self, execute: &Execute) -> Result<Prepared, Error> {
        let prepared = self.inner.lock().prepared.get(&execute.name).cloned();
        prepared.ok_or_else(|| {
            Error::statement(
                sqlstate::INVALID_SQL_STATEMENT_NAME,
                format!("prepared statement \"{}\" does not exist", execute.name),
            )
        })
    }

    pub(super) async fn run_execute(&self, execute: &Execute) -> Result<Outcome, Error> {
        let prepared = self.named(execute)?;
        if prepared.parameters().len() != execute.arguments.len() {
            return Err(Error::statement(
                sqlstate::SYNTAX_ERROR,
                format!(
                    "wrong number of parameters for prepared statement \"{}\": expected {}, got {}",
                    execute.name,
                    prepared.parameters().len(),
                    execute.arguments.len()
                ),
            ));
        }
        let values = self
            .evaluate(&execute.arguments, prepared.parameters())
            .await?;
        Box::pin(self.run(&prepared, values)).await
    }

    pub(super) fn run_deallocate(&self, deallocate: &Deallocate) -> Result<Outcome, Error> {
        let mut inner = self.inner.lock();
        match &deallocate.name {
            None => {
                inner.prepared.clear();
                inner.free_all();
            }
            Some(name) if inner.named.remove(name) => inner.freed.push(name.clone()),
            Some(name) => {
                if inner.prepared.remove(name).is_none() {
                    return Err(Error::statement(
                        sqlstate::INVALID_SQL_STATEMENT_NAME,
                        format!("prepared statement \"{name}\" does not exist"),
                    ));
                }
            }
        }
        Ok(Outcome::done(deallocate.tag()))
    }
}
