//! Making the data.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::process::Command;

use arrow::json::LineDelimitedWriter;

use crate::BenchmarkError;
use crate::duckdb;
use crate::lake::Data;
use crate::program;
use crate::report::Report;

/// What the import reads: the columns that a source gives.
const SOURCE: &str = "SELECT conversation_id, message_id, source, role, author_id, sent_at, text, \
    channel, account_id, source_customer_id FROM messages";

/// Makes the lake, its messages as JSON lines, and the environment for DuckDB.
pub(crate) fn run(folder: &Path, conversations: usize) -> Result<(), BenchmarkError> {
    std::fs::create_dir_all(folder).map_err(|error| BenchmarkError::file(folder, error))?;
    let lake = folder.join("lake");
    if lake.exists() {
        std::fs::remove_dir_all(&lake).map_err(|error| BenchmarkError::file(&lake, error))?;
    }
    let mut demo = Command::new(program::verbatim()?);
    demo.arg("demo").arg("--lake").arg(&lake).arg("--no-serve");
    program::run(demo.arg("--conversations").arg(conversations.to_string()))?;
    let data = Data::open(folder, &mut Report::default())?;
    data.compact()?;
    let path = folder.join("messages.jsonl");
    let file = File::create(&path).map_err(|error| BenchmarkError::file(&path, error))?;
    let mut writer = LineDelimitedWriter::new(BufWriter::new(file));
    for batch in data.query(SOURCE)? {
        writer.write(&batch)?;
    }
    writer.finish()?;
    duckdb::prepare(folder)?;
    crate::print(&format!("{} is ready", folder.display()));
    Ok(())
}
