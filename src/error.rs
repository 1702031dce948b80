//! The error of the engine: what went wrong, with its SQLSTATE.

use datafusion::error::DataFusionError;

use crate::lake::LakeError;

/// What an engine operation can fail with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A statement that could not be planned or executed.
    #[error("{0}")]
    Query(#[from] DataFusionError),
    /// An operation on the lake.
    #[error("{0}")]
    Lake(#[from] LakeError),
    /// An operating-system error, with what was being done.
    #[error("{context}: {source}")]
    Io {
        /// What was being done, naming the file or address.
        context: String,
        /// The operating system's answer.
        source: std::io::Error,
    },
}
