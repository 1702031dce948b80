//! Ingest: the one way in for files, INSERT and COPY.
mod columns;
mod error;
mod format;
mod input;
mod mapping;
mod rows;
mod time;
mod values;

pub use error::{IngestError, Reject};
pub use rows::{EARLIEST, Origin, Receipt, Rows, WriteMode};
