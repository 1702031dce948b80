//! Reads one source into batches of rows.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value};
use tokio::runtime::Handle;

use super::canonical::{Canonical, Defaults, definition, writable};
use super::digits::exact;
use super::head::Head;
use super::object::Object;
use super::{Format, parquet, parquet_open, too_long};
use crate::ingest::columns::{Cell, TableBuilder, shorten};
use crate::ingest::input::{
    self, CsvSplitter, Fault as Broken, Layout, MOST_COLUMNS, Source, Splitter,
};
use crate::ingest::mapping::{Applier, Fault, Mapping, Place, Records};
use crate::ingest::rows::{Origin, Rows};
use crate::ingest::{IngestError, Reject};
use crate::lake::built_in_tables;

/// How sources are read.
#[derive(Debug, Clone)]
pub(crate) struct ReadOptions {
    pub(crate) format: Format,
    /// Fill this table alone, from files in our own form.
    pub(crate) table: Option<String>,
    pub(crate) defaults: Defaults,
    /// Records of more bytes than this are rejected.
    pub(crate) record_limit: usize,
    /// Rows and bytes at which a batch is handed on.
    pub(crate) batch_rows: usize,
    pub(crate) batch_bytes: usize,
}

/// A batch of rows with the rejects on the way to it.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) rows: Rows,
    pub(crate) rejects: Vec<Reject>,
    /// Records read.
    pub(crate) records: u64,
    /// Bounds for times that the source's mapping sets.
    pub(crate) bounds: (Option<i64>, Option<i64>),
}

/// What reading one source needs.
pub(crate) struct Reading<'a> {
    pub(crate) source: &'a Source,
    pub(crate) options: &'a ReadOptions,
    pub(crate) runtime: &'a Handle,
    /// Grows by the stored bytes read.
    pub(crate) count: Arc<AtomicU64>,
    /// Takes a batch; `Break` ends the reading.
    pub(crate) take: &'a mut dyn FnMut(Chunk) -> ControlFlow<()>,
}

enum Filler<'m> {
    Mapped(Box<Applier<'m>>),
    Canonical(Box<Canonical>),
}

/// Reads a source to its end. Blocks; call it on a thread that may.
///
/// # Errors
/// What is wrong with the import as a whole, such as a table that does not exist. What is wrong
/// with the source is rejected: record by record, or as a whole.
pub(crate) fn read(reading: Reading<'_>) -> Result<(), IngestError> {
    let (size, count) = (reading.source.size, Arc::clone(&reading.count));
    let begun = count.load(Ordering::Relaxed);
    let done = read_source(reading, begun);
    if let Some(size) = size {
        // Not all of a file that is rejected is read.
        count.store(begun + size, Ordering::Relaxed);
    }
    done
}

fn read_source(reading: Reading<'_>, begun: u64) -> Result<(), IngestError> {
    let options = reading.options;
    let name = &reading.source.name;
    let opened = input::open(reading.source, reading.runtime, Arc::clone(&reading.count));
    let mut run = Run {
        reading,
        chunk: Chunk::default(),
        number: 0,
        stopped: false,
    };
    let (head, mut bytes) = match opened {
        Ok(bytes) => Head::read(bytes, name, &options.format),
        Err(error) => {
            run.broken(Broken::Io { line: 1, error });
            return run.flush(None);
        }
    };
    if head.is_blank() {
        // Nothing is left but the error that has ended the reading, if one has.
        match io::copy(&mut bytes, &mut io::sink()) {
            Ok(_) => run.reject(1, Fault::new("", "the file is empty")),
            Err(error) => run.broken(Broken::Io { line: 1, error }),
        }
        return run.flush(None);
    }
    let format = match &options.format {
        Format::Auto => match head.format() {
            Ok(found) => found,
            // A table that was named says what the records are.
            Err(_) if options.table.is_some() => Format::Json,
            Err(reason) => {
                run.reject(1, Fault::new("", reason));
                return run.flush(None);
            }
        },
        named => named.clone(),
    };
    match format {
        Format::Parquet => {
            drop(bytes);
            run.parquet(begun)
        }
        Format::Mapping(mapping) => {
            run.chunk.bounds = (mapping.earliest, mapping.latest);
            let filler = run.mapped(&mapping)?;
            match &mapping.records {
                Records::Csv { delimiter } => run.csv(bytes, *delimiter, filler),
                Records::Json(layout) => run.json(bytes, layout.clone(), filler),
            }
        }
        Format::Csv => {
            let filler = run.canonical()?;
            run.csv(bytes, b',', filler)
        }
        Format::Lines => {
            let filler = run.canonical()?;
            run.json(bytes, Layout::Lines, filler)
        }
        Format::Json | Format::Auto => {
            let filler = run.canonical()?;
            run.json(bytes, head.layout(), filler)
        }
    }
}

