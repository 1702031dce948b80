//! Reads a mapping file.

use chrono_tz::Tz;
use toml::de::{DeTable, DeValue};

use super::path::Path;
use super::rule::{Condition, MadeTime, Origin, Rule, Template, Test};
use super::toml_reader::{Document, Keys, Node, scalar};
use super::{Block, Column, Mapping, Records, zone};
use crate::ingest::IngestError;
use crate::ingest::input::Layout;
use crate::ingest::time::{SNOWFLAKE_EPOCH_MS, TimeFormat, parse_length, parse_time};
use crate::ingest::values::{CHANNELS, ROLES, STATUSES};
use crate::lake::schema::built_in_tables;

type Result<T> = std::result::Result<T, IngestError>;

/// Columns that a mapping may not set: the engine does.
const ENGINE_COLUMNS: [&str; 8] = [
    "conversation_id",
    "source",
    "source_conversation_id",
    "source_message_id",
    "made",
    "ingested_at",
    "version_at",
    "is_deleted",
];

impl Mapping {
    /// Reads the mapping `text`; `file` is named in errors.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Mapping> {
        let document = Document { file, text };
        let table = DeTable::parse(text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            document.fault(span, "TOML", error.message())
        })?;
        let mut keys = Keys::new(document, String::new(), 0..0, table.get_ref());
        let name = required(&mut keys, "name")?;
        // What the source is, for the reader of the file.
        keys.text("about")?;
        let source = required(&mut keys, "source")?;
        if source.contains(':') {
            return Err(keys.fault(
                "source",
                "may not contain a colon: it ends at the first one",
            ));
        }
        let channel = keys.parsed("channel", one_of(&CHANNELS))?;
        let records = records(&mut keys)?;
        let detect = keys.texts("detect")?;
        let detect = detect.iter().map(|path| Path::parse(path));
        let detect = detect
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(|message| keys.fault("detect", message))?;
        let earliest = keys.parsed("earliest", time)?;
        let latest = keys.parsed("latest", time)?;
        let made_time = match keys.take("made_time") {
            Some(node) => Some(made_time(Keys::of(document, "made_time".into(), node)?)?),
            None => None,
        };
        let conversation = conversation(&mut keys, channel)?;
        let messages = messages(&mut keys)?;
        keys.done()?;
        Ok(Mapping {
            name,
            source,
            records,
            detect,
            conversation,
            messages,
            made_time,
            earliest,
            latest,
        })
    }
}

fn required(keys: &mut Keys<'_, '_>, key: &'static str) -> Result<String> {
    keys.text(key)?
        .filter(|text| !text.is_empty())
        .ok_or_else(|| keys.own_fault_at(key, format!("is missing; add {key} = \"…\"")))
}

fn records(keys: &mut Keys<'_, '_>) -> Result<Records> {
    let delimiter = keys.parsed("delimiter", |text| match (text, text.as_bytes()) {
        ("\\t" | "tab", _) => Ok(b'\t'),
        (_, [byte]) => Ok(*byte),
        _ => Err("wants a single character or \"tab\"".into()),
    })?;
    let records = keys.parsed("records", |text| match text {
        "lines" => Ok(Records::Json(Layout::Lines)),
        "values" => Ok(Records::Json(Layout::Values)),
        "csv" => Ok(Records::Csv {
            delimiter: delimiter.unwrap_or(b','),
        }),
        path => Path::parse(path)?
            .array_keys()
            .map(Layout::Array)
            .map(Records::Json)
            .ok_or_else(|| {
                "wants \"lines\", \"values\", \"csv\", or the path of an array such as \"[*]\" \
                 or \"data.items[*]\""
                    .to_string()
            }),
    })?;
    records.ok_or_else(|| {
        keys.own_fault_at(
            "records",
            "is missing; say where the records are: \"lines\", \"[*]\", …",
        )
    })
}

fn made_time(mut keys: Keys<'_, '_>) -> Result<MadeTime> {
    let base = keys.parsed("base", time)?;
    let base = base.ok_or_else(|| keys.own_fault("wants base = \"2024-01-01T00:00:00Z\""))?;
    let spread = keys.parsed("spread", length)?.unwrap_or(0);
    let step = keys.parsed("step", length)?.unwrap_or(60_000_000);
    keys.done()?;
    Ok(MadeTime { base, spread, step })
}

