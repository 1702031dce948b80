//! Calls of the library's table functions, written out as the subqueries that they stand for:
//! `repeat_contact(window_days => 14)` and `metric('escalation_rate', by => 'topic')`.
//!
//! It happens to the syntax tree, before planning: so an argument may be named, may be a parameter
//! of the statement that is bound late, and the rules see plain tables.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, Ident, ObjectName, ObjectNamePart, Query, Statement,
    TableFactor, Value, Visit, VisitMut, Visitor, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::{Definition, LibraryError, metric, view};
use crate::error::{Error, sqlstate};
use crate::statement::sql_text;

/// The schema of the built-in tables and views.
const SCHEMA: &str = "verbatim";

/// Replaces every call of a table function of the library in `statement`.
///
/// # Errors
/// SQLSTATE 42883 for an argument that the function does not have, 22023 for a value that it cannot
/// take.
pub fn expand(statement: &mut Statement) -> Result<(), Error> {
    match statement.visit(&mut Calls) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Calls;

impl VisitorMut for Calls {
    type Break = Error;

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        let TableFactor::Table {
            name,
            alias,
            args: Some(args),
            ..
        } = factor
        else {
            return ControlFlow::Continue(());
        };
        let Some(function) = built_in_name(name) else {
            return ControlFlow::Continue(());
        };
        let query = match subquery(&function, &args.args) {
            Ok(Some(query)) => query,
            Ok(None) => return ControlFlow::Continue(()),
            Err(error) => return ControlFlow::Break(error),
        };
        let mut alias = alias.take();
        if alias.is_none() {
            // As for a table: its columns can be qualified by its name.
            alias = alias_of(&function);
        }
        *factor = TableFactor::Derived {
            lateral: false,
            subquery: Box::new(query),
            alias,
            sample: None,
        };
        ControlFlow::Continue(())
    }
}

/// The name, folded, where it is unqualified or in the schema of the built-in views.
fn built_in_name(name: &ObjectName) -> Option<String> {
    let parts: Vec<String> = name.0.iter().map(fold).collect::<Option<_>>()?;
    match parts.as_slice() {
        [name] => Some(name.clone()),
        [schema, name] if schema == SCHEMA => Some(name.clone()),
        _ => None,
    }
}

fn fold(part: &ObjectNamePart) -> Option<String> {
    let ident = part.as_ident()?;
    Some(match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_lowercase(),
    })
}

fn alias_of(function: &str) -> Option<datafusion::sql::sqlparser::ast::TableAlias> {
    let sql = format!("SELECT 1 FROM t AS {}", Ident::with_quote('"', function));
    let query = parse(&sql).ok()?;
    let body = query.body.as_select()?.from.first()?.relation.clone();
    match body {
        TableFactor::Table { alias, .. } => alias,
        _ => None,
    }
}

/// What a call stands for; `None` where it is no function of the library.
fn subquery(function: &str, arguments: &[FunctionArg]) -> Result<Option<Query>, Error> {
    let sql = if function == "metric" {
        metric::sql(&arguments_of(function, metric::PARAMETERS, arguments)?)?
    } else {
        match view(function) {
            Some(definition) => filled(definition, arguments)?,
            None => return Ok(None),
        }
    };
    let mut query = parse(&sql)?;
    qualify(&mut query);
    Ok(Some(query))
}

fn filled(definition: &'static Definition, arguments: &[FunctionArg]) -> Result<String, Error> {
    let names: Vec<&str> = definition
        .parameters
        .iter()
        .map(|parameter| parameter.name)
        .collect();
    let given = arguments_of(definition.name, &names, arguments)?;
    let mut literals = Vec::with_capacity(given.len());
    for (name, expr) in &given {
        let found = definition
            .parameters
            .iter()
            .find(|parameter| parameter.name == name);
        if let Some(parameter) = found {
            literals.push((
                name.as_str(),
                format!("CAST({} AS {})", sql_text(expr), parameter.sql_type),
            ));
        }
    }
    let literals: Vec<(&str, &str)> = literals
        .iter()
        .map(|(name, literal)| (*name, literal.as_str()))
        .collect();
    Ok(definition
        .sql_with(&literals)
        .map_err(unknown)?
        .into_owned())
}

