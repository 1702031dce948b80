//! Carrying a stored answer from the scan of `messages` up to the call.

use std::sync::Arc;

use datafusion::common::alias::AliasGenerator;
use datafusion::common::{Column, DFSchema};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::error::Result;
use datafusion::logical_expr::logical_plan::TableScanBuilder;
use datafusion::logical_expr::{
    Expr, Join, JoinType, LogicalPlan, Projection, SubqueryAlias, TableScan,
};

use super::call::{ScoreCall, traced_column};
use super::scored_messages::ScoredMessages;

/// A plan that has one more column, and where that column is in its output.
type Carried = (LogicalPlan, usize);

/// Adds the answer to `call` to the output of `plan`, where output column `index` of `plan` is
/// the unchanged `messages.text`. `None` where it is not, or where the path leads through a node
/// that merges rows (aggregate, DISTINCT, set operation) or that makes columns of its own.
pub(super) fn carry(
    plan: &LogicalPlan,
    index: usize,
    call: &ScoreCall,
    names: &AliasGenerator,
) -> Result<Option<Carried>> {
    match plan {
        LogicalPlan::TableScan(scan) => carry_from_scan(scan, index, call),
        LogicalPlan::Projection(projection) => {
            carry_through_projection(projection, index, call, names)
        }
        LogicalPlan::SubqueryAlias(alias) => {
            // The alias renames columns and keeps their positions.
            let Some((input, answer)) = carry(&alias.input, index, call, names)? else {
                return Ok(None);
            };
            let alias = SubqueryAlias::try_new(Arc::new(input), alias.alias.clone())?;
            Ok(Some((LogicalPlan::SubqueryAlias(alias), answer)))
        }
        LogicalPlan::Join(join) => carry_through_join(join, index, call, names),
        LogicalPlan::Filter(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Repartition(_)
        | LogicalPlan::Window(_) => carry_through_rows(plan, index, call, names),
        _ => Ok(None),
    }
}

fn carry_from_scan(scan: &TableScan, index: usize, call: &ScoreCall) -> Result<Option<Carried>> {
    let column = scan.projection.as_ref().map_or(index, |kept| kept[index]);
    let provider = source_as_provider(&scan.source)?;
    let Some((scored, added)) = ScoredMessages::with_answer(&provider, column, call) else {
        return Ok(None);
    };
    let mut projection = scan.projection.clone();
    let answer = match &mut projection {
        None => added,
        Some(kept) => kept.iter().position(|c| *c == added).unwrap_or_else(|| {
            kept.push(added);
            kept.len() - 1
        }),
    };
    let scan = TableScanBuilder::new(
        scan.table_name.clone(),
        provider_as_source(Arc::new(scored)),
    )
    .with_projection(projection)
    .with_filters(scan.filters.clone())
    .with_fetch(scan.fetch)
    .build()?;
    Ok(Some((LogicalPlan::TableScan(scan), answer)))
}

fn carry_through_projection(
    projection: &Projection,
    index: usize,
    call: &ScoreCall,
    names: &AliasGenerator,
) -> Result<Option<Carried>> {
    let schema = projection.input.schema();
    let Some(source) = traced_column(&projection.expr[index], schema)? else {
        return Ok(None);
    };
    let Some(source) = schema.maybe_index_of_column(source) else {
        return Ok(None);
    };
    let Some((input, answer)) = carry(&projection.input, source, call, names)? else {
        return Ok(None);
    };
    let column = Expr::Column(column_at(input.schema(), answer));
    let mut expressions = projection.expr.clone();
    let known = expressions
        .iter()
        .position(|e| e.clone().unalias_nested().data == column);
    let answer = known.unwrap_or_else(|| {
        // Two sides of a join may both carry an answer: the name has to be the plan's only one.
        expressions.push(column.alias(names.next(&call.column_name())));
        expressions.len() - 1
    });
    let projection = Projection::try_new(expressions, Arc::new(input))?;
    Ok(Some((LogicalPlan::Projection(projection), answer)))
}

/// Nodes whose output columns are their input's, in place, perhaps with more behind them.
fn carry_through_rows(
    plan: &LogicalPlan,
    index: usize,
    call: &ScoreCall,
    names: &AliasGenerator,
) -> Result<Option<Carried>> {
    let [input] = plan.inputs()[..] else {
        return Ok(None);
    };
    if index >= input.schema().fields().len() {
        return Ok(None);
    }
    let Some((input, answer)) = carry(input, index, call, names)? else {
        return Ok(None);
    };
    let plan = plan.with_new_exprs(plan.expressions(), vec![input])?;
    Ok(Some((plan, answer)))
}

fn carry_through_join(
    join: &Join,
    index: usize,
    call: &ScoreCall,
    names: &AliasGenerator,
) -> Result<Option<Carried>> {
    let left_columns = match join.join_type {
        JoinType::RightSemi | JoinType::RightAnti => 0,
        _ => join.left.schema().fields().len(),
    };
    let mut new = join.clone();
    let answer = if index < left_columns {
        let Some((left, answer)) = carry(&join.left, index, call, names)? else {
            return Ok(None);
        };
        new.left = Arc::new(left);
        answer
    } else {
        // What a mark join adds belongs to neither side.
        if matches!(join.join_type, JoinType::LeftMark | JoinType::RightMark) {
            return Ok(None);
        }
        let carried = carry(&join.right, index - left_columns, call, names)?;
        let Some((right, answer)) = carried else {
            return Ok(None);
        };
        new.right = Arc::new(right);
        left_columns + answer
    };
    // On the side that an outer join fills up, text and answer are NULL together.
    Ok(Some((LogicalPlan::Join(new).recompute_schema()?, answer)))
}

/// The name of an output column.
pub(super) fn column_at(schema: &DFSchema, index: usize) -> Column {
    let (qualifier, field) = schema.qualified_field(index);
    Column::new(qualifier.cloned(), field.name().clone())
}
