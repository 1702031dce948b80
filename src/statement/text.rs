//! A syntax tree as SQL text that reads back as the same tree.

use std::fmt::Display;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Value, VisitMut, VisitorMut};

/// The SQL of a part of a statement.
///
/// sqlparser takes two quotes in a string's value for one that is escaped already, and writes them
/// as they are; such strings, and those with a backslash before a quote, are written as `E'…'`.
pub(crate) fn sql_text<T: Clone + Display + VisitMut>(node: &T) -> String {
    let mut node = node.clone();
    // The break type is uninhabited: the visit always runs to its end.
    let _ = node.visit(&mut EscapeQuotes);
    node.to_string()
}

struct EscapeQuotes;

impl VisitorMut for EscapeQuotes {
    type Break = std::convert::Infallible;

    fn pre_visit_value(
        &mut self,
        value: &mut datafusion::sql::sqlparser::ast::ValueWithSpan,
    ) -> ControlFlow<Self::Break> {
        if let Value::SingleQuotedString(text) = &mut value.value
            && (text.contains("''") || text.contains("\\'"))
        {
            value.value = Value::EscapedStringLiteral(std::mem::take(text));
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use datafusion::sql::sqlparser::ast::Expr;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;
    use proptest::prelude::*;

    use super::*;

    fn parse(sql: &str) -> Expr {
        let parser = Parser::new(&PostgreSqlDialect {});
        parser.try_with_sql(sql).unwrap().parse_expr().unwrap()
    }

    fn value(expr: &Expr) -> Option<String> {
        let Expr::Value(value) = expr else {
            return None;
        };
        value.value.clone().into_string()
    }

    proptest! {
        #[test]
        fn a_string_reads_back_as_it_was(text in "['\\\\a\n\té]{0,12}") {
            let literal = parse(&format!("'{}'", text.replace('\'', "''")));
            prop_assert_eq!(value(&literal), Some(text.clone()));
            prop_assert_eq!(value(&parse(&sql_text(&literal))), Some(text));
        }
    }
}
