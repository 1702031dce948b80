//! One connection: reads messages, runs what they ask for, answers.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pgwire::messages::response::{ReadyForQuery, TransactionStatus};
use pgwire::messages::startup::ParameterStatus;
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};
use tokio::net::TcpStream;

use super::auth::{self, Login, Request};
use super::cancel::Backend;
use super::channel::{Input, Output};
use super::extended::{Portal, Stored};
use super::negotiate::{self, Opening};
use super::report::{Failure, Report, Severity, state};
use super::server::Shared;
use crate::session::{Session, TransactionState};

/// How long a client may take from connecting to its first statement.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the last message may take to reach a client that is being sent away.
const FAREWELL: Duration = Duration::from_secs(1);

/// A logged-in connection.
pub(super) struct Connection {
    pub(super) server: Arc<Shared>,
    pub(super) input: Input,
    pub(super) output: Output,
    pub(super) session: Session,
    pub(super) backend: Backend,
    /// Prepared statements by name; the unnamed one under the empty name.
    pub(super) statements: HashMap<String, Arc<Stored>>,
    /// Bound statements by name, with where each of them stands.
    pub(super) portals: HashMap<String, Portal>,
    /// After an error in the extended protocol: everything up to Sync is passed over.
    skipping: bool,
}

/// Serves one accepted socket to its end.
pub(super) async fn serve(server: Arc<Shared>, tcp: TcpStream, peer: SocketAddr) {
    // Strangers are let go when there are too many at once; they hold nobody else's place.
    let Ok(opening) = server.opening.clone().try_acquire_owned() else {
        return;
    };
    let Ok((tcp, watched)) = prepare(tcp) else {
        return;
    };
    let started =
        tokio::time::timeout(STARTUP_TIMEOUT, start(server.clone(), tcp, watched, peer)).await;
    drop(opening);
    let Ok(Ok(Some(mut connection))) = started else {
        return;
    };
    server.metrics.connections.inc();
    connection.run().await;
    server.metrics.connections.dec();
}

/// Sets a socket's options; with a second handle of it.
fn prepare(tcp: TcpStream) -> std::io::Result<(TcpStream, TcpStream)> {
    // Small answers must not wait for more.
    tcp.set_nodelay(true)?;
    // A client whose machine is gone says nothing: the network is asked.
    socket2::SockRef::from(&tcp).set_keepalive(true)?;
    let tcp = tcp.into_std()?;
    let second = tcp.try_clone()?;
    Ok((TcpStream::from_std(tcp)?, TcpStream::from_std(second)?))
}

/// Opening, authentication, session. `None` when there is nothing more to do.
async fn start(
    server: Arc<Shared>,
    tcp: TcpStream,
    watched: TcpStream,
    peer: SocketAddr,
) -> Result<Option<Connection>, Failure> {
    let (mut input, mut output, startup, secure) =
        match negotiate::open(tcp, server.tls.as_ref()).await? {
            Opening::Cancel(request) => {
                server.backends.cancel(&request);
                return Ok(None);
            }
            Opening::Start {
                input,
                output,
                startup,
                secure,
            } => (input, output, startup, secure),
        };
    let request = Request {
        startup: &startup,
        peer,
        secure,
    };
    match auth::log_in(&server, request, &mut input, &mut output).await {
        Ok(Login { session, backend }) => {
            input.watch(watched);
            let mut connection = Connection {
                server,
                input,
                output,
                session,
                backend,
                statements: HashMap::new(),
                portals: HashMap::new(),
                skipping: false,
            };
            connection.ready().await?;
            Ok(Some(connection))
        }
        Err(Failure::Report(report)) => {
            server
                .metrics
                .refused
                .with_label_values(&[report.state])
                .inc();
            negotiate::refuse(&mut output, &report).await?;
            Ok(None)
        }
        Err(Failure::Gone) => Ok(None),
    }
}

