//! Stands in for the graphs where the feature `onnx` is off: there never is one.

use std::path::Path;

use super::{OnnxError, OnnxFiles, OnnxKind};

/// An ONNX graph that is ready to read texts; this program has none.
#[derive(Debug)]
pub enum OnnxGraph {}

impl OnnxGraph {
    /// Whether graphs can be run.
    ///
    /// # Errors
    /// [`OnnxError::NotBuilt`].
    pub fn check_runtime() -> Result<(), OnnxError> {
        Err(OnnxError::NotBuilt)
    }

    /// Reads a graph from where the user has it.
    ///
    /// # Errors
    /// [`OnnxError::NotBuilt`].
    pub fn open(_path: &Path, _kind: OnnxKind) -> Result<(OnnxGraph, OnnxFiles), OnnxError> {
        Err(OnnxError::NotBuilt)
    }

    /// Makes a graph of its files.
    ///
    /// # Errors
    /// [`OnnxError::NotBuilt`].
    pub fn load(_files: OnnxFiles, _kind: OnnxKind) -> Result<OnnxGraph, OnnxError> {
        Err(OnnxError::NotBuilt)
    }

    /// The identity, over all files.
    pub fn id(&self) -> &str {
        match *self {}
    }

    /// What it makes of a text.
    pub fn kind(&self) -> OnnxKind {
        match *self {}
    }

    /// Numbers that a text gives.
    pub fn width(&self) -> usize {
        match *self {}
    }

    /// The labels of a classifier, in the order of its numbers.
    pub fn labels(&self) -> &[String] {
        match *self {}
    }

    pub(crate) fn read(&self, _text: &str, _vector: &mut Vec<f32>) -> Result<(), OnnxError> {
        match *self {}
    }
}
