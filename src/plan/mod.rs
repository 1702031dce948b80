//! The engine's own rules over query plans, and their order.
//!
//! 1. [`StoredScores`] runs before every optimizer rule of DataFusion: a call such as
//!    `sentiment(text)` whose argument leads back to `messages.text` becomes a column of the scan.
//!    It must see the plan as it was written: later rules merge projections, move expressions
//!    through unions and turn subqueries into joins, which would make the trace longer.
//!    Permissions and masking are settled before the optimizer starts.
//! 2. DataFusion's own optimizer rules follow unchanged; pushing filters and pruning columns then
//!    work on the stored column as on any other.
//!
//! Which files hold a current score is decided when the scan is planned
//! ([`ScoredMessages`](scored_messages)), over the files of the statement's own snapshot: a cached
//! plan never reads a column that a newer commit made stale.

mod call;
mod carry;
mod explain;
mod options;
mod scan;
mod scored_messages;
mod stored_scores;

use std::sync::Arc;

use datafusion::execution::SessionStateBuilder;
use datafusion::optimizer::{Optimizer, OptimizerRule};

pub use explain::StoredScoresExec;
pub use options::ScoreOptions;
pub use stored_scores::StoredScores;

/// Adds the engine's rules to a session, in the order that the module describes.
///
/// The session's configuration also needs [`ScoreOptions`]; without them every call is computed.
pub fn install(builder: SessionStateBuilder) -> SessionStateBuilder {
    let mut rules: Vec<Arc<dyn OptimizerRule + Send + Sync>> = vec![Arc::new(StoredScores)];
    rules.extend(Optimizer::new().rules);
    builder.with_optimizer_rules(rules)
}
