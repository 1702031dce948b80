//! The server as its clients see it.

mod copy;
mod http;
mod queries;
mod server;
mod stop;
mod types;
