//! DECLARE, FETCH, MOVE and CLOSE: cursors that move forward. The query's permissions are asked
//! for when it is declared.

use datafusion::sql::sqlparser::ast;

use super::{Kind, Query, Statement, fold};
use crate::error::{Error, sqlstate};

/// `DECLARE name CURSOR [WITH HOLD] FOR query`.
#[derive(Debug, Clone)]
pub(crate) struct Declare {
    pub(crate) name: String,
    pub(crate) hold: bool,
    pub(crate) query: Box<Statement>,
}

/// `FETCH count FROM name`, `MOVE count IN name`.
#[derive(Debug, Clone)]
pub(crate) struct Fetch {
    pub(crate) name: String,
    pub(crate) count: FetchCount,
    /// MOVE skips the rows instead of returning them.
    pub(crate) skip: bool,
}

/// How many of the next rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FetchCount {
    Rows(u64),
    All,
}

/// `CLOSE name`, `CLOSE ALL`.
#[derive(Debug, Clone)]
pub(crate) struct Close {
    /// `None` for all.
    pub(crate) name: Option<String>,
}

impl Declare {
    pub(super) fn from_ast(items: Vec<ast::Declare>, text: &str) -> Result<Self, Error> {
        let [item] = <[ast::Declare; 1]>::try_from(items).map_err(|_| one_cursor())?;
        if item.scroll == Some(true) {
            return Err(Error::statement(
                sqlstate::FEATURE_NOT_SUPPORTED,
                "cursors move forward only: SCROLL is not supported",
            ));
        }
        let name = item.names.first().map(fold).ok_or_else(one_cursor)?;
        let query = item.for_query.ok_or_else(one_cursor)?;
        Ok(Declare {
            name,
            hold: item.hold == Some(true),
            query: Box::new(Statement {
                text: text.into(),
                kind: Kind::Query(Query::from_ast(ast::Statement::Query(query))?),
            }),
        })
    }
}

fn one_cursor() -> Error {
    Error::statement(
        sqlstate::SYNTAX_ERROR,
        "DECLARE takes one cursor: DECLARE name CURSOR FOR query",
    )
}

impl Fetch {
    pub(super) fn from_ast(
        name: &ast::Ident,
        direction: &ast::FetchDirection,
    ) -> Result<Self, Error> {
        use ast::FetchDirection as Direction;
        let count = match direction {
            Direction::Next | Direction::Forward { limit: None } => FetchCount::Rows(1),
            Direction::Count { limit } | Direction::Forward { limit: Some(limit) } => {
                rows(&limit.value)?
            }
            Direction::All | Direction::ForwardAll => FetchCount::All,
            _ => {
                return Err(Error::statement(
                    sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE,
                    "cursor can only scan forward",
                )
                .with_hint("Declare it anew to start from the first row."));
            }
        };
        Ok(Fetch {
            name: fold(name),
            count,
            skip: false,
        })
    }

    pub(crate) fn tag(&self) -> &'static str {
        if self.skip { "MOVE" } else { "FETCH" }
    }
}

fn rows(value: &ast::Value) -> Result<FetchCount, Error> {
    match value {
        ast::Value::Number(number, _) => match number.to_string().parse() {
            Ok(count) => Ok(FetchCount::Rows(count)),
            Err(_) => Err(Error::statement(
                sqlstate::SYNTAX_ERROR,
                format!("FETCH takes a number of rows, not {number}"),
            )),
        },
        other => Err(Error::statement(
            sqlstate::SYNTAX_ERROR,
            format!("FETCH takes a number of rows, not {other}"),
        )),
    }
}

impl Close {
    pub(super) fn from_ast(cursor: &ast::CloseCursor) -> Self {
        let name = match cursor {
            ast::CloseCursor::All => None,
            ast::CloseCursor::Specific { name } => Some(fold(name)),
        };
        Close { name }
    }

    pub(crate) fn tag(&self) -> &'static str {
        match self.name {
            Some(_) => "CLOSE CURSOR",
            None => "CLOSE CURSOR ALL",
        }
    }
}
