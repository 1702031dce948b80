//! Ingest: the one way in for files, INSERT and COPY.
//!
//! ```text
//! path, URL, pattern ─► input (bytes → records) ─► format, mapping (records → rows) ─┐
//! INSERT (table), COPY ──────────────────────────────────────────────────────────────┴► pipeline
//! pipeline: check ─► look up what is there ─► merge conversations ─► number ─► score ─► append
//! ```
//!
//! - `import` drives files through the pipeline; [`Writable`] does it for INSERT.
//! - `mapping` makes a new kind of source a file of TOML; `docs/import.md` describes the form.
//! - `pipeline` is [`Ingest`]: what is acknowledged is durable and in the lake once.

mod columns;
mod error;
mod format;
mod import;
mod input;
mod list;
mod mapping;
mod pipeline;
mod rows;
mod table;
mod time;
mod values;

pub use error::{IngestError, Reject};
pub use import::{Batch, ImportOptions, ImportReport, OnError, Progress, import};
pub use pipeline::{Ingest, Score, Turn};
pub use rows::{EARLIEST, Origin, Receipt, Rows, WriteMode};
pub use table::{Writable, writable};
