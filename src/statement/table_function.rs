//! Table functions of the library: `repeat_contact(window_days => 14)`.
//!
//! A query of `sql/` that has parameters is also a function. A call of it becomes the query
//! itself, with the arguments in the parameters' places, before anything is planned: so named,
//! qualified and bound arguments (`verbatim.repeat_contact(window_days => $1)`) all work, and the
//! plan is that of a view.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    self, Expr, FunctionArg, FunctionArgExpr, TableFactor, Visit, VisitMut, Visitor, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::{fold, fold_name, names};
use crate::error::{Error, sqlstate};
use crate::library::{self, Definition};

/// Puts the library's queries in the places of the calls of them.
pub(super) fn expand(statement: &mut ast::Statement) -> Result<(), Error> {
    match statement.visit(&mut Expand) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Expand;

impl VisitorMut for Expand {
    type Break = Error;

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        match expanded(factor) {
            Ok(Some(query)) => {
                *factor = query;
                ControlFlow::Continue(())
            }
            Ok(None) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

/// The query that a call stands for; `None` where it calls nothing of the library.
fn expanded(factor: &TableFactor) -> Result<Option<TableFactor>, Error> {
    let TableFactor::Table {
        name,
        alias,
        args: Some(arguments),
        ..
    } = factor
    else {
        return Ok(None);
    };
    let name = fold_name(name);
    let definition = match name.as_slice() {
        [name] => library::view(name),
        [schema, name] if schema == "verbatim" => library::view(name),
        _ => None,
    };
    let Some(definition) = definition.filter(|definition| !definition.parameters.is_empty()) else {
        return Ok(None);
    };
    let values = bind(definition, &arguments.args)?;
    let values: Vec<(&str, &str)> = values
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let sql = definition.sql_with(&values).map_err(|error| {
        Error::statement(sqlstate::UNDEFINED_FUNCTION, error.to_string())
    })?;
    let alias = alias.clone().unwrap_or_else(|| ast::TableAlias {
        explicit: true,
        name: ast::Ident::new(definition.name),
        columns: Vec::new(),
        at: None,
    });
    Ok(Some(TableFactor::Derived {
        lateral: false,
        subquery: query(definition.name, &sql)?,
        alias: Some(alias),
        sample: None,
    }))
}

fn query(name: &str, sql: &str) -> Result<Box<ast::Query>, Error> {
    let broken = |what: String| Error::statement(sqlstate::SYNTAX_ERROR, format!("{name}: {what}"));
    let mut statements = Parser::parse_sql(&PostgreSqlDialect {}, sql)
        .map_err(|error| broken(error.to_string()))?;
    for statement in &mut statements {
        names::assign(statement);
        expand(statement)?;
    }
    match (statements.pop(), statements.is_empty()) {
        (Some(ast::Statement::Query(query)), true) => Ok(query),
        _ => Err(broken("it is not one query".to_owned())),
    }
}

/// The arguments by parameter, each cast to the parameter's type.
fn bind(
    definition: &Definition,
    arguments: &[FunctionArg],
) -> Result<Vec<(&'static str, String)>, Error> {
    let no_such_call = |message: String| {
        let parameters: Vec<String> = definition
            .parameters
            .iter()
            .map(|parameter| format!("{} => {}", parameter.name, parameter.default))
            .collect();
        Error::statement(sqlstate::UNDEFINED_FUNCTION, message).with_hint(format!(
            "{}({})",
            definition.name,
            parameters.join(", ")
        ))
    };
    let mut bound: Vec<(&'static str, String)> = Vec::new();
    for (position, argument) in arguments.iter().enumerate() {
        let (name, value) = match argument {
            FunctionArg::Unnamed(value) => (None, value),
            FunctionArg::Named { name, arg, .. } => (Some(fold(name)), arg),
            FunctionArg::ExprNamed { name, arg, .. } => match name {
                Expr::Identifier(name) => (Some(fold(name)), arg),
                other => {
                    return Err(no_such_call(format!("{other} is no name of a parameter")));
                }
            },
        };
        let FunctionArgExpr::Expr(value) = value else {
            return Err(no_such_call(format!("{} takes values", definition.name)));
        };
        let parameter = match &name {
            Some(name) => definition
                .parameters
                .iter()
                .find(|parameter| parameter.name == name),
            None if bound.len() == position => definition.parameters.get(position),
            None => {
                return Err(Error::statement(
                    sqlstate::SYNTAX_ERROR,
                    "positional argument cannot follow named argument",
                ));
            }
        };
        let Some(parameter) = parameter else {
            return Err(no_such_call(match name {
                Some(name) => format!("{} has no parameter {name}", definition.name),
                None => format!("{} has fewer parameters", definition.name),
            }));
        };
        if bound.iter().any(|(name, _)| *name == parameter.name) {
            return Err(no_such_call(format!(
                "parameter {} is given twice",
                parameter.name
            )));
        }
        constant(definition, value)?;
        let value = format!("CAST({value} AS {})", parameter.sql_type);
        bound.push((parameter.name, value));
    }
    Ok(bound)
}

/// Columns and subqueries would be looked up inside of the query.
fn constant(definition: &Definition, value: &Expr) -> Result<(), Error> {
    struct Constant;
    impl Visitor for Constant {
        type Break = ();

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Identifier(_)
                | Expr::CompoundIdentifier(_)
                | Expr::Subquery(_)
                | Expr::Exists { .. }
                | Expr::InSubquery { .. } => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    match value.visit(&mut Constant) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::statement(
            sqlstate::FEATURE_NOT_SUPPORTED,
            format!(
                "arguments of {} are constants or parameters, not {value}",
                definition.name
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn expanded(sql: &str) -> Result<String, Error> {
        let mut statements = Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap();
        expand(&mut statements[0])?;
        Ok(statements[0].to_string())
    }

    #[test]
    fn a_call_becomes_its_query() {
        for call in [
            "repeat_contact(window_days => 14)",
            "verbatim.repeat_contact(14)",
            "Repeat_Contact(window_days := 14)",
        ] {
            let sql = expanded(&format!("SELECT * FROM {call}")).unwrap();
            assert!(sql.contains("CAST(14 AS INTEGER)"), "{sql}");
            assert!(sql.ends_with("repeat_contact"), "{sql}");
        }
        let sql = expanded("SELECT * FROM repeat_contact($1) r").unwrap();
        assert!(sql.contains("CAST($1 AS INTEGER)"), "{sql}");
    }

    #[test]
    fn wrong_calls_are_refused() {
        let state = |sql| expanded(sql).unwrap_err().sqlstate();
        assert_eq!(state("SELECT * FROM repeat_contact(days => 1)"), "42883");
        assert_eq!(state("SELECT * FROM repeat_contact(1, 2, 3, 4, 5)"), "42883");
        assert_eq!(state("SELECT * FROM t, repeat_contact(t.a)"), "0A000");
    }
}
