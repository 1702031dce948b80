//! What a session says about stored scores.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use datafusion::common::config::{ConfigEntry, ConfigExtension, ExtensionOptions};
use datafusion::error::{DataFusionError, Result};
use verbatim_udfs::model::ModelSet;

use crate::enrich::{ModelMap, model_map};
use crate::lake::Lake;

/// Whether calls read stored columns, and the models that this session's functions compute with.
///
/// An extension of the session's configuration (`SessionConfig::with_option_extension`), also set
/// by name: `SET verbatim.stored_scores = off`.
#[derive(Clone)]
pub struct ScoreOptions {
    /// Read stored columns where they are current; off computes every call. On by default.
    pub enabled: bool,
    /// The model of each function in the session's set: what a stored column has to be made with
    /// to be current.
    pub models: Arc<ModelMap>,
    /// The lake, whose catalog says which models each set names.
    lake: Arc<Lake>,
}

impl ScoreOptions {
    /// Stored scores on, for a session over `lake` whose functions compute with `models`.
    pub fn new(lake: Arc<Lake>, models: &ModelSet) -> ScoreOptions {
        ScoreOptions {
            enabled: true,
            models: Arc::new(model_map(models)),
            lake,
        }
    }

    pub(super) fn lake(&self) -> &Arc<Lake> {
        &self.lake
    }
}

impl fmt::Debug for ScoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScoreOptions")
            .field("enabled", &self.enabled)
            .field("models", &self.models)
            .finish_non_exhaustive()
    }
}

impl ConfigExtension for ScoreOptions {
    const PREFIX: &'static str = "verbatim";
}

impl ExtensionOptions for ScoreOptions {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, value: &str) -> Result<()> {
        if key != "stored_scores" {
            return Err(DataFusionError::Configuration(format!(
                "there is no setting verbatim.{key}"
            )));
        }
        self.enabled = match value.to_ascii_lowercase().as_str() {
            "on" | "true" | "yes" | "1" => true,
            "off" | "false" | "no" | "0" => false,
            other => {
                return Err(DataFusionError::Configuration(format!(
                    "verbatim.stored_scores is on or off, not {other:?}"
                )));
            }
        };
        Ok(())
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        vec![ConfigEntry {
            key: "stored_scores".to_string(),
            value: Some(if self.enabled { "on" } else { "off" }.to_string()),
            description: "Read stored scores where they are current; off computes every call.",
        }]
    }
}
