//! The settings of a session: which there are, what they take, what SET, SHOW and RESET do.

use std::collections::BTreeMap;

use crate::error::{Error, sqlstate};

/// What a setting takes.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Any text.
    Text,
    /// `on` or `off`, in any of PostgreSQL's spellings.
    Bool,
    /// A whole number in a range.
    Integer(i64, i64),
    /// A duration in milliseconds, or a number with a unit.
    Duration,
    /// One of some words, in any case.
    Word(&'static [&'static str]),
    /// The name of a time zone or an offset from UTC.
    TimeZone,
    /// Shown, never changed.
    Fixed,
}

/// One known setting.
struct Setting {
    name: &'static str,
    default: &'static str,
    kind: Kind,
    /// Whether clients are told of every change (ParameterStatus).
    report: bool,
    description: &'static str,
}

const fn setting(
    name: &'static str,
    default: &'static str,
    kind: Kind,
    description: &'static str,
) -> Setting {
    Setting {
        name,
        default,
        kind,
        report: false,
        description,
    }
}

const fn reported(
    name: &'static str,
    default: &'static str,
    kind: Kind,
    description: &'static str,
) -> Setting {
    Setting {
        name,
        default,
        kind,
        report: true,
        description,
    }
}

/// The PostgreSQL version whose behaviour clients may expect.
pub const SERVER_VERSION: &str = "15.8";

/// The same as a number, as `server_version_num` gives it.
const SERVER_VERSION_NUM: &str = "150008";

const ISOLATION: &[&str] = &[
    "serializable",
    "repeatable read",
    "read committed",
    "read uncommitted",
];

/// Every known setting, by name.
static SETTINGS: &[Setting] = &[
    reported("application_name", "", Kind::Text, "Name of the client."),
    setting(
        "backslash_quote",
        "safe_encoding",
        Kind::Text,
        "Accepted for clients; no effect.",
    ),
    setting(
        "bytea_output",
        "hex",
        Kind::Word(&["hex"]),
        "How bytea is written.",
    ),
    setting(
        "check_function_bodies",
        "on",
        Kind::Bool,
        "Accepted for clients; no effect.",
    ),
    reported(
        "client_encoding",
        "UTF8",
        Kind::Word(&["UTF8", "UTF-8", "UNICODE"]),
        "Encoding of the client.",
    ),
    setting(
        "client_min_messages",
        "notice",
        Kind::Text,
        "Least severe message that is sent.",
    ),
    reported(
        "DateStyle",
        "ISO, MDY",
        Kind::Text,
        "How dates are written: ISO only.",
    ),
    setting(
        "default_tablespace",
        "",
        Kind::Text,
        "Accepted for clients; no effect.",
    ),
    setting(
        "default_transaction_isolation",
        "repeatable read",
        Kind::Word(ISOLATION),
        "Isolation of new transactions.",
    ),
    setting(
        "default_transaction_read_only",
        "off",
        Kind::Bool,
        "Whether new transactions refuse writes.",
    ),
    setting(
        "default_table_access_method",
        "heap",
        Kind::Text,
        "Accepted for clients; no effect.",
    ),
    setting(
        "escape_string_warning",
        "on",
        Kind::Bool,
        "Accepted for clients; no effect.",
    ),
    setting(
        "extra_float_digits",
        "1",
        Kind::Integer(-15, 3),
        "Digits of floating-point numbers; always the shortest exact text.",
    ),
    setting(
        "idle_in_transaction_session_timeout",
        "0",
        Kind::Duration,
        "Longest idle time in a transaction.",
    ),
    setting(
        "idle_session_timeout",
        "0",
        Kind::Duration,
        "Longest idle time of a session.",
    ),
    reported(
        "in_hot_standby",
        "off",
        Kind::Fixed,
        "Whether the server only reads.",
    ),
    reported(
        "integer_datetimes",
        "on",
        Kind::Fixed,
        "How times are stored.",
    ),
    reported(
        "IntervalStyle",
        "postgres",
        Kind::Word(&["postgres"]),
        "How intervals are written.",
    ),
    setting("jit", "off", Kind::Bool, "Accepted for clients; no effect."),
    setting("lc_collate", "C", Kind::Fixed, "Order of texts."),
    setting("lc_ctype", "C.UTF-8", Kind::Fixed, "Classes of characters."),
    setting("lc_messages", "C", Kind::Text, "Language of messages."),
    setting("lc_monetary", "C", Kind::Text, "How money is written."),
    setting("lc_numeric", "C", Kind::Text, "How numbers are written."),
    setting("lc_time", "C", Kind::Text, "Language of dates."),
    setting(
        "lock_timeout",
        "0",
        Kind::Duration,
        "Accepted for clients; statements take no locks.",
    ),
    setting(
        "max_identifier_length",
        "63",
        Kind::Fixed,
        "Length that clients may rely on.",
    ),
    setting(
        "max_index_keys",
        "32",
        Kind::Fixed,
        "Columns of an index, for clients that ask.",
    ),
    setting(
        "quote_all_identifiers",
        "off",
        Kind::Bool,
        "Accepted for clients; no effect.",
    ),
    setting(
        "row_security",
        "on",
        Kind::Bool,
        "Accepted for clients; no effect.",
    ),
    setting(
        "search_path",
        "\"$user\", public, verbatim",
        Kind::Text,
        "Schemas that unqualified names are looked up in.",
    ),
    reported(
        "server_encoding",
        "UTF8",
        Kind::Fixed,
        "Encoding of stored text.",
    ),
    reported(
        "server_version",
        SERVER_VERSION,
        Kind::Fixed,
        "PostgreSQL version that clients may expect.",
    ),
    setting(
        "server_version_num",
        SERVER_VERSION_NUM,
        Kind::Fixed,
        "The same as a number.",
    ),
    reported(
        "session_authorization",
        "",
        Kind::Fixed,
        "User of the session.",
    ),
    setting("ssl", "off", Kind::Fixed, "Whether the server offers TLS."),
    reported(
        "standard_conforming_strings",
        "on",
        Kind::Word(&["on"]),
        "Backslashes in texts are plain characters.",
    ),
    setting(
        "statement_timeout",
        "0",
        Kind::Duration,
        "Longest run of a statement; 0 for no limit.",
    ),
    setting(
        "synchronize_seqscans",
        "on",
        Kind::Bool,
        "Accepted for clients; no effect.",
    ),
    setting(
        "synchronous_commit",
        "on",
        Kind::Text,
        "Accepted for clients; every commit is durable.",
    ),
    reported(
        "TimeZone",
        "UTC",
        Kind::TimeZone,
        "Zone in which times are shown and read.",
    ),
    setting(
        "transaction_isolation",
        "repeatable read",
        Kind::Word(ISOLATION),
        "Isolation of this transaction.",
    ),
    setting(
        "transaction_read_only",
        "off",
        Kind::Bool,
        "Whether this transaction refuses writes.",
    ),
    setting(
        "verbatim.stored_scores",
        "on",
        Kind::Bool,
        "Whether scores are read from their columns where they are current.",
    ),
    setting(
        "work_mem",
        "4MB",
        Kind::Text,
        "Accepted for clients; memory is bounded for the whole server.",
    ),
    setting(
        "xmloption",
        "content",
        Kind::Text,
        "Accepted for clients; no effect.",
    ),
];