fn conversation(keys: &mut Keys<'_, '_>, channel: Option<String>) -> Result<Vec<Column>> {
    let node = keys.take("conversation").ok_or_else(|| {
        keys.own_fault_at(
            "conversation",
            "is missing; add [conversation] with id = \"…\"",
        )
    })?;
    let table = Keys::of(keys.document, "conversation".into(), node)?;
    let mut columns = columns(&table, "conversations")?;
    let id = columns.iter().position(|column| column.name == "id");
    let id = id.ok_or_else(|| table.own_fault("id is missing: the native id of a conversation"))?;
    columns.swap(0, id);
    if let Some(channel) = channel {
        // What the file says of all conversations comes after what a rule finds for one.
        let rule = constant(channel);
        match columns.iter_mut().find(|column| column.name == "channel") {
            Some(column) => column.rules.push(rule),
            None => columns.push(Column {
                name: "channel".into(),
                rules: vec![rule],
            }),
        }
    }
    if !columns.iter().any(|column| column.name == "channel") {
        let message = "is missing; add channel = \"chat\" at the top or a rule in [conversation]";
        return Err(keys.own_fault_at("channel", message));
    }
    Ok(columns)
}

fn messages(keys: &mut Keys<'_, '_>) -> Result<Vec<Block>> {
    let node = keys.take("message");
    let Some(DeValue::Array(items)) = node.map(toml::Spanned::get_ref) else {
        return Err(keys.own_fault_at("message", "is missing; add at least one [[message]]"));
    };
    let blocks = items.iter().enumerate().map(|(number, node)| {
        let name = format!("message[{number}]");
        let mut table = Keys::of(keys.document, name, node)?;
        let each = table.parsed("each", Path::parse)?;
        let each = each.ok_or_else(|| {
            table.own_fault("each is missing: the path of the messages, \".\" for the record")
        })?;
        let when = conditions(&mut table)?;
        let columns = columns(&table, "messages")?;
        for wanted in ["id", "role"] {
            if !columns.iter().any(|column| column.name == wanted) {
                return Err(table.own_fault(format!("{wanted} is missing")));
            }
        }
        Ok(Block {
            each,
            when,
            columns,
        })
    });
    blocks.collect()
}

/// Every key that is not taken yet is a column of `table_name`.
fn columns(table: &Keys<'_, '_>, table_name: &str) -> Result<Vec<Column>> {
    let known = built_in_tables()
        .ok()
        .and_then(|tables| tables.iter().find(|table| table.name == table_name));
    let columns = table.others().map(|(key, node)| {
        let known = known.is_none_or(|known| known.columns.index_of(key).is_ok());
        let score = table_name == "messages" && crate::ingest::values::is_score(key);
        if key != "id" && (!known || ENGINE_COLUMNS.contains(&key) || score) {
            let message = match known {
                true => "is set by the engine; take the line out".to_string(),
                false => format!(
                    "is no column of {table_name}; what is not mapped goes into attributes by itself"
                ),
            };
            return Err(table.fault(key, message));
        }
        let rules = rules(table.document, table.path(key), node, key)?;
        Ok(Column { name: key.to_string(), rules })
    });
    columns.collect()
}

fn rules(document: Document<'_>, name: String, node: &Node<'_>, column: &str) -> Result<Vec<Rule>> {
    match node.get_ref() {
        DeValue::Array(items) => {
            let rules = items
                .iter()
                .map(|item| rules(document, name.clone(), item, column));
            Ok(rules
                .collect::<Result<Vec<_>>>()?
                .into_iter()
                .flatten()
                .collect())
        }
        DeValue::Table(_) => {
            let rule = rule(Keys::of(document, name, node)?, column)?;
            Ok(vec![rule])
        }
        _ => {
            let text = scalar(node).unwrap_or_default();
            let origin = match text.contains('{') {
                true => Template::parse(&text).map(Origin::Template),
                false => Path::parse(&text).map(|path| Origin::Paths(vec![path])),
            };
            let origin = origin.map_err(|message| document.fault(node.span(), name, message))?;
            Ok(vec![plain(origin)])
        }
    }
}

fn rule(mut keys: Keys<'_, '_>, column: &str) -> Result<Rule> {
    let paths = keys.texts("path")?;
    let paths = paths.iter().map(|path| Path::parse(path));
    let paths = paths
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|message| keys.fault("path", message))?;
    let template = keys.parsed("template", Template::parse)?;
    let made = keys.parsed("made", Template::parse)?;
    let value = keys.parsed("value", allowed(column))?;
    let origins = [
        (!paths.is_empty()).then_some(Origin::Paths(paths)),
        template.map(Origin::Template),
        made.map(Origin::Made),
        value.map(Origin::Constant),
    ];
    let mut origins = origins.into_iter().flatten();
    let (Some(origin), None) = (origins.next(), origins.next()) else {
        return Err(keys.own_fault("wants exactly one of path, template, value and made"));
    };
    let when = conditions(&mut keys)?;
    let map = match keys.take("map") {
        Some(node) => Some(value_map(
            Keys::of(keys.document, keys.path("map"), node)?,
            column,
        )?),
        None => None,
    };
    let default = keys.parsed("default", allowed(column))?;
    if default.is_some() && map.is_none() {
        return Err(keys.fault("default", "belongs to a map; add a further rule instead"));
    }
    let rule = Rule {
        when,
        origin,
        map,
        default,
        time: time_format(&mut keys)?,
        join: keys.text("join")?,
        split: keys.text("split")?,
        keep: keys.truth("keep")?.unwrap_or(false),
    };
    keys.done()?;
    Ok(rule)
}

