//! The schema of the built-in tables, with the library's views in it.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, Weak};

use async_trait::async_trait;
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList,
    SchemaProvider, TableProvider,
};
use datafusion::datasource::ViewTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::TableType;
use parking_lot::Mutex;

use super::{Definition, view, views};

/// Tables, and the library's views over them. A view is planned when it is first asked for.
///
/// Views see the built-in tables and views and nothing else: a table of the user's with the same
/// name does not change what they say.
#[derive(Debug)]
pub struct LibrarySchema {
    tables: Arc<dyn SchemaProvider>,
    planner: OnceLock<SessionState>,
    planned: Mutex<HashMap<&'static str, Arc<dyn TableProvider>>>,
}

impl LibrarySchema {
    /// The schema of `tables` with the views over them. It shows no views until
    /// [`LibrarySchema::plan_with`] has told it how to plan.
    pub fn new(tables: Arc<dyn SchemaProvider>) -> Arc<LibrarySchema> {
        Arc::new(LibrarySchema {
            tables,
            planner: OnceLock::new(),
            planned: Mutex::new(HashMap::new()),
        })
    }

    /// Plans views with the settings and functions of `state`; only the first call counts.
    ///
    /// # Errors
    /// When the schema cannot be put into a catalog of its own.
    pub fn plan_with(self: &Arc<Self>, state: &SessionState) -> Result<()> {
        let options = &state.config_options().catalog;
        let (catalog, schema) = (options.default_catalog.clone(), "verbatim");
        let catalogs = MemoryCatalogProviderList::new();
        let only = MemoryCatalogProvider::new();
        // Weak: the planner belongs to the schema, which would otherwise belong to itself.
        only.register_schema(schema, Arc::new(Within(Arc::downgrade(self))))?;
        catalogs.register_catalog(catalog.clone(), Arc::new(only));
        let config = state
            .config()
            .clone()
            .with_default_catalog_and_schema(catalog, schema);
        let planner = SessionStateBuilder::new_from_existing(state.clone())
            .with_config(config)
            .with_catalog_list(Arc::new(catalogs))
            .build();
        // A second planner would plan the same views the same way.
        let _ = self.planner.set(planner);
        Ok(())
    }

    /// The view of `definition`, planned.
    async fn view(
        &self,
        definition: &'static Definition,
    ) -> Result<Option<Arc<dyn TableProvider>>> {
        let known = self.planned.lock().get(definition.name).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let Some(planner) = self.planner.get() else {
            return Ok(None);
        };
        let sql = definition.default_sql();
        let plan = planner.create_logical_plan(&sql).await.map_err(|error| {
            DataFusionError::Context(format!("view {}", definition.name), Box::new(error))
        })?;
        let view: Arc<dyn TableProvider> = Arc::new(ViewTable::new(plan, Some(sql.into_owned())));
        self.planned
            .lock()
            .insert(definition.name, Arc::clone(&view));
        Ok(Some(view))
    }
}

#[async_trait]
impl SchemaProvider for LibrarySchema {
    fn table_names(&self) -> Vec<String> {
        let mut names = self.tables.table_names();
        if self.planner.get().is_some() {
            names.extend(views().iter().map(|view| view.name.to_owned()));
        }
        names
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if let Some(table) = self.tables.table(name).await? {
            return Ok(Some(table));
        }
        match view(name) {
            Some(definition) => self.view(definition).await,
            None => Ok(None),
        }
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        match view(name) {
            Some(_) if !self.tables.table_exist(name) => Ok(Some(TableType::View)),
            _ => self.tables.table_type(name).await,
        }
    }

    fn register_table(
        &self,
        name: String,
        table: Arc<dyn TableProvider>,
    ) -> Result<Option<Arc<dyn TableProvider>>> {
        self.tables.register_table(name, table)
    }

    fn deregister_table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        self.tables.deregister_table(name)
    }

    fn table_exist(&self, name: &str) -> bool {
        self.tables.table_exist(name) || (self.planner.get().is_some() && view(name).is_some())
    }
}

/// The schema as its own views see it.
#[derive(Debug)]
struct Within(Weak<LibrarySchema>);

#[async_trait]
impl SchemaProvider for Within {
    fn table_names(&self) -> Vec<String> {
        self.0
            .upgrade()
            .map(|schema| schema.table_names())
            .unwrap_or_default()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        match self.0.upgrade() {
            Some(schema) => schema.table(name).await,
            None => Ok(None),
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.0
            .upgrade()
            .is_some_and(|schema| schema.table_exist(name))
    }
}
