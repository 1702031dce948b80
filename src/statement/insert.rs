//! INSERT in the form that DataFusion plans.
//!
//! - `WITH … INSERT INTO t SELECT …` becomes `INSERT INTO t WITH … SELECT …`, which is the same.
//! - DataFusion takes every VALUES of an INSERT for rows of the table, also one that a SELECT reads.
//!   In `INSERT INTO t (a) SELECT x FROM (VALUES (1, 2)) AS v (x, y)` the list becomes
//!   `SELECT … UNION ALL SELECT …`.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{self, Query, SetExpr, VisitMut, VisitorMut};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::sql_text;

/// Longer lists stay as they are: each row is a level of the plan.
const MAXIMUM_ROWS: usize = 300;

/// Rewrites an INSERT; every other statement stays as it is.
pub(super) fn spell_out(statement: &mut ast::Statement) {
    if let ast::Statement::Query(query) = statement
        && let Some(insert) = with_inside(query)
    {
        *statement = insert;
    }
    if let ast::Statement::Insert(insert) = statement
        && let Some(source) = &mut insert.source
        && !matches!(source.body.as_ref(), SetExpr::Values(_))
    {
        // The break type is uninhabited: the visit always runs to its end.
        let _ = source.visit(&mut Values);
    }
}

/// The INSERT that a query ends with, with the query's WITH inside.
fn with_inside(query: &mut Query) -> Option<ast::Statement> {
    let SetExpr::Insert(ast::Statement::Insert(insert)) = query.body.as_mut() else {
        return None;
    };
    let source = insert.source.as_mut()?;
    match (&mut source.with, query.with.take()) {
        (inner @ None, outer) => *inner = outer,
        (Some(inner), Some(outer)) => {
            inner.recursive |= outer.recursive;
            inner.cte_tables.splice(0..0, outer.cte_tables);
        }
        (Some(_), None) => {}
    }
    Some(ast::Statement::Insert(insert.clone()))
}

struct Values;

impl VisitorMut for Values {
    type Break = std::convert::Infallible;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        if let SetExpr::Values(values) = query.body.as_ref()
            && values.rows.len() <= MAXIMUM_ROWS
            && let Some(selects) = selects(values)
        {
            query.body = selects;
        }
        ControlFlow::Continue(())
    }
}

fn selects(values: &ast::Values) -> Option<Box<SetExpr>> {
    let select = |row: &[ast::Expr]| {
        let columns = row.iter().enumerate();
        let columns =
            columns.map(|(nth, value)| format!("{} AS column{}", sql_text(value), nth + 1));
        format!("SELECT {}", columns.collect::<Vec<_>>().join(", "))
    };
    let rows = values.rows.iter().map(|row| select(row));
    let sql = rows.collect::<Vec<_>>().join(" UNION ALL ");
    let parser = Parser::new(&PostgreSqlDialect {}).try_with_sql(&sql);
    Some(parser.ok()?.parse_query().ok()?.body)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn rewritten(sql: &str) -> String {
        let mut statements = Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap();
        spell_out(&mut statements[0]);
        statements[0].to_string()
    }

    #[test]
    fn a_with_before_it_goes_inside() {
        assert_eq!(
            rewritten(
                "WITH w AS (SELECT 1) INSERT INTO t (a) WITH v AS (SELECT 2) SELECT * FROM w, v"
            ),
            "INSERT INTO t (a) WITH w AS (SELECT 1), v AS (SELECT 2) SELECT * FROM w, v"
        );
    }

    #[test]
    fn only_the_inner_lists_become_selects() {
        assert_eq!(
            rewritten("INSERT INTO t (a) SELECT x FROM (VALUES (1, 'b'), (2, NULL)) AS v (x, y)"),
            "INSERT INTO t (a) SELECT x FROM (SELECT 1 AS column1, 'b' AS column2 UNION ALL \
             SELECT 2 AS column1, NULL AS column2) AS v (x, y)"
        );
        for same in [
            "INSERT INTO t (a, b) VALUES (1, 2)",
            "SELECT * FROM (VALUES (1)) AS v (x)",
        ] {
            assert_eq!(rewritten(same), same);
        }
    }
}
