//! The lake: the same bodies over memory, a folder and an S3 server.

mod basics;
mod compaction;
mod concurrency;
pub mod failing;
mod other_readers;
mod place;
mod properties;
pub mod rows;
mod s3;
mod schema_version;
mod upkeep;
