//! The bytes of a COPY FROM STDIN to record batches.

use bytes::{Buf, BytesMut};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;

use super::BINARY_HEADER;
use super::batches::Batches;
use super::fields::Fields;
use super::records::{Hiding, Records};
use crate::statement::{CopyFormat, CopyOptions};
use crate::wire::encode::{Format, Zone};
use crate::wire::report::{Report, state};

/// Takes the data of a COPY in whatever portions it comes.
pub(super) struct Receiver {
    batches: Batches,
    columns: usize,
    form: Form,
    /// Lines or binary rows so far.
    line: u64,
    /// The end marker came; the rest is not looked at.
    ended: bool,
}

enum Form {
    Lines {
        records: Records,
        fields: Fields,
        syntax: Syntax,
        skip_header: bool,
    },
    Binary {
        buffer: BytesMut,
        header_read: bool,
    },
}

struct Syntax {
    csv: bool,
    delimiter: u8,
    null: Vec<u8>,
    quote: u8,
    escape: u8,
}

impl Receiver {
    /// Ready for rows of `schema`.
    pub(super) fn new(
        schema: &SchemaRef,
        options: &CopyOptions,
        zone: Zone,
    ) -> Result<Receiver, Report> {
        let form = match options.format {
            CopyFormat::Binary => Form::Binary {
                buffer: BytesMut::new(),
                header_read: false,
            },
            CopyFormat::Text | CopyFormat::Csv => {
                let syntax = Syntax {
                    csv: options.format == CopyFormat::Csv,
                    delimiter: options.delimiter,
                    null: options.null.clone().into_bytes(),
                    quote: options.quote,
                    escape: options.escape,
                };
                let hiding = match syntax.csv {
                    true => Hiding::Quotes {
                        quote: syntax.quote,
                        escape: syntax.escape,
                    },
                    false => Hiding::Backslash,
                };
                Form::Lines {
                    records: Records::new(hiding),
                    fields: Fields::default(),
                    syntax,
                    skip_header: options.header,
                }
            }
        };
        Ok(Receiver {
            batches: Batches::new(schema, zone),
            columns: schema.fields().len(),
            form,
            line: 0,
            ended: false,
        })
    }

    /// Takes a portion.
    pub(super) fn take(&mut self, data: &[u8]) -> Result<(), Report> {
        match &mut self.form {
            Form::Lines { records, .. } => records.put(data)?,
            Form::Binary { buffer, .. } => buffer.extend_from_slice(data),
        }
        self.read(false)
    }

    /// No more comes: reads what is left.
    pub(super) fn end(&mut self) -> Result<(), Report> {
        self.read(true)?;
        match &self.form {
            Form::Lines { records, .. } if records.in_quotes() => Err(Report::error(
                state::BAD_COPY_FILE_FORMAT,
                "unterminated CSV quoted field",
            )
            .with_context(format!("COPY, line {}", self.line))),
            Form::Binary { buffer, .. } if !buffer.is_empty() && !self.ended => Err(Report::error(
                state::BAD_COPY_FILE_FORMAT,
                "unexpected EOF in COPY data",
            )),
            _ => Ok(()),
        }
    }

    /// Bytes of the rows that wait to be written.
    pub(super) fn held_bytes(&self) -> usize {
        self.batches.held_bytes()
    }

    /// Gives the rows so far.
    pub(super) fn batches(&mut self) -> Result<Vec<RecordBatch>, Report> {
        self.batches.take()
    }

    fn read(&mut self, all: bool) -> Result<(), Report> {
        while !self.ended {
            let more = match self.form {
                Form::Lines { .. } => self.read_line(all),
                Form::Binary { .. } => self.read_tuple(),
            };
            let more = more.map_err(|report| {
                let place = match &report.context {
                    Some(column) => format!("COPY, line {}, {column}", self.line),
                    None => format!("COPY, line {}", self.line),
                };
                report.with_context(place)
            })?;
            if !more {
                break;
            }
        }
        Ok(())
    }

    /// Reads one line; false when there is no whole one.
    fn read_line(&mut self, all: bool) -> Result<bool, Report> {
        let Form::Lines {
            records,
            fields,
            syntax,
            skip_header,
        } = &mut self.form
        else {
            return Ok(false);
        };
        let record = match records.next() {
            Some(record) => record,
            None if all => match records.rest() {
                Some(record) => record,
                None => return Ok(false),
            },
            None => return Ok(false),
        };
        self.line += 1;
        if std::mem::take(skip_header) {
            return Ok(true);
        }
        if record.as_ref() == b"\\." {
            self.ended = true;
            return Ok(false);
        }
        match syntax.csv {
            true => fields.read_csv(
                &record,
                syntax.delimiter,
                &syntax.null,
                syntax.quote,
                syntax.escape,
            ),
            false => fields.read_text(&record, syntax.delimiter, &syntax.null),
        }
        if fields.len() != self.columns {
            let message = match fields.len() < self.columns {
                true => format!(
                    "missing data: the line has {} of {} columns",
                    fields.len(),
                    self.columns
                ),
                false => "extra data after last expected column".to_owned(),
            };
            return Err(Report::error(state::BAD_COPY_FILE_FORMAT, message));
        }
        self.batches.put(fields.iter(), Format::Text)?;
        Ok(true)
    }

    /// Reads one binary row; false when there is no whole one.
    fn read_tuple(&mut self) -> Result<bool, Report> {
        let Form::Binary {
            buffer,
            header_read,
        } = &mut self.form
        else {
            return Ok(false);
        };
        if !*header_read {
            if buffer.len() < BINARY_HEADER.len() {
                return Ok(false);
            }
            if buffer[..11] != BINARY_HEADER[..11] {
                let message = "COPY file signature not recognized";
                return Err(Report::error(state::BAD_COPY_FILE_FORMAT, message));
            }
            let extension = buffer[15..19]
                .iter()
                .fold(0, |n, byte| (n << 8) | usize::from(*byte));
            if buffer.len() < 19 + extension {
                return Ok(false);
            }
            buffer.advance(19 + extension);
            *header_read = true;
        }
        let mut rest: &[u8] = buffer;
        let Ok(count) = rest.try_get_i16() else {
            return Ok(false);
        };
        if count == -1 {
            self.ended = true;
            return Ok(false);
        }
        if usize::try_from(count) != Ok(self.columns) {
            let message = format!("row field count is {count}, expected {}", self.columns);
            return Err(Report::error(state::BAD_COPY_FILE_FORMAT, message));
        }
        let mut values = Vec::with_capacity(self.columns);
        for _ in 0..count {
            let Ok(length) = rest.try_get_i32() else {
                return Ok(false);
            };
            match usize::try_from(length) {
                Err(_) => values.push(None),
                Ok(length) => {
                    let Some((value, tail)) = rest.split_at_checked(length) else {
                        return Ok(false);
                    };
                    values.push(Some(value));
                    rest = tail;
                }
            }
        }
        self.line += 1;
        let used = buffer.len() - rest.len();
        self.batches.put(values.into_iter(), Format::Binary)?;
        buffer.advance(used);
        Ok(true)
    }
}
