//! The set of models that answers the calls of a session.

use std::any::Any;

use datafusion::common::config::{ConfigEntry, ConfigExtension, ConfigOptions, ExtensionOptions};
use datafusion::common::{Result, config_err};

use super::ModelSet;

/// The models that answer the calls of a session that name none.
///
/// An extension of the session's configuration:
/// `config.options_mut().extensions.insert(ActiveModels::new(set))`. Without it the shipped models
/// answer.
#[derive(Debug, Clone)]
pub struct ActiveModels(ModelSet);

impl ActiveModels {
    /// Has `set` answer.
    pub fn new(set: ModelSet) -> ActiveModels {
        ActiveModels(set)
    }

    /// The set that answers under a configuration.
    pub fn of(options: &ConfigOptions) -> &ModelSet {
        match options.extensions.get::<ActiveModels>() {
            Some(active) => &active.0,
            None => ModelSet::shipped(),
        }
    }
}

impl ConfigExtension for ActiveModels {
    const PREFIX: &'static str = "active_models";
}

impl ExtensionOptions for ActiveModels {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, _value: &str) -> Result<()> {
        config_err!("active_models.{key} is no setting: ALTER MODEL … SET ACTIVE chooses a model")
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        Vec::new()
    }
}
