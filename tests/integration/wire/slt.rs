//! Every `tests/slt/**/*.slt` once more, over the wire.

use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};
use tokio_postgres::{Client, SimpleQueryMessage};

use super::server::{TestServer, run};
use crate::slt::files;

/// A connection as a test database.
struct OverTheWire {
    client: Client,
}

#[async_trait::async_trait]
impl AsyncDB for OverTheWire {
    type Error = tokio_postgres::Error;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Self::Error> {
        let mut columns = None;
        let mut rows = Vec::new();
        let mut count = 0;
        for message in self.client.simple_query(sql).await? {
            match message {
                SimpleQueryMessage::RowDescription(description) => {
                    columns = Some(description.len());
                }
                SimpleQueryMessage::Row(row) => {
                    let shown = |at| match row.get(at) {
                        None => "NULL".to_owned(),
                        Some("") => "(empty)".to_owned(),
                        Some(value) => value.to_owned(),
                    };
                    rows.push((0..row.len()).map(shown).collect());
                }
                SimpleQueryMessage::CommandComplete(affected) => count = affected,
                _ => {}
            }
        }
        Ok(match columns {
            Some(columns) => DBOutput::Rows {
                types: vec![DefaultColumnType::Any; columns],
                rows,
            },
            None => DBOutput::StatementComplete(count),
        })
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &str {
        "verbatim"
    }

    async fn sleep(duration: std::time::Duration) {
        tokio::time::sleep(duration).await;
    }

    fn error_sql_state(error: &tokio_postgres::Error) -> Option<String> {
        error.code().map(|code| code.code().to_owned())
    }
}

#[test]
fn slt_files_over_the_wire() {
    run(async {
        let only = std::env::var("VERBATIM_SLT").unwrap_or_default();
        let mut found = Vec::new();
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slt");
        files(&folder, &mut found);
        found.sort();
        assert!(!found.is_empty());
        let mut failures = Vec::new();
        for file in found
            .iter()
            .filter(|file| file.to_string_lossy().contains(&only))
        {
            let server = TestServer::start().await;
            let mut runner = Runner::new(|| async {
                let client = super::server::connect(&server.config()).await?;
                Ok(OverTheWire { client })
            });
            if let Err(error) = runner.run_file_async(file).await {
                failures.push(format!("{}\n{error}", file.display()));
            }
            runner.shutdown_async().await;
        }
        assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    });
}