fn known(name: &str) -> Option<&'static Setting> {
    let name = match name.to_ascii_lowercase().as_str() {
        "timezone" | "time zone" => "TimeZone",
        "names" => "client_encoding",
        _ => name,
    };
    SETTINGS
        .iter()
        .find(|setting| setting.name.eq_ignore_ascii_case(name))
}

fn unknown(name: &str) -> Error {
    Error::statement(
        sqlstate::UNDEFINED_OBJECT,
        format!("unrecognized configuration parameter \"{name}\""),
    )
}

/// Whether a name is one of the client's own, such as `myapp.user`: any with a dot whose first
/// part is not one of the engine's.
fn custom(name: &str) -> bool {
    match name.split_once('.') {
        Some((prefix, rest)) => {
            !prefix.is_empty()
                && !rest.is_empty()
                && !prefix.eq_ignore_ascii_case("verbatim")
                && !prefix.eq_ignore_ascii_case("datafusion")
        }
        None => false,
    }
}

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

fn canonical(setting: &Setting, value: &str) -> Result<String, Error> {
    let refuse = || {
        Error::statement(
            sqlstate::INVALID_PARAMETER_VALUE,
            format!(
                "invalid value for parameter \"{}\": \"{value}\"",
                setting.name
            ),
        )
    };
    match setting.kind {
        Kind::Fixed => Err(Error::statement(
            sqlstate::CANT_CHANGE_RUNTIME_PARAM,
            format!("parameter \"{}\" cannot be changed", setting.name),
        )),
        Kind::Text if setting.name == "DateStyle" => date_style(value).ok_or_else(refuse),
        Kind::Text => Ok(value.to_owned()),
        Kind::Bool => boolean(value)
            .map(|on| if on { "on" } else { "off" }.to_owned())
            .ok_or_else(refuse),
        Kind::Integer(least, most) => match value.trim().parse::<i64>() {
            Ok(number) if (least..=most).contains(&number) => Ok(number.to_string()),
            _ => Err(refuse()),
        },
        Kind::Duration => match milliseconds(value) {
            Some(limit) => Ok(duration_text(limit)),
            None => Err(refuse()),
        },
        Kind::Word(words) => {
            // Some clients quote the name of the encoding.
            let value = value.trim_matches('\'');
            let found = words.iter().find(|word| word.eq_ignore_ascii_case(value));
            match found {
                Some(_) if setting.name == "client_encoding" => Ok("UTF8".to_owned()),
                Some(word) => Ok((*word).to_owned()),
                None => Err(refuse()),
            }
        }
        Kind::TimeZone => time_zone(value).ok_or_else(refuse),
    }
}

