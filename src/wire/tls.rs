//! TLS for client connections.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;

/// Where certificate and key are, and whether clients may do without them.
#[derive(Debug, Clone)]
pub struct TlsOptions {
    /// PEM file with the certificate of the server and those that vouch for it.
    pub certificate: PathBuf,
    /// PEM file with the private key.
    pub key: PathBuf,
    /// Refuse connections without TLS (28000).
    pub required: bool,
}

/// Why TLS cannot be offered; the server does not start then.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("{path} holds no {expected} in PEM form")]
    Empty {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        expected: &'static str,
    },
    /// Certificate and key do not fit.
    #[error("{certificate} and {key} cannot be used together: {source}")]
    Rejected {
        /// The certificate file.
        certificate: PathBuf,
        /// The key file.
        key: PathBuf,
        /// What rustls says.
        source: tokio_rustls::rustls::Error,
    },
}

/// Reads certificate and key.
pub(super) fn acceptor(options: &TlsOptions) -> Result<TlsAcceptor, TlsError> {
    let read = |path: &Path| {
        File::open(path)
            .map(BufReader::new)
            .map_err(|source| TlsError::Read {
                path: path.to_owned(),
                source,
            })
    };
    let certificates = rustls_pemfile::certs(&mut read(&options.certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| TlsError::Read {
            path: options.certificate.clone(),
            source,
        })?;
    if certificates.is_empty() {
        return Err(TlsError::Empty {
            path: options.certificate.clone(),
            expected: "certificate",
        });
    }
    let key = rustls_pemfile::private_key(&mut read(&options.key)?)
        .map_err(|source| TlsError::Read {
            path: options.key.clone(),
            source,
        })?
        .ok_or_else(|| TlsError::Empty {
            path: options.key.clone(),
            expected: "private key",
        })?;
    let rejected = |source| TlsError::Rejected {
        certificate: options.certificate.clone(),
        key: options.key.clone(),
        source,
    };
    // Two providers are linked in (object storage brings its own): say which.
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(rejected)?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(rejected)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
