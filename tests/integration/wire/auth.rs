//! Who may connect, and how.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_postgres::{Config, NoTls};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use verbatim::error::Error;
use verbatim::govern;
use verbatim::wire::{ServeError, Server, ServerOptions, TlsOptions};

use super::server::{TestServer, connect, open, run, state, value};

/// Adds a superuser to the server's lake.
async fn add_user(server: &TestServer, name: &str, password: &str) {
    let changed = server
        .engine
        .lake()
        .update_catalog::<Error>(|catalog| govern::add_user(catalog, name, Some(password), true));
    changed.await.unwrap();
}

fn with_password(server: &TestServer, user: &str, password: &str) -> Config {
    let mut config = server.config();
    config.user(user).password(password);
    config
}

#[test]
fn a_password_is_asked_for_as_soon_as_there_is_a_user() {
    run(async {
        let server = TestServer::start().await;
        assert_eq!(value(&server.client().await, "SELECT 1").await, "1");
        add_user(&server, "ada", "correct horse").await;

        let client = connect(&with_password(&server, "ada", "correct horse"))
            .await
            .unwrap();
        assert_eq!(value(&client, "SELECT current_user").await, "ada");
        for (user, password) in [
            ("ada", "wrong horse"),
            ("eve", "correct horse"),
            ("ada", ""),
        ] {
            let config = with_password(&server, user, password);
            let error = connect(&config).await.err().unwrap();
            assert_eq!(state(&error), "28P01", "{user}");
            let message = error.as_db_error().unwrap().message().to_owned();
            assert_eq!(
                message,
                format!("password authentication failed for user \"{user}\"")
            );
        }
        // Nobody is trusted any more: without a password the driver gives up.
        assert!(connect(&server.config()).await.is_err());
    });
}

#[test]
fn unknown_databases_and_settings_are_refused() {
    run(async {
        let server = TestServer::start().await;
        let mut config = server.config();
        config.dbname("elsewhere");
        assert_eq!(state(&connect(&config).await.err().unwrap()), "3D000");
        let mut config = server.config();
        config.options("-c nosuchsetting=1");
        assert_eq!(state(&connect(&config).await.err().unwrap()), "42704");
    });
}

#[test]
fn one_connection_too_many_is_refused_and_a_place_comes_back() {
    run(async {
        let server = TestServer::start_with(|options| options.max_connections = 2).await;
        let first = server.client().await;
        let _second = server.client().await;
        let error = connect(&server.config()).await.err().unwrap();
        assert_eq!(state(&error), "53300");
        drop(first);
        let started = std::time::Instant::now();
        while connect(&server.config()).await.is_err() {
            assert!(
                started.elapsed().as_secs() < 5,
                "the place did not come back"
            );
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
}

#[test]
fn a_lake_without_users_is_not_offered_to_the_network() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let engine = open(folder.path()).await;
        let options = ServerOptions {
            listen: ([0, 0, 0, 0], 0).into(),
            http_listen: None,
            ..ServerOptions::default()
        };
        let refused = Server::bind(engine, options).await.err().unwrap();
        assert!(matches!(refused, ServeError::Open { .. }), "{refused}");
        assert!(refused.to_string().contains("verbatim user add"));
    });
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/tls")
        .join(name)
}

fn tls(required: bool) -> TlsOptions {
    TlsOptions {
        certificate: fixture("server.crt"),
        key: fixture("server.key"),
        required,
    }
}

/// A driver's connection over TLS that trusts the certificate of the fixture alone.
async fn connect_encrypted(server: &TestServer) -> tokio_postgres::Client {
    let mut stream = tokio::net::TcpStream::connect(server.address)
        .await
        .unwrap();
    stream
        .write_all(&[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])
        .await
        .unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'S');
    let pem = std::fs::read(fixture("server.crt")).unwrap();
    let mut roots = RootCertStore::empty();
    for certificate in rustls_pemfile::certs(&mut pem.as_slice()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .unwrap();
    let (client, connection) = server.config().connect_raw(stream, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[test]
fn tls_is_offered_and_can_be_required() {
    run(async {
        let offered = TestServer::start_with(|options| options.tls = Some(tls(false))).await;
        assert_eq!(
            value(&connect_encrypted(&offered).await, "SELECT 1").await,
            "1"
        );
        assert_eq!(value(&offered.client().await, "SELECT 1").await, "1");

        let required = TestServer::start_with(|options| options.tls = Some(tls(true))).await;
        assert_eq!(
            value(&connect_encrypted(&required).await, "SELECT 1").await,
            "1"
        );
        let error = connect(&required.config()).await.err().unwrap();
        assert_eq!(state(&error), "28000");
    });
}

#[test]
fn a_server_whose_tls_cannot_be_set_up_does_not_start() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let engine = open(folder.path()).await;
        for (certificate, key) in [("server.key", "server.key"), ("server.crt", "missing")] {
            let options = ServerOptions {
                listen: ([127, 0, 0, 1], 0).into(),
                http_listen: None,
                tls: Some(TlsOptions {
                    certificate: fixture(certificate),
                    key: fixture(key),
                    required: false,
                }),
                ..ServerOptions::default()
            };
            let refused = Server::bind(engine.clone(), options).await.err().unwrap();
            assert!(matches!(refused, ServeError::Tls(_)), "{refused}");
        }
    });
}
