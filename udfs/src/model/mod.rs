//! The scorers: models as data, loaded once per process, applied to Arrow batches.

mod column;

pub use column::{EFFORT_FEATURES, ScoreColumn};
