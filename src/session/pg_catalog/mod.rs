//! The system catalogs that clients browse: `pg_class`, `pg_attribute`, `pg_proc` and the like.
//!
//! datafusion-pg-catalog brings the catalogs that are the same everywhere (types, operators,
//! casts) and the columns of the others. What depends on the lake is filled here: relations with
//! stable object ids and without planning a view twice, functions, users, comments.

mod functions;
mod oid;
mod relations;
mod rows;
mod table;

use std::any::Any;
use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::prelude::SessionContext;

use crate::lake::Lake;
use functions::Function;
use table::{CatalogTable, Content, Source};

const SCHEMA: &str = "pg_catalog";

/// Puts the catalogs of this module in front of those that `datafusion_pg_catalog` has registered,
/// and adds the functions that clients call on them.
pub(crate) fn install(context: &SessionContext, lake: &Arc<Lake>) -> Result<()> {
    let Some(catalog) = context.catalog(super::DATABASE) else {
        return Ok(());
    };
    let Some(shipped) = catalog.schema(SCHEMA) else {
        return Ok(());
    };
    let source = Arc::new(Source::new(&catalog, lake));
    let schema = PgCatalog {
        shipped,
        source: source.clone(),
    };
    catalog.register_schema(SCHEMA, Arc::new(schema))?;
    for function in functions::catalog_functions(&source) {
        context.register_udf(function);
    }
    Ok(())
}

/// Tells `pg_proc` of the functions that a session has beyond those of DataFusion; called when
/// all of them are registered.
pub(crate) fn list_functions(state: &SessionState) -> Result<()> {
    let Some(catalog) = state.catalog_list().catalog(super::DATABASE) else {
        return Ok(());
    };
    let Some(schema) = catalog.schema(SCHEMA) else {
        return Ok(());
    };
    if let Some(own) = (schema.as_ref() as &dyn Any).downcast_ref::<PgCatalog>() {
        own.source.set_functions(Function::own(state));
    }
    Ok(())
}

/// The schema `pg_catalog`.
#[derive(Debug)]
struct PgCatalog {
    shipped: Arc<dyn SchemaProvider>,
    source: Arc<Source>,
}

#[async_trait]
impl SchemaProvider for PgCatalog {
    fn table_names(&self) -> Vec<String> {
        let mut names: HashSet<String> = self.shipped.table_names().into_iter().collect();
        names.extend(Content::ALL.map(|content| content.name().to_owned()));
        names.into_iter().collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let shipped = self.shipped.table(name).await?;
        let Some(content) = Content::of(name) else {
            return Ok(shipped);
        };
        let table = CatalogTable::new(content, shipped, self.source.clone());
        Ok(Some(Arc::new(table)))
    }

    fn table_exist(&self, name: &str) -> bool {
        Content::of(name).is_some() || self.shipped.table_exist(name)
    }
}
