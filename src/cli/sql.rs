//! `verbatim sql`: runs statements in process.

use std::io::{BufWriter, IsTerminal, Read, Write};
use std::path::PathBuf;

use arrow::array::RecordBatch;
use clap::{Args, ValueEnum};
use futures::StreamExt;

use super::{Failure, LakeArgument};
use crate::engine::{Engine, EngineOptions};
use crate::error::{Error, sqlstate};
use crate::session::{Outcome, Session};

/// Run SQL statements against a lake, without a server
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  verbatim sql \"SELECT count(*) FROM messages\"
  verbatim sql --format json \"SELECT * FROM conversation_facts LIMIT 10\"
  verbatim sql --file monthly.sql --format csv > monthly.csv
  echo 'SHOW ALL' | verbatim sql --file -")]
pub(super) struct Sql {
    /// Statements, separated by semicolons
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    statements: Option<String>,
    /// Read the statements from a file; - for the standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    lake: LakeArgument,
    /// How rows are written
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Make the lake if there is none
    #[arg(long)]
    create: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table with borders; all rows of a statement are held in memory
    Table,
    /// Comma-separated values with a header line
    Csv,
    /// One JSON object a line
    Json,
}

impl Sql {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let text = self.text()?;
        let mut options = EngineOptions::new(self.lake.lake.clone());
        options.create = self.create;
        let engine = Engine::open(options).await?;
        let session = engine.session(None)?;
        let cancel = session.cancel_handle();
        let work = self.run_all(&session, &text);
        tokio::pin!(work);
        let result = tokio::select! {
            result = &mut work => result,
            _ = tokio::signal::ctrl_c() => {
                cancel.cancel();
                work.await
            }
        };
        engine.close().await?;
        result
    }

    fn text(&self) -> Result<String, Error> {
        let read = |context: String, result: std::io::Result<String>| {
            result.map_err(|source| Error::Io { context, source })
        };
        match (&self.statements, &self.file) {
            (Some(text), _) => Ok(text.clone()),
            (None, Some(path)) if path.as_os_str() == "-" => {
                let mut text = String::new();
                let result = std::io::stdin().read_to_string(&mut text).map(|_| text);
                read("reading the standard input".to_owned(), result)
            }
            (None, Some(path)) => read(
                format!("reading {}", path.display()),
                std::fs::read_to_string(path),
            ),
            (None, None) => Ok(String::new()),
        }
    }

    async fn run_all(&self, session: &Session, text: &str) -> Result<(), Failure> {
        for statement in session.parse(text)? {
            let prepared = session.prepare(statement, &[]).await?;
            match session.run(&prepared, Vec::new()).await? {
                Outcome::Rows { stream, .. } | Outcome::CopyOut { stream, .. } => {
                    self.print(stream).await?;
                }
                Outcome::Done { tag } => {
                    if std::io::stderr().is_terminal() {
                        eprintln!("{tag}");
                    }
                }
                Outcome::CopyIn(_) => {
                    return Err(Error::statement(
                        sqlstate::FEATURE_NOT_SUPPORTED,
                        "COPY FROM STDIN needs a connection",
                    )
                    .with_hint("verbatim import reads files.")
                    .into());
                }
                Outcome::Empty => {}
            }
        }
        Ok(())
    }

    async fn print(
        &self,
        mut stream: datafusion::execution::SendableRecordBatchStream,
    ) -> Result<(), Error> {
        let mut out = BufWriter::new(std::io::stdout());
        match self.format {
            Format::Table => {
                let schema = stream.schema();
                let mut batches = Vec::new();
                while let Some(batch) = stream.next().await {
                    batches.push(batch?);
                }
                let table =
                    arrow::util::pretty::pretty_format_batches_with_schema(schema, &batches)
                        .map_err(arrow_error)?;
                writeln!(out, "{table}").map_err(output_error)?;
                let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
                if std::io::stderr().is_terminal() {
                    eprintln!("({rows} rows)");
                }
            }
            Format::Csv => {
                let mut writer = arrow::csv::WriterBuilder::new()
                    .with_header(true)
                    .build(&mut out);
                let mut empty = true;
                while let Some(batch) = stream.next().await {
                    empty = false;
                    writer.write(&batch?).map_err(arrow_error)?;
                }
                if empty {
                    let none = RecordBatch::new_empty(stream.schema());
                    writer.write(&none).map_err(arrow_error)?;
                }
            }
            Format::Json => {
                let mut writer = arrow::json::WriterBuilder::new()
                    .with_explicit_nulls(true)
                    .build::<_, arrow::json::writer::LineDelimited>(&mut out);
                while let Some(batch) = stream.next().await {
                    writer.write(&batch?).map_err(arrow_error)?;
                }
                writer.finish().map_err(arrow_error)?;
            }
        }
        out.flush().map_err(output_error)
    }
}

fn output_error(source: std::io::Error) -> Error {
    Error::Io {
        context: "writing the result".to_owned(),
        source,
    }
}

fn arrow_error(error: arrow::error::ArrowError) -> Error {
    match error {
        arrow::error::ArrowError::IoError(_, source) => output_error(source),
        other => datafusion::error::DataFusionError::from(other).into(),
    }
}
