//! The files of an ONNX model: the graph, its tokenizer and, where there is one, its configuration.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{OnnxError, PREFIX};
use crate::model::format::hex;

/// Bytes of a graph at most.
const MOST_BYTES: u64 = 1 << 30;
/// Bytes of a tokenizer or a configuration at most.
const MOST_TEXT_BYTES: u64 = 64 << 20;

const TOKENIZER: &str = "tokenizer.json";
const CONFIG: &str = "config.json";

/// The files of a model in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnnxFiles {
    /// The graph.
    pub graph: Arc<[u8]>,
    /// `tokenizer.json`.
    pub tokenizer: Arc<[u8]>,
    /// `config.json`: the names of a classifier's labels, the tokens that are read at most.
    pub config: Option<Arc<[u8]>>,
}

impl OnnxFiles {
    /// Reads a folder with one graph, or a graph with the files beside it.
    ///
    /// # Errors
    /// [`OnnxError::Files`] for what is missing or cannot be read, [`OnnxError::Unfit`] for a graph
    /// that is too large.
    pub fn read(path: &Path) -> Result<OnnxFiles, OnnxError> {
        let found = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
        let (folder, graph) = match found.is_dir() {
            true => (path, only_graph(path)?),
            false => (path.parent().unwrap_or(path), path.to_owned()),
        };
        let tokenizer = folder.join(TOKENIZER);
        if !tokenizer.exists() {
            return Err(OnnxError::Files(format!(
                "{} has no {TOKENIZER}: a graph needs the tokenizer that it was trained with",
                folder.display()
            )));
        }
        let config = folder.join(CONFIG);
        Ok(OnnxFiles {
            graph: bytes(&graph, MOST_BYTES)?,
            tokenizer: bytes(&tokenizer, MOST_TEXT_BYTES)?,
            config: match config.exists() {
                true => Some(bytes(&config, MOST_TEXT_BYTES)?),
                false => None,
            },
        })
    }

    /// The identity: `onnx-` and 16 hexadecimal digits over all files.
    pub fn id(&self) -> String {
        let mut hash = Sha256::new();
        let config = self.config.as_deref().unwrap_or_default();
        for file in [&*self.graph, &*self.tokenizer, config] {
            hash.update((file.len() as u64).to_le_bytes());
            hash.update(file);
        }
        format!("{PREFIX}{}", hex(&hash.finalize()[..8]))
    }
}

/// The one graph of a folder.
fn only_graph(folder: &Path) -> Result<PathBuf, OnnxError> {
    let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    let mut graphs = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        if path.extension() == Some(OsStr::new("onnx")) {
            graphs.push(path);
        }
    }
    match graphs.len() {
        1 => Ok(graphs.remove(0)),
        0 => Err(OnnxError::Files(format!(
            "{} has no file that ends in .onnx",
            folder.display()
        ))),
        count => Err(OnnxError::Files(format!(
            "{} has {count} files that end in .onnx: name the one that is meant",
            folder.display()
        ))),
    }
}

fn bytes(path: &Path, most: u64) -> Result<Arc<[u8]>, OnnxError> {
    let size = fs::metadata(path)
        .map_err(|error| unreadable(path, &error))?
        .len();
    if size > most {
        return Err(OnnxError::Unfit(format!(
            "{} has {size} bytes, at most {most} can be read",
            path.display()
        )));
    }
    let bytes = fs::read(path).map_err(|error| unreadable(path, &error))?;
    Ok(bytes.into())
}

fn unreadable(path: &Path, error: &std::io::Error) -> OnnxError {
    OnnxError::Files(format!("{}: {error}", path.display()))
}
