//! Import, INSERT's write path and what they do with bad input.

mod bad_files;
mod bad_input;
mod command;
mod formats;
mod mapping;
mod order;
mod others;
mod real_sets;
mod versions;
mod write_path;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::prelude::SessionContext;
use parking_lot::Mutex;
use verbatim::ingest::{
    ImportOptions, ImportReport, Ingest, IngestError, Progress, Reject, import,
};
use verbatim::lake::{Lake, LakeOptions};

/// A lake in a folder of its own.
pub struct Fixture {
    pub folder: tempfile::TempDir,
    pub lake: Arc<Lake>,
    pub ingest: Arc<Ingest>,
}

/// Keeps the rejects of an import.
#[derive(Default)]
pub struct Rejects(pub Mutex<Vec<Reject>>);

impl Progress for Rejects {
    fn rejected(&self, rejects: &[Reject]) {
        self.0.lock().extend_from_slice(rejects);
    }
}

impl Fixture {
    pub async fn new() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let options = LakeOptions {
            create: true,
            ..LakeOptions::default()
        };
        let path = folder.path().join("lake");
        let lake = Lake::open(path.to_str().unwrap(), options).await.unwrap();
        let ingest = Ingest::new(Arc::clone(&lake));
        Fixture {
            folder,
            lake,
            ingest,
        }
    }

    /// Writes a file beside the lake.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Another process on the same lake.
    pub async fn other(&self) -> Fixture {
        let path = self.folder.path().join("lake");
        let lake = Lake::open(path.to_str().unwrap(), LakeOptions::default())
            .await
            .unwrap();
        Fixture {
            folder: tempfile::tempdir().unwrap(),
            ingest: Ingest::new(Arc::clone(&lake)),
            lake,
        }
    }

    pub async fn try_import(
        &self,
        path: impl AsRef<Path>,
        change: impl FnOnce(&mut ImportOptions),
    ) -> Result<(ImportReport, Vec<Reject>), IngestError> {
        let mut options = ImportOptions {
            inputs: vec![path.as_ref().to_str().unwrap().to_string()],
            ..ImportOptions::default()
        };
        change(&mut options);
        let rejects = Rejects::default();
        let report = import(&self.ingest, &options, &rejects).await?;
        Ok((report, rejects.0.into_inner()))
    }

    pub async fn import(&self, path: impl AsRef<Path>) -> (ImportReport, Vec<Reject>) {
        self.try_import(path, |_| {}).await.unwrap()
    }

    /// The rows of a query, a line a row, columns joined by `|`.
    pub async fn rows(&self, sql: &str) -> Vec<String> {
        let context = SessionContext::new();
        for table in self.lake.tables() {
            context
                .register_table(table.name(), table.provider())
                .unwrap();
        }
        lines(&context.sql(sql).await.unwrap().collect().await.unwrap())
    }

    pub async fn count(&self, table: &str) -> u64 {
        self.rows(&format!("SELECT count(*) FROM {table}")).await[0]
            .parse()
            .unwrap()
    }

    /// Versions of the tables: equal when nothing was written.
    pub async fn versions(&self) -> Vec<(String, i64)> {
        let mut versions = Vec::new();
        for table in self.lake.tables() {
            let version = table.snapshot().await.unwrap().version();
            versions.push((table.name().to_string(), version));
        }
        versions
    }
}

pub fn lines(batches: &[RecordBatch]) -> Vec<String> {
    let options = FormatOptions::default().with_null("NULL");
    let mut out = Vec::new();
    for batch in batches {
        let columns: Vec<_> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap())
            .collect();
        for row in 0..batch.num_rows() {
            let values: Vec<_> = columns.iter().map(|c| c.value(row).to_string()).collect();
            out.push(values.join("|"));
        }
    }
    out
}

/// A message in our own form.
pub fn message(conversation: &str, id: &str, role: &str, minute: u32, text: &str) -> String {
    serde_json::json!({
        "source": "test", "conversation_id": conversation, "message_id": id, "role": role,
        "channel": "chat", "sent_at": format!("2024-03-01T10:{minute:02}:00Z"), "text": text,
    })
    .to_string()
}
