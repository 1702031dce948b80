//! The settings of a session: what SET, SHOW and RESET do with their values.

mod known;
mod values;

use std::collections::BTreeMap;

pub use known::SERVER_VERSION;
use known::{SETTINGS, custom, known, unknown};
use values::{canonical, milliseconds};

use crate::error::Error;

/// How long a SET lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Until the session ends or the transaction around it is rolled back.
    Session,
    /// Until the transaction ends.
    Local,
}

/// The values of one session's settings.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Values from the connection's start: what RESET goes back to.
    initial: BTreeMap<String, String>,
    session: BTreeMap<String, String>,
    local: BTreeMap<String, String>,
    /// `session` as it was when the open transaction began.
    saved: Option<BTreeMap<String, String>>,
    changed: Vec<String>,
    /// Whether the planner's state lacks a change.
    unapplied: bool,
}

impl Settings {
    /// Settings with the values that the connection starts with; unknown names are refused.
    ///
    /// # Errors
    /// As [`Settings::set`].
    pub fn start<'a>(
        values: impl IntoIterator<Item = (&'a str, &'a str)>,
        user: &str,
    ) -> Result<Self, Error> {
        let mut settings = Settings::default();
        for (name, value) in values {
            settings.set(name, value, Scope::Session)?;
        }
        settings.initial = std::mem::take(&mut settings.session);
        settings
            .initial
            .insert("session_authorization".to_owned(), user.to_owned());
        settings.changed.clear();
        settings.unapplied = false;
        Ok(settings)
    }

    /// The value of a setting, in its canonical form.
    ///
    /// # Errors
    /// SQLSTATE 42704 for a name that is not known.
    pub fn get(&self, name: &str) -> Result<String, Error> {
        let key = key(name)?;
        for values in [&self.local, &self.session, &self.initial] {
            if let Some(value) = values.get(&key) {
                return Ok(value.clone());
            }
        }
        match known(name) {
            Some(setting) => Ok(setting.default.to_owned()),
            None => Err(unknown(name)),
        }
    }

    /// Sets a value.
    ///
    /// # Errors
    /// SQLSTATE 42704 for an unknown name, 22023 for a value that it does not take, 55P02 for one
    /// that cannot be changed.
    pub fn set(&mut self, name: &str, value: &str, scope: Scope) -> Result<(), Error> {
        let key = key(name)?;
        let value = match known(name) {
            Some(setting) => canonical(setting, value)?,
            None => value.to_owned(),
        };
        match scope {
            // Without a transaction there is nothing that it would last for.
            Scope::Local if self.saved.is_none() => return Ok(()),
            Scope::Session => {
                self.local.remove(&key);
                self.session.insert(key.clone(), value);
            }
            Scope::Local => {
                self.local.insert(key.clone(), value);
            }
        }
        self.changed.push(key);
        self.unapplied = true;
        Ok(())
    }

    /// Puts a setting back to what the connection started with.
    ///
    /// # Errors
    /// SQLSTATE 42704 for a name that is not known.
    pub fn reset(&mut self, name: &str) -> Result<(), Error> {
        let key = key(name)?;
        self.local.remove(&key);
        self.session.remove(&key);
        self.changed.push(key);
        self.unapplied = true;
        Ok(())
    }

    /// Puts every setting back.
    pub fn reset_all(&mut self) {
        self.changed.extend(self.local.keys().cloned());
        self.changed.extend(self.session.keys().cloned());
        self.local.clear();
        self.session.clear();
        self.unapplied = true;
    }

    /// Whether something changed since the last call: the planner's state is to be made anew.
    pub(super) fn take_unapplied(&mut self) -> bool {
        std::mem::take(&mut self.unapplied)
    }

    /// Called when a transaction block opens.
    pub(super) fn begin(&mut self) {
        self.saved = Some(self.session.clone());
    }

    /// Called when a transaction block ends: local values go, and so do the session's where it is
    /// rolled back.
    pub(super) fn end(&mut self, rolled_back: bool) {
        self.unapplied |= rolled_back || !self.local.is_empty();
        self.changed.extend(self.local.keys().cloned());
        self.local.clear();
        if let Some(saved) = self.saved.take()
            && rolled_back
        {
            self.changed.extend(self.session.keys().cloned());
            self.session = saved;
        }
    }

    /// Every setting that clients are told of, with its value: sent when a connection starts.
    pub fn reported(&self) -> Vec<(String, String)> {
        SETTINGS
            .iter()
            .filter(|setting| setting.report)
            .filter_map(|setting| Some((setting.name.to_owned(), self.get(setting.name).ok()?)))
            .collect()
    }

    /// The reported settings that changed since the last call.
    pub fn take_changed(&mut self) -> Vec<(String, String)> {
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort();
        changed.dedup();
        changed
            .iter()
            .filter_map(|name| known(name))
            .filter(|setting| setting.report)
            .filter_map(|setting| Some((setting.name.to_owned(), self.get(setting.name).ok()?)))
            .collect()
    }

    /// Name, value and description of every setting, for SHOW ALL and `pg_settings`.
    pub fn all(&self) -> Vec<(String, String, &'static str)> {
        SETTINGS
            .iter()
            .filter_map(|setting| {
                Some((
                    setting.name.to_owned(),
                    self.get(setting.name).ok()?,
                    setting.description,
                ))
            })
            .collect()
    }

    /// A setting that is a duration, such as `statement_timeout`; `None` for no limit.
    pub fn limit(&self, name: &str) -> Option<std::time::Duration> {
        let text = self.get(name).ok()?;
        match milliseconds(&text) {
            Some(0) | None => None,
            Some(limit) => Some(std::time::Duration::from_millis(limit)),
        }
    }
}

/// The name under which a value is kept.
fn key(name: &str) -> Result<String, Error> {
    match known(name) {
        Some(setting) => Ok(setting.name.to_owned()),
        None if custom(name) => Ok(name.to_ascii_lowercase()),
        None => Err(unknown(name)),
    }
}

/// The canonical name of a setting as `SHOW` heads its column.
pub(crate) fn display_name(name: &str) -> String {
    known(name).map_or_else(|| name.to_owned(), |setting| setting.name.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn rollback_undoes_set_and_commit_ends_local_values() {
        let mut settings = Settings::default();
        settings.begin();
        settings.set("work_mem", "1MB", Scope::Session).unwrap();
        settings.end(true);
        assert_eq!(settings.get("work_mem").unwrap(), "4MB");
        settings.begin();
        settings.set("work_mem", "1MB", Scope::Local).unwrap();
        assert_eq!(settings.get("work_mem").unwrap(), "1MB");
        settings.end(false);
        assert_eq!(settings.get("work_mem").unwrap(), "4MB");
    }

    #[test]
    fn names_are_checked() {
        let mut settings = Settings::default();
        let state = |result: Result<(), Error>| result.unwrap_err().sqlstate();
        assert_eq!(state(settings.set("no_such", "1", Scope::Session)), "42704");
        assert_eq!(
            state(settings.set("datafusion.execution.batch_size", "1", Scope::Session)),
            "42704"
        );
        assert_eq!(state(settings.set("jit", "maybe", Scope::Session)), "22023");
        assert_eq!(
            state(settings.set("server_version", "9", Scope::Session)),
            "55P02"
        );
        settings.set("myapp.user", "ann", Scope::Session).unwrap();
        assert_eq!(settings.get("MyApp.User").unwrap(), "ann");
    }
}
