//! The prepared data, and queries over it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, RecordBatch};
use futures::TryStreamExt;
use tokio::runtime::Runtime;
use verbatim::engine::{Engine, EngineOptions};
use verbatim::session::{Outcome, Session};

use crate::BenchmarkError;
use crate::report::{Report, number};

/// Times each query is run before it is measured and while it is.
const WARM_UPS: usize = 2;
const RUNS: usize = 5;

/// What `prepare` has made.
pub(crate) struct Data {
    /// The folder.
    pub(crate) folder: PathBuf,
    runtime: Runtime,
    engine: Arc<Engine>,
    session: Session,
}

impl Data {
    /// Opens the prepared lake.
    pub(crate) fn open(folder: &Path, report: &mut Report) -> Result<Data, BenchmarkError> {
        let lake = folder.join("lake");
        if !lake.exists() {
            return Err(BenchmarkError::Program(format!(
                "{} is not there: run `prepare` first",
                lake.display()
            )));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_stack_size(16 << 20)
            .build()
            .map_err(|error| BenchmarkError::file(folder, error))?;
        let options = EngineOptions::new(lake.display().to_string());
        let engine = runtime.block_on(Engine::open(options))?;
        let session = engine.session(None)?;
        let data = Data {
            folder: folder.to_path_buf(),
            runtime,
            engine,
            session,
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        report.about.insert("cores".into(), cores.to_string());
        for table in ["messages", "conversations"] {
            let counted = data.query(&format!("SELECT count(*)::text FROM {table}"))?;
            let count = arrow::util::display::array_value_to_string(counted[0].column(0), 0)?;
            let count = count.parse().unwrap_or_default();
            report.about.insert(table.into(), number(count));
        }
        Ok(data)
    }

    /// The rows of a query.
    pub(crate) fn query(&self, sql: &str) -> Result<Vec<RecordBatch>, BenchmarkError> {
        self.runtime.block_on(async {
            match self.session.execute(sql).await? {
                Outcome::Rows { stream, .. } => Ok(stream.try_collect().await?),
                _ => Ok(Vec::new()),
            }
        })
    }

    /// The best of several runs of a query, in seconds.
    pub(crate) fn time(&self, sql: &str) -> Result<f64, BenchmarkError> {
        for _ in 0..WARM_UPS {
            self.query(sql)?;
        }
        let mut best = f64::INFINITY;
        for _ in 0..RUNS {
            let start = Instant::now();
            std::hint::black_box(self.query(sql)?);
            best = best.min(start.elapsed().as_secs_f64());
        }
        Ok(best)
    }

    /// The texts of the messages, in batches of what a scan gives.
    pub(crate) fn texts(&self) -> Result<Vec<ArrayRef>, BenchmarkError> {
        let rows = self.query("SELECT text FROM messages WHERE text IS NOT NULL")?;
        Ok(rows
            .iter()
            .map(|batch| Arc::clone(batch.column(0)))
            .collect())
    }

    /// The files of a table as they are now.
    pub(crate) fn files(&self, table: &str) -> Result<Vec<String>, BenchmarkError> {
        let table = self.engine.lake().table(table)?;
        let snapshot = self.runtime.block_on(table.snapshot())?;
        let folder = self.folder.join("lake").join(table.name());
        let path = |path: &str| folder.join(path).display().to_string();
        Ok(snapshot
            .files()
            .iter()
            .map(|file| path(&file.path))
            .collect())
    }

    /// Merges versions and small files, so that peers see the rows that users see.
    pub(crate) fn compact(&self) -> Result<(), BenchmarkError> {
        for table in self.engine.lake().tables() {
            self.runtime.block_on(table.compact())?;
        }
        Ok(())
    }

    /// Every table that holds rows, by name.
    pub(crate) fn tables(&self) -> Result<Vec<(String, Vec<String>)>, BenchmarkError> {
        let mut tables = Vec::new();
        for table in self.engine.lake().tables() {
            tables.push((table.name().to_string(), self.files(table.name())?));
        }
        Ok(tables)
    }
}
