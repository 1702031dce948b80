//! The aggregates over the turns of a conversation, also usable as window functions.
//!
//! [`function`] is the SQL side of all of them, a [`measure::Measure`] what one computes. Both
//! kinds of accumulators keep the turns ([`turns`]) and put them in order when asked for a value,
//! because rows come in any order and partial states are merged in any order.

mod arguments;
mod conversation_effort;
mod conversation_sentiment;
mod function;
mod grouped;
mod measure;
mod single;
mod turns;

use std::sync::Arc;

use datafusion::logical_expr::AggregateUDF;

/// Every aggregate, by name.
pub(crate) fn all() -> Vec<Arc<AggregateUDF>> {
    let functions = [
        conversation_effort::function(),
        conversation_effort::detail(),
        conversation_sentiment::function(),
        conversation_sentiment::detail(),
    ];
    functions.into_iter().map(Arc::new).collect()
}
