//! The two directions of a connection: messages in, messages out.
//!
//! Messages are decoded and encoded by pgwire; the frames are cut here, so that a message never
//! reads beyond its own end and a client that goes away is noticed while a statement runs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use bytes::BytesMut;
use pgwire::messages::{
    DecodeContext, PgWireBackendMessage, PgWireFrontendMessage, ProtocolVersion,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, Interest};
use tokio::net::TcpStream;

use super::report::{Failure, Report, state};

/// The longest message a client may send, in bytes.
const MAX_MESSAGE: usize = 256 << 20;
/// The longest message before the client is authenticated, in bytes.
const MAX_EARLY_MESSAGE: usize = 10_000;
/// How much is read ahead while a statement runs, in bytes.
const READ_AHEAD: usize = 1 << 20;
/// How often a client that pipelines without end is looked after.
const WATCH_INTERVAL: Duration = Duration::from_millis(250);
/// From how many waiting bytes on the output is sent.
const SEND_FROM: usize = 64 << 10;

/// What a client sends.
pub(crate) struct Input {
    reader: Box<dyn AsyncRead + Send + Unpin>,
    buffer: BytesMut,
    context: DecodeContext,
    longest: usize,
    /// The socket once more, to ask whether the client is still there without reading.
    socket: Option<TcpStream>,
}

impl Input {
    /// The input of a connection that has sent its startup packet.
    pub(crate) fn new(reader: Box<dyn AsyncRead + Send + Unpin>) -> Input {
        let mut context = DecodeContext::default();
        context.awaiting_frontend_ssl = false;
        context.awaiting_frontend_startup = false;
        context.protocol_version = ProtocolVersion::PROTOCOL3_0;
        Input {
            reader,
            buffer: BytesMut::new(),
            context,
            longest: MAX_EARLY_MESSAGE,
            socket: None,
        }
    }

    /// Watches the connection through a second handle of its socket, see [`Input::gone`].
    pub(crate) fn watch(&mut self, socket: TcpStream) {
        self.socket = Some(socket);
    }

    /// Allows messages of full length, once the client is authenticated.
    pub(crate) fn trust(&mut self) {
        self.longest = MAX_MESSAGE;
    }

    /// The next message; `None` when the client closed the connection between two messages.
    ///
    /// Cancel-safe: bytes read so far stay in the buffer.
    pub(crate) async fn message(&mut self) -> Result<Option<PgWireFrontendMessage>, Failure> {
        loop {
            if let Some(frame) = self.frame()? {
                return decode(frame, &self.context).map(Some);
            }
            self.buffer.reserve(SEND_FROM);
            match self.reader.read_buf(&mut self.buffer).await {
                Ok(0) if self.buffer.is_empty() => return Ok(None),
                Ok(0) | Err(_) => return Err(Failure::Gone),
                Ok(_) => {}
            }
        }
    }

    /// Completes when the client has gone. What it sends meanwhile is kept for [`Input::message`].
    pub(crate) async fn gone(&mut self) {
        while self.buffer.len() < READ_AHEAD {
            self.buffer.reserve(4096);
            match self.reader.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        // The client pipelines more than is kept: from here on only the end of it is looked for.
        let Some(socket) = &self.socket else {
            return std::future::pending().await;
        };
        while let Ok(ready) = socket.ready(Interest::READABLE).await {
            if ready.is_read_closed() {
                return;
            }
            tokio::time::sleep(WATCH_INTERVAL).await;
        }
    }

    /// Cuts the next whole message, type byte included, from the buffer.
    fn frame(&mut self) -> Result<Option<BytesMut>, Failure> {
        let Some(header) = self.buffer.first_chunk::<5>() else {
            return Ok(None);
        };
        let [_, length @ ..] = *header;
        let length = match usize::try_from(i32::from_be_bytes(length)) {
            Ok(length) if (4..=self.longest).contains(&length) => length + 1,
            _ => {
                return Err(Report::fatal(
                    state::PROTOCOL_VIOLATION,
                    format!("a message may have at most {} bytes", self.longest),
                )
                .into());
            }
        };
        Ok((self.buffer.len() >= length).then(|| self.buffer.split_to(length)))
    }
}

fn decode(mut frame: BytesMut, context: &DecodeContext) -> Result<PgWireFrontendMessage, Failure> {
    check_text(&frame)?;
    let malformed = || Report::fatal(state::PROTOCOL_VIOLATION, "malformed message");
    // pgwire's decoders panic on bodies that end too early.
    match catch_unwind(AssertUnwindSafe(|| {
        PgWireFrontendMessage::decode(&mut frame, context)
    })) {
        Ok(Ok(Some(message))) => Ok(message),
        Ok(Ok(None)) | Err(_) => Err(malformed().into()),
        Ok(Err(error)) => Err(Report::fatal(state::PROTOCOL_VIOLATION, error.to_string()).into()),
    }
}

/// Refuses statement texts that are not UTF-8, which pgwire would replace silently.
fn check_text(frame: &BytesMut) -> Result<(), Failure> {
    let strings = match frame.first() {
        Some(b'Q') => 1,
        Some(b'P') => 2,
        _ => return Ok(()),
    };
    let body = &frame[5..];
    let text = body.split(|byte| *byte == 0).take(strings);
    for part in text {
        if std::str::from_utf8(part).is_err() {
            return Err(Report::fatal(
                state::CHARACTER_NOT_IN_REPERTOIRE,
                "invalid byte sequence for encoding \"UTF8\"",
            )
            .into());
        }
    }
    Ok(())
}

/// What is sent to a client.
pub(crate) struct Output {
    writer: Box<dyn AsyncWrite + Send + Unpin>,
    /// What waits to be sent. Rows are encoded into it directly.
    pub(crate) buffer: BytesMut,
}

impl Output {
    /// The output of a connection.
    pub(crate) fn new(writer: Box<dyn AsyncWrite + Send + Unpin>) -> Output {
        Output {
            writer,
            buffer: BytesMut::with_capacity(8 << 10),
        }
    }

    /// Appends a message to what waits to be sent.
    pub(crate) fn put(&mut self, message: &PgWireBackendMessage) -> Result<(), Failure> {
        message
            .encode(&mut self.buffer)
            .map_err(|error| Report::fatal(state::PROTOCOL_VIOLATION, error.to_string()).into())
    }

    /// Sends everything when enough has gathered. Waiting for a slow client here is what holds the
    /// statement back.
    pub(crate) async fn send_if_full(&mut self) -> Result<(), Failure> {
        match self.buffer.len() >= SEND_FROM {
            true => self.send().await,
            false => Ok(()),
        }
    }

    /// Sends everything.
    pub(crate) async fn send(&mut self) -> Result<(), Failure> {
        // `write_all_buf` keeps track of what is sent, so that a statement that is cancelled while
        // it waits here leaves the stream of messages whole.
        let sent = match self.writer.write_all_buf(&mut self.buffer).await {
            Ok(()) => self.writer.flush().await,
            Err(error) => Err(error),
        };
        sent.map_err(|_| Failure::Gone)
    }
}
