//! What an operation on the lake can fail with.

/// The error of a lake operation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LakeError {
    /// A file under `sql/schema` that the engine cannot read.
    #[error("sql/schema/{table}.sql: {message}")]
    Schema {
        /// The table.
        table: String,
        /// What is wrong with it.
        message: String,
    },
}
