//! The server as its clients see it.

mod auth;
mod clients;
mod connections;
mod copy;
mod http;
mod models;
mod psql;
mod queries;
pub mod server;
mod slt;
mod stop;
mod types;
