//! The functions as SQL users meet them, and properties of all of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs
)]

mod aggregates;
mod behaviour;
mod contract;
mod encodings;
mod errors;
mod linear;
mod listing;
mod phrases;
mod privacy;
mod properties;
mod support;
