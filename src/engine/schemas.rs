//! Schema `public`: the users' views, planned when they are read.

use std::future::Future;
use std::sync::{Arc, OnceLock, Weak};

use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::datasource::{TableType, ViewTable};
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::sql::parser::Statement as PlannedStatement;

use super::check_plan_size;
use crate::error::{Error, sqlstate};
use crate::lake::Lake;
use crate::library::LibrarySchema;
use crate::statement;

/// Views that read views that read views: more than this is a circle.
const MAXIMUM_DEPTH: usize = 32;

/// Plans a statement: a view that cannot be planned is an error for it.
pub(crate) async fn planning<T>(future: impl Future<Output = T>) -> T {
    DEPTH.scope(0, future).await
}

tokio::task_local! {
    /// How many views deep the current task plans.
    static DEPTH: usize;
}

/// Plans the queries of views, with the engine's template.
#[derive(Debug, Default)]
pub(super) struct Planner {
    /// Weak, since the template holds the schemas that hold this.
    state: OnceLock<Weak<SessionState>>,
}

impl Planner {
    /// Sets the state that plans; once, when the template is complete.
    pub(super) fn set(&self, state: &Arc<SessionState>) {
        // A second call would be the same template.
        let _ = self.state.set(Arc::downgrade(state));
    }

    async fn view(&self, name: &str, sql: &str, shown: &str) -> Result<Arc<ViewTable>, Error> {
        let depth = DEPTH.try_with(|depth| *depth).unwrap_or(0);
        if depth >= MAXIMUM_DEPTH {
            return Err(Error::statement(
                sqlstate::STATEMENT_TOO_COMPLEX,
                format!("view \"{name}\" reads itself, or views are nested too deeply"),
            ));
        }
        let state =
            self.state.get().and_then(Weak::upgrade).ok_or_else(|| {
                Error::statement(sqlstate::ADMIN_SHUTDOWN, "the engine is closed")
            })?;
        let ast = statement::single_query(sql)?;
        let plan = DEPTH
            .scope(
                depth + 1,
                state.statement_to_plan(PlannedStatement::Statement(Box::new(ast))),
            )
            .await?;
        check_plan_size(&plan)?;
        Ok(Arc::new(ViewTable::new(plan, Some(shown.to_owned()))))
    }
}

/// Schema `public`: the views of the lake's catalog. A name that it does not have is looked up in
/// `verbatim`, as the search path `public, verbatim` would.
#[derive(Debug)]
pub(super) struct Public {
    lake: Arc<Lake>,
    built_in: Arc<LibrarySchema>,
    planner: Arc<Planner>,
}

impl Public {
    pub(super) fn new(
        lake: Arc<Lake>,
        built_in: Arc<LibrarySchema>,
        planner: Arc<Planner>,
    ) -> Self {
        Public {
            lake,
            built_in,
            planner,
        }
    }
}

#[async_trait]
impl SchemaProvider for Public {
    fn table_names(&self) -> Vec<String> {
        self.lake.catalog().views.keys().cloned().collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        // Planned each time: what it reads may have been replaced.
        match self.lake.catalog().views.get(name) {
            Some(view) => match self.planner.view(name, &view.sql, &view.sql).await {
                Ok(table) => Ok(Some(table as Arc<dyn TableProvider>)),
                // A list of all tables goes on without a view that has lost what it reads.
                Err(error) if DEPTH.try_with(|_| ()).is_err() => {
                    tracing::warn!(%error, view = name, "a view is left out of a list");
                    Ok(None)
                }
                Err(error) => Err(error.into()),
            },
            None => self.built_in.table(name).await,
        }
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        Ok(self.table_exist(name).then_some(TableType::View))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.lake.catalog().views.contains_key(name)
    }
}
