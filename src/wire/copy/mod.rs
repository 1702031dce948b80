//! COPY TO STDOUT and COPY FROM STDIN, in text, CSV and binary, in both protocols.
//!
//! A COPY FROM STDIN is one durable write when its rows fit into [`HELD_BYTES`]; a larger one is
//! written in portions of that size, and an error then leaves the portions before it in place.

mod batches;
mod fields;
mod receive;
mod records;
mod send;

pub(super) use send::send;

use pgwire::messages::copy::CopyInResponse;
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};

use super::connection::Connection;
use super::encode::Format;
use super::guard::Guard;
use super::report::{Failure, Report, state};
use super::simple::{complete, zone};
use crate::session::CopyTarget;
use crate::statement::{CopyFormat, CopyOptions};
use receive::Receiver;

/// How many bytes of parsed rows a COPY holds before it writes them.
const HELD_BYTES: usize = 256 << 20;

impl Connection {
    /// Takes the rows that the client sends, up to its CopyDone or CopyFail.
    pub(super) async fn copy_in(
        &mut self,
        target: CopyTarget,
        guard: &Guard,
    ) -> Result<(), Failure> {
        let mut receiver = Receiver::new(&target.schema(), target.options(), zone(&self.session))?;
        let columns = target.schema().fields().len();
        let format = value_format(target.options());
        let response =
            CopyInResponse::new(format as i8, columns as i16, vec![format as i16; columns]);
        self.output
            .put(&PgWireBackendMessage::CopyInResponse(response))?;
        self.output.send().await?;

        let input = &mut self.input;
        let rows = guard
            .run(None, async {
                let mut rows = 0;
                loop {
                    match input.message().await? {
                        Some(PgWireFrontendMessage::CopyData(data)) => {
                            receiver.take(&data.data)?;
                            if receiver.held_bytes() > HELD_BYTES {
                                rows += target.write(receiver.batches()?).await?;
                            }
                        }
                        Some(PgWireFrontendMessage::CopyDone(_)) => {
                            receiver.end()?;
                            rows += target.write(receiver.batches()?).await?;
                            return Ok(rows);
                        }
                        Some(PgWireFrontendMessage::CopyFail(fail)) => {
                            return Err(Report::error(
                                state::QUERY_CANCELED,
                                format!("COPY from stdin failed: {}", fail.message),
                            )
                            .into());
                        }
                        // Drivers that send their messages ahead put a Sync behind Execute.
                        Some(PgWireFrontendMessage::Flush(_) | PgWireFrontendMessage::Sync(_)) => {}
                        None | Some(PgWireFrontendMessage::Terminate(_)) => {
                            return Err(Failure::Gone);
                        }
                        Some(_) => {
                            return Err(Report::fatal(
                                state::PROTOCOL_VIOLATION,
                                "unexpected message type during COPY from stdin",
                            )
                            .into());
                        }
                    }
                }
            })
            .await?;
        self.output.put(&complete(format!("COPY {rows}")))
    }
}

/// The form of the single values.
fn value_format(options: &CopyOptions) -> Format {
    match options.format {
        CopyFormat::Binary => Format::Binary,
        CopyFormat::Text | CopyFormat::Csv => Format::Text,
    }
}

/// What leads every binary COPY: the signature, no flags, no header extension.
const BINARY_HEADER: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
