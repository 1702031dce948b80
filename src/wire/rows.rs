//! The rows of a result on their way to the client.

use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::data::{FieldDescription, NoData, RowDescription};

use super::channel::Output;
use super::encode::{Format, RowEncoder, Zone};
use super::report::{Failure, Report};
use super::types::{column_type, type_modifier, type_size};
use crate::Error;

/// A result that is being sent; it can pause between any two rows.
pub(super) struct Rows {
    schema: SchemaRef,
    stream: SendableRecordBatchStream,
    formats: Vec<Format>,
    zone: Zone,
    /// The batch at hand and the row that comes next.
    batch: Option<(RowEncoder, usize)>,
}

/// How far [`Rows::send`] came.
pub(super) struct Sent {
    /// Rows sent by this call.
    pub(super) rows: u64,
    /// Whether there may be more.
    pub(super) more: bool,
}

impl Rows {
    /// The rows of `stream`, described to the client as `schema`; `formats` has one entry per
    /// column.
    pub(super) fn new(
        schema: SchemaRef,
        stream: SendableRecordBatchStream,
        formats: Vec<Format>,
        zone: Zone,
    ) -> Rows {
        Rows {
            schema,
            stream,
            formats,
            zone,
            batch: None,
        }
    }

    /// Sends at most `limit` rows, or all for `None`.
    ///
    /// One batch is held at a time, and the next is asked for when the client has taken this one.
    pub(super) async fn send(
        &mut self,
        limit: Option<u64>,
        output: &mut Output,
    ) -> Result<Sent, Failure> {
        let limit = limit.unwrap_or(u64::MAX);
        let mut rows = 0;
        loop {
            if rows >= limit {
                return Ok(Sent { rows, more: true });
            }
            let Some((encoder, next)) = &mut self.batch else {
                match self.stream.next().await {
                    None => return Ok(Sent { rows, more: false }),
                    Some(batch) => {
                        let batch = batch.map_err(Error::from)?;
                        let encoder =
                            RowEncoder::new(&self.schema, &batch, &self.formats, self.zone)?;
                        self.batch = Some((encoder, 0));
                    }
                }
                continue;
            };
            while *next < encoder.rows() && rows < limit {
                encoder.write(*next, &mut output.buffer)?;
                *next += 1;
                rows += 1;
                output.send_if_full().await?;
            }
            if *next == encoder.rows() {
                self.batch = None;
            }
        }
    }
}

/// The names and types of a result's columns; `NoData` for a statement without rows.
pub(super) fn description(schema: Option<&Schema>, formats: &[Format]) -> PgWireBackendMessage {
    let Some(schema) = schema else {
        return PgWireBackendMessage::NoData(NoData::new());
    };
    let fields = schema.fields().iter().enumerate().map(|(nth, field)| {
        let sent_as = column_type(field);
        let format = formats.get(nth).copied().unwrap_or(Format::Text);
        FieldDescription::new(
            field.name().clone(),
            0,
            0,
            sent_as.oid(),
            type_size(&sent_as),
            type_modifier(field),
            format as i16,
        )
    });
    PgWireBackendMessage::RowDescription(RowDescription::new(fields.collect()))
}

/// One format per column from the codes of a Bind message: none for all text, one for all columns,
/// or one each.
pub(super) fn formats(codes: &[i16], columns: usize) -> Result<Vec<Format>, Report> {
    let format = |code: &i16| match code {
        0 => Ok(Format::Text),
        1 => Ok(Format::Binary),
        other => Err(Report::protocol(format!(
            "unsupported format code: {other}"
        ))),
    };
    match codes {
        [] => Ok(vec![Format::Text; columns]),
        [all] => Ok(vec![format(all)?; columns]),
        each if each.len() == columns => each.iter().map(format).collect(),
        each => Err(Report::protocol(format!(
            "bind message has {} formats but {columns} are needed",
            each.len()
        ))),
    }
}
