//! The lake: the same bodies over memory, a folder and an S3 server.

mod basics;
mod compaction;
mod concurrency;
mod failing;
mod other_readers;
mod place;
mod properties;
mod rows;
mod s3;
mod schema_version;
