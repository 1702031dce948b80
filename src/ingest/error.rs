//! What an import, an INSERT or a COPY can fail with, and what a rejected record is.

use std::fmt;

use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use serde::Serialize;

use crate::enrich::EnrichError;
use crate::error::sqlstate;
use crate::lake::LakeError;

/// A record that did not go in: where it is, which field is at fault and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reject {
    /// The file or address as it was named; `-` is standard input, empty a statement.
    pub file: String,
    /// Line at which the record begins, from 1; in a statement or a Parquet file the row's number.
    pub line: u64,
    /// The field or column at fault; empty where the record as a whole could not be read.
    pub field: String,
    /// What is wrong and what mends it.
    pub reason: String,
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.file.is_empty() {
            true => write!(f, "row {}", self.line)?,
            false => write!(f, "{}:{}", self.file, self.line)?,
        }
        if !self.field.is_empty() {
            write!(f, ": {}", self.field)?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// Why rows could not be taken in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IngestError {
    /// A file or address could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file or address.
        path: String,
        /// The operating system's or the object store's answer.
        source: std::io::Error,
    },
    /// A file is in no form that the importer knows, or not in the one that was named.
    #[error("{file}: {message}")]
    Format {
        /// The file or address.
        file: String,
        /// What was found and what mends it.
        message: String,
    },
    /// A mapping file has a mistake.
    #[error("{file}:{line}: {key}: {message}")]
    Mapping {
        /// The mapping file, or `shipped mapping NAME`.
        file: String,
        /// Line of the mistake, from 1.
        line: usize,
        /// The key at fault.
        key: String,
        /// What is wrong and what mends it.
        message: String,
    },
    /// Rows of a statement break a rule of the table; none of the statement's rows went in.
    #[error("{0}")]
    Invalid(Reject),
    /// A column may not be written by the caller.
    #[error("column \"{column}\" of \"{table}\" {reason}")]
    Column {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Why, and what to do instead.
        reason: String,
    },
    /// An import was told to stop at the first rejected record.
    #[error("stopped at the first rejected record: {0}")]
    Stopped(Reject),
    /// Arrow refused an operation.
    #[error(transparent)]
    Arrow(#[from] ArrowError),
    /// The lake could not be read or written.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// A look-up in the lake failed.
    #[error(transparent)]
    Query(#[from] DataFusionError),
}

impl From<EnrichError> for IngestError {
    fn from(error: EnrichError) -> Self {
        match error {
            EnrichError::Lake(inner) => IngestError::Lake(inner),
            EnrichError::Arrow(inner) => IngestError::Arrow(inner),
            EnrichError::Query(inner) => IngestError::Query(inner),
            other => IngestError::Query(DataFusionError::External(Box::new(other))),
        }
    }
}

impl IngestError {
    /// The five-character SQLSTATE that clients see.
    pub fn sqlstate(&self) -> &'static str {
        match self {
            IngestError::Io { .. } | IngestError::Lake(_) => sqlstate::IO_ERROR,
            IngestError::Invalid(reject) if reject.reason.starts_with("is required") => {
                sqlstate::NOT_NULL_VIOLATION
            }
            IngestError::Invalid(_) | IngestError::Stopped(_) => sqlstate::CHECK_VIOLATION,
            IngestError::Column { reason, .. } if reason.starts_with("does not exist") => {
                sqlstate::UNDEFINED_COLUMN
            }
            IngestError::Column { .. } => sqlstate::GENERATED_ALWAYS,
            IngestError::Format { .. } | IngestError::Mapping { .. } => {
                sqlstate::INVALID_PARAMETER_VALUE
            }
            IngestError::Arrow(_) | IngestError::Query(_) => sqlstate::INTERNAL_ERROR,
        }
    }

    /// An input/output error with the file that it is about.
    pub(crate) fn io(path: impl Into<String>, source: std::io::Error) -> Self {
        let path = path.into();
        IngestError::Io { path, source }
    }

    /// A complaint about a whole file.
    pub(crate) fn format(file: impl Into<String>, message: impl Into<String>) -> Self {
        IngestError::Format {
            file: file.into(),
            message: message.into(),
        }
    }
}
