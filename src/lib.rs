//! Verbatim: the SQL engine for what customers say.

pub mod error;

pub use error::Error;
