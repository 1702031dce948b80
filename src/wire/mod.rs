//! The Postgres front: any SQL client talks to a lake through it.
//!
//! A connection runs through these modules in this order:
//! [`server`](Server) accepts it · `negotiate` settles TLS · `auth` finds out who it is and opens its
//! session · `connection` reads its messages · `simple` and `extended` run statements under a
//! `guard` that stops them · `decode` reads parameters, `rows` and `encode` write results, `copy`
//! moves bulk data · `report` says what went wrong. `cancel` stops a statement from outside,
//! `http` answers `/healthz` and `/metrics`.
//!
//! pgwire encodes and decodes the protocol's messages. Its handlers are not used: they run all
//! statements of a text before the first row is sent, hold the rows of a portal in memory, do not
//! notice a client that goes away, and want password equivalents for SCRAM.

mod auth;
mod cancel;
mod channel;
mod connection;
mod copy;
mod decode;
mod encode;
mod extended;
mod guard;
mod http;
mod metrics;
mod negotiate;
mod report;
mod rows;
mod server;
mod simple;
mod tls;
pub(crate) mod types;

pub use server::{ServeError, Server, ServerOptions, Stop};
pub use tls::{TlsError, TlsOptions};
