//! What SQL functions may know of the session that calls them.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use chrono::{DateTime, Utc};
use datafusion::common::config::{ConfigEntry, ConfigExtension, ExtensionOptions};
use datafusion::error::{DataFusionError, Result};
use parking_lot::{Mutex, MutexGuard};

use super::Settings;

/// The session's user, database, settings and process number.
#[derive(Debug)]
pub(crate) struct Variables {
    user: String,
    database: String,
    settings: Mutex<Settings>,
    pid: AtomicI32,
    server_started: DateTime<Utc>,
}

impl Variables {
    pub(crate) fn new(
        user: String,
        database: String,
        settings: Settings,
        pid: i32,
        server_started: DateTime<Utc>,
    ) -> Self {
        Variables {
            user,
            database,
            settings: Mutex::new(settings),
            pid: AtomicI32::new(pid),
            server_started,
        }
    }

    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    pub(crate) fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock()
    }

    pub(crate) fn pid(&self) -> i32 {
        self.pid.load(Ordering::Relaxed)
    }

    pub(super) fn set_pid(&self, pid: i32) {
        self.pid.store(pid, Ordering::Relaxed);
    }

    pub(crate) fn server_started(&self) -> DateTime<Utc> {
        self.server_started
    }
}

/// Carries the variables to functions, through the options that DataFusion hands to them.
#[derive(Debug, Clone)]
pub(super) struct VariablesExtension(pub(super) Arc<Variables>);

impl ConfigExtension for VariablesExtension {
    const PREFIX: &'static str = "verbatim_session";
}

impl ExtensionOptions for VariablesExtension {
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
        Err(DataFusionError::Configuration(format!(
            "{key} is set by SET, not as an option"
        )))
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        Vec::new()
    }
}
