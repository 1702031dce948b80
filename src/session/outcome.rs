//! What a statement comes to.

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;

use crate::statement::CopyOptions;

pub use super::copy::CopyTarget;

/// What a statement comes to.
pub enum Outcome {
    /// Rows, as they come.
    Rows {
        /// Columns with the names that clients see; a name may be there twice.
        schema: SchemaRef,
        /// The rows, of that schema.
        stream: SendableRecordBatchStream,
        /// The first word of the command tag, which ends with the number of rows.
        tag: &'static str,
    },
    /// No rows; the whole command tag.
    Done {
        /// Such as `INSERT 0 3`, `SET` or `CREATE VIEW`.
        tag: String,
    },
    /// The client is to send rows for a table.
    CopyIn(Box<CopyTarget>),
    /// The client is to be sent rows in COPY's form.
    CopyOut {
        /// Columns with the names that clients see.
        schema: SchemaRef,
        /// The rows, of that schema.
        stream: SendableRecordBatchStream,
        /// How to write them.
        options: CopyOptions,
    },
    /// The text held no statement.
    Empty,
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Outcome::Rows { schema, tag, .. } => f
                .debug_struct("Rows")
                .field("schema", schema)
                .field("tag", tag)
                .finish_non_exhaustive(),
            Outcome::Done { tag } => f.debug_struct("Done").field("tag", tag).finish(),
            Outcome::CopyIn(target) => f.debug_tuple("CopyIn").field(&target.schema()).finish(),
            Outcome::CopyOut { schema, .. } => f.debug_tuple("CopyOut").field(schema).finish(),
            Outcome::Empty => f.write_str("Empty"),
        }
    }
}

impl Outcome {
    pub(super) fn done(tag: impl Into<String>) -> Self {
        Outcome::Done { tag: tag.into() }
    }
}
