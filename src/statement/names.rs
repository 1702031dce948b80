//! Names the columns of a SELECT as PostgreSQL does: `count`, `avg`, `?column?`.
//!
//! DataFusion names an unaliased expression by its text and refuses a name that is there twice.
//! Here each gets PostgreSQL's name as an alias; where that repeats, a suffix behind [`MARK`]
//! keeps the plan's names apart, and [`strip_suffix`] takes it off the result.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    self, AccessExpr, Expr, FunctionArguments, SelectItem, SetExpr, Value, VisitMut, VisitorMut,
};

use super::fold;

/// Between a repeated name and its number; no name that a user writes holds it.
const MARK: char = '\u{1f}';

/// The name as clients see it.
pub(crate) fn strip_suffix(name: &str) -> &str {
    match name.find(MARK) {
        Some(at) => &name[..at],
        None => name,
    }
}

/// Gives every unaliased expression of every SELECT of the statement its PostgreSQL name.
pub(super) fn assign(statement: &mut ast::Statement) {
    // The break type is uninhabited: the visit always runs to its end.
    let _ = statement.visit(&mut Names);
}

struct Names;

impl VisitorMut for Names {
    type Break = std::convert::Infallible;

    fn pre_visit_select(&mut self, select: &mut ast::Select) -> ControlFlow<Self::Break> {
        name_projection(&mut select.projection);
        ControlFlow::Continue(())
    }
}

fn name_projection(projection: &mut [SelectItem]) {
    let wildcard = projection.iter().any(|item| {
        matches!(
            item,
            SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)
        )
    });
    let mut taken: HashSet<String> = HashSet::new();
    let mut repeats = 0;
    for item in projection {
        let (name, plain) = match item {
            SelectItem::UnnamedExpr(expr) => {
                // A plain column keeps its qualifier where nothing else has its name, so that
                // ORDER BY and outer queries resolve as they would without us.
                let plain = matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
                (column_name(expr), plain)
            }
            SelectItem::ExprWithAlias { alias, .. } => (fold(alias), false),
            _ => continue,
        };
        let free = taken.insert(name.clone()) && !(wildcard && plain);
        if free && (plain || matches!(item, SelectItem::ExprWithAlias { .. })) {
            continue;
        }
        let alias = if free && !wildcard {
            name
        } else {
            repeats += 1;
            format!("{name}{MARK}{repeats}")
        };
        let expr = expr_of(item);
        if let Some(expr) = expr {
            *item = SelectItem::ExprWithAlias {
                expr,
                alias: ast::Ident::with_quote('"', alias),
            };
        }
    }
}

fn expr_of(item: &SelectItem) -> Option<Expr> {
    match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
            Some(expr.clone())
        }
        _ => None,
    }
}

/// The name that PostgreSQL gives to an unaliased expression.
fn column_name(expr: &Expr) -> String {
    figure(expr).map_or_else(|| "?column?".to_owned(), |(name, _)| name)
}

/// A name, and whether it is strong: a cast's or a CASE's own name gives way to a strong one.
fn figure(expr: &Expr) -> Option<(String, bool)> {
    let strong = |name: &str| Some((name.to_owned(), true));
    match expr {
        Expr::Identifier(ident) => Some((fold(ident), true)),
        Expr::CompoundIdentifier(parts) => parts.last().map(|last| (fold(last), true)),
        Expr::CompoundFieldAccess { root, access_chain } => access_chain
            .iter()
            .rev()
            .find_map(|access| match access {
                AccessExpr::Dot(Expr::Identifier(ident)) => Some((fold(ident), true)),
                _ => None,
            })
            .or_else(|| figure(root)),
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => figure(inner),
        Expr::Function(function) => function_name(function),
        Expr::Cast {
            expr, data_type, ..
        } => match figure(expr) {
            Some((name, true)) => Some((name, true)),
            _ => Some((type_name(data_type), false)),
        },
        Expr::TypedString(typed) => Some((type_name(&typed.data_type), false)),
        Expr::Interval(_) => Some(("interval".to_owned(), false)),
        Expr::Value(value) => match value.value {
            Value::Boolean(_) => Some(("bool".to_owned(), false)),
            _ => None,
        },
        Expr::Case { else_result, .. } => match else_result.as_deref().and_then(figure) {
            Some((name, true)) => Some((name, true)),
            _ => Some(("case".to_owned(), false)),
        },
        Expr::Extract { .. } => strong("extract"),
        Expr::Ceil { .. } => strong("ceil"),
        Expr::Floor { .. } => strong("floor"),
        Expr::Position { .. } => strong("position"),
        Expr::Substring { .. } => strong("substring"),
        Expr::Overlay { .. } => strong("overlay"),
        Expr::Trim { trim_where, .. } => match trim_where {
            Some(ast::TrimWhereField::Leading) => strong("ltrim"),
            Some(ast::TrimWhereField::Trailing) => strong("rtrim"),
            _ => strong("btrim"),
        },
        Expr::AtTimeZone { .. } => strong("timezone"),
        Expr::Exists { .. } => strong("exists"),
        Expr::Array(_) => strong("array"),
        Expr::Tuple(_) => strong("row"),
        Expr::Subquery(query) => subquery_name(query),
        _ => None,
    }
}

