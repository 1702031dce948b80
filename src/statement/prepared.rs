//! PREPARE, EXECUTE and DEALLOCATE. The prepared statement's own permissions are asked for.

use datafusion::sql::sqlparser::ast;

use super::{Statement, fold, fold_name};
use crate::error::{Error, sqlstate};

/// `PREPARE name (types) AS statement`.
#[derive(Debug, Clone)]
pub(crate) struct Prepare {
    pub(crate) name: String,
    pub(crate) types: Vec<ast::DataType>,
    pub(crate) statement: Box<Statement>,
}

/// `EXECUTE name (values)`.
#[derive(Debug, Clone)]
pub(crate) struct Execute {
    pub(crate) name: String,
    pub(crate) arguments: Vec<ast::Expr>,
}

/// `DEALLOCATE name`, `DEALLOCATE ALL`.
#[derive(Debug, Clone)]
pub(crate) struct Deallocate {
    /// `None` for all.
    pub(crate) name: Option<String>,
}

impl Execute {
    pub(super) fn from_ast(
        name: Option<&ast::ObjectName>,
        arguments: Vec<ast::Expr>,
    ) -> Result<Self, Error> {
        match name {
            Some(name) => Ok(Execute {
                name: fold_name(name).join("."),
                arguments,
            }),
            None => Err(Error::statement(
                sqlstate::SYNTAX_ERROR,
                "EXECUTE needs the name of a prepared statement",
            )),
        }
    }
}

impl Deallocate {
    pub(super) fn from_ast(name: &ast::Ident) -> Self {
        let all = name.quote_style.is_none() && name.value.eq_ignore_ascii_case("all");
        Deallocate {
            name: (!all).then(|| fold(name)),
        }
    }

    pub(crate) fn tag(&self) -> &'static str {
        match self.name {
            Some(_) => "DEALLOCATE",
            None => "DEALLOCATE ALL",
        }
    }
}
