//! DuckDB, run by a Python script in an environment of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::BenchmarkError;
use crate::program::run;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/duckdb/peer.py");

/// What DuckDB is asked to do.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Job {
    /// Parquet files by table.
    pub(crate) tables: Vec<(String, Vec<String>)>,
    /// Views in the order in which they build on each other.
    pub(crate) views: Vec<(String, String)>,
    /// Queries to time.
    pub(crate) queries: Vec<(String, String)>,
    /// A file of JSON lines to write as Parquet.
    pub(crate) import: Option<(String, String)>,
}

/// What it took.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    /// DuckDB's version.
    pub(crate) version: String,
    /// Seconds by query, best of several runs; the message where it failed.
    pub(crate) queries: Vec<(String, Result<f64, String>)>,
    /// Rows of each query.
    #[serde(default)]
    pub(crate) rows: Vec<(String, u64)>,
    /// Seconds of the import.
    pub(crate) import: Option<f64>,
}

/// Makes the environment.
pub(crate) fn prepare(folder: &Path) -> Result<(), BenchmarkError> {
    let environment = folder.join("python");
    if !python(folder).exists() {
        run(Command::new("python3")
            .args(["-m", "venv"])
            .arg(&environment))?;
    }
    run(Command::new(python(folder)).args(["-m", "pip", "install", "--quiet", "duckdb"]))?;
    Ok(())
}

/// Runs a job.
pub(crate) fn ask(folder: &Path, job: &Job) -> Result<Answer, BenchmarkError> {
    let path = folder.join("duckdb-job.json");
    std::fs::write(&path, serde_json::to_vec(job)?).map_err(|e| BenchmarkError::file(&path, e))?;
    let answer = run(Command::new(python(folder)).arg(SCRIPT).arg(&path))?;
    Ok(serde_json::from_slice(&answer)?)
}

fn python(folder: &Path) -> PathBuf {
    folder.join("python").join("bin").join("python")
}
