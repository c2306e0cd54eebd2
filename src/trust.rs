//! What chains are built with: anchors and intermediates, built in, from `proofmark.toml`, and from the command line.

use std::path::{Path, PathBuf};

use clap::Args;
use formats::certificate::Certificate;
use signer::anchor::Anchors;
use signer::identity::read_certificates;
use signer::revocation::RevocationData;

use crate::config::Config;
use crate::error::Error;
use crate::{inputs, output};

/// Largest certificate file that is read, in bytes.
const MAX_FILE: u64 = 16 << 20;
/// Largest file of revocation lists that is read, in bytes.
const MAX_LISTS: u64 = 128 << 20;
/// Most intermediates of one run.
const MAX_INTERMEDIATES: usize = 20_000;

/// Files that help to judge a chain and are not trusted themselves.
#[derive(Debug, Args)]
pub(crate) struct MaterialArgs {
    /// Certificate file, or folder of them, from which gaps in chains are filled
    #[arg(long, value_name = "DIR|FILE")]
    intermediates: Vec<PathBuf>,
    /// Certificate revocation list, PEM or DER
    #[arg(long, value_name = "FILE")]
    crl: Vec<PathBuf>,
    /// OCSP response, DER
    #[arg(long, value_name = "FILE")]
    ocsp: Vec<PathBuf>,
}

impl MaterialArgs {
    /// Whether there is any.
    pub(crate) fn is_given(&self) -> bool {
        !(self.intermediates.is_empty() && self.crl.is_empty() && self.ocsp.is_empty())
    }

    /// Reads the files, once for the whole run.
    pub(crate) fn add_to(&self, anchors: Anchors) -> Result<Anchors, Error> {
        let mut revocation = RevocationData::default();
        for path in &self.crl {
            let added = revocation.add_lists(inputs::read(path, MAX_LISTS)?);
            added.map_err(|error| Error::file(path, error))?;
        }
        for path in &self.ocsp {
            let added = revocation.add_response(&inputs::read(path, MAX_FILE)?);
            added.map_err(|error| Error::file(path, error))?;
        }
        let anchors = anchors.with_revocation(revocation);
        with_intermediates(anchors, &self.intermediates)
    }
}

/// Reads every named root, and the intermediates of the configuration.
pub(crate) fn anchors(config: &Config, roots: &[PathBuf]) -> Result<Anchors, Error> {
    let mut anchors = Anchors::built_in();
    for path in config.roots().chain(roots.iter().cloned()) {
        for certificate in &read_file(&path)? {
            anchors = anchors.with(certificate);
        }
    }
    let intermediates: Vec<PathBuf> = config.intermediates().collect();
    with_intermediates(anchors, &intermediates)
}

/// Adds the certificates of files and folders.
pub(crate) fn with_intermediates(
    mut anchors: Anchors,
    paths: &[PathBuf],
) -> Result<Anchors, Error> {
    for path in paths {
        let certificates = match path.is_dir() {
            true => read_folder(path)?,
            false => read_file(path)?,
        };
        anchors = anchors.with_intermediates(certificates);
        if anchors.intermediates().all().len() > MAX_INTERMEDIATES {
            return Err(Error::file(
                path,
                format_args!("more than {MAX_INTERMEDIATES} intermediates"),
            ));
        }
    }
    Ok(anchors)
}

/// Every certificate below a folder. A file that cannot be read is passed over with a note: folders of certificates
/// hold old and odd ones.
fn read_folder(folder: &Path) -> Result<Vec<Certificate>, Error> {
    let files = inputs::certificate_files(folder)?;
    let mut certificates = Vec::new();
    for path in &files {
        match read_file(path) {
            Ok(found) => certificates.extend(found),
            Err(error) => output::note(format_args!("note: passed over: {error}")),
        }
    }
    match certificates.is_empty() {
        true => Err(
            Error::file(folder, "no certificate in or below this folder")
                .hint("files ending in .cer, .crt, .der, .pem, .p7b and .p7c are looked at"),
        ),
        false => Ok(certificates),
    }
}

fn read_file(path: &Path) -> Result<Vec<Certificate>, Error> {
    read_certificates(&inputs::read(path, MAX_FILE)?).map_err(|error| Error::file(path, error))
}
