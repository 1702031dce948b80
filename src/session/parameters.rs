//! The types of parameters that a statement casts: `$1::bigint` takes a bigint.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{self, Expr, Value, visit_expressions};

use super::plan::placeholder_number;

/// The SQL types by parameter number; of several casts of one parameter the first counts.
pub(super) fn cast_types(statement: &ast::Statement) -> BTreeMap<usize, ast::DataType> {
    let mut types = BTreeMap::new();
    let _ = visit_expressions(statement, |expression| {
        if let Expr::Cast { expr, data_type, .. } = expression
            && let Expr::Value(value) = expr.as_ref()
            && let Value::Placeholder(name) = &value.value
            && let Some(number) = placeholder_number(name)
        {
            types.entry(number).or_insert_with(|| data_type.clone());
        }
        ControlFlow::<()>::Continue(())
    });
    types
}
