//! Every `tests/slt/**/*.slt`, in process. `statement error (42P01)` names an SQLSTATE; values are
//! written as PostgreSQL writes them, NULL as `NULL`, an empty text as `(empty)`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Float64Type, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::StreamExt;
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};
use verbatim::session::{Outcome, Session};
use verbatim::{Engine, EngineOptions, Error};

/// A session as a test database.
struct InProcess {
    session: Session,
}

#[async_trait::async_trait]
impl AsyncDB for InProcess {
    type Error = Error;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<Self::ColumnType>, Error> {
        match self.session.execute(sql).await? {
            Outcome::Rows { schema, stream, .. } | Outcome::CopyOut { schema, stream, .. } => {
                let batches: Vec<RecordBatch> = stream
                    .map(|batch| batch.map_err(Error::from))
                    .collect::<Vec<_>>()
                    .await
                    .into_iter()
                    .collect::<Result<_, _>>()?;
                Ok(DBOutput::Rows {
                    types: vec![DefaultColumnType::Any; schema.fields().len()],
                    rows: batches.iter().flat_map(rows).collect(),
                })
            }
            Outcome::Done { tag } => {
                let count = tag.rsplit(' ').next().and_then(|count| count.parse().ok());
                Ok(DBOutput::StatementComplete(count.unwrap_or(0)))
            }
            Outcome::CopyIn(_) => panic!("COPY FROM STDIN is tested over the wire"),
            Outcome::Empty => Ok(DBOutput::StatementComplete(0)),
        }
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &str {
        "verbatim"
    }

    async fn sleep(duration: std::time::Duration) {
        tokio::time::sleep(duration).await;
    }

    fn error_sql_state(error: &Error) -> Option<String> {
        Some(error.sqlstate().to_owned())
    }
}

fn rows(batch: &RecordBatch) -> Vec<Vec<String>> {
    (0..batch.num_rows())
        .map(|row| {
            batch
                .columns()
                .iter()
                .map(|column| text(column, row))
                .collect()
        })
        .collect()
}

/// One value as PostgreSQL writes it.
fn text(column: &dyn Array, row: usize) -> String {
    if column
        .logical_nulls()
        .is_some_and(|nulls| nulls.is_null(row))
    {
        return "NULL".to_owned();
    }
    match column.data_type() {
        DataType::Boolean => if column.as_boolean().value(row) {
            "t"
        } else {
            "f"
        }
        .to_owned(),
        DataType::Float64 => float(column.as_primitive::<Float64Type>().value(row)),
        DataType::Float32 => float(column.as_primitive::<Float32Type>().value(row)),
        DataType::List(_) => {
            let list = column.as_list::<i32>().value(row);
            let items: Vec<String> = (0..list.len()).map(|item| text(&list, item)).collect();
            format!("{{{}}}", items.join(","))
        }
        DataType::Timestamp(TimeUnit::Microsecond | TimeUnit::Nanosecond, zone) => {
            let formatted = display(column, row).replace('T', " ");
            match zone {
                Some(_) => formatted.replace('Z', "+00").replace("+00:00", "+00"),
                None => formatted,
            }
        }
        _ => match display(column, row) {
            value if value.is_empty() => "(empty)".to_owned(),
            value => value,
        },
    }
}

fn float(value: impl Into<f64> + std::fmt::Display + Copy) -> String {
    let wide: f64 = value.into();
    if wide.is_infinite() {
        return if wide > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    value.to_string()
}

fn display(column: &dyn Array, row: usize) -> String {
    let options = FormatOptions::default();
    ArrayFormatter::try_new(column, &options)
        .unwrap()
        .value(row)
        .to_string()
}

pub fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "slt") {
            found.push(path);
        }
    }
}

/// Every file gets a lake of its own; all that fail are named.
#[tokio::test(flavor = "multi_thread")]
async fn slt_files_in_process() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slt");
    let only = std::env::var("VERBATIM_SLT").unwrap_or_default();
    let mut found = Vec::new();
    files(&folder, &mut found);
    found.sort();
    assert!(!found.is_empty());
    let mut failures = Vec::new();
    for file in found
        .iter()
        .filter(|file| file.to_string_lossy().contains(&only))
    {
        let directory = tempfile::tempdir().unwrap();
        let url = directory.path().to_string_lossy().into_owned();
        let engine = Engine::open(EngineOptions::new(url).create())
            .await
            .unwrap();
        let sessions = Arc::clone(&engine);
        let mut runner = Runner::new(move || {
            let session = sessions.session(None);
            async { Ok(InProcess { session: session? }) }
        });
        if let Err(error) = runner.run_file_async(file).await {
            failures.push(format!("{}\n{error}", file.display()));
        }
        runner.shutdown_async().await;
        engine.close().await.unwrap();
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
