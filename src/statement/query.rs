//! Statements that DataFusion plans: SELECT and its relatives, INSERT, UPDATE, DELETE, EXPLAIN.

use datafusion::sql::sqlparser::ast;

use crate::error::{Error, sqlstate};

/// `SELECT`, `VALUES`, `WITH … SELECT`, `TABLE name`. Needs SELECT on every table it reads.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) ast: Box<ast::Statement>,
}

/// A statement that changes rows. Needs the right of its name on the table it changes.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    pub(crate) kind: WriteKind,
    pub(crate) ast: Box<ast::Statement>,
}

/// What a write does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriteKind {
    Insert,
    Update,
    Delete,
    Truncate,
}

impl WriteKind {
    /// The command tag, before the number of rows.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            WriteKind::Insert => "INSERT",
            WriteKind::Update => "UPDATE",
            WriteKind::Delete => "DELETE",
            WriteKind::Truncate => "TRUNCATE TABLE",
        }
    }

    /// The whole command tag for a number of rows.
    pub(crate) fn tag_for(self, rows: u64) -> String {
        match self {
            WriteKind::Insert => format!("INSERT 0 {rows}"),
            WriteKind::Update => format!("UPDATE {rows}"),
            WriteKind::Delete => format!("DELETE {rows}"),
            WriteKind::Truncate => "TRUNCATE TABLE".to_owned(),
        }
    }
}

/// `EXPLAIN [ANALYZE] [VERBOSE] query`. Needs what the explained statement needs.
#[derive(Debug, Clone)]
pub(crate) struct Explain {
    pub(crate) ast: Box<ast::Statement>,
    /// The explained statement, for its permissions and its effect.
    pub(crate) writes: bool,
}

impl Query {
    pub(super) fn from_ast(ast: ast::Statement) -> Result<Self, Error> {
        if let ast::Statement::Query(query) = &ast {
            refuse_writes_and_locks(query)?;
        }
        Ok(Query { ast: Box::new(ast) })
    }
}

/// Data-changing CTEs and SELECT INTO would hide a write in a query.
fn refuse_writes_and_locks(query: &ast::Query) -> Result<(), Error> {
    let unsupported = |what: &str| {
        Err(Error::statement(
            sqlstate::FEATURE_NOT_SUPPORTED,
            format!("{what} is not supported"),
        ))
    };
    match query.body.as_ref() {
        ast::SetExpr::Insert(_)
        | ast::SetExpr::Update(_)
        | ast::SetExpr::Delete(_)
        | ast::SetExpr::Merge(_) => return unsupported("a data-changing WITH query"),
        ast::SetExpr::Select(select) if select.into.is_some() => {
            return unsupported("SELECT INTO");
        }
        _ => {}
    }
    if let Some(with) = &query.with {
        for table in &with.cte_tables {
            refuse_writes_and_locks(&table.query)?;
        }
    }
    Ok(())
}

impl Explain {
    pub(super) fn from_ast(ast: ast::Statement, inner: &ast::Statement) -> Result<Self, Error> {
        let writes = match inner {
            ast::Statement::Query(query) => {
                refuse_writes_and_locks(query)?;
                false
            }
            ast::Statement::Insert(_) | ast::Statement::Update(_) | ast::Statement::Delete(_) => {
                true
            }
            _ => {
                return Err(Error::statement(
                    sqlstate::FEATURE_NOT_SUPPORTED,
                    "EXPLAIN takes a query, an INSERT, an UPDATE or a DELETE",
                ));
            }
        };
        Ok(Explain {
            ast: Box::new(ast),
            writes,
        })
    }
}
