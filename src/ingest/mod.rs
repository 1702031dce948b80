//! Ingest: the one way in for files, INSERT and COPY.
mod columns;
mod error;
mod input;
mod mapping;
mod time;
mod values;

pub use error::{IngestError, Reject};
