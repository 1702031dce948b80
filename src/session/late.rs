//! Table functions whose arguments are parameters: `generate_series(1, $1)`.
//!
//! DataFusion calls a table function while it plans, so that its arguments must be known then.
//! Such a statement is planned once with stand-ins, for the columns of its result, and again with
//! the values each time that it runs.

use std::ops::ControlFlow;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{
    self, Expr, TableFactor, Value, Visit, VisitMut, Visitor, VisitorMut,
};

use super::parameters::{cast, placeholder_number, sql_type};
use crate::error::{Error, sqlstate};

/// The parameters that stand in arguments of table functions.
pub(super) fn argument_parameters(ast: &ast::Statement) -> Vec<usize> {
    struct Factors(Vec<usize>);
    impl Visitor for Factors {
        type Break = std::convert::Infallible;

        fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Self::Break> {
            if let TableFactor::Table {
                args: Some(arguments),
                ..
            } = factor
            {
                let _ = arguments.visit(&mut Placeholders(&mut self.0));
            }
            ControlFlow::Continue(())
        }
    }
    struct Placeholders<'a>(&'a mut Vec<usize>);
    impl Visitor for Placeholders<'_> {
        type Break = std::convert::Infallible;

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Self::Break> {
            if let Expr::Value(value) = expr
                && let Value::Placeholder(name) = &value.value
                && let Some(number) = placeholder_number(name)
            {
                self.0.push(number);
            }
            ControlFlow::Continue(())
        }
    }
    let mut factors = Factors(Vec::new());
    let _ = ast.visit(&mut factors);
    factors.0
}

/// A value of a parameter's type to plan with before the values are known.
pub(super) fn stand_in(data_type: &Option<DataType>) -> ScalarValue {
    let data_type = data_type.as_ref().unwrap_or(&DataType::Int64);
    let text = match data_type {
        DataType::Date32 | DataType::Timestamp(..) => "2000-01-01",
        DataType::Interval(_) => "1 day",
        _ => "1",
    };
    let text = ScalarValue::Utf8(Some(text.to_owned()));
    text.cast_to(data_type).unwrap_or(ScalarValue::Null)
}

/// Puts values in the places of parameters, those of `only` or all.
///
/// # Errors
/// SQLSTATE 0A000 for a value that cannot be written as a literal.
pub(super) fn substitute(
    ast: &mut ast::Statement,
    values: &[ScalarValue],
    only: Option<&[usize]>,
) -> Result<(), Error> {
    struct Substitute<'a> {
        values: &'a [ScalarValue],
        only: Option<&'a [usize]>,
    }
    impl VisitorMut for Substitute<'_> {
        type Break = Error;

        fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
            if let Expr::Value(value) = expr
                && let Value::Placeholder(name) = &value.value
                && let Some(number) = placeholder_number(name)
                && self.only.is_none_or(|only| only.contains(&number))
                && let Some(value) = self.values.get(number - 1)
            {
                match literal(value) {
                    Ok(literal) => *expr = literal,
                    Err(error) => return ControlFlow::Break(error),
                }
            }
            ControlFlow::Continue(())
        }
    }
    match ast.visit(&mut Substitute { values, only }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// A value as an expression that has it.
fn literal(value: &ScalarValue) -> Result<Expr, Error> {
    let data_type = value.data_type();
    let unsupported = || {
        Error::statement(
            sqlstate::FEATURE_NOT_SUPPORTED,
            format!("a table function cannot take a parameter of type {data_type}"),
        )
    };
    if value.is_null() {
        return Ok(Expr::Value(Value::Null.into()));
    }
    match data_type {
        // Table functions want their numbers bare.
        DataType::Int16 | DataType::Int32 | DataType::Int64 => {
            let text = value.to_string();
            Ok(match text.strip_prefix('-') {
                None => Expr::Value(Value::Number(text, false).into()),
                Some(digits) => Expr::UnaryOp {
                    op: ast::UnaryOperator::Minus,
                    expr: Box::new(Expr::Value(Value::Number(digits.to_owned(), false).into())),
                },
            })
        }
        _ => {
            let sql_type = sql_type(&data_type).ok_or_else(unsupported)?;
            let text = match value.cast_to(&DataType::Utf8)? {
                ScalarValue::Utf8(Some(text)) => text,
                _ => return Err(unsupported()),
            };
            let text = Expr::Value(Value::SingleQuotedString(text).into());
            Ok(cast(text, sql_type))
        }
    }
}
