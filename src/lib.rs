//! Verbatim: the SQL engine for what customers say.
//!
//! The modules in the order in which a message flows through them:
//!
//! - [`ingest`] turns files, `INSERT` and `COPY` into canonical rows: formats, mappings, checks,
//!   de-duplication, one write path.
//! - [`enrich`] scores the rows with the active model set; the functions and their models are the
//!   crate `verbatim_udfs`.
//! - [`lake`] keeps them as Delta tables in a folder or in object storage and scans them;
//!   [`catalog`] is the lake's own object of users, views, models and the active set.
//! - [`engine`] builds what all sessions share, [`session`] is one client's: settings, transaction,
//!   prepared statements. [`statement`] parses in front of DataFusion, [`govern`] decides who may,
//!   [`plan`] puts stored columns in the place of calls.
//! - [`library`] holds the SQL of `sql/`: schema, views, metrics, table functions.
//! - [`wire`] answers Postgres clients, [`cli`] is the command line, [`demo`] makes a synthetic lake
//!   with known truth in it.
//!
//! A program that only wants the functions in a DataFusion session of its own takes the crate
//! `verbatim-udfs`; one that embeds the lake opens an [`Engine`]:
//!
//! ```no_run
//! # async fn run() -> Result<(), verbatim::Error> {
//! use verbatim::{Engine, EngineOptions};
//!
//! let engine = Engine::open(EngineOptions::new("./verbatim-demo".to_owned())).await?;
//! let session = engine.session(None)?;
//! let outcome = session.execute("SELECT count(*) FROM customer_messages").await?;
//! # let _ = outcome; Ok(())
//! # }
//! ```

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
