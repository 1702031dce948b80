//! The tables and views of the database, as clients see them.

use std::sync::{Arc, Weak};

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::CatalogProvider;
use datafusion::datasource::TableType;

use super::super::{BUILT_IN_SCHEMA, USER_SCHEMA};
use super::oid;
use crate::lake;
use crate::library;

/// A table or view.
#[derive(Debug)]
pub(super) struct Relation {
    pub(super) oid: i32,
    pub(super) schema: &'static str,
    pub(super) name: String,
    pub(super) is_view: bool,
    pub(super) columns: SchemaRef,
}

/// Every relation. A view whose query no longer plans, because what it reads is gone, is left out:
/// it must not keep clients from browsing the rest.
pub(super) async fn all(catalog: &Weak<dyn CatalogProvider>) -> Vec<Relation> {
    let Some(catalog) = catalog.upgrade() else {
        return Vec::new();
    };
    let mut relations = Vec::new();
    for schema in [BUILT_IN_SCHEMA, USER_SCHEMA] {
        let Some(provider) = catalog.schema(schema) else {
            continue;
        };
        let mut names = provider.table_names();
        names.sort_unstable();
        for name in names {
            match provider.table(&name).await {
                Ok(Some(table)) => relations.push(Relation {
                    oid: oid::relation(schema, &name),
                    schema,
                    is_view: table.table_type() == TableType::View,
                    columns: table.schema(),
                    name,
                }),
                Ok(None) => {}
                Err(error) => tracing::debug!(view = name, %error, "left out of the catalogs"),
            }
        }
    }
    relations
}

/// What a built-in relation is for.
pub(super) fn comment(name: &str) -> Option<&'static str> {
    let comment = match described(name) {
        Some(table) => table.comment.as_str(),
        None => library::view(name)?.comment.as_str(),
    };
    (!comment.is_empty()).then_some(comment)
}

/// The definition of a built-in table, stored or not.
fn described(name: &str) -> Option<&'static Arc<lake::TableSchema>> {
    let stored = lake::built_in_tables().ok()?.iter();
    let mut tables = stored.chain(lake::system_tables().ok()?);
    tables.find(|table| table.name == name)
}

/// What a column of a built-in table holds, by its position from 1.
pub(super) fn column_comment(table: &str, position: i32) -> Option<&'static str> {
    let table = described(table)?;
    let at = usize::try_from(position).ok()?.checked_sub(1)?;
    let field = table.columns.fields().get(at)?;
    field
        .metadata()
        .get(lake::schema::COMMENT)
        .map(String::as_str)
}
