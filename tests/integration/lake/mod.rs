//! The lake: the same bodies over memory, a folder and an S3 server.

mod basics;
mod place;
mod rows;
