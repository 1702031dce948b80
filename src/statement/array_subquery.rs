//! `ARRAY(SELECT …)`, which DataFusion does not plan, as `(SELECT array_agg(…) …)`.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, CastKind, DataType, Expr, FunctionArguments, OrderByKind, Query, SelectItem,
    SetExpr, Statement, TableFactor, Value, visit_expressions_mut,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion_pg_catalog::sql::rules::SqlStatementRewriteRule;

use super::sql_text;

/// Rewrites array constructors over a subquery of one column.
///
/// Of no rows PostgreSQL makes an empty array, this makes NULL. A subquery with DISTINCT, LIMIT or
/// a set operation stays as it is.
#[derive(Debug)]
pub(super) struct ArraySubquery;

impl SqlStatementRewriteRule for ArraySubquery {
    fn rewrite(&self, mut statement: Statement) -> Statement {
        let _ = visit_expressions_mut(&mut statement, |expression| {
            if let Expr::Function(function) = expression
                && function.name.to_string().eq_ignore_ascii_case("array")
                && let FunctionArguments::Subquery(query) = &function.args
            {
                if reads_storage_options(query) {
                    *expression = null_array();
                } else if let Some(aggregated) = aggregated(query) {
                    *expression = Expr::Subquery(Box::new(aggregated));
                }
            }
            ControlFlow::<()>::Continue(())
        });
        statement
    }
}

/// Whether the rows are those of `unnest(….reloptions)`, as psql asks for in `\d+`: an outer column
/// in a place where DataFusion does not look for one, and NULL for every relation of a lake.
fn reads_storage_options(query: &Query) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return false;
    };
    let [from] = select.from.as_slice() else {
        return false;
    };
    let argument = match &from.relation {
        TableFactor::UNNEST { array_exprs, .. } => array_exprs.first().map(ToString::to_string),
        // With the schema before its name it is read as any other function.
        TableFactor::Table {
            name,
            args: Some(arguments),
            ..
        } => {
            let called = name.0.last().map(ToString::to_string);
            let unnest = called.is_some_and(|called| called.eq_ignore_ascii_case("unnest"));
            let argument = arguments.args.first().filter(|_| unnest);
            argument.map(ToString::to_string)
        }
        _ => None,
    };
    argument.is_some_and(|argument| argument.ends_with("reloptions"))
}

fn null_array() -> Expr {
    Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(Expr::Value(Value::Null.into())),
        data_type: DataType::Array(ArrayElemTypeDef::SquareBracket(
            Box::new(DataType::Text),
            None,
        )),
        array: false,
        format: None,
    }
}

fn aggregated(query: &Query) -> Option<Query> {
    let mut query = query.clone();
    if query.limit_clause.is_some() || query.fetch.is_some() {
        return None;
    }
    let order = query.order_by.take();
    let SetExpr::Select(select) = query.body.as_mut() else {
        return None;
    };
    let [SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }] =
        select.projection.as_slice()
    else {
        return None;
    };
    if select.distinct.is_some() {
        return None;
    }
    let order = match order.map(|order| order.kind) {
        None => String::new(),
        Some(OrderByKind::Expressions(keys)) => {
            let keys: Vec<String> = keys
                .into_iter()
                .map(|mut key| {
                    // A position can only mean the one column there is.
                    if let Expr::Value(position) = &key.expr
                        && matches!(position.value, Value::Number(..))
                    {
                        key.expr = value.clone();
                    }
                    sql_text(&key)
                })
                .collect();
            format!(" ORDER BY {}", keys.join(", "))
        }
        Some(OrderByKind::All(_)) => return None,
    };
    let call = format!("array_agg({}{order})", sql_text(value));
    let call = Parser::new(&PostgreSqlDialect {})
        .try_with_sql(&call)
        .ok()?
        .parse_expr()
        .ok()?;
    select.projection = vec![SelectItem::UnnamedExpr(call)];
    Some(query)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn rewritten(sql: &str) -> String {
        let statement = Parser::parse_sql(&PostgreSqlDialect {}, sql)
            .unwrap()
            .remove(0);
        ArraySubquery.rewrite(statement).to_string()
    }

    #[test]
    fn the_subquery_aggregates() {
        assert_eq!(
            rewritten("SELECT ARRAY(SELECT b.x FROM b WHERE b.y = a.y ORDER BY 1) FROM a"),
            "SELECT (SELECT array_agg(b.x ORDER BY b.x) FROM b WHERE b.y = a.y) FROM a"
        );
        assert_eq!(
            rewritten("SELECT array(SELECT 'toast.' || x FROM unnest(tc.reloptions) x) FROM tc"),
            "SELECT NULL::TEXT[] FROM tc"
        );
        let limited = "SELECT ARRAY(SELECT x FROM b LIMIT 1)";
        assert!(rewritten(limited).contains("LIMIT 1"));
        assert!(!rewritten(limited).contains("array_agg"));
    }
}
