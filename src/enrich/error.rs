//! What scoring can fail with.

use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use verbatim_udfs::model::ModelError;

use crate::lake::LakeError;

/// The error of scoring a batch or a lake.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnrichError {
    /// A batch of messages without a column that scoring needs.
    #[error("messages: column {name} {problem}")]
    Column {
        /// The column.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A function that has no model.
    #[error("{name} is not a scored function; those are {known}")]
    Function {
        /// What was asked for.
        name: String,
        /// The functions that there are.
        known: String,
    },
    /// A scorer that failed.
    #[error("scoring messages: {0}")]
    Model(#[from] ModelError),
    /// The lake could not be read or written.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// Reading the messages failed.
    #[error("reading messages: {0}")]
    Query(#[from] DataFusionError),
    /// Arrays that do not fit together.
    #[error("scoring messages: {0}")]
    Arrow(#[from] ArrowError),
}
