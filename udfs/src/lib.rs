//! SQL functions that read customer language, for any DataFusion session.
//!
//! [`register_all`] adds every function to a session. Behind them, in the order in which a call
//! meets them:
//!
//! - `functions`: the scalar functions, one a file, and what they share;
//! - `aggregates`: the functions over the turns of a conversation;
//! - [`model`]: the scorers, models as data;
//! - [`pii`]: personal data and its redaction;
//! - [`phrase`]: phrase expressions;
//! - [`stored`]: which stored column of a lake answers which call;
//! - [`train`]: how the shipped weights are made.
//!
//! ```
//! use datafusion::prelude::SessionContext;
//!
//! # async fn example() -> datafusion::error::Result<()> {
//! let mut session = SessionContext::new();
//! verbatim_udfs::register_all(&mut session)?;
//! session.sql("SELECT sentiment('The refund came quickly, thank you!')").await?.show().await?;
//! # Ok(())
//! # }
//! ```

mod aggregates;
mod functions;
pub mod model;
pub mod phrase;
pub mod pii;
pub mod stored;
pub mod train;

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};

pub use functions::FunctionError;

/// Every scalar function, by name. Each has a signature and documentation, for catalogs that list
/// functions.
pub fn scalar_functions() -> Vec<Arc<ScalarUDF>> {
    functions::all()
}

/// Every aggregate, by name; each works as a window function too.
pub fn aggregate_functions() -> Vec<Arc<AggregateUDF>> {
    aggregates::all()
}

/// Adds every function to `registry`, such as a `SessionContext` or a `SessionState`.
///
/// # Errors
/// Those of the registry, for example where it is read-only.
pub fn register_all(registry: &mut dyn FunctionRegistry) -> Result<()> {
    for function in scalar_functions() {
        registry.register_udf(function)?;
    }
    for function in aggregate_functions() {
        registry.register_udaf(function)?;
    }
    Ok(())
}
