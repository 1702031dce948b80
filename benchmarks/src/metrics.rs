//! The metric queries of `sql/metrics` against DuckDB on the same Parquet files.

use std::path::Path;

use verbatim::library;

use crate::BenchmarkError;
use crate::duckdb::{self, Job};
use crate::lake::Data;
use crate::report::{Figure, Report};

/// Highest ratio of each metric, and of their geometric mean.
const TARGET: f64 = 1.0;
const TARGET_MEAN: f64 = 0.7;

/// Times every metric here and there. DuckDB has no scoring functions: there the calls are the
/// stored columns themselves, which is what a call reads here.
pub(crate) fn run(data: &Data, report: &mut Report) -> Result<(), BenchmarkError> {
    let views = library::views()
        .iter()
        .map(|view| (view.name.to_string(), view.default_sql().into_owned()))
        .collect();
    let queries: Vec<(String, String)> = metric_names()?
        .into_iter()
        .chain(["conversation_facts".to_string()])
        .map(|name| (name.clone(), format!("SELECT * FROM {name}")))
        .collect();
    let job = Job {
        tables: data.tables()?,
        views,
        queries,
        import: None,
    };
    let answer = duckdb::ask(&data.folder, &job)?;
    report.about.insert("duckdb".into(), answer.version);
    for (name, theirs) in answer.queries {
        let sql = format!("SELECT * FROM {name}");
        let rows: usize = data.query(&sql)?.iter().map(|batch| batch.num_rows()).sum();
        let ours = data.time(&sql)?;
        let peer = match &theirs {
            Ok(seconds) => Some(("duckdb", *seconds)),
            Err(message) => {
                crate::print(&format!("metrics/{name}: DuckDB: {message}"));
                None
            }
        };
        let target = peer.map(|_| TARGET);
        report.add(Figure::time(format!("metrics/{name}"), ours, peer, target));
        let counted = answer.rows.iter().find(|(counted, _)| *counted == name);
        if let Some((_, counted)) = counted
            && *counted != rows as u64
        {
            crate::print(&format!(
                "metrics/{name}: {rows} rows here, {counted} in DuckDB"
            ));
        }
    }
    if let Some(mean) = report.mean_ratio("metrics/") {
        crate::print(&format!(
            "geometric mean of the ratios: {mean:.2}, target {TARGET_MEAN}"
        ));
        report
            .about
            .insert("metrics mean ratio".into(), format!("{mean:.3}"));
    }
    Ok(())
}

/// The metrics: one file each.
fn metric_names() -> Result<Vec<String>, BenchmarkError> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../sql/metrics"));
    let fail = |error| BenchmarkError::file(folder, error);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if let (Some(name), Some("sql")) =
            (path.file_stem(), path.extension().and_then(|e| e.to_str()))
        {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}