fn function_name(function: &ast::Function) -> Option<(String, bool)> {
    let last = function.name.0.last()?.as_ident()?;
    let name = fold(last);
    // `array(SELECT …)` parses as a function of a subquery.
    let name = match function.args {
        FunctionArguments::Subquery(_) if name == "array" => "array".to_owned(),
        _ => name,
    };
    Some((name, true))
}

/// A scalar subquery is named after its only column.
fn subquery_name(query: &ast::Query) -> Option<(String, bool)> {
    let mut body = query.body.as_ref();
    while let SetExpr::SetOperation { left, .. } = body {
        body = left;
    }
    match body {
        SetExpr::Select(select) => match select.projection.first()? {
            SelectItem::UnnamedExpr(expr) => figure(expr),
            SelectItem::ExprWithAlias { alias, .. } => {
                Some((strip_suffix(&alias.value).to_owned(), true))
            }
            _ => None,
        },
        SetExpr::Values(_) => Some(("column1".to_owned(), true)),
        SetExpr::Query(inner) => subquery_name(inner),
        _ => None,
    }
}

/// The internal name of a type, which heads the column of a bare cast.
fn type_name(data_type: &ast::DataType) -> String {
    let text = data_type.to_string().to_ascii_lowercase();
    let base = text.split(['(', '[']).next().unwrap_or(&text).trim();
    let base = base.rsplit('.').next().unwrap_or(base);
    match base {
        "int" | "integer" | "int4" => "int4",
        "bigint" | "int8" => "int8",
        "smallint" | "int2" => "int2",
        "real" | "float4" => "float4",
        "double precision" | "double" | "float" | "float8" => "float8",
        "boolean" | "bool" => "bool",
        "decimal" | "dec" | "numeric" => "numeric",
        "character varying" | "varchar" => "varchar",
        "character" | "char" => "bpchar",
        "timestamp with time zone" | "timestamptz" => "timestamptz",
        "timestamp without time zone" | "timestamp" => "timestamp",
        "time without time zone" | "time" => "time",
        other => other,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    fn names(sql: &str) -> Vec<String> {
        let mut statements = Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap();
        assign(&mut statements[0]);
        let ast::Statement::Query(query) = &statements[0] else {
            panic!("a query");
        };
        let SetExpr::Select(select) = query.body.as_ref() else {
            panic!("a select");
        };
        let name = |item: &SelectItem| match item {
            SelectItem::ExprWithAlias { alias, .. } => strip_suffix(&alias.value).to_owned(),
            SelectItem::UnnamedExpr(expr) => column_name(expr),
            other => other.to_string(),
        };
        select.projection.iter().map(name).collect()
    }

    #[test]
    fn names_are_postgresqls() {
        assert_eq!(names("select 1, 1, null"), ["?column?"; 3]);
        assert_eq!(
            names("select count(*), avg(x), Max(y) from t"),
            ["count", "avg", "max"]
        );
        assert_eq!(
            names("select x::text, '1'::int, cast(1 as bigint)"),
            ["x", "int4", "int8"]
        );
        assert_eq!(
            names("select case when a then 1 else b end, case when a then 1 end"),
            ["b", "case"]
        );
        assert_eq!(
            names("select true, date '2024-01-01', interval '1 day'"),
            ["bool", "date", "interval"]
        );
        assert_eq!(
            names("select (select max(v) from t), exists (select 1)"),
            ["max", "exists"]
        );
        assert_eq!(names("select a || b, a is null, not a"), ["?column?"; 3]);
        assert_eq!(
            names("select t.a, a, t.*, a from t"),
            ["a", "a", "t.*", "a"]
        );
        assert_eq!(
            names("select extract(year from d), trim(a), d at time zone 'UTC'"),
            ["extract", "btrim", "timezone"]
        );
    }
}
