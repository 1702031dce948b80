//! A call that a stored column can answer.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{Column, DFSchema};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Cast, ScalarFunction, TryCast};
use datafusion::logical_expr::{Expr, ExprSchemable, ScalarUDF};
use verbatim_udfs::stored::{StoredCall, stored_call};

/// A scored function applied to a message's text: what to compute and where the answer may lie.
#[derive(Debug, Clone)]
pub(super) struct ScoreCall {
    /// The function itself, for the rows whose stored answer is stale or missing.
    pub(super) function: Arc<ScalarUDF>,
    /// The column that holds the answer.
    pub(super) stored: StoredCall,
    /// What the call returns.
    pub(super) data_type: DataType,
}

impl ScoreCall {
    /// The call in `expr` and the column it is applied to; `None` for any other expression.
    pub(super) fn of(expr: &Expr, schema: &DFSchema) -> Result<Option<(ScoreCall, Column)>> {
        let Expr::ScalarFunction(ScalarFunction { func, args }) = expr else {
            return Ok(None);
        };
        let (Some(stored), [argument]) = (stored_call(func.name()), args.as_slice()) else {
            return Ok(None);
        };
        let Some(column) = traced_column(argument, schema)? else {
            return Ok(None);
        };
        let call = ScoreCall {
            function: Arc::clone(func),
            stored,
            data_type: expr.get_type(schema)?,
        };
        Ok(Some((call, column.clone())))
    }

    /// The name of the scan's column that answers this call.
    pub(super) fn column_name(&self) -> String {
        format!("__score_{}", self.function.name())
    }

    /// That column as a field: nullable, since a blank text has no score.
    pub(super) fn field(&self) -> Field {
        Field::new(self.column_name(), self.data_type.clone(), true)
    }
}

/// The column that an expression passes on unchanged: through aliases and casts between string
/// types, which keep every character.
pub(super) fn traced_column<'a>(expr: &'a Expr, schema: &DFSchema) -> Result<Option<&'a Column>> {
    match expr {
        Expr::Column(column) => Ok(Some(column)),
        Expr::Alias(alias) => traced_column(&alias.expr, schema),
        Expr::Cast(Cast { expr, field }) | Expr::TryCast(TryCast { expr, field }) => {
            if field.data_type().is_string() && expr.get_type(schema)?.is_string() {
                traced_column(expr, schema)
            } else {
                Ok(None)
            }
        }
        _ => Ok(None),
    }
}