/// The end of a session that waits for its client longer than a setting allows.
async fn idle(limit: Option<(Duration, &'static str)>) -> Failure {
    let Some((limit, state)) = limit else {
        return std::future::pending().await;
    };
    tokio::time::sleep(limit).await;
    Report::fatal(state, "terminating connection due to idle timeout").into()
}

impl Connection {
    async fn run(&mut self) {
        let stopping = self.server.stopping.clone();
        loop {
            let message = tokio::select! {
                biased;
                () = stopping.cancelled() => Err(Report::fatal(
                    state::ADMIN_SHUTDOWN,
                    "terminating connection due to administrator command",
                ).into()),
                failure = idle(self.session.idle_timeout()) => Err(failure),
                message = self.input.message() => message,
            };
            let outcome = match message {
                Ok(None) | Ok(Some(PgWireFrontendMessage::Terminate(_))) => return,
                Ok(Some(message)) => self.handle(message).await,
                Err(failure) => Err(failure),
            };
            if let Err(failure) = outcome
                && self.fail(failure).await.is_err()
            {
                return;
            }
        }
    }

    async fn handle(&mut self, message: PgWireFrontendMessage) -> Result<(), Failure> {
        use PgWireFrontendMessage as Message;
        if self.skipping && !matches!(message, Message::Sync(_)) {
            return Ok(());
        }
        match message {
            Message::Query(query) => {
                // The simple protocol begins with a clean slate: it destroys the unnamed ones.
                self.statements.remove("");
                self.portals.remove("");
                if let Err(failure) = self.simple_query(&query.query).await {
                    self.fail(failure).await?;
                }
                self.ready().await
            }
            Message::Parse(_)
            | Message::Bind(_)
            | Message::Describe(_)
            | Message::Execute(_)
            | Message::Close(_) => {
                let outcome = self.extended(message).await;
                self.skipping = outcome.is_err();
                outcome
            }
            Message::Flush(_) => self.output.send().await,
            Message::Sync(_) => {
                self.skipping = false;
                if self.session.transaction() == TransactionState::Idle {
                    self.portals.clear();
                }
                self.ready().await
            }
            // What is left of a COPY that failed here before the client had sent all.
            Message::CopyData(_) | Message::CopyDone(_) | Message::CopyFail(_) => Ok(()),
            _ => Err(Report::fatal(state::PROTOCOL_VIOLATION, "unexpected message").into()),
        }
    }

    /// Runs one message of the extended protocol; after an error the rest up to Sync is skipped.
    async fn extended(&mut self, message: PgWireFrontendMessage) -> Result<(), Failure> {
        use PgWireFrontendMessage as Message;
        match message {
            Message::Parse(parse) => self.parse(parse).await,
            Message::Bind(bind) => self.bind(bind),
            Message::Describe(describe) => self.describe(&describe).await,
            Message::Execute(execute) => self.execute(&execute).await,
            Message::Close(close) => self.close(&close),
            _ => Ok(()),
        }
    }

    /// Tells the client of a failure; an error when the connection is over.
    async fn fail(&mut self, failure: Failure) -> Result<(), Failure> {
        let Failure::Report(report) = failure else {
            return Err(failure);
        };
        self.session.fail();
        self.output.put(&report.message())?;
        if report.severity == Severity::Fatal {
            // A client that does not read must not hold the server up.
            let _ = tokio::time::timeout(FAREWELL, self.output.send()).await;
            return Err(Failure::Gone);
        }
        self.report_settings()?;
        self.output.send().await
    }

    /// Tells of changed settings and that the next statement may come.
    async fn ready(&mut self) -> Result<(), Failure> {
        self.report_settings()?;
        let status = match self.session.transaction() {
            TransactionState::Idle => TransactionStatus::Idle,
            TransactionState::Open => TransactionStatus::Transaction,
            TransactionState::Failed => TransactionStatus::Error,
        };
        self.output
            .put(&PgWireBackendMessage::ReadyForQuery(ReadyForQuery::new(
                status,
            )))?;
        self.output.send().await
    }

    /// Sends the settings that clients follow and that changed since the last time, and drops the
    /// statements that SQL deallocated.
    pub(super) fn report_settings(&mut self) -> Result<(), Failure> {
        for name in self.session.take_freed_statements() {
            self.statements.remove(&name);
        }
        for (name, value) in self.session.take_changed_settings() {
            let status = ParameterStatus::new(name, value);
            self.output
                .put(&PgWireBackendMessage::ParameterStatus(status))?;
        }
        Ok(())
    }
}
