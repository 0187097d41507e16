//! TLS: the certificate, and the protocols that clients can choose.

use std::{io, sync::Arc, time::Duration};

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// The client must have agreed on the keys within this time.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub struct TlsSettings(TlsAcceptor);

/// What is wrong with a certificate and its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsError {
    Certificate,
    Key,
    /// The certificate is of another key, or of a kind that is not supported.
    Mismatch,
}

impl TlsSettings {
    /// From the certificate with its chain, and its private key, both as PEM.
    pub fn read(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let certificates: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(certificates)
                .collect::<Result<_, _>>()
                .map_err(|_| TlsError::Certificate)?;
        if certificates.is_empty() {
            return Err(TlsError::Certificate);
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::Key)?;

        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| TlsError::Mismatch)?
            .with_no_client_auth()
            .with_single_cert(certificates, key)
            .map_err(|err| match err {
                rustls::Error::InvalidCertificate(_) => TlsError::Certificate,
                rustls::Error::General(_) => TlsError::Key,
                _ => TlsError::Mismatch,
            })?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        timeout(HANDSHAKE_TIMEOUT, self.0.accept(stream))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}
