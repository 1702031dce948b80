//! Which settings there are: their names, defaults and what they take.

use crate::error::{Error, sqlstate};

/// What a setting takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
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
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) default: &'static str,
    pub(super) kind: Kind,
    /// Whether clients are told of every change (ParameterStatus).
    pub(super) report: bool,
    pub(super) description: &'static str,
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

/// The same, of whose changes clients are told.
const fn reported(
    name: &'static str,
    default: &'static str,
    kind: Kind,
    description: &'static str,
) -> Setting {
    Setting {
        report: true,
        ..setting(name, default, kind, description)
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
pub(super) static SETTINGS: &[Setting] = &[
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

pub(super) fn known(name: &str) -> Option<&'static Setting> {
    let name = match name.to_ascii_lowercase().as_str() {
        "timezone" | "time zone" => "TimeZone",
        "names" => "client_encoding",
        _ => name,
    };
    SETTINGS
        .iter()
        .find(|setting| setting.name.eq_ignore_ascii_case(name))
}

pub(super) fn unknown(name: &str) -> Error {
    Error::statement(
        sqlstate::UNDEFINED_OBJECT,
        format!("unrecognized configuration parameter \"{name}\""),
    )
}

/// Whether a name is one of the client's own, such as `myapp.user`: any with a dot whose first
/// part is not one of the engine's.
pub(super) fn custom(name: &str) -> bool {
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
