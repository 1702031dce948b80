//! Verbatim: the SQL engine for what customers say.

pub mod catalog;
pub mod cli;
pub mod demo;
pub mod engine;
pub mod enrich;
pub mod error;
pub mod govern;
pub mod ingest;
pub mod lake;
pub mod library;
pub mod plan;
pub mod session;
pub mod statement;
pub mod wire;

pub use engine::{Engine, EngineOptions};
pub use error::Error;