fn time_format(keys: &mut Keys<'_, '_>) -> Result<Option<TimeFormat>> {
    let zone = keys.parsed("zone", zone)?;
    let epoch = keys.parsed("epoch", time)?;
    let format = keys.parsed("time", |text| {
        Ok(match text {
            "iso" => TimeFormat::Iso(zone.unwrap_or(Tz::UTC)),
            "unix_s" => TimeFormat::UnixSeconds,
            "unix_ms" => TimeFormat::UnixMillis,
            "unix_us" => TimeFormat::UnixMicros,
            "snowflake" => {
                TimeFormat::Snowflake(epoch.map_or(SNOWFLAKE_EPOCH_MS, |micros| micros / 1000))
            }
            pattern if pattern.contains('%') => {
                TimeFormat::Pattern(pattern.to_string(), zone.unwrap_or(Tz::UTC))
            }
            _ => {
                return Err(
                    "wants iso, unix_s, unix_ms, unix_us, snowflake or a pattern such as \
                            \"%d/%m/%Y %H:%M\""
                        .into(),
                );
            }
        })
    })?;
    match (format, zone) {
        (None, Some(zone)) => Ok(Some(TimeFormat::Iso(zone))),
        (format, _) => Ok(format),
    }
}

fn value_map(keys: Keys<'_, '_>, column: &str) -> Result<Vec<(String, String)>> {
    let entries = keys.others().map(|(from, node)| {
        let to = scalar(node).ok_or_else(|| keys.fault(from, "wants text"))?;
        let to = allowed(column)(&to).map_err(|message| keys.fault(from, message))?;
        Ok((from.to_lowercase(), to))
    });
    entries.collect()
}

fn conditions(keys: &mut Keys<'_, '_>) -> Result<Vec<Condition>> {
    let Some(node) = keys.take("when") else {
        return Ok(Vec::new());
    };
    let name = keys.path("when");
    match node.get_ref() {
        DeValue::Array(items) => items
            .iter()
            .map(|item| condition(Keys::of(keys.document, name.clone(), item)?))
            .collect(),
        _ => Ok(vec![condition(Keys::of(keys.document, name, node)?)?]),
    }
}

fn condition(mut keys: Keys<'_, '_>) -> Result<Condition> {
    let path = keys.parsed("path", Path::parse)?;
    let path = path.ok_or_else(|| keys.own_fault("path is missing"))?;
    let equals = keys.texts("equals")?;
    let differs = keys.texts("differs")?;
    let tests = [
        keys.truth("exists")?.map(Test::Exists),
        (!equals.is_empty()).then_some(Test::Equals(equals)),
        (!differs.is_empty()).then_some(Test::Differs(differs)),
        keys.parsed("equals_path", Path::parse)?
            .map(Test::EqualsPath),
        keys.parsed("differs_path", Path::parse)?
            .map(Test::DiffersPath),
    ];
    let mut tests = tests.into_iter().flatten();
    let (Some(test), None) = (tests.next(), tests.next()) else {
        let message = "wants exactly one of exists, equals, differs, equals_path, differs_path";
        return Err(keys.own_fault(message));
    };
    keys.done()?;
    Ok(Condition { path, test })
}

fn plain(origin: Origin) -> Rule {
    Rule {
        when: Vec::new(),
        origin,
        map: None,
        default: None,
        time: None,
        join: None,
        split: None,
        keep: false,
    }
}

fn constant(text: String) -> Rule {
    plain(Origin::Constant(text))
}

fn time(text: &str) -> std::result::Result<i64, String> {
    parse_time(text).ok_or_else(|| format!("\"{text}\" is no time such as 2024-01-01T00:00:00Z"))
}

fn length(text: &str) -> std::result::Result<i64, String> {
    let message = || format!("\"{text}\" is no length of time such as 30s, 5m, 2h, 90d");
    parse_length(text).ok_or_else(message)
}

/// Checks a constant against the values that its column allows.
fn allowed(column: &str) -> impl Fn(&str) -> std::result::Result<String, String> {
    let values: &'static [&'static str] = match column {
        "role" => &ROLES,
        "channel" => &CHANNELS,
        "status" => &STATUSES,
        _ => &[],
    };
    one_of(values)
}

fn one_of(values: &'static [&'static str]) -> impl Fn(&str) -> std::result::Result<String, String> {
    move |text| match values.is_empty() || values.contains(&text) {
        true => Ok(text.to_string()),
        false => Err(format!("\"{text}\" is none of {}", values.join(", "))),
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
