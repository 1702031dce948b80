//! The functions as SQL users meet them, and properties of all of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod aggregates;
mod contract;
mod encodings;
mod errors;
mod listing;
mod phrases;
mod privacy;
mod properties;
mod support;
