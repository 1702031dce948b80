//! Lets operators that multiply rows be interrupted.
//!
//! DataFusion yields to its scheduler where rows are read. A join makes many batches out of one
//! that was read, and an aggregate above it takes them all in one go: such a statement could be
//! neither cancelled nor dropped before it ends. This rule puts a yield point above each of them.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;

/// Operators that can make any number of batches out of one.
const MULTIPLIERS: [&str; 6] = [
    "CrossJoinExec",
    "HashJoinExec",
    "NestedLoopJoinExec",
    "PiecewiseMergeJoinExec",
    "SortMergeJoinExec",
    "UnnestExec",
];

/// Adds the rule behind all others.
pub(crate) fn install(state: SessionState) -> SessionState {
    SessionStateBuilder::new_from_existing(state)
        .with_physical_optimizer_rule(Arc::new(YieldAboveMultipliers))
        .build()
}

#[derive(Debug)]
struct YieldAboveMultipliers;

impl PhysicalOptimizerRule for YieldAboveMultipliers {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            Ok(match MULTIPLIERS.contains(&node.name()) {
                true => Transformed::yes(Arc::new(CooperativeExec::new(node)) as _),
                false => Transformed::no(node),
            })
        })
        .data()
    }

    fn name(&self) -> &str {
        "yield_above_multipliers"
    }

    fn schema_check(&self) -> bool {
        true
    }
}
