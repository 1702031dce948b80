//! Rows to CopyData messages.

use bytes::{BufMut, BytesMut};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::copy::{CopyDone, CopyOutResponse};

use super::{BINARY_HEADER, value_format};
use crate::Error;
use crate::statement::{CopyFormat, CopyOptions};
use crate::wire::channel::Output;
use crate::wire::encode::{RowEncoder, Zone};
use crate::wire::report::{Failure, Report};
use crate::wire::simple::complete;

/// Sends all rows of a stream, the response before them and the tag after them; gives their number.
pub(in crate::wire) async fn send(
    schema: SchemaRef,
    mut stream: SendableRecordBatchStream,
    options: &CopyOptions,
    zone: Zone,
    output: &mut Output,
) -> Result<u64, Failure> {
    let columns = schema.fields().len();
    let format = value_format(options);
    let layout = Layout::new(options)?;
    let response = CopyOutResponse::new(format as i8, columns as i16, vec![format as i16; columns]);
    output.put(&PgWireBackendMessage::CopyOutResponse(response))?;
    match &layout {
        Layout::Binary => message(&mut output.buffer, |out| {
            out.put_slice(BINARY_HEADER);
            Ok(())
        })?,
        layout if options.header => message(&mut output.buffer, |out| {
            for (nth, field) in schema.fields().iter().enumerate() {
                layout.separate(nth, out);
                let start = out.len();
                out.put_slice(field.name().as_bytes());
                layout.protect(start, columns, out);
            }
            out.put_u8(b'\n');
            Ok(())
        })?,
        _ => {}
    }
    let mut rows = 0;
    let formats = vec![format; columns];
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(Error::from)?;
        let encoder = RowEncoder::new(&schema, &batch, &formats, zone)?;
        for row in 0..encoder.rows() {
            message(&mut output.buffer, |out| layout.write(&encoder, row, out))?;
            rows += 1;
            output.send_if_full().await?;
        }
    }
    if let Layout::Binary = layout {
        message(&mut output.buffer, |out| {
            out.put_i16(-1);
            Ok(())
        })?;
    }
    output.put(&PgWireBackendMessage::CopyDone(CopyDone::new()))?;
    output.put(&complete(format!("COPY {rows}")))?;
    Ok(rows)
}

/// Appends one CopyData message; nothing of it where its body fails.
fn message(
    out: &mut BytesMut,
    body: impl FnOnce(&mut BytesMut) -> Result<(), Report>,
) -> Result<(), Report> {
    let start = out.len();
    out.put_u8(b'd');
    out.put_i32(0);
    if let Err(report) = body(out) {
        out.truncate(start);
        return Err(report);
    }
    let length = (out.len() - start - 1) as i32;
    out[start + 1..start + 5].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

/// How a row is laid out.
enum Layout {
    Text {
        delimiter: u8,
        null: Vec<u8>,
    },
    Csv {
        delimiter: u8,
        null: Vec<u8>,
        quote: u8,
        escape: u8,
    },
    Binary,
}

impl Layout {
    fn new(options: &CopyOptions) -> Result<Layout, Report> {
        let delimiter = options.delimiter;
        let null = options.null.clone().into_bytes();
        Ok(match options.format {
            CopyFormat::Text => Layout::Text { delimiter, null },
            CopyFormat::Csv => Layout::Csv {
                delimiter,
                null,
                quote: options.quote,
                escape: options.escape,
            },
            CopyFormat::Binary => Layout::Binary,
        })
    }

    fn write(&self, encoder: &RowEncoder, row: usize, out: &mut BytesMut) -> Result<(), Report> {
        let columns = encoder.columns();
        if let Layout::Binary = self {
            out.put_i16(columns.len() as i16);
            for column in columns {
                column.write_prefixed(row, out)?;
            }
            return Ok(());
        }
        for (nth, column) in columns.iter().enumerate() {
            self.separate(nth, out);
            if column.is_null(row) {
                if let Layout::Text { null, .. } | Layout::Csv { null, .. } = self {
                    out.put_slice(null);
                }
                continue;
            }
            let start = out.len();
            column.write(row, out)?;
            self.protect(start, columns.len(), out);
        }
        out.put_u8(b'\n');
        Ok(())
    }

    fn separate(&self, nth: usize, out: &mut BytesMut) {
        if let Layout::Text { delimiter, .. } | Layout::Csv { delimiter, .. } = self
            && nth > 0
        {
            out.put_u8(*delimiter);
        }
    }

    /// Escapes or quotes the value that was written from `start` on.
    fn protect(&self, start: usize, columns: usize, out: &mut BytesMut) {
        match self {
            Layout::Binary => {}
            Layout::Text { delimiter, .. } => {
                let letter = |byte: u8| match byte {
                    b'\\' => Some(b'\\'),
                    b'\n' => Some(b'n'),
                    b'\r' => Some(b'r'),
                    b'\t' => Some(b't'),
                    0x08 => Some(b'b'),
                    0x0c => Some(b'f'),
                    0x0b => Some(b'v'),
                    other if other == *delimiter => Some(other),
                    _ => None,
                };
                if !out[start..].iter().any(|byte| letter(*byte).is_some()) {
                    return;
                }
                for byte in out.split_off(start) {
                    match letter(byte) {
                        Some(letter) => out.put_slice(&[b'\\', letter]),
                        None => out.put_u8(byte),
                    }
                }
            }
            Layout::Csv {
                delimiter,
                null,
                quote,
                escape,
            } => {
                let written = &out[start..];
                let special = |byte: &u8| [*delimiter, *quote, b'\n', b'\r'].contains(byte);
                let plain = written != null.as_slice()
                    && !written.iter().any(special)
                    // Alone on a line it would end the data.
                    && !(columns == 1 && written == b"\\.");
                if plain {
                    return;
                }
                let written = out.split_off(start);
                out.put_u8(*quote);
                for byte in written {
                    if byte == *quote || byte == *escape {
                        out.put_u8(*escape);
                    }
                    out.put_u8(byte);
                }
                out.put_u8(*quote);
            }
        }
    }
}
