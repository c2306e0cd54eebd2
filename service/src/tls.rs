//! TLS by rustls and ring: the certificate of the service, and those of clients where an authority is named.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use formats::certificate::Certificate;
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use serde::Deserialize;
use tokio_rustls::TlsAcceptor;

/// `[service.tls]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TlsConfig {
    /// The certificate and those above it, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// The authority of client certificates, PEM.
    pub client_ca: Option<PathBuf>,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{0}: {1}")]
    File(PathBuf, String),
    /// The certificate, the key or the authority cannot be used.
    #[error("TLS: {0}")]
    Unusable(String),
}

impl TlsConfig {
    /// Makes its paths relative to the current folder.
    pub(crate) fn relative_to(&mut self, folder: &Path) {
        self.certificate = folder.join(&self.certificate);
        self.key = folder.join(&self.key);
        self.client_ca = self.client_ca.take().map(|path| folder.join(path));
    }

    /// The certificate of the service and those above it, as far as they can be read.
    pub(crate) fn chain(&self) -> Result<Vec<Certificate>, TlsError> {
        let read = certificates(&self.certificate)?;
        let parsed = read
            .iter()
            .filter_map(|der| Certificate::parse(der, 0).ok());
        Ok(parsed.collect())
    }

    /// What takes connections.
    pub(crate) fn acceptor(&self) -> Result<TlsAcceptor, TlsError> {
        let unusable = |error: &dyn std::fmt::Display| TlsError::Unusable(error.to_string());
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(&error))?;
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let mut roots = RootCertStore::empty();
                for root in certificates(path)? {
                    roots.add(root).map_err(|error| unusable(&error))?;
                }
                // Tokens are credentials too: a client without a certificate is let in, and asked.
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                        .allow_unauthenticated()
                        .build()
                        .map_err(|error| unusable(&error))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let key = PrivateKeyDer::from_pem_file(&self.key);
        let key = key.map_err(|error| TlsError::File(self.key.clone(), error.to_string()))?;
        let mut config = builder
            .with_single_cert(certificates(&self.certificate)?, key)
            .map_err(|error| unusable(&error))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed =
        |error: rustls::pki_types::pem::Error| TlsError::File(path.to_owned(), error.to_string());
    let read = CertificateDer::pem_file_iter(path).map_err(failed)?;
    let read = read.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    match read.is_empty() {
        true => Err(TlsError::File(
            path.to_owned(),
            "there is no certificate in it".to_owned(),
        )),
        false => Ok(read),
    }
}
