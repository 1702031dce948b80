//! CREATE VIEW and DROP VIEW: a view is a query text in the lake's catalog, in schema `public`.
//!
//! Creating one needs SELECT on what it reads; reading one needs it again of the reader.

use datafusion::sql::sqlparser::ast;

use super::{Query, fold, fold_name};
use crate::error::{Error, sqlstate};

/// `CREATE [OR REPLACE] VIEW name [(columns)] AS query`.
#[derive(Debug, Clone)]
pub(crate) struct CreateView {
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
    pub(crate) replace: bool,
    pub(crate) if_not_exists: bool,
    pub(crate) query: Query,
    /// The text of the query as it was written: what is stored.
    pub(crate) sql: String,
}

/// `DROP VIEW [IF EXISTS] name, …`.
#[derive(Debug, Clone)]
pub(crate) struct DropView {
    pub(crate) names: Vec<String>,
    pub(crate) if_exists: bool,
}

impl CreateView {
    pub(super) fn from_ast(view: ast::CreateView, query_text: &str) -> Result<Self, Error> {
        if view.materialized || view.temporary {
            return Err(Error::statement(
                sqlstate::FEATURE_NOT_SUPPORTED,
                "materialized and temporary views are not supported",
            ));
        }
        Ok(CreateView {
            name: public_name(&view.name)?,
            columns: view
                .columns
                .iter()
                .map(|column| fold(&column.name))
                .collect(),
            replace: view.or_replace,
            if_not_exists: view.if_not_exists,
            sql: query_text.to_owned(),
            query: Query::from_ast(ast::Statement::Query(view.query))?,
        })
    }
}

impl DropView {
    pub(super) fn from_ast(names: &[ast::ObjectName], if_exists: bool) -> Result<Self, Error> {
        Ok(DropView {
            names: names.iter().map(public_name).collect::<Result<_, _>>()?,
            if_exists,
        })
    }
}

/// The name of a view of schema `public`; other schemas belong to the engine.
fn public_name(name: &ast::ObjectName) -> Result<String, Error> {
    let mut parts = fold_name(name);
    let own = parts.pop();
    match (own, parts.as_slice()) {
        (Some(own), []) => Ok(own),
        (Some(own), [.., schema]) if schema == "public" => Ok(own),
        (_, [.., schema]) => Err(Error::statement(
            sqlstate::INSUFFICIENT_PRIVILEGE,
            format!("views are kept in schema public, not in {schema}"),
        )),
        (None, []) => Err(Error::statement(
            sqlstate::SYNTAX_ERROR,
            "a view needs a name",
        )),
    }
}
