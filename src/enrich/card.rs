//! What is told of a model of one's own.

use serde::{Deserialize, Serialize};
use verbatim_udfs::train::Quality;

/// The card of a model, kept beside its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// The query whose rows it was trained on, as SQL; empty where nothing was trained.
    pub query: String,
    /// The labels, without `unclassified`.
    pub labels: Vec<String>,
    /// Rows that it was trained on, corrections among them.
    pub rows: usize,
    /// Rows of them that are human corrections.
    pub corrections: usize,
    /// Corrections with a label that no row of the query has.
    pub corrections_left_out: usize,
    /// Rows without a text or a label.
    pub rows_left_out: usize,
    /// Rows that were too many, left out at random.
    pub rows_thinned: usize,
    /// Probability below which the model says `unclassified`, 0..1.
    pub threshold: f32,
    /// Figures on the rows of each fold, by a model that was trained on the others; `None` for a
    /// classifier of the user's, which was not trained here.
    pub held_out: Option<Quality>,
    /// The ONNX graph that it needs, by content hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder: Option<String>,
}
