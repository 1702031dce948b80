//! Tells the form of a file from its beginning.

use std::sync::Arc;

use serde_json::Value;

use super::Format;
use super::canonical::Canonical;
use super::head::Head;
use crate::ingest::mapping::Mapping;

impl Head {
    /// The form of the file, by its first record whose form is known.
    ///
    /// # Errors
    /// What was found instead and what mends it.
    pub(super) fn format(&self) -> Result<Format, String> {
        if self.is_parquet() {
            return Ok(Format::Parquet);
        }
        if !self.lines && !matches!(self.first_byte(), Some(b'{' | b'[')) {
            return self.csv();
        }
        let json = if self.lines {
            Format::Lines
        } else {
            Format::Json
        };
        let mut first = None;
        for object in self.objects() {
            if let Some(format) = of_record(&object, &json) {
                return Ok(format);
            }
            first.get_or_insert(object);
        }
        let Some(Value::Object(members)) = first else {
            // What is wrong with the records is said when they are read.
            return Ok(json);
        };
        let names: Vec<_> = members.keys().take(8).map(String::as_str).collect();
        Err(unknown(&format!(
            "a record has the members {}",
            names.join(", ")
        )))
    }

    fn csv(&self) -> Result<Format, String> {
        let line = self
            .text()
            .split(|byte| matches!(byte, b'\n' | b'\r'))
            .next()
            .unwrap_or_default();
        let header = String::from_utf8_lossy(line);
        let names: Vec<_> = header
            .split(',')
            .map(|name| name.trim().trim_matches('"'))
            .collect();
        if Canonical::knows(names.iter().copied()) {
            return Ok(Format::Csv);
        }
        let shown: String = header.chars().take(60).collect();
        Err(unknown(&format!("it begins with \"{}\"", shown.trim())))
    }
}

/// The form that a record is in; `json` where its members are named as our columns.
fn of_record(record: &Value, json: &Format) -> Option<Format> {
    let members = record.as_object()?;
    if Canonical::knows(members.keys().map(String::as_str)) {
        return Some(json.clone());
    }
    let mut shipped = Mapping::shipped_names()
        .filter_map(Mapping::shipped)
        .flatten();
    let found = shipped.find(|mapping| {
        let mut paths = mapping.detect.iter();
        !mapping.detect.is_empty() && paths.all(|path| path.first(record).is_some())
    });
    found.map(|mapping| Format::Mapping(Arc::new(mapping)))
}

fn unknown(found: &str) -> String {
    let shipped: Vec<_> = Mapping::shipped_names().collect();
    format!(
        "no format is known by itself here: {found}. Name one with --format: jsonl, json, csv, \
         parquet, {}, or a mapping file of your own (see docs/import.md)",
        shipped.join(", ")
    )
}
