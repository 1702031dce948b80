//! The rule that replaces a call over `messages.text` by the stored column.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema};
use datafusion::error::Result;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

use super::ScoreOptions;
use super::call::ScoreCall;
use super::carry::{carry, column_at};

/// Reads stored scores instead of computing them: `avg(sentiment(text))` over `messages` becomes
/// the average of a column of the scan.
///
/// The argument of a call is traced to `messages.text` through aliases, projections, subqueries,
/// common table expressions, views, joins, filters, sorts, limits and casts between string types.
/// Any other path is computed as it was written, and so is everything while
/// [`ScoreOptions::enabled`] is off. Values, output names and types stay the same.
#[derive(Debug)]
pub struct StoredScores;

impl OptimizerRule for StoredScores {
    fn name(&self) -> &str {
        "stored_scores"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let options = config.options();
        let enabled = options
            .extensions
            .get::<ScoreOptions>()
            .is_some_and(|o| o.enabled);
        if !enabled || !evaluates_rows(&plan) {
            return Ok(Transformed::no(plan));
        }
        let schema = input_schema(&plan)?;
        let calls = calls_in(&plan, &schema)?;
        if calls.is_empty() {
            return Ok(Transformed::no(plan));
        }
        let mut inputs: Vec<LogicalPlan> = plan.inputs().into_iter().cloned().collect();
        let mut answers = Vec::new();
        for (expression, call, argument) in calls {
            for input in &mut inputs {
                let Some(index) = input.schema().maybe_index_of_column(&argument) else {
                    continue;
                };
                if let Some((plan, answer)) = carry(input, index, &call, config.alias_generator())?
                {
                    answers.push((expression, Expr::Column(column_at(plan.schema(), answer))));
                    *input = plan;
                }
                break;
            }
        }
        if answers.is_empty() {
            return Ok(Transformed::no(plan));
        }
        replace(plan, inputs, &answers).map(Transformed::yes)
    }
}

/// Nodes whose expressions are evaluated once for each input row.
fn evaluates_rows(plan: &LogicalPlan) -> bool {
    matches!(
        plan,
        LogicalPlan::Projection(_)
            | LogicalPlan::Filter(_)
            | LogicalPlan::Aggregate(_)
            | LogicalPlan::Sort(_)
            | LogicalPlan::Window(_)
            | LogicalPlan::Join(_)
    )
}

fn input_schema(plan: &LogicalPlan) -> Result<DFSchema> {
    let mut schema = DFSchema::empty();
    for input in plan.inputs() {
        schema = schema.join(input.schema())?;
    }
    Ok(schema)
}

/// The distinct calls in the node's own expressions, with the column each is applied to.
fn calls_in(plan: &LogicalPlan, schema: &DFSchema) -> Result<Vec<(Expr, ScoreCall, Column)>> {
    let mut calls: Vec<(Expr, ScoreCall, Column)> = Vec::new();
    plan.apply_expressions(|expression| {
        expression.apply(|part| {
            if keeps_its_shape(part) {
                return Ok(TreeNodeRecursion::Jump);
            }
            if let Some((call, column)) = ScoreCall::of(part, schema)? {
                if !calls.iter().any(|(known, ..)| known == part) {
                    calls.push((part.clone(), call, column));
                }
                return Ok(TreeNodeRecursion::Jump);
            }
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(calls)
}

/// The columns that grouping sets make take their names from the expressions inside, where an
/// alias has no place.
fn keeps_its_shape(expression: &Expr) -> bool {
    matches!(expression, Expr::GroupingSet(_))
}

/// The node over its new inputs, with each answered call replaced and its output unchanged.
fn replace(
    plan: LogicalPlan,
    inputs: Vec<LogicalPlan>,
    answers: &[(Expr, Expr)],
) -> Result<LogicalPlan> {
    let schema = Arc::clone(plan.schema());
    let preserver = NamePreserver::new(&plan);
    let mut expressions = Vec::new();
    for expression in plan.expressions() {
        let name = preserver.save(&expression);
        let replaced = expression.transform_down(|part| {
            if keeps_its_shape(&part) {
                return Ok(Transformed::new(part, false, TreeNodeRecursion::Jump));
            }
            match answers.iter().find(|(call, _)| *call == part) {
                Some((_, column)) => Ok(Transformed::new(
                    column.clone(),
                    true,
                    TreeNodeRecursion::Jump,
                )),
                None => Ok(Transformed::no(part)),
            }
        })?;
        expressions.push(if replaced.transformed {
            name.restore(replaced.data)
        } else {
            replaced.data
        });
    }
    let plan = plan.with_new_exprs(expressions, inputs)?;
    if plan.schema().fields().len() == schema.fields().len() {
        return Ok(plan);
    }
    // Filters, sorts, joins and windows pass the added columns on: leave what was there before.
    let columns = schema.columns().into_iter().map(Expr::Column).collect();
    Projection::try_new(columns, Arc::new(plan)).map(LogicalPlan::Projection)
}
