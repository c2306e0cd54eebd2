//! The anchors of one run: built in, from `proofmark.toml`, and from `--root`.

use std::path::PathBuf;

use signer::anchor::Anchors;
use signer::identity::read_certificates;

use crate::config::Config;
use crate::error::Error;

/// Reads every named root.
pub(crate) fn anchors(config: &Config, roots: &[PathBuf]) -> Result<Anchors, Error> {
    let mut anchors = Anchors::built_in();
    for path in config.roots().chain(roots.iter().cloned()) {
        let file = std::fs::read(&path).map_err(|error| Error::file(&path, error))?;
        let certificates = read_certificates(&file).map_err(|error| Error::file(&path, error))?;
        for certificate in &certificates {
            anchors = anchors.with(certificate);
        }
    }
    Ok(anchors)
}
