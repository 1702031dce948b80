//! A server on a new lake, and clients for it.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};
use verbatim::engine::{Engine, EngineOptions};
use verbatim::wire::{ServeError, Server, ServerOptions, Stop};

/// Runs a test on threads with stacks as large as those of the program.
pub fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .thread_stack_size(16 << 20)
        .enable_all()
        .build()
        .unwrap()
        .block_on(test);
}

/// A server that stops when it is dropped.
pub struct TestServer {
    pub engine: Arc<Engine>,
    pub address: SocketAddr,
    pub http: SocketAddr,
    pub stop: Stop,
    pub done: tokio::task::JoinHandle<Result<(), ServeError>>,
    /// The lake's folder, if it is one of the test's own.
    _folder: Option<tempfile::TempDir>,
}

impl TestServer {
    /// On a new lake without users.
    pub async fn start() -> TestServer {
        TestServer::start_with(|_| {}).await
    }

    /// The same with other options.
    pub async fn start_with(change: impl FnOnce(&mut ServerOptions)) -> TestServer {
        let folder = tempfile::tempdir().unwrap();
        let engine = open(folder.path()).await;
        let mut server = TestServer::serve(engine, change).await;
        server._folder = Some(folder);
        server
    }

    /// On an engine that is open already.
    pub async fn serve(engine: Arc<Engine>, change: impl FnOnce(&mut ServerOptions)) -> TestServer {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut options = ServerOptions {
            listen: any,
            http_listen: Some(any),
            ..ServerOptions::default()
        };
        change(&mut options);
        let server = Server::bind(engine.clone(), options).await.unwrap();
        let (address, http) = (server.address(), server.http_address().unwrap());
        let stop = server.stop();
        let done = tokio::spawn(server.run());
        TestServer {
            engine,
            address,
            http,
            stop,
            done,
            _folder: None,
        }
    }

    /// How a client connects, as somebody without a password.
    pub fn config(&self) -> Config {
        let mut config = Config::new();
        config
            .host("127.0.0.1")
            .port(self.address.port())
            .user("tester")
            .dbname("verbatim");
        config
    }

    pub async fn client(&self) -> Client {
        connect(&self.config()).await.unwrap()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop.at_once();
    }
}

/// Opens the lake in a folder, making it where there is none.
pub async fn open(folder: &std::path::Path) -> Arc<Engine> {
    let lake = folder.to_str().unwrap().to_owned();
    Engine::open(EngineOptions::new(lake).create())
        .await
        .unwrap()
}

/// Connects and drives the connection in the background.
pub async fn connect(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The SQLSTATE of an error that came from the server.
pub fn state(error: &tokio_postgres::Error) -> &str {
    match error.code() {
        Some(code) => code.code(),
        None => panic!("not an error of the server: {error:?}"),
    }
}

/// The rows of a statement run by the simple protocol; NULL as "∅".
pub async fn rows(client: &Client, sql: &str) -> Vec<Vec<String>> {
    let messages = client.simple_query(sql).await;
    let messages = messages.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(
                (0..row.len())
                    .map(|at| row.get(at).unwrap_or("∅").to_owned())
                    .collect::<Vec<_>>(),
            ),
            _ => None,
        })
        .collect()
}

/// The single value of a statement run by the simple protocol.
pub async fn value(client: &Client, sql: &str) -> String {
    let mut rows = rows(client, sql).await;
    assert_eq!(rows.len(), 1, "{sql}");
    rows.remove(0).remove(0)
}
