//! Import of JSON lines with scoring, against DuckDB's import without.

use std::process::Command;
use std::time::Instant;

use crate::BenchmarkError;
use crate::duckdb::{self, Job};
use crate::lake::Data;
use crate::program;
use crate::report::{Figure, Report};

/// Highest ratio of our import, which scores, to DuckDB's, which does not.
const TARGET: f64 = 1.5;
const RUNS: usize = 3;

/// Times `verbatim import` as a user runs it, start of the program included.
pub(crate) fn run(data: &Data, report: &mut Report) -> Result<(), BenchmarkError> {
    let program = program::verbatim()?;
    let source = data.folder.join("messages.jsonl");
    let target = data.folder.join("imported");
    let mut ours = f64::INFINITY;
    for _ in 0..RUNS {
        if target.exists() {
            std::fs::remove_dir_all(&target).map_err(|e| BenchmarkError::file(&target, e))?;
        }
        let start = Instant::now();
        program::run(
            Command::new(&program)
                .arg("import")
                .arg(&source)
                .arg("--lake")
                .arg(&target),
        )?;
        ours = ours.min(start.elapsed().as_secs_f64());
    }
    let parquet = data.folder.join("duckdb.parquet");
    let import = Some((source.display().to_string(), parquet.display().to_string()));
    let answer = duckdb::ask(
        &data.folder,
        &Job {
            import,
            ..Job::default()
        },
    )?;
    let peer = answer.import.map(|seconds| ("duckdb", seconds));
    report.add(Figure::time("import/jsonl", ours, peer, Some(TARGET)));
    let size = std::fs::metadata(&source).map_or(0, |file| file.len());
    report.about.insert("import bytes".into(), size.to_string());
    Ok(())
}
