//! The lake: Delta tables in object storage. The only place that knows Delta.
//!
//! A row goes in by [`Lake::append`]: `append` gathers what arrives together, `write` makes Parquet
//! files of it, `commit` enters them into the tables' logs. It comes out by
//! [`LakeTable::provider`]: `pins` fixes the statement's snapshots, `state` keeps the list of a
//! table's files up to date, `scan` prunes and reads them, `latest` drops superseded versions.
//! `compact` keeps the number of files and the log small, `upgrade` adds columns to old lakes. `schema` reads the tables' definitions
//! from `sql/schema/*.sql`; `store` turns an address into an object store.

mod append;
mod commit;
mod compact;
mod data_file;
mod error;
mod handle;
mod latest;
mod options;
mod pins;
mod provider;
mod scan;
pub mod schema;
mod state;
mod store;
mod table;
mod upgrade;
mod write;

pub use append::{Append, CommitHook, Committed};
pub use data_file::{ColumnRange, DataFile, Landing};
pub use error::LakeError;
pub use handle::Lake;
pub use latest::LatestVersionExec;
pub use options::LakeOptions;
pub use pins::SnapshotPins;
pub use provider::LakeTableProvider;
pub use schema::{TableSchema, built_in_tables, system_tables};
pub use store::Store;
pub use table::{LakeTable, Snapshot};
pub use upgrade::{Upgraded, upgrade};
