//! From functions to stored columns: messages are scored when they are written, once.
//!
//! - [`score`] fills the score columns of a batch on its way into the lake.
//! - [`sets`] says which models a set names, and which files are current for them.
//! - [`OwnModelStore`] keeps the models that users have trained.
//! - [`rescore`](mod@rescore) rewrites history with other models while queries and imports go on.

mod error;
mod own;
mod rescore;
mod score;
mod sets;

pub use error::EnrichError;
pub use own::OwnModelStore;
pub use rescore::{RescoreOptions, RescoreProgress, RescoreReport, rescore};
pub use score::{LAST_SCORED_ROLE, SCORED_BY, UNSCORED_ROLES, score_columns, score_messages};
pub use sets::{ModelMap, ModelSets, model_map, record_set, stale_functions};
