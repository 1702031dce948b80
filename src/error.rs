//! The error of the engine: what went wrong, with its SQLSTATE.

mod classify;
pub mod sqlstate;

use datafusion::error::DataFusionError;

use crate::demo::DemoError;
use crate::enrich::EnrichError;
use crate::ingest::IngestError;
use crate::lake::LakeError;

/// What an engine operation can fail with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A statement that could not be planned or executed.
    #[error("{}", classify::message(.0))]
    Query(#[source] DataFusionError),
    /// A statement that the engine itself refuses, with the SQLSTATE that says why.
    #[error("{message}")]
    Statement {
        /// Five-character SQLSTATE, see [`sqlstate`].
        state: &'static str,
        /// What is wrong, naming the object.
        message: String,
        /// What to do about it, where that is known.
        hint: Option<String>,
    },
    /// An operation on the lake.
    #[error("{0}")]
    Lake(#[from] LakeError),
    /// Rows that could not be taken in.
    #[error("{0}")]
    Ingest(IngestError),
    /// Scoring messages.
    #[error("{0}")]
    Enrich(EnrichError),
    /// An operating-system error, with what was being done.
    #[error("{context}: {source}")]
    Io {
        /// What was being done, naming the file or address.
        context: String,
        /// The operating system's answer.
        source: std::io::Error,
    },
}

impl Error {
    /// A statement error without a hint.
    pub fn statement(state: &'static str, message: impl Into<String>) -> Self {
        Error::Statement {
            state,
            message: message.into(),
            hint: None,
        }
    }

    /// The same error with a hint that says what to do; only statement errors carry one.
    #[must_use]
    pub fn with_hint(mut self, text: impl Into<String>) -> Self {
        if let Error::Statement { hint, .. } = &mut self {
            *hint = Some(text.into());
        }
        self
    }

    /// What to do about the error, where that is known.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Error::Statement { hint, .. } => hint.as_deref(),
            _ => None,
        }
    }

    /// The five-character SQLSTATE that clients see.
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Error::Query(error) => classify::datafusion(error),
            Error::Statement { state, .. } => state,
            Error::Lake(error) => error.sqlstate(),
            Error::Ingest(error) => error.sqlstate(),
            Error::Enrich(EnrichError::Function { .. }) => sqlstate::UNDEFINED_OBJECT,
            Error::Enrich(EnrichError::Model(error)) => classify::model(error),
            Error::Enrich(_) => sqlstate::INTERNAL_ERROR,
            Error::Io { .. } => sqlstate::IO_ERROR,
        }
    }
}

impl From<IngestError> for Error {
    /// What came up in the lake or in a query stays an error of theirs.
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::Lake(inner) => Error::Lake(inner),
            IngestError::Query(inner) => Error::from(inner),
            other => Error::Ingest(other),
        }
    }
}

impl From<EnrichError> for Error {
    /// What is wrong with the lake or a query stays the lake's or the query's error.
    fn from(error: EnrichError) -> Self {
        match error {
            EnrichError::Lake(inner) => Error::Lake(inner),
            EnrichError::Query(inner) => Error::from(inner),
            other => Error::Enrich(other),
        }
    }
}

impl From<DemoError> for Error {
    /// What comes up while writing stays an error of the writer.
    fn from(error: DemoError) -> Self {
        match error {
            DemoError::Ingest(inner) => Error::from(inner),
            DemoError::Marker { path, source } => Error::Io {
                context: path,
                source,
            },
            other => Error::statement(sqlstate::INTERNAL_ERROR, other.to_string()),
        }
    }
}

impl From<DataFusionError> for Error {
    /// Takes an engine error that travelled through DataFusion out again, so that its SQLSTATE and
    /// its hint survive.
    fn from(error: DataFusionError) -> Self {
        match error {
            DataFusionError::External(inner) => match inner.downcast::<Error>() {
                Ok(own) => *own,
                Err(inner) => Error::Query(DataFusionError::External(inner)),
            },
            DataFusionError::Context(context, inner) => match Error::from(*inner) {
                Error::Query(inner) => {
                    Error::Query(DataFusionError::Context(context, Box::new(inner)))
                }
                own => own,
            },
            other => Error::Query(other),
        }
    }
}

impl From<Error> for DataFusionError {
    /// Wraps an engine error for its way through a plan; a query error stays what it was.
    fn from(error: Error) -> Self {
        match error {
            Error::Query(inner) => inner,
            other => DataFusionError::External(Box::new(other)),
        }
    }
}
