//! The certificate and the key of TLS.

use std::fs;

use super::{
    layers::{ConfigError, Layers, Result},
    vendor_client::incomplete,
};
use crate::http::server::tls::{TlsError, TlsSettings};

const CERTIFICATE: &str = "tls.cert_file";
const KEY: &str = "tls.key_file";

/// None where neither is set.
pub(super) fn read(layers: &Layers) -> Result<Option<TlsSettings>> {
    let (certificate, key) = match (layers.text(CERTIFICATE)?, layers.text(KEY)?) {
        (Some(certificate), Some(key)) => (certificate, key),
        (Some(_), None) => return Err(incomplete(layers, CERTIFICATE, KEY)),
        (None, Some(_)) => return Err(incomplete(layers, KEY, CERTIFICATE)),
        (None, None) => return Ok(None),
    };

    let certificate = read_file(layers, CERTIFICATE, &certificate)?;
    let key = read_file(layers, KEY, &key)?;
    TlsSettings::read(&certificate, &key)
        .map(Some)
        .map_err(|error| match error {
            TlsError::Certificate => layers.wrong(CERTIFICATE),
            TlsError::Key => layers.wrong(KEY),
            TlsError::Mismatch => ConfigError::new(format!(
                "{} must hold the private key of the certificate in {}",
                layers.name(KEY),
                layers.name(CERTIFICATE)
            )),
        })
}

/// Whether TLS is served. The files are not read.
pub(super) fn is_set(layers: &Layers) -> Result<bool> {
    Ok(layers.text(CERTIFICATE)?.is_some())
}

fn read_file(layers: &Layers, setting: &'static str, path: &str) -> Result<Vec<u8>> {
    let name = layers.name(setting);
    fs::read(path)
        .map_err(|err| ConfigError::new(format!("{name}: the file {path} can't be read: {err}")))
}
