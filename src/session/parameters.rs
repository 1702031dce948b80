//! Parameters `$1`, `$2`, …: their types, from declarations, casts and what they are compared with.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::execution::SessionState;
use datafusion::logical_expr as logical;
use datafusion::logical_expr::{ExprSchemable, LogicalPlan};
use datafusion::sql::parser::Statement as PlannedStatement;
use datafusion::sql::sqlparser::ast::{self, Expr, Value, VisitMut, VisitorMut};

use crate::engine;
use crate::error::{Error, sqlstate};

/// Plans an AST whose parameters have these types, where one is given.
pub(super) async fn plan_with_types(
    state: &SessionState,
    mut ast: ast::Statement,
    types: &[Option<DataType>],
) -> Result<LogicalPlan, Error> {
    if types.iter().any(Option::is_some) {
        let mut declare = Declare { types };
        // The break type is uninhabited: the visit always runs to its end.
        let _ = ast.visit(&mut declare);
    }
    let planning = state.statement_to_plan(PlannedStatement::Statement(Box::new(ast)));
    let plan = engine::planning(planning).await?;
    engine::check_plan_size(&plan)?;
    Ok(plan)
}

pub(super) fn null() -> Expr {
    Expr::Value(Value::Null.into())
}

pub(super) fn cast(expr: Expr, data_type: ast::DataType) -> Expr {
    Expr::Cast {
        kind: ast::CastKind::Cast,
        expr: Box::new(expr),
        data_type,
        array: false,
        format: None,
    }
}

/// Casts each parameter to its declared type, so that the planner knows it everywhere.
struct Declare<'a> {
    types: &'a [Option<DataType>],
}

impl VisitorMut for Declare<'_> {
    type Break = std::convert::Infallible;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        if let Expr::Value(value) = expr
            && let Value::Placeholder(name) = &value.value
            && let Some(number) = placeholder_number(name)
            && let Some(Some(data_type)) = self.types.get(number - 1)
            && let Some(sql_type) = sql_type(data_type)
        {
            *expr = cast(expr.clone(), sql_type);
        }
        ControlFlow::Continue(())
    }
}

/// The number of a parameter `$n`, from 1.
pub(super) fn placeholder_number(name: &str) -> Option<usize> {
    name.strip_prefix('$')?
        .parse()
        .ok()
        .filter(|number| (1..=65_535).contains(number))
}

/// The SQL name of an Arrow type that a client can declare.
pub(super) fn sql_type(data_type: &DataType) -> Option<ast::DataType> {
    Some(match data_type {
        DataType::Boolean => ast::DataType::Boolean,
        DataType::Int16 => ast::DataType::SmallInt(None),
        DataType::Int32 => ast::DataType::Integer(None),
        DataType::Int64 => ast::DataType::BigInt(None),
        DataType::Float32 => ast::DataType::Real,
        DataType::Float64 => ast::DataType::DoublePrecision,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => ast::DataType::Text,
        DataType::Binary | DataType::LargeBinary => ast::DataType::Bytea,
        DataType::Date32 => ast::DataType::Date,
        DataType::Time64(_) => ast::DataType::Time(None, ast::TimezoneInfo::None),
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            ast::DataType::Timestamp(None, ast::TimezoneInfo::Tz)
        }
        DataType::Timestamp(TimeUnit::Microsecond, None) => {
            ast::DataType::Timestamp(None, ast::TimezoneInfo::None)
        }
        DataType::Interval(_) => ast::DataType::Interval {
            fields: None,
            precision: None,
        },
        DataType::Decimal128(precision, scale) => ast::DataType::Numeric(
            ast::ExactNumberInfo::PrecisionAndScale(u64::from(*precision), i64::from(*scale)),
        ),
        DataType::List(field) | DataType::LargeList(field) => ast::DataType::Array(
            ast::ArrayElemTypeDef::SquareBracket(Box::new(sql_type(field.data_type())?), None),
        ),
        _ => return None,
    })
}

/// The parameters of a plan by number, with the types that follow from where they stand.
///
/// # Errors
/// SQLSTATE 42P02 for a parameter without a number.
pub(super) fn parameter_types(
    plan: &LogicalPlan,
) -> Result<BTreeMap<usize, Option<DataType>>, Error> {
    let mut types: BTreeMap<usize, Option<DataType>> = BTreeMap::new();
    for (name, data_type) in plan.get_parameter_types()? {
        let Some(number) = placeholder_number(&name) else {
            return Err(Error::statement(
                sqlstate::UNDEFINED_PARAMETER,
                format!("there is no parameter {name}"),
            ));
        };
        types.insert(number, data_type);
    }
    let mut implied = |expr: &logical::Expr, data_type: &DataType| {
        if let logical::Expr::Placeholder(placeholder) = expr
            && let Some(number) = placeholder_number(&placeholder.id)
            && let Some(slot @ None) = types.get_mut(&number)
        {
            *slot = Some(data_type.clone());
        }
    };
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Limit(limit) = node {
            for count in [&limit.skip, &limit.fetch].into_iter().flatten() {
                implied(count, &DataType::Int64);
            }
        }
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                match expr {
                    logical::Expr::Cast(cast) => implied(&cast.expr, cast.field.data_type()),
                    logical::Expr::TryCast(cast) => implied(&cast.expr, cast.field.data_type()),
                    // What `element = ANY($1)` becomes.
                    logical::Expr::ScalarFunction(call) if call.name() == "array_has" => {
                        if let [list, element] = call.args.as_slice()
                            && let Some(data_type) = type_in(node, element)
                        {
                            implied(list, &DataType::new_list(data_type, true));
                        }
                    }
                    _ => {}
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(types)
}

/// The type of an expression of a node over the columns of its inputs.
fn type_in(node: &LogicalPlan, expr: &logical::Expr) -> Option<DataType> {
    let mut inputs = node.inputs().into_iter();
    inputs.find_map(|input| expr.get_type(input.schema()).ok())
}
