//! `verbatim serve`: answers Postgres clients.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, LakeArgument};
use crate::engine::{Engine, EngineOptions};
use crate::error::Error;
use crate::wire::{Server, ServerOptions, Stop, TlsOptions};

/// Serve a lake to Postgres clients: psql, drivers, BI tools
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  verbatim serve                                 # ./lake on 127.0.0.1:5433
  psql -h 127.0.0.1 -p 5433 -d verbatim          # in another terminal
  verbatim user add analyst                      # from now on everybody needs a password
  verbatim serve --lake s3://bucket/lake --listen 0.0.0.0:5433 \\
    --tls-cert server.crt --tls-key server.key --tls-required
  curl http://127.0.0.1:5434/healthz

Without users, clients on this machine connect without a password, and listening on other
addresses is refused. SIGINT or SIGTERM lets running statements finish (--grace); a second
signal ends them at once.")]
pub(super) struct Serve {
    #[command(flatten)]
    lake: LakeArgument,
    /// Make the lake if there is none
    #[arg(long)]
    create: bool,
    #[command(flatten)]
    server: ServerArguments,
}

/// How the server is set up, for every subcommand that serves.
#[derive(Debug, Args)]
pub(super) struct ServerArguments {
    /// Where clients connect
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:5433")]
    listen: SocketAddr,
    /// Where /healthz and /metrics are
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:5434")]
    http_listen: SocketAddr,
    /// Serve neither /healthz nor /metrics
    #[arg(long, conflicts_with = "http_listen")]
    no_http: bool,
    /// Certificate for TLS, in PEM form, with those that vouch for it
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key for TLS, in PEM form
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Refuse connections without TLS
    #[arg(long, requires = "tls_cert")]
    tls_required: bool,
    /// How many clients may be connected at once
    #[arg(long, value_name = "COUNT", default_value_t = 500)]
    max_connections: usize,
    /// Seconds that running statements get when the server is told to stop
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    grace: u64,
}

impl ServerArguments {
    /// Where clients connect.
    pub(super) fn listen(&self) -> SocketAddr {
        self.listen
    }
}

impl Serve {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let mut options = EngineOptions::new(self.lake.lake.clone());
        options.create = self.create;
        let engine = Engine::open(options).await?;
        serve(engine, &self.lake.lake, self.server).await?;
        Ok(())
    }
}

/// Serves until a signal comes; `lake` is its name for the line that says that it is ready.
pub(super) async fn serve(
    engine: Arc<Engine>,
    lake: &str,
    arguments: ServerArguments,
) -> Result<(), Error> {
    let server = Server::bind(engine, arguments.into()).await?;
    stop_on_signals(server.stop())?;
    let address = server.address();
    let http = match server.http_address() {
        Some(http) => format!(", metrics on http://{http}/metrics"),
        None => String::new(),
    };
    println!("serving {lake} on {address}{http}");
    Ok(server.run().await?)
}

impl From<ServerArguments> for ServerOptions {
    fn from(arguments: ServerArguments) -> ServerOptions {
        let tls = arguments
            .tls_cert
            .zip(arguments.tls_key)
            .map(|(certificate, key)| TlsOptions {
                certificate,
                key,
                required: arguments.tls_required,
            });
        ServerOptions {
            listen: arguments.listen,
            http_listen: (!arguments.no_http).then_some(arguments.http_listen),
            tls,
            max_connections: arguments.max_connections,
            grace: Duration::from_secs(arguments.grace),
        }
    }
}

/// The first SIGINT or SIGTERM stops the server in good order, the second at once.
fn stop_on_signals(stop: Stop) -> Result<(), Error> {
    let listen = |kind| {
        signal(kind).map_err(|source| Error::Io {
            context: "waiting for signals".to_owned(),
            source,
        })
    };
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    tokio::spawn(async move {
        let mut asked = false;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            match asked {
                false => {
                    eprintln!("stopping: running statements may finish; once more stops them");
                    stop.gracefully();
                }
                true => stop.at_once(),
            }
            asked = true;
        }
    });
    Ok(())
}
