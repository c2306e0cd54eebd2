//! `proofmark audit check`: a proof that was kept, without the log.

use std::path::PathBuf;

use clap::Args;
use service::audit::Entry;
use service::audit::proof::Proof;
use signer::digest::hex;

use super::{MAX_SMALL, key, line, text};
use crate::error::Error;
use crate::exit::Exit;
use crate::{inputs, output};

/// Check a proof that an entry is in the log, and that a file is what the entry is about
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Public key of the log, as the service prints it (NAME+12345678+BASE64), or a file with it
    #[arg(long, value_name = "KEY|FILE")]
    key: String,
    /// The proof: NAME.tlog-proof
    #[arg(value_name = "PROOF")]
    proof: PathBuf,
    /// The entry: NAME.json
    #[arg(value_name = "ENTRY")]
    entry: PathBuf,
    /// A file that came in or went out then
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(super) fn run(arguments: &CheckArgs) -> Result<Exit, Error> {
    let key = key(&arguments.key)?;
    let proof = Proof::parse(&text(&arguments.proof)?)
        .map_err(|error| Error::file(&arguments.proof, error))?;
    let bytes = inputs::read(&arguments.entry, MAX_SMALL)?;
    let checkpoint = match proof.verify(&bytes, &key) {
        Ok(checkpoint) => checkpoint,
        Err(error) => {
            output::result(&format!(
                "failed   {}: {error}\n",
                arguments.proof.display()
            ))?;
            return Ok(Exit::Findings);
        }
    };
    let entry = Entry::parse(&bytes).map_err(|error| Error::file(&arguments.entry, error))?;
    output::result(&format!(
        "passed   entry {} of {} in {}\n{}",
        proof.index,
        checkpoint.size,
        checkpoint.origin,
        line(proof.index, &entry)
    ))?;
    let Some(path) = &arguments.file else {
        return Ok(Exit::Clean);
    };
    let digest = hex(&super::find::sha256(path)?);
    let is_about = entry.digests().any(|found| found == digest);
    let (word, what, exit) = match is_about {
        true => ("passed", "is what the entry is about", Exit::Clean),
        false => ("failed", "is not what the entry is about", Exit::Findings),
    };
    output::result(&format!("{word}   {} {what}\n", path.display()))?;
    Ok(exit)
}
