//! Bounds the size of a plan before it is optimised, which nothing could interrupt.

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::LogicalPlan;

use crate::error::{Error, sqlstate};

/// Steps of a plan before it is optimised; the largest built-in view has a tenth.
const MAXIMUM_NODES: usize = 3_000;

/// Refuses a plan that would take minutes to optimise: views that read each other double with
/// every level.
///
/// # Errors
/// SQLSTATE 54001.
pub(crate) fn check_plan_size(plan: &LogicalPlan) -> Result<(), Error> {
    let mut nodes = 0;
    plan.apply_with_subqueries(|_| {
        nodes += 1;
        Ok(match nodes > MAXIMUM_NODES {
            true => TreeNodeRecursion::Stop,
            false => TreeNodeRecursion::Continue,
        })
    })?;
    match nodes > MAXIMUM_NODES {
        false => Ok(()),
        true => Err(Error::statement(
            sqlstate::STATEMENT_TOO_COMPLEX,
            format!("statement too complex: its plan has more than {MAXIMUM_NODES} steps"),
        )),
    }
}
