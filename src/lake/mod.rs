//! The lake: Delta tables in object storage. The only place that knows Delta.
//!
//! - [`schema`] reads the tables' definitions from `sql/schema/*.sql`.
//! - [`error`] says what can go wrong.

pub mod error;
pub mod schema;

pub use error::LakeError;
pub use schema::{TableSchema, built_in_tables};
