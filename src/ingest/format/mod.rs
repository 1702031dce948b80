//! The forms of files: which one a file is in, and one reader for each.

mod canonical;
mod detect;
mod digits;
mod head;
mod object;
mod parquet;
mod parquet_open;
mod read;

use std::sync::Arc;

use super::IngestError;
use super::mapping::Mapping;
pub(crate) use canonical::Defaults;
pub(crate) use read::{Chunk, ReadOptions, Reading, read};

/// The form of a file.
#[derive(Debug, Clone)]
pub(crate) enum Format {
    /// Told by the file's first bytes and its first record.
    Auto,
    /// Objects whose members are named as the columns: lines, an array or one after the other.
    Json,
    /// Such objects, one a line whatever the lines hold.
    Lines,
    /// A header that names the columns.
    Csv,
    /// Columns as the tables have them.
    Parquet,
    /// As a mapping says.
    Mapping(Arc<Mapping>),
}

impl Format {
    /// The format of this name: a form of our own, a shipped mapping, or a mapping file.
    ///
    /// # Errors
    /// An unknown name, or a mapping with a mistake.
    pub(crate) fn named(name: &str) -> Result<Format, IngestError> {
        match name {
            "auto" => return Ok(Format::Auto),
            "json" => return Ok(Format::Json),
            "jsonl" | "ndjson" => return Ok(Format::Lines),
            "csv" => return Ok(Format::Csv),
            "parquet" => return Ok(Format::Parquet),
            _ => {}
        }
        if let Some(mapping) = Mapping::shipped(name) {
            return Ok(Format::Mapping(Arc::new(mapping?)));
        }
        if name.ends_with(".toml") || std::path::Path::new(name).is_file() {
            let text =
                std::fs::read_to_string(name).map_err(|error| IngestError::io(name, error))?;
            return Ok(Format::Mapping(Arc::new(Mapping::parse(name, &text)?)));
        }
        let known: Vec<_> = Mapping::shipped_names().collect();
        Err(IngestError::format(
            name,
            format!(
                "is no format: name auto, jsonl, json, csv, parquet, one of the mappings {}, or a \
                 mapping file (.toml)",
                known.join(", ")
            ),
        ))
    }
}

/// What to say of a record over the limit.
fn too_long(limit: usize) -> String {
    let limit = match limit >> 20 {
        0 => format!("{limit} bytes"),
        mebibytes => format!("{mebibytes} MiB"),
    };
    format!("the record is longer than {limit}; --max-record-mib allows more")
}
