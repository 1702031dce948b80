//! Integration tests: one binary, one module a subject.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    unreachable_pub,
    missing_docs
)]

mod absent;
mod demo;
mod import;
mod kill;
mod lake;
mod onnx;
mod rescore;
mod session;
mod slt;
mod stored_scores;
mod wire;