/// The arguments by name; those without one take the parameters in their order.
fn arguments_of(
    function: &str,
    parameters: &[&str],
    arguments: &[FunctionArg],
) -> Result<Vec<(String, Expr)>, Error> {
    let mut given: Vec<(String, Expr)> = Vec::new();
    for (at, argument) in arguments.iter().enumerate() {
        let (name, value) = match argument {
            FunctionArg::Named { name, arg, .. } => (Some(name.value.to_lowercase()), arg),
            FunctionArg::ExprNamed { name, arg, .. } => {
                (Some(name.to_string().to_lowercase()), arg)
            }
            FunctionArg::Unnamed(arg) => (parameters.get(at).map(|name| (*name).to_owned()), arg),
        };
        let (Some(name), FunctionArgExpr::Expr(value)) = (name, value) else {
            return Err(Error::statement(
                sqlstate::UNDEFINED_FUNCTION,
                format!("{function} takes {} arguments at most", parameters.len()),
            ));
        };
        if !parameters.contains(&name.as_str()) {
            return Err(Error::statement(
                sqlstate::UNDEFINED_FUNCTION,
                format!("{function} has no parameter {name}"),
            )
            .with_hint(match parameters {
                [] => "It takes none.".to_owned(),
                some => format!("It takes {}.", some.join(", ")),
            }));
        }
        given.push((name, value.clone()));
    }
    Ok(given)
}

fn unknown(error: LibraryError) -> Error {
    Error::statement(sqlstate::UNDEFINED_FUNCTION, error.to_string())
}

/// The text of a string literal.
pub(super) fn text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn parse(sql: &str) -> Result<Query, Error> {
    let parsed = Parser::new(&PostgreSqlDialect {})
        .try_with_sql(sql)
        .and_then(|mut parser| parser.parse_query());
    parsed
        .map(|query| *query)
        .map_err(|error| Error::statement(sqlstate::SYNTAX_ERROR, error.to_string()))
}

/// Names the schema of every table in `query`, so that it means the built-in one.
fn qualify(query: &mut Query) {
    let mut own = WithNames(HashSet::new());
    let _ = Visit::visit(query, &mut own);
    let _ = VisitMut::visit(query, &mut Qualify(own.0));
}

/// The names that WITH gives.
struct WithNames(HashSet<String>);

impl Visitor for WithNames {
    type Break = std::convert::Infallible;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.0.insert(table.alias.name.value.clone());
        }
        ControlFlow::Continue(())
    }
}

struct Qualify(HashSet<String>);

impl VisitorMut for Qualify {
    type Break = std::convert::Infallible;

    fn pre_visit_relation(&mut self, name: &mut ObjectName) -> ControlFlow<Self::Break> {
        if let [only] = name.0.as_slice()
            && only
                .as_ident()
                .is_some_and(|ident| !self.0.contains(&ident.value))
        {
            name.0
                .insert(0, ObjectNamePart::Identifier(Ident::new(SCHEMA)));
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    fn expanded(sql: &str) -> Result<String, Error> {
        let mut statements = Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap();
        expand(&mut statements[0])?;
        Ok(statements[0].to_string())
    }

    #[test]
    fn a_call_becomes_the_query_with_its_arguments() {
        let sql = "SELECT r.channel FROM repeat_contact(window_days => $1) AS r";
        let expanded = expanded(sql).unwrap();
        assert!(expanded.contains("CAST($1 AS INTEGER)"), "{expanded}");
        assert!(expanded.contains("verbatim.contacts a"), "{expanded}");
        assert!(!expanded.contains("window_days"), "{expanded}");
        assert!(!expanded.contains("verbatim.followed"), "{expanded}");
    }

    #[test]
    fn other_functions_are_left_alone() {
        let sql = "SELECT * FROM generate_series(1, 3)";
        assert_eq!(expanded(sql).unwrap(), sql);
    }

    #[test]
    fn a_wrong_argument_is_named() {
        let error = expanded("SELECT * FROM repeat_contact(days => 3)").unwrap_err();
        assert_eq!(error.to_string(), "repeat_contact has no parameter days");
        assert_eq!(error.hint(), Some("It takes window_days."));
        let error =
            expanded("SELECT * FROM metric('repeat_contact', by => 'day; DROP')").unwrap_err();
        assert_eq!(error.sqlstate(), "22023");
    }

    #[test]
    fn a_metric_is_grouped_as_asked() {
        let sql = "SELECT * FROM metric('repeat_contact', by => 'channel, plan')";
        let expanded = expanded(sql).unwrap();
        assert!(
            expanded.contains("GROUP BY \"channel\", \"plan\""),
            "{expanded}"
        );
        assert!(
            expanded.contains("FROM verbatim.repeat_contact"),
            "{expanded}"
        );
    }
}