struct Run<'a> {
    reading: Reading<'a>,
    chunk: Chunk,
    /// Number of the next record.
    number: u64,
    stopped: bool,
}

impl Run<'_> {
    fn mapped<'m>(&self, mapping: &'m Mapping) -> Result<Filler<'m>, IngestError>
    where
        Self: 'm,
    {
        let tables = built_in_tables()?;
        let builder = |name: &str| {
            Ok::<_, IngestError>(TableBuilder::new(&writable(&*definition(tables, name)?)))
        };
        let source = self.reading.options.defaults.source.clone();
        let applier = Applier::new(
            mapping,
            source,
            builder("conversations")?,
            builder("messages")?,
        );
        let applier = applier.ok_or_else(|| {
            IngestError::format(
                &mapping.name,
                "the tables lack columns that a mapping fills",
            )
        })?;
        Ok(Filler::Mapped(Box::new(applier)))
    }

    fn canonical<'m>(&self) -> Result<Filler<'m>, IngestError> {
        let tables = built_in_tables()?;
        let table = self.reading.options.table.as_deref();
        let table = table.filter(|table| !matches!(*table, "messages" | "conversations"));
        let table = table.map(|table| definition(tables, table)).transpose()?;
        Ok(Filler::Canonical(Box::new(Canonical::new(
            &*definition(tables, "messages")?,
            &*definition(tables, "conversations")?,
            table.as_deref(),
            self.reading.options.defaults.clone(),
        ))))
    }

    fn reject(&mut self, line: u64, fault: Fault) {
        self.chunk.rejects.push(Reject {
            file: self.reading.source.name.clone(),
            line,
            field: fault.field,
            reason: fault.reason,
        });
    }

    fn broken(&mut self, fault: Broken) {
        let (line, reason) = match fault {
            Broken::Io { line, error } => {
                let place = match self.number {
                    0 => String::new(),
                    number => format!(" on after record {number}"),
                };
                (line, format!("the file cannot be read{place}: {error}"))
            }
            Broken::TooLong { line } => (line, too_long(self.reading.options.record_limit)),
            Broken::Quote { line, problem } => (
                line,
                format!(
                    "malformed CSV: {problem}; a field with a quote stands in quotes, and each \
                     quote in it is doubled"
                ),
            ),
            Broken::Unfinished { line } => (
                line,
                "malformed JSON: the record does not end (a bracket or quote is missing, or a line \
                 break stands in a text)"
                    .into(),
            ),
            Broken::NoArray { line, message } => (line, message),
        };
        self.reject(line, Fault::new("", reason));
    }

    fn json(
        &mut self,
        bytes: Box<dyn Read + Send>,
        layout: Layout,
        mut filler: Filler<'_>,
    ) -> Result<(), IngestError> {
        let mut splitter = Splitter::new(bytes, layout, self.reading.options.record_limit);
        while !self.stopped {
            match splitter.next() {
                None => break,
                Some(Ok(record)) => self.json_record(record.line, record.bytes, &mut filler),
                Some(Err(fault)) => self.broken(fault),
            }
            self.chunk.records += 1;
            self.number += 1;
            self.flush_full(&mut filler)?;
        }
        self.flush(Some(&mut filler))
    }

    fn json_record(&mut self, line: u64, bytes: &[u8], filler: &mut Filler<'_>) {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let field = nearest_key(&bytes[..error.valid_up_to()]);
                let reason = format!(
                    "invalid UTF-8 at byte {} of the record",
                    error.valid_up_to()
                );
                return self.reject(line, Fault::new(field, reason));
            }
        };
        let text = exact(text);
        let malformed = |error: serde_json::Error| {
            // The error's own line counts from the record's first one.
            let at = error.column();
            let message = error.to_string();
            let message = message
                .split(" at line")
                .next()
                .unwrap_or_default()
                .to_string();
            Fault::new("", format!("malformed JSON at column {at}: {message}"))
        };
        match filler {
            Filler::Canonical(canonical) => {
                let taken = match serde_json::from_str::<Object<'_>>(&text) {
                    Ok(object) => canonical.object(object, line),
                    Err(error) => Err(malformed(error)),
                };
                if let Err(fault) = taken {
                    self.reject(line, fault);
                }
            }
            Filler::Mapped(applier) => match serde_json::from_str::<Value>(&text) {
                Ok(value) => self.apply(line, &value, applier),
                Err(error) => self.reject(line, malformed(error)),
            },
        }
    }

    fn apply(&mut self, line: u64, value: &Value, applier: &mut Applier<'_>) {
        let mut faults = Vec::new();
        let place = Place {
            line,
            number: self.number,
            file: self.reading.source.stem(),
        };
        applier.apply(value, place, &mut faults);
        for fault in faults {
            self.reject(line, fault);
        }
    }

    fn csv(
        &mut self,
        bytes: Box<dyn Read + Send>,
        delimiter: u8,
        mut filler: Filler<'_>,
    ) -> Result<(), IngestError> {
        let mut splitter = CsvSplitter::new(bytes, delimiter, self.reading.options.record_limit);
        let mut header: Option<Vec<String>> = None;
        while !self.stopped {
            match splitter.next() {
                None => break,
                Some(Err(fault)) => {
                    self.broken(fault);
                    if header.is_none() {
                        // Another line would name the columns wrongly.
                        break;
                    }
                }
                Some(Ok(record)) => match &header {
                    None if record.len() > MOST_COLUMNS => {
                        let (line, columns) = (record.line, record.len());
                        let reason = format!("the header has {columns} columns: this is no table");
                        self.reject(line, Fault::new("", reason));
                        break;
                    }
                    None => {
                        let names = record
                            .fields()
                            .map(|name| String::from_utf8_lossy(name).trim().to_string());
                        let names: Vec<_> = names.collect();
                        splitter.keep_at_most(names.len() + 1);
                        header = Some(names);
                        continue;
                    }
                    Some(names) => {
                        let line = record.line;
                        match csv_fields(names, &record) {
                            Err(fault) => self.reject(line, fault),
                            Ok(fields) => match &mut filler {
                                Filler::Canonical(canonical) => {
                                    let cells = fields
                                        .into_iter()
                                        .map(|(name, text)| (name.into(), Cell::Text(text.into())));
                                    let taken = canonical.object(Object(cells.collect()), line);
                                    if let Err(fault) = taken {
                                        self.reject(line, fault);
                                    }
                                }
                                Filler::Mapped(applier) => {
                                    let members = fields.into_iter().map(|(name, text)| {
                                        (name.to_string(), Value::String(text.to_string()))
                                    });
                                    let value = Value::Object(members.collect::<Map<_, _>>());
                                    self.apply(line, &value, applier);
                                }
                            },
                        }
                    }
                },
            }
            self.chunk.records += 1;
            self.number += 1;
            self.flush_full(&mut filler)?;
        }
        self.flush(Some(&mut filler))
    }

    /// `begun` is the count of bytes before this file.
    fn parquet(&mut self, begun: u64) -> Result<(), IngestError> {
        let tables = built_in_tables()?;
        let (messages, conversations) = (
            definition(tables, "messages")?,
            definition(tables, "conversations")?,
        );
        let options = self.reading.options;
        let table = options.table.as_deref();
        let other = table.filter(|table| !matches!(*table, "messages" | "conversations"));
        let other = other.map(|table| definition(tables, table)).transpose()?;
        let (source, count) = (self.reading.source, Arc::clone(&self.reading.count));
        let size = parquet_open::Size {
            rows: options.batch_rows,
            bytes: options.batch_bytes,
        };
        let rows = match parquet_open::open(source, size, self.reading.runtime) {
            Ok(rows) => rows,
            Err(reason) => {
                self.reject(1, Fault::new("", reason));
                return self.flush(None);
            }
        };
        let into = parquet::Tables {
            messages: &messages,
            conversations: &conversations,
            other: other.as_deref(),
        };
        for batch in rows.batches {
            let found = batch
                .map_err(|error| Fault::new("", error))
                .and_then(|batch| {
                    let limit = options.record_limit;
                    let found = parquet::split(&batch, &into, &options.defaults, limit)?;
                    Ok((batch.num_rows() as u64, found))
                });
            let (read, found) = match found {
                Ok(found) => found,
                Err(fault) => {
                    self.reject(self.number + 1, fault);
                    break;
                }
            };
            let lines: Vec<u64> = found
                .numbers
                .iter()
                .map(|row| self.number + *row as u64 + 1)
                .collect();
            for (row, fault) in found.faults {
                self.reject(self.number + row as u64 + 1, fault);
            }
            self.chunk.records += read;
            self.number += read;
            if let Some(size) = source.size {
                // The bytes are read here and there: the rows tell how far the file is.
                let share = self.number as f64 / rows.count.max(1) as f64;
                count.store(begun + (size as f64 * share) as u64, Ordering::Relaxed);
            }
            let out = &mut self.chunk.rows;
            out.conversations = found.conversations;
            match other.as_deref() {
                Some(table) => out
                    .others
                    .extend(found.rows.map(|rows| (table.name.clone(), rows))),
                None => out.messages = found.rows,
            }
            out.origin = Some(Origin {
                file: self.reading.source.name.as_str().into(),
                conversations: lines.clone(),
                messages: lines.clone(),
                others: lines,
            });
            self.hand_on();
            if self.stopped {
                break;
            }
        }
        self.flush(None)
    }

    fn flush_full(&mut self, filler: &mut Filler<'_>) -> Result<(), IngestError> {
        let (rows, bytes) = match filler {
            Filler::Mapped(applier) => applier.held(),
            Filler::Canonical(canonical) => {
                let (rows, conversations) = (&canonical.rows, &canonical.conversations);
                (
                    rows.rows().max(conversations.rows()),
                    rows.bytes() + conversations.bytes(),
                )
            }
        };
        let options = self.reading.options;
        // Rejects take memory too.
        let full = rows >= options.batch_rows
            || bytes >= options.batch_bytes
            || self.chunk.rejects.len() >= options.batch_rows;
        match full {
            true => self.flush(Some(filler)),
            false => Ok(()),
        }
    }

    /// Hands on what is held.
    fn flush(&mut self, filler: Option<&mut Filler<'_>>) -> Result<(), IngestError> {
        if let Some(filler) = filler {
            let table = self.reading.options.table.clone();
            let (conversations, rows) = match filler {
                Filler::Mapped(applier) => applier.tables(),
                Filler::Canonical(canonical) => {
                    let canonical = canonical.as_mut();
                    (&mut canonical.conversations, &mut canonical.rows)
                }
            };
            let (conversations, conversation_lines) = conversations.finish()?;
            let (rows, lines) = rows.finish()?;
            let out = &mut self.chunk.rows;
            let mut origin = Origin {
                file: self.reading.source.name.as_str().into(),
                conversations: conversation_lines,
                messages: Vec::new(),
                others: Vec::new(),
            };
            out.conversations = (conversations.num_rows() > 0).then_some(conversations);
            match table.filter(|table| !matches!(table.as_str(), "messages" | "conversations")) {
                Some(table) => {
                    origin.others = lines;
                    out.others.push((table, rows));
                }
                None => {
                    origin.messages = lines;
                    out.messages = (rows.num_rows() > 0).then_some(rows);
                }
            }
            out.origin = Some(origin);
        }
        self.hand_on();
        Ok(())
    }

    fn hand_on(&mut self) {
        let bounds = self.chunk.bounds;
        let chunk = std::mem::replace(
            &mut self.chunk,
            Chunk {
                bounds,
                ..Chunk::default()
            },
        );
        if (self.reading.take)(chunk).is_break() {
            self.stopped = true;
        }
    }
}

/// The fields of a record with their names; empty ones are left out.
fn csv_fields<'r>(
    names: &'r [String],
    record: &input::CsvRecord<'r>,
) -> Result<Vec<(&'r str, &'r str)>, Fault> {
    if record.len() != names.len() {
        let reason = format!(
            "has {} fields where the header has {}",
            record.len(),
            names.len()
        );
        return Err(Fault::new("", reason));
    }
    let mut fields = Vec::with_capacity(names.len());
    for (name, field) in names.iter().zip(record.fields()) {
        let text = std::str::from_utf8(field).map_err(|error| {
            let reason = format!("invalid UTF-8 at byte {} of the field", error.valid_up_to());
            Fault::new(name.clone(), reason)
        })?;
        if !text.is_empty() {
            fields.push((name.as_str(), text));
        }
    }
    Ok(fields)
}

/// The last key before a place in a record that could not be read, for the error.
fn nearest_key(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let Some(end) = text.rfind("\":") else {
        return String::new();
    };
    let start = text[..end].rfind('"').map_or(0, |at| at + 1);
    shorten(&text[start..end]).into_owned()
}
