//! Mappings: how the records of a source become conversations and messages, as data.
//!
//! `file` reads a mapping (TOML) and names its mistakes; `path` finds values; `rule` turns what is
//! found into the value of a column; `apply` makes the rows of one record. The form is described
//! in `docs/import.md`.

mod apply;
mod file;
mod path;
mod rule;
mod toml_reader;

use chrono_tz::Tz;

use super::input::Layout;
use super::time::Micros;
pub(crate) use apply::{Applier, Fault, Place};
pub(crate) use path::Path;
pub(crate) use rule::{Condition, MadeTime, Rule};

/// How one kind of source becomes rows.
#[derive(Debug)]
pub(crate) struct Mapping {
    /// The name by which `--format` knows it.
    pub(crate) name: String,
    /// The system that the rows come from; the first part of every conversation's id.
    pub(crate) source: String,
    /// Where the records are.
    pub(crate) records: Records,
    /// Keys that a record of this source has, by which `--format auto` knows it.
    pub(crate) detect: Vec<Path>,
    /// Columns of the conversation; the first is `id`.
    pub(crate) conversation: Vec<Column>,
    /// The messages of a record, in order.
    pub(crate) messages: Vec<Block>,
    /// How a missing time is made.
    pub(crate) made_time: Option<MadeTime>,
    /// The earliest and the latest time that is believed, where the mapping says so.
    pub(crate) earliest: Option<Micros>,
    pub(crate) latest: Option<Micros>,
}

/// Where the records of a source's files are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Records {
    Json(Layout),
    Csv { delimiter: u8 },
}

/// A column and the rules that give its value: the first that finds one wins.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) rules: Vec<Rule>,
}

/// One message for each element at a path.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) each: Path,
    pub(crate) when: Vec<Condition>,
    pub(crate) columns: Vec<Column>,
}

/// The mappings that come with the program.
const SHIPPED: [(&str, &str); 3] = [
    (
        "twitter-care",
        include_str!("../mappings/twitter-care.toml"),
    ),
    ("bot-airline", include_str!("../mappings/bot-airline.toml")),
    (
        "complaint-chats",
        include_str!("../mappings/complaint-chats.toml"),
    ),
];

impl Mapping {
    /// The names of the mappings that come with the program.
    pub(crate) fn shipped_names() -> impl Iterator<Item = &'static str> {
        SHIPPED.iter().map(|(name, _)| *name)
    }

    /// A mapping that comes with the program.
    pub(crate) fn shipped(name: &str) -> Option<Result<Mapping, super::IngestError>> {
        let (name, text) = SHIPPED.iter().find(|(known, _)| *known == name)?;
        Some(Mapping::parse(&format!("shipped mapping {name}"), text))
    }
}

/// A time zone by its name.
fn zone(name: &str) -> Result<Tz, String> {
    name.parse()
        .map_err(|_| format!("\"{name}\" is no time zone; name one such as \"Europe/Paris\""))
}
