//! What an operation on the lake can fail with.

use std::sync::Arc;

use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use datafusion::parquet::errors::ParquetError;
use deltalake_core::DeltaTableError;

/// The error of a lake operation. Cheap to clone, since one failed group commit is the answer to
/// every append in it.
#[derive(Debug, Clone, thiserror::Error)]
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
    /// A location that is no lake's.
    #[error("{url}: {message}")]
    Location {
        /// The location as it was given.
        url: String,
        /// What is wrong with it, and what to do.
        message: String,
    },
    /// A lake of another schema version.
    #[error(
        "the lake has schema version {found}, this program needs {expected}: {}",
        if found < expected { "run `verbatim upgrade`" } else { "use a newer verbatim" }
    )]
    SchemaVersion {
        /// Version of the lake.
        found: u32,
        /// Version of this program.
        expected: u32,
    },
    /// A table that the lake does not have.
    #[error("there is no table {0} in the lake")]
    NoSuchTable(String),
    /// Rows that do not fit their table.
    #[error("table {table}, column {column}: {message}")]
    Column {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// What is wrong with it.
        message: String,
    },
    /// Another process wrote rows since the caller looked: look again and redo.
    #[error("other rows were written in between (version {version}): redo the operation")]
    Moved {
        /// Version of `messages` that holds them.
        version: i64,
    },
    /// A file that was to be replaced has been replaced by somebody else.
    #[error("table {table}: the file {path} is no longer there: redo the operation")]
    Replaced {
        /// The table.
        table: String,
        /// The file's path in the table.
        path: String,
    },
    /// A feature of Delta Lake that this engine refuses.
    #[error("table {table} uses {feature}, which verbatim does not read: rewrite it without")]
    Unsupported {
        /// The table.
        table: String,
        /// The feature's name.
        feature: String,
    },
    /// Too many writers: no commit got through.
    #[error("table {table}: gave up after {attempts} attempts to commit")]
    Contention {
        /// The table.
        table: String,
        /// How often it was tried.
        attempts: usize,
    },
    /// The catalog object cannot be read or changed.
    #[error("catalog: {0}")]
    Catalog(String),
    /// The lake has been closed.
    #[error("the lake is closed")]
    Closed,
    /// Object storage did not answer as it should.
    #[error("{context}: {source}")]
    Store {
        /// What was being done.
        context: String,
        /// The store's answer.
        source: Arc<object_store::Error>,
    },
    /// The Delta log cannot be read or written.
    #[error("{context}: {source}")]
    Delta {
        /// What was being done.
        context: String,
        /// The library's answer.
        source: Arc<DeltaTableError>,
    },
    /// An execution inside the lake (compaction, merging) failed.
    #[error("{0}")]
    Execution(Arc<DataFusionError>),
}

impl LakeError {
    pub(crate) fn store(context: impl Into<String>, source: object_store::Error) -> Self {
        LakeError::Store {
            context: context.into(),
            source: Arc::new(source),
        }
    }

    pub(crate) fn delta(context: impl Into<String>, source: DeltaTableError) -> Self {
        LakeError::Delta {
            context: context.into(),
            source: Arc::new(source),
        }
    }

    /// Whether redoing the operation from the start may succeed.
    pub fn is_retryable(&self) -> bool {
        matches!(self, LakeError::Moved { .. } | LakeError::Replaced { .. })
    }

    /// The SQLSTATE that clients see.
    pub fn sqlstate(&self) -> &'static str {
        match self {
            LakeError::NoSuchTable(_) => "42P01",
            LakeError::Column { .. } => "22000",
            LakeError::Moved { .. } | LakeError::Replaced { .. } | LakeError::Contention { .. } => {
                "40001"
            }
            LakeError::Unsupported { .. } => "0A000",
            LakeError::SchemaVersion { .. } | LakeError::Location { .. } => "55000",
            LakeError::Closed => "57P01",
            LakeError::Store { .. } | LakeError::Delta { .. } => "58030",
            LakeError::Schema { .. } | LakeError::Catalog(_) | LakeError::Execution(_) => "XX000",
        }
    }
}

impl From<DataFusionError> for LakeError {
    fn from(error: DataFusionError) -> Self {
        match error {
            DataFusionError::External(inner) => match inner.downcast::<LakeError>() {
                Ok(error) => *error,
                Err(inner) => LakeError::Execution(Arc::new(DataFusionError::External(inner))),
            },
            other => LakeError::Execution(Arc::new(other)),
        }
    }
}

impl From<LakeError> for DataFusionError {
    fn from(error: LakeError) -> Self {
        DataFusionError::External(Box::new(error))
    }
}

impl From<ArrowError> for LakeError {
    fn from(error: ArrowError) -> Self {
        LakeError::Execution(Arc::new(error.into()))
    }
}

impl From<ParquetError> for LakeError {
    fn from(error: ParquetError) -> Self {
        LakeError::Execution(Arc::new(error.into()))
    }
}
