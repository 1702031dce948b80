//! Trains the shipped heads: `cargo run -p verbatim-udfs --example train_defaults [DATA [WEIGHTS]]`.
#![allow(clippy::print_stdout, reason = "a command-line program")]

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let data = arguments
        .next()
        .map_or_else(|| here.join("../../shared/data"), PathBuf::from);
    let weights = arguments
        .next()
        .map_or_else(|| here.join("weights"), PathBuf::from);
    let report = verbatim_udfs::train::train_defaults(&data, &weights, &mut |step| {
        println!("{step}");
    })?;
    println!("\n{report}");
    Ok(())
}
