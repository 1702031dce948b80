//! Verbatim measured against its peers: `prepare` makes the data, `run` measures, `compare` holds
//! two runs side by side.
//!
//! The data is synthetic (`verbatim demo`'s generator) and lies under `target/benchmarks`. Peers
//! read the same files in the same run; look at the ratios, not at the times.
#![allow(clippy::print_stdout, reason = "a benchmark's output is its table")]

mod duckdb;
mod import;
mod lake;
mod metrics;
mod prepare;
mod program;
mod report;
mod scoring;
mod stored;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use lake::Data;
use report::Report;

/// Verbatim measured against its peers
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  cargo run --release -p verbatim-benchmarks -- prepare --conversations 20000
  cargo run --release -p verbatim-benchmarks -- run --json after.json
  cargo run --release -p verbatim-benchmarks -- compare before.json after.json")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a synthetic lake, the same messages as JSON lines, and a Python environment for DuckDB
    Prepare {
        /// Conversations in the lake
        #[arg(long, default_value_t = 20_000)]
        conversations: usize,
        /// Where the data goes
        #[arg(long, default_value = "target/benchmarks")]
        data: PathBuf,
    },
    /// Measure, print a table with ratios
    Run {
        /// Where `prepare` has put the data
        #[arg(long, default_value = "target/benchmarks")]
        data: PathBuf,
        /// Only these groups: scoring, stored, metrics, import
        #[arg(long)]
        only: Vec<String>,
        /// Write the figures to this file
        #[arg(long)]
        json: Option<PathBuf>,
    },
    /// Two runs side by side
    Compare {
        /// The earlier run's JSON
        before: PathBuf,
        /// The later run's JSON
        after: PathBuf,
    },
}

/// Why a benchmark could not be made.
#[derive(Debug, thiserror::Error)]
enum BenchmarkError {
    #[error("{path}: {source}")]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{0}")]
    Engine(#[from] verbatim::Error),
    #[error("{0}")]
    Query(#[from] datafusion::error::DataFusionError),
    #[error("{0}")]
    Arrow(#[from] arrow::error::ArrowError),
    #[error("{0}")]
    Model(#[from] verbatim_udfs::model::ModelError),
    #[error("{0}")]
    Lake(#[from] verbatim::lake::LakeError),
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("{0}")]
    Program(String),
}

impl BenchmarkError {
    fn file(path: &Path, source: std::io::Error) -> BenchmarkError {
        BenchmarkError::File {
            path: path.to_path_buf(),
            source,
        }
    }
}

/// A line of the table.
fn print(line: &str) {
    println!("{line}");
}

fn main() -> ExitCode {
    match Cli::parse().command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print(&format!("ERROR: {error}"));
            ExitCode::FAILURE
        }
    }
}

impl Command {
    fn run(self) -> Result<(), BenchmarkError> {
        match self {
            Command::Prepare {
                conversations,
                data,
            } => prepare::run(&data, conversations),
            Command::Run { data, only, json } => run(&data, &only, json.as_deref()),
            Command::Compare { before, after } => {
                let (before, after) = (Report::read(&before)?, Report::read(&after)?);
                print(&report::compare(&before, &after));
                Ok(())
            }
        }
    }
}

fn run(data: &Path, only: &[String], json: Option<&Path>) -> Result<(), BenchmarkError> {
    let wants = |group: &str| only.is_empty() || only.iter().any(|name| name == group);
    let mut report = Report::default();
    let data = Data::open(data, &mut report)?;
    if wants("scoring") {
        scoring::run(&data.texts()?, &mut report)?;
    }
    if wants("stored") {
        stored::run(&data, &mut report)?;
    }
    if wants("metrics") {
        metrics::run(&data, &mut report)?;
    }
    if wants("import") {
        import::run(&data, &mut report)?;
    }
    for (name, value) in &report.about {
        print(&format!("{name}: {value}"));
    }
    match json {
        Some(path) => report.write(path),
        None => Ok(()),
    }
}
