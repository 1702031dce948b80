//! Tells the form of a file from its first bytes.

use std::io::{self, Cursor, Read};
use std::sync::Arc;

use serde_json::Value;

use super::Format;
use super::canonical::Canonical;
use crate::ingest::IngestError;
use crate::ingest::input::{Layout, Splitter};
use crate::ingest::mapping::Mapping;

/// Bytes that are looked at: enough for the first record of most files.
const HEAD: u64 = 4 << 20;

/// The beginning of a file and a reader of all of it.
pub(super) struct Head {
    bytes: Vec<u8>,
}

pub(super) type Source = Box<dyn Read + Send>;

impl Head {
    /// Reads the beginning; the reader returned gives it again.
    pub(super) fn read(mut source: Source) -> io::Result<(Head, Source)> {
        let mut bytes = Vec::new();
        source.by_ref().take(HEAD).read_to_end(&mut bytes)?;
        let whole = Read::chain(Cursor::new(bytes.clone()), source);
        Ok((Head { bytes }, Box::new(whole)))
    }

    /// Whether the file holds nothing but blanks, as far as was read.
    pub(super) fn is_blank(&self) -> bool {
        self.text().iter().all(u8::is_ascii_whitespace)
    }

    pub(super) fn is_parquet(&self) -> bool {
        self.bytes.starts_with(b"PAR1")
    }

    fn text(&self) -> &[u8] {
        self.bytes
            .strip_prefix(b"\xEF\xBB\xBF")
            .unwrap_or(&self.bytes)
    }

    fn first_byte(&self) -> Option<u8> {
        self.text()
            .iter()
            .copied()
            .find(|byte| !byte.is_ascii_whitespace())
    }

    /// Where the records of a JSON file without a mapping are.
    pub(super) fn layout(&self) -> Layout {
        if self.first_byte() == Some(b'[') {
            return Layout::Array(Vec::new());
        }
        let line = self
            .text()
            .trim_ascii_start()
            .split(|byte| *byte == b'\n')
            .next();
        // A first line that opens what it does not close belongs to a value of several lines.
        match serde_json::from_slice::<serde::de::IgnoredAny>(line.unwrap_or_default()) {
            Err(error) if error.is_eof() && self.bytes.contains(&b'\n') => Layout::Values,
            _ => Layout::Lines,
        }
    }

    /// The form of the file, by its first record.
    pub(super) fn format(&self, file: &str) -> Result<Format, IngestError> {
        if self.is_parquet() {
            return Ok(Format::Parquet);
        }
        if !matches!(self.first_byte(), Some(b'{' | b'[')) {
            return self.csv(file);
        }
        let mut splitter = Splitter::new(Cursor::new(&self.bytes), self.layout(), HEAD as usize);
        // The first record may be broken; a later one tells as well.
        let mut record = None;
        while let Some(Ok(found)) = splitter.next() {
            if let Ok(value) = serde_json::from_slice::<Value>(found.bytes) {
                record = Some(value);
                break;
            }
        }
        let Some(Value::Object(members)) = &record else {
            return match record {
                Some(_) => Err(unknown(file, "its records are no objects")),
                // What is wrong with the records is said when they are read.
                None => Ok(Format::Json),
            };
        };
        if Canonical::knows(members.keys().map(String::as_str)) {
            return Ok(Format::Json);
        }
        let record = record.as_ref().unwrap_or(&Value::Null);
        for name in Mapping::shipped_names() {
            if let Some(Ok(mapping)) = Mapping::shipped(name)
                && !mapping.detect.is_empty()
                && mapping
                    .detect
                    .iter()
                    .all(|path| path.first(record).is_some())
            {
                return Ok(Format::Mapping(Arc::new(mapping)));
            }
        }
        let names: Vec<_> = members.keys().take(8).map(String::as_str).collect();
        Err(unknown(
            file,
            &format!("a record has the members {}", names.join(", ")),
        ))
    }

    fn csv(&self, file: &str) -> Result<Format, IngestError> {
        let line = self
            .text()
            .split(|byte| *byte == b'\n')
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
        Err(unknown(
            file,
            &format!("it begins with \"{}\"", shown.trim()),
        ))
    }
}

fn unknown(file: &str, found: &str) -> IngestError {
    let shipped: Vec<_> = Mapping::shipped_names().collect();
    IngestError::format(
        file,
        format!(
            "no format is known by itself here: {found}. Name one with --format: jsonl, csv, \
             parquet, {}, or a mapping file of your own (see docs/import.md)",
            shipped.join(", ")
        ),
    )
}
