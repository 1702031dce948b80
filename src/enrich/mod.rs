//! From functions to stored columns: messages are scored when they are written, once.
//!
//! - [`score`] fills the score columns of a batch on its way into the lake.
//! - [`sets`] says which models a set names, and which files are current for them.
//! - [`OwnModelStore`] keeps the models that users have trained, and the ONNX graphs that they read.
//! - [`ActiveSet`] is the set of models that the lake scores with; [`activate`] changes it.
//! - [`remove_unneeded`] deletes the weight files that nothing names any more.
//! - [`rescore`](mod@rescore) rewrites history with other models while queries and imports go on.

mod active;
mod card;
mod error;
mod graphs;
mod own;
mod remove;
mod rescore;
mod score;
mod sets;

pub use active::{ActiveSet, activate, activate_default, ask_for_rescore, follow};
pub use card::ModelCard;
pub use error::EnrichError;
pub use own::OwnModelStore;
pub use remove::remove_unneeded;
pub use rescore::{RescoreOptions, RescoreProgress, RescoreReport, rescore, stale_rows};
pub use score::{LAST_SCORED_ROLE, SCORED_BY, UNSCORED_ROLES, score_columns, score_messages};
pub use sets::{ModelMap, ModelSets, model_map, record_set, stale_functions};
