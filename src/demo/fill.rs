//! Filling a lake with the demo, once: a marker file in its folder tells what is in it.

use std::path::Path;

use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{DemoOptions, Generator, GrammarError, Planted, TableRows};
use crate::ingest::{EARLIEST, Ingest, IngestError, Rows, WriteMode};

/// The file that marks a folder as the demo's own.
const MARKER: &str = "verbatim-demo.json";
/// Changes whenever the same options give other rows.
const EDITION: u32 = 1;
/// Conversations that are written at once.
const BATCH: usize = 2_500;

/// Why a demo lake cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The folder's marker cannot be read or written.
    #[error("{path}: {source}")]
    Marker {
        /// The marker file.
        path: String,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// The phrases that are compiled in cannot be read.
    #[error(transparent)]
    Grammar(#[from] GrammarError),
    /// The generated rows do not fit together.
    #[error("generated rows: {0}")]
    Rows(#[from] datafusion::arrow::error::ArrowError),
    /// The rows cannot be written.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// The lake refused rows, which the generator must not make.
    #[error("{count} generated rows were refused, the first because {first}")]
    Refused {
        /// How many.
        count: usize,
        /// What is wrong with the first.
        first: String,
    },
}

/// What a folder holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folder {
    /// Nothing.
    Empty,
    /// This demo, all of it.
    Complete,
    /// This demo, begun and not finished; filling it goes on.
    Begun,
    /// A demo that was made with other options.
    OtherDemo,
    /// Something that no demo made.
    Foreign,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Marker {
    edition: u32,
    conversations: usize,
    days: u32,
    seed: u64,
    first_day: NaiveDate,
    complete: bool,
}

impl Marker {
    fn new(options: DemoOptions, complete: bool) -> Marker {
        let DemoOptions {
            conversations,
            days,
            seed,
            first_day,
        } = options;
        Marker {
            edition: EDITION,
            conversations,
            days,
            seed,
            first_day,
            complete,
        }
    }

    fn write(&self, folder: &Path) -> Result<(), DemoError> {
        let path = folder.join(MARKER);
        let written = std::fs::create_dir_all(folder)
            .and_then(|()| Ok(serde_json::to_vec_pretty(self)?))
            .and_then(|text| std::fs::write(&path, text));
        written.map_err(|source| DemoError::Marker {
            path: path.display().to_string(),
            source,
        })
    }
}

/// What `folder` holds, seen from `options`.
///
/// # Errors
/// When the folder is there and cannot be read.
pub fn look(folder: &Path, options: DemoOptions) -> Result<Folder, DemoError> {
    let path = folder.join(MARKER);
    let error = |source| DemoError::Marker {
        path: path.display().to_string(),
        source,
    };
    match std::fs::read(&path) {
        Ok(text) => Ok(match serde_json::from_slice::<Marker>(&text) {
            Ok(marker) if marker == Marker::new(options, true) => Folder::Complete,
            Ok(marker) if marker == Marker::new(options, false) => Folder::Begun,
            Ok(_) => Folder::OtherDemo,
            Err(_) => Folder::Foreign,
        }),
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => {
            match std::fs::read_dir(folder) {
                Ok(mut entries) => Ok(match entries.next() {
                    Some(_) => Folder::Foreign,
                    None => Folder::Empty,
                }),
                Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => Ok(Folder::Empty),
                Err(other) => Err(error(other)),
            }
        }
        Err(other) => Err(error(other)),
    }
}

/// Marks `folder` as the demo's own, before anything is in it.
///
/// # Errors
/// When the marker cannot be written.
pub fn begin(folder: &Path, options: DemoOptions) -> Result<(), DemoError> {
    Marker::new(options, false).write(folder)
}

/// Writes the demo through `ingest` into the lake in `folder`; `progress` hears how many
/// conversations are in. Rows that are there already are left as they are.
///
/// # Errors
/// When rows cannot be generated or written.
pub async fn fill(
    ingest: &Arc<Ingest>,
    folder: &Path,
    options: DemoOptions,
    mut progress: impl FnMut(usize),
) -> Result<(), DemoError> {
    let mut generator = Generator::new(options, BATCH)?;
    write(ingest, generator.master_data()?).await?;
    while let Some(rows) = generator.next() {
        write(ingest, rows?).await?;
        progress(options.conversations.saturating_sub(generator.remaining()));
    }
    ingest.forget_keys().await;
    Marker::new(options, true).write(folder)
}

/// What is planted in the demo of `options`.
///
/// # Errors
/// When the phrases that are compiled in cannot be read.
pub fn planted(options: DemoOptions) -> Result<Planted, DemoError> {
    Ok(Generator::new(options, 1)?.planted().clone())
}

async fn write(ingest: &Arc<Ingest>, tables: TableRows) -> Result<(), DemoError> {
    let mut rows = Rows::default();
    for (table, batch) in tables {
        match table {
            "conversations" => rows.conversations = Some(batch),
            "messages" => rows.messages = Some(batch),
            other => rows.others.push((other.to_owned(), batch)),
        }
    }
    let mode = WriteMode::Import {
        earliest: EARLIEST,
        latest: None,
    };
    let receipt = ingest.write(rows, mode).await?;
    match receipt.rejected.first() {
        None => Ok(()),
        Some(first) => Err(DemoError::Refused {
            count: receipt.rejected.len(),
            first: first.to_string(),
        }),
    }
}
