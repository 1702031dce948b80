//! Encoders and classifiers of one's own: ONNX graphs that run in this process.
//!
//! [`OnnxFiles`] are what a user has, a graph with its tokenizer; [`OnnxGraph`] is them ready to
//! read texts. ONNX Runtime is found at run time, and the crate's feature `onnx` brings what speaks
//! with it; without the feature no graph can be made.

#[cfg(feature = "onnx")]
mod config;
mod files;
#[cfg(feature = "onnx")]
mod graph;
#[cfg(not(feature = "onnx"))]
#[path = "absent.rs"]
mod graph;
#[cfg(feature = "onnx")]
mod pooling;
#[cfg(feature = "onnx")]
mod runtime;
#[cfg(feature = "onnx")]
mod sessions;

pub use files::OnnxFiles;
pub use graph::OnnxGraph;

/// Beginning of the identity of an ONNX graph: no encoder of this crate has such a one.
pub(super) const PREFIX: &str = "onnx-";

/// What a graph makes of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OnnxKind {
    /// A vector of length 1, near to those of texts of like meaning.
    Encoder,
    /// A number for each label, before the softmax.
    Classifier,
}

/// Why an ONNX graph cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OnnxError {
    /// The program cannot run any.
    #[error("this program was built without the feature onnx: it cannot run ONNX graphs")]
    NotBuilt,
    /// A file is missing or cannot be read.
    #[error("{0}")]
    Files(String),
    /// The shared library of ONNX Runtime is missing, or is not one that can be used.
    #[error(
        "ONNX Runtime cannot be loaded: {0}. `pip install onnxruntime` brings it; the environment \
         variable ORT_DYLIB_PATH names the file, capi/libonnxruntime.so.* in that package"
    )]
    Runtime(String),
    /// The files are there, and are not what can be run: what was found and what is expected.
    #[error("{0}")]
    Unfit(String),
    /// Nobody waits for the answer any more.
    #[error("canceling statement due to user request or statement timeout")]
    Stopped,
    /// Reading a text failed.
    #[error("ONNX graph {graph}: {reason}")]
    Run {
        /// The graph's identity.
        graph: String,
        /// What the tokenizer or ONNX Runtime said.
        reason: String,
    },
}
