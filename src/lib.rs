//! Verbatim: the SQL engine for what customers say.

pub mod error;
pub mod lake;
pub mod library;

pub use error::Error;
