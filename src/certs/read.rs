//! The certificates of any file that holds some.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use formats::certificate::Certificate;
use formats::container::Container;
use signer::embedded;
use signer::identity;
use signer::pfx::{self, PfxError};

use crate::inputs::is_pfx;

/// Largest certificate file that is read, in bytes.
const MAX_FILE: u64 = 16 << 20;

/// Why a file gives no certificates.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// A PKCS#12 file that the password does not open.
    Locked,
    /// Anything else.
    Other(String),
}

/// Reads a certificate file, a PKCS#12 file, or what a signed file carries.
pub(super) fn certificates(path: &Path, password: &str) -> Result<Vec<Certificate>, Unreadable> {
    let other = |error: &dyn std::fmt::Display| Unreadable::Other(error.to_string());
    if is_pfx(path) {
        let bytes = read(path)?;
        return match pfx::read_certificates(&bytes, password) {
            Ok(found) => found
                .iter()
                .map(|der| Certificate::parse(der, 0).map_err(|error| other(&error)))
                .collect(),
            Err(PfxError::WrongPassword) => Err(Unreadable::Locked),
            Err(error) => Err(other(&error)),
        };
    }
    let file = File::open(path).map_err(|error| other(&error))?;
    if let Ok(container) = Container::read(&mut BufReader::new(file)) {
        return Ok(embedded::of_container(&container));
    }
    identity::read_certificates(&read(path)?).map_err(|error| other(&error))
}

fn read(path: &Path) -> Result<Vec<u8>, Unreadable> {
    let other = |error: std::io::Error| Unreadable::Other(error.to_string());
    if std::fs::metadata(path).map_err(other)?.len() > MAX_FILE {
        return Err(Unreadable::Other(format!("larger than {MAX_FILE} bytes")));
    }
    std::fs::read(path).map_err(other)
}
