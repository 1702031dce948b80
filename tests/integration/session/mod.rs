//! Sessions in process: parameters, rights, limits, and what no statement may do.

mod active_models;
mod limits;
mod models;
mod parameters;
mod rights;

use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::TryStreamExt;
use tempfile::TempDir;
use verbatim::session::{Outcome, Session};
use verbatim::{Engine, EngineOptions, Error};

/// An engine over a new lake that goes away with the folder.
async fn engine() -> (TempDir, Arc<Engine>) {
    let folder = tempfile::tempdir().unwrap();
    let url = folder.path().to_string_lossy().into_owned();
    let engine = Engine::open(EngineOptions::new(url).create())
        .await
        .unwrap();
    (folder, engine)
}

/// The rows of an outcome.
async fn rows(outcome: Outcome) -> Result<Vec<RecordBatch>, Error> {
    match outcome {
        Outcome::Rows { stream, .. } => Ok(stream.try_collect().await?),
        other => panic!("rows were expected: {other:?}"),
    }
}

/// Runs a statement to its end; the SQLSTATE of its failure.
async fn state_of(session: &Session, sql: &str) -> Option<&'static str> {
    let outcome = match session.execute(sql).await {
        Ok(outcome) => outcome,
        Err(error) => return Some(error.sqlstate()),
    };
    match outcome {
        Outcome::Rows { .. } => rows(outcome).await.err().map(|error| error.sqlstate()),
        _ => None,
    }
}
