//! The first packets of a connection: TLS or not, a cancel request or a start.

use bytes::BytesMut;
use pgwire::messages::cancel::CancelRequest;
use pgwire::messages::startup::{GssEncRequest, SslRequest, Startup};
use pgwire::messages::{DecodeContext, Message, PgWireBackendMessage};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::channel::{Input, Output};
use super::report::{Failure, Report, state};

/// The longest first packet, in bytes, as in PostgreSQL.
const MAX_PACKET: usize = 10_000;
/// The shortest: its length and a code.
const MIN_PACKET: usize = 8;

/// What the client came for.
pub(crate) enum Opening {
    /// To cancel the statement of another connection; nothing is answered.
    Cancel(CancelRequest),
    /// To start a session.
    Start {
        input: Input,
        output: Output,
        startup: Startup,
        /// Whether the connection is encrypted.
        secure: bool,
    },
}

/// Reads the first packets, up to the one that says what the client wants.
pub(crate) async fn open(
    mut tcp: TcpStream,
    tls: Option<&TlsAcceptor>,
) -> Result<Opening, Failure> {
    loop {
        let packet = read_packet(&mut tcp).await?;
        if SslRequest::is_ssl_request_packet(&packet) {
            let Some(acceptor) = tls else {
                answer(&mut tcp, b'N').await?;
                continue;
            };
            answer(&mut tcp, b'S').await?;
            let mut encrypted = acceptor.accept(tcp).await.map_err(|_| Failure::Gone)?;
            let packet = read_packet(&mut encrypted).await?;
            let (reader, writer) = tokio::io::split(encrypted);
            return start(
                packet,
                Input::new(Box::new(reader)),
                Output::new(Box::new(writer)),
                true,
            )
            .await;
        }
        if GssEncRequest::is_gss_enc_request_packet(&packet) {
            answer(&mut tcp, b'N').await?;
            continue;
        }
        let (reader, writer) = tcp.into_split();
        return start(
            packet,
            Input::new(Box::new(reader)),
            Output::new(Box::new(writer)),
            false,
        )
        .await;
    }
}

async fn start(
    mut packet: BytesMut,
    input: Input,
    mut output: Output,
    secure: bool,
) -> Result<Opening, Failure> {
    let context = DecodeContext::default();
    if CancelRequest::is_cancel_request_packet(&packet) {
        return match CancelRequest::decode(&mut packet, &context) {
            Ok(Some(request)) => Ok(Opening::Cancel(request)),
            _ => Err(Failure::Gone),
        };
    }
    match Startup::decode(&mut packet, &context) {
        Ok(Some(startup)) => Ok(Opening::Start {
            input,
            output,
            startup,
            secure,
        }),
        _ => {
            let report = Report::fatal(
                state::FEATURE_NOT_SUPPORTED,
                "unsupported frontend protocol: the server speaks versions 3.0 and 3.2",
            );
            output.put(&report.message())?;
            output.send().await?;
            Err(Failure::Gone)
        }
    }
}

/// Reads one packet and not a byte more: what follows may belong to the TLS handshake.
async fn read_packet<S: AsyncRead + Unpin>(stream: &mut S) -> Result<BytesMut, Failure> {
    let gone = |_| Failure::Gone;
    let length = stream.read_u32().await.map_err(gone)?;
    let length_on_wire = length.to_be_bytes();
    let length = length as usize;
    if !(MIN_PACKET..=MAX_PACKET).contains(&length) {
        return Err(Failure::Gone);
    }
    let mut packet = BytesMut::zeroed(length);
    packet[..4].copy_from_slice(&length_on_wire);
    stream.read_exact(&mut packet[4..]).await.map_err(gone)?;
    Ok(packet)
}

async fn answer<S: AsyncWrite + Unpin>(stream: &mut S, byte: u8) -> Result<(), Failure> {
    stream.write_u8(byte).await.map_err(|_| Failure::Gone)
}

/// Refuses a connection: says why, and ends it.
pub(crate) async fn refuse(output: &mut Output, report: &Report) -> Result<(), Failure> {
    let message: PgWireBackendMessage = report.message();
    output.put(&message)?;
    output.send().await
}
