//! `proofmark audit find`: who signed this? Every entry about a file, of a log that is verified meanwhile.

use std::fs::File;
use std::io::Seek;
use std::path::{Path, PathBuf};

use clap::Args;
use formats::container::Piece;
use serde_json::Value;
use service::audit::Entry;
use service::audit::source::{self, Check, Visitor};
use signer::digest::{DigestAlgorithm, hex};

use super::{LogArgs, line, record};
use crate::ReportFormat;
use crate::error::Error;
use crate::exit::Exit;
use crate::output;

/// Find the entries about a file, by what came in or went out; exit code 1 where there are none
#[derive(Debug, Args)]
pub(super) struct FindArgs {
    #[command(flatten)]
    log: LogArgs,
    /// SHA-256 of the file, in hexadecimal
    #[arg(long, value_name = "HEX", required_unless_present = "file")]
    sha256: Option<String>,
    /// The file itself
    #[arg(long, value_name = "FILE", conflicts_with = "sha256")]
    file: Option<PathBuf>,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
}

struct Finder {
    digest: String,
    found: Vec<(u64, Entry)>,
}

impl Visitor for Finder {
    fn entry(&mut self, index: u64, entry: &Entry) {
        if entry.digests().any(|digest| digest == self.digest) {
            self.found.push((index, entry.clone()));
        }
    }
}

pub(super) fn run(arguments: &FindArgs) -> Result<Exit, Error> {
    let digest = match (&arguments.sha256, &arguments.file) {
        (_, Some(path)) => hex(&sha256(path)?),
        (Some(given), None) => given.to_ascii_lowercase(),
        (None, None) => String::new(),
    };
    if digest.len() != 64 || !digest.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(Error::new(format_args!(
            "'{digest}' is no SHA-256 in hexadecimal"
        )));
    }
    let mut finder = Finder {
        digest,
        found: Vec::new(),
    };
    let check = Check {
        key: &arguments.log.key()?,
        earlier: &[],
        witnesses: &[],
    };
    source::verify(&arguments.log.place()?, &check, &mut finder).map_err(Error::new)?;
    let found = finder.found;
    output::result(&match arguments.format {
        ReportFormat::Json => {
            let records = found.iter().map(|(index, entry)| record(*index, entry));
            format!("{:#}\n", Value::Array(records.collect()))
        }
        ReportFormat::Text => found
            .iter()
            .map(|(index, entry)| line(*index, entry))
            .collect(),
    })?;
    match found.is_empty() {
        true => {
            output::note("the log says nothing of that file");
            Ok(Exit::Findings)
        }
        false => Ok(Exit::Clean),
    }
}

/// The SHA-256 of a file.
pub(crate) fn sha256(path: &Path) -> Result<Vec<u8>, Error> {
    let mut file = File::open(path).map_err(|error| Error::file(path, error))?;
    let length = file.seek(std::io::SeekFrom::End(0));
    let digest = length.and_then(|length| {
        DigestAlgorithm::Sha256.of_pieces(&mut file, &[Piece::Range(0..length)])
    });
    digest.map_err(|error| Error::file(path, error))
}
