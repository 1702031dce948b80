//! Listens, accepts, and ends in good order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::cancel::Backends;
use super::metrics::Metrics;
use super::tls::{TlsError, TlsOptions};
use super::{connection, http, tls};
use crate::Error;
use crate::engine::Engine;

/// SQLSTATE of a server that is set up in a way in which it cannot run.
const CONFIGURATION_ERROR: &str = "F0000";

/// Connections that may be between their first byte and their password at once.
const OPENING: usize = 256;

/// How a server is set up.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Where clients connect; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where `/healthz` and `/metrics` are; `None` for neither.
    pub http_listen: Option<SocketAddr>,
    /// Certificate and key; `None` to offer no TLS.
    pub tls: Option<TlsOptions>,
    /// How many clients may be connected at once; one more is refused with 53300.
    pub max_connections: usize,
    /// How long running statements may go on after the server was told to stop.
    pub grace: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        ServerOptions {
            listen: SocketAddr::from(([127, 0, 0, 1], 5433)),
            http_listen: Some(SocketAddr::from(([127, 0, 0, 1], 5434))),
            tls: None,
            max_connections: 500,
            grace: Duration::from_secs(30),
        }
    }
}

/// Why a server does not start, or ended badly.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// The lake has no users, so nobody but this machine may connect.
    #[error(
        "refusing to listen on {address}: the lake has no users, so everybody who reaches this \
         address could read it; add one with `verbatim user add`, or listen on 127.0.0.1"
    )]
    Open {
        /// The address.
        address: SocketAddr,
    },
    /// TLS was asked for and cannot be offered.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The counters could not be set up.
    #[error("cannot set up metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The lake could not be read or flushed.
    #[error(transparent)]
    Engine(#[from] Error),
}

impl From<ServeError> for Error {
    fn from(error: ServeError) -> Error {
        match error {
            ServeError::Engine(error) => error,
            ServeError::Listen { address, source } => Error::Io {
                context: format!("listening on {address}"),
                source,
            },
            other => Error::statement(CONFIGURATION_ERROR, other.to_string()),
        }
    }
}

/// What all connections of a server share.
pub(super) struct Shared {
    pub(super) engine: Arc<Engine>,
    pub(super) backends: Arc<Backends>,
    /// Room for connections that are not authenticated yet.
    pub(super) opening: Arc<Semaphore>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) tls_required: bool,
    /// Makes up verifiers for users that do not exist.
    pub(super) made_up_key: [u8; 32],
    /// No new statements.
    pub(super) stopping: CancellationToken,
    /// No running ones either.
    pub(super) killed: CancellationToken,
    pub(super) tasks: TaskTracker,
}

/// A server that listens.
pub struct Server {
    shared: Arc<Shared>,
    listener: TcpListener,
    address: SocketAddr,
    http: Option<(TcpListener, SocketAddr)>,
    grace: Duration,
}

/// Stops a server, from anywhere.
#[derive(Debug, Clone)]
pub struct Stop {
    stopping: CancellationToken,
    killed: CancellationToken,
}

impl Stop {
    /// Takes no more statements and lets the running ones finish within the grace period.
    pub fn gracefully(&self) {
        self.stopping.cancel();
    }

    /// Stops running statements too.
    pub fn at_once(&self) {
        self.stopping.cancel();
        self.killed.cancel();
    }
}

impl Server {
    /// Listens, without accepting anybody yet.
    ///
    /// # Errors
    /// An address that is taken, TLS that cannot be set up, an address beyond this machine for a
    /// lake without users.
    pub async fn bind(engine: Arc<Engine>, options: ServerOptions) -> Result<Server, ServeError> {
        let local = options.listen.ip().to_canonical().is_loopback();
        if !local
            && engine
                .lake()
                .refresh_catalog()
                .await
                .map_err(Error::from)?
                .users
                .is_empty()
        {
            return Err(ServeError::Open {
                address: options.listen,
            });
        }
        let acceptor = options.tls.as_ref().map(tls::acceptor).transpose()?;
        let (listener, address) = listen(options.listen).await?;
        let http = match options.http_listen {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let shared = Shared {
            engine,
            backends: Backends::new(options.max_connections),
            opening: Arc::new(Semaphore::new(OPENING)),
            metrics: Metrics::new()?,
            tls: acceptor,
            tls_required: options.tls.is_some_and(|tls| tls.required),
            made_up_key: rand::rng().random(),
            stopping: CancellationToken::new(),
            killed: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        Ok(Server {
            shared: Arc::new(shared),
            listener,
            address,
            http,
            grace: options.grace,
        })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where `/healthz` and `/metrics` are.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http.as_ref().map(|(_, address)| *address)
    }

    /// What stops this server.
    pub fn stop(&self) -> Stop {
        Stop {
            stopping: self.shared.stopping.clone(),
            killed: self.shared.killed.clone(),
        }
    }

    /// Serves until it is stopped, then flushes and closes the lake.
    ///
    /// # Errors
    /// When the lake cannot be closed; everything acknowledged is in it all the same.
    pub async fn run(self) -> Result<(), ServeError> {
        let shared = self.shared;
        shared.engine.rescore_in_background();
        if let Some((listener, _)) = self.http {
            shared.tasks.spawn(http::serve(shared.clone(), listener));
        }
        loop {
            let accepted = tokio::select! {
                () = shared.stopping.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    shared
                        .tasks
                        .spawn(connection::serve(shared.clone(), stream, peer));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    pause_accepting().await;
                }
            }
        }
        drop(self.listener);
        shared.tasks.close();
        let drained = async {
            while shared.backends.count() > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            () = drained => {}
            () = tokio::time::sleep(self.grace) => {
                tracing::warn!("statements still run after the grace period; stopping them");
            }
            () = shared.killed.cancelled() => {}
        }
        shared.killed.cancel();
        // Every task ends at its next step now; one that does not is left behind.
        let _ = tokio::time::timeout(Duration::from_secs(5), shared.tasks.wait()).await;
        Ok(shared.engine.close().await?)
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let failed = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Waits a moment where accepting fails, as it does while all file descriptors are taken.
pub(super) async fn pause_accepting() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}