/// `ISO, MDY` and its relatives: the output is always ISO, the field order is remembered.
fn date_style(value: &str) -> Option<String> {
    let mut order = "MDY";
    for word in value.split(',').map(str::trim) {
        match word.to_ascii_uppercase().as_str() {
            "ISO" | "DEFAULT" => {}
            "MDY" | "US" | "NONEURO" | "NONEUROPEAN" => order = "MDY",
            "DMY" | "EURO" | "EUROPEAN" => order = "DMY",
            "YMD" => order = "YMD",
            _ => return None,
        }
    }
    Some(format!("ISO, {order}"))
}

/// PostgreSQL's spellings of a boolean.
pub(crate) fn boolean(value: &str) -> Option<bool> {
    match value.trim().to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "t" | "y" | "1" => Some(true),
        "off" | "false" | "no" | "f" | "n" | "0" => Some(false),
        _ => None,
    }
}

/// A duration such as `1500`, `90s` or `5 min`, in milliseconds.
fn milliseconds(value: &str) -> Option<u64> {
    let value = value.trim();
    let digits = value
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(value.len());
    let number: f64 = value[..digits].parse().ok()?;
    let unit = match value[digits..].trim() {
        "" | "ms" => 1.0,
        "us" => 0.001,
        "s" => 1_000.0,
        "min" => 60_000.0,
        "h" => 3_600_000.0,
        "d" => 86_400_000.0,
        _ => return None,
    };
    let limit = (number * unit).round();
    (limit <= f64::from(i32::MAX)).then_some(limit as u64)
}

fn duration_text(milliseconds: u64) -> String {
    match milliseconds {
        0 => "0".to_owned(),
        n if n % 3_600_000 == 0 => format!("{}h", n / 3_600_000),
        n if n % 60_000 == 0 => format!("{}min", n / 60_000),
        n if n % 1_000 == 0 => format!("{}s", n / 1_000),
        n => format!("{n}ms"),
    }
}

/// A time zone's canonical name; offsets become `+HH:MM`.
fn time_zone(value: &str) -> Option<String> {
    let value = value.trim();
    if ["utc", "gmt", "default", "local", "z", "etc/utc", "zulu"]
        .contains(&value.to_ascii_lowercase().as_str())
    {
        return Some("UTC".to_owned());
    }
    if let Some(zone) = chrono_tz::TZ_VARIANTS
        .iter()
        .find(|zone| zone.name().eq_ignore_ascii_case(value))
    {
        return Some(zone.name().to_owned());
    }
    offset(value)
}

fn offset(value: &str) -> Option<String> {
    let (sign, rest) = match value.as_bytes().first()? {
        b'-' => ('-', &value[1..]),
        b'+' => ('+', &value[1..]),
        _ => ('+', value),
    };
    let (hours, minutes) = match rest.split_once(':') {
        Some((hours, minutes)) => (hours.parse::<u32>().ok()?, minutes.parse::<u32>().ok()?),
        None => (rest.parse::<u32>().ok()?, 0),
    };
    if hours > 15 || minutes > 59 {
        return None;
    }
    match (hours, minutes) {
        (0, 0) => Some("UTC".to_owned()),
        _ => Some(format!("{sign}{hours:02}:{minutes:02}")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_default_is_a_value_that_the_setting_takes() {
        for setting in SETTINGS {
            if !matches!(setting.kind, Kind::Fixed) {
                canonical(setting, setting.default).unwrap();
            }
        }
    }

    #[test]
    fn durations_take_units() {
        assert_eq!(milliseconds("1500"), Some(1500));
        assert_eq!(milliseconds("2s"), Some(2000));
        assert_eq!(milliseconds("5 min"), Some(300_000));
        assert_eq!(milliseconds("soon"), None);
        assert_eq!(duration_text(300_000), "5min");
    }

    #[test]
    fn zones_are_names_or_offsets() {
        assert_eq!(time_zone("europe/berlin").as_deref(), Some("Europe/Berlin"));
        assert_eq!(time_zone("-3").as_deref(), Some("-03:00"));
        assert_eq!(time_zone("+05:30").as_deref(), Some("+05:30"));
        assert_eq!(time_zone("Nowhere/Land"), None);
    }

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
