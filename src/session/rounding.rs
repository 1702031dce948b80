//! Casts to whole numbers round, as PostgreSQL's do; Arrow's cut off.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, Float32Type, Float64Type};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::expr::{Cast, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

/// Makes casts from floating-point numbers to whole ones round.
pub(crate) fn install(registry: &mut dyn FunctionRegistry) -> Result<()> {
    let round = |half| Arc::new(ScalarUDF::new_from_impl(Round::new(half)));
    registry.register_function_rewrite(Arc::new(RoundCasts {
        to_even: round(Half::ToEven),
        away: round(Half::AwayFromZero),
    }))
}

#[derive(Debug)]
struct RoundCasts {
    to_even: Arc<ScalarUDF>,
    away: Arc<ScalarUDF>,
}

impl FunctionRewrite for RoundCasts {
    fn name(&self) -> &str {
        "round_casts"
    }

    fn rewrite(
        &self,
        expr: Expr,
        schema: &DFSchema,
        _options: &ConfigOptions,
    ) -> Result<Transformed<Expr>> {
        let Expr::Cast(Cast { expr: inner, field }) = &expr else {
            return Ok(Transformed::no(expr));
        };
        if !field.data_type().is_integer() {
            return Ok(Transformed::no(expr));
        }
        let rounded = matches!(inner.as_ref(), Expr::ScalarFunction(function)
            if function.func == self.to_even || function.func == self.away);
        let floating = inner
            .get_type(schema)
            .is_ok_and(|data_type| matches!(data_type, DataType::Float32 | DataType::Float64));
        if rounded || !floating {
            return Ok(Transformed::no(expr));
        }
        // A literal is `numeric` in PostgreSQL, which rounds halves away from zero.
        let function = match literal(inner) {
            true => &self.away,
            false => &self.to_even,
        };
        let inner = Expr::ScalarFunction(ScalarFunction::new_udf(
            Arc::clone(function),
            vec![inner.as_ref().clone()],
        ));
        Ok(Transformed::yes(Expr::Cast(Cast {
            expr: Box::new(inner),
            field: Arc::clone(field),
        })))
    }
}

fn literal(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(..) => true,
        Expr::Negative(inner) => literal(inner),
        _ => false,
    }
}

/// Where a half goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Half {
    ToEven,
    AwayFromZero,
}

/// Rounds floating-point numbers to whole ones; the type stays.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Round {
    half: Half,
    signature: Signature,
}

impl Round {
    fn new(half: Half) -> Self {
        Round {
            half,
            signature: Signature::uniform(
                1,
                vec![DataType::Float64, DataType::Float32],
                Volatility::Immutable,
            ),
        }
    }
}

impl ScalarUDFImpl for Round {
    fn name(&self) -> &str {
        match self.half {
            Half::ToEven => "round_half_to_even",
            Half::AwayFromZero => "round_half_away_from_zero",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(arguments.first().cloned().unwrap_or(DataType::Float64))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let half = self.half;
        let wide = move |value: f64| match half {
            Half::ToEven => value.round_ties_even(),
            Half::AwayFromZero => value.round(),
        };
        let narrow = move |value: f32| match half {
            Half::ToEven => value.round_ties_even(),
            Half::AwayFromZero => value.round(),
        };
        match arguments.args.first() {
            Some(ColumnarValue::Scalar(ScalarValue::Float64(value))) => {
                Ok(ColumnarValue::Scalar(ScalarValue::Float64(value.map(wide))))
            }
            Some(ColumnarValue::Scalar(ScalarValue::Float32(value))) => Ok(ColumnarValue::Scalar(
                ScalarValue::Float32(value.map(narrow)),
            )),
            Some(ColumnarValue::Array(array)) => {
                let rounded: ArrayRef = match array.data_type() {
                    DataType::Float32 => Arc::new(
                        array
                            .as_primitive::<Float32Type>()
                            .unary::<_, Float32Type>(narrow),
                    ),
                    _ => Arc::new(
                        array
                            .as_primitive::<Float64Type>()
                            .unary::<_, Float64Type>(wide),
                    ),
                };
                Ok(ColumnarValue::Array(rounded))
            }
            _ => Err(DataFusionError::Execution(format!(
                "{} takes a floating-point number",
                self.name()
            ))),
        }
    }
}
