//! `proofmark audit prove`: an entry and the proof that it is in the log, as two files to keep.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use service::audit::source;

use super::LogArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::output;

/// Write an entry and the proof that it is in the log
#[derive(Debug, Args)]
pub(super) struct ProveArgs {
    #[command(flatten)]
    log: LogArgs,
    /// Number of the entry, as find prints it
    #[arg(long, value_name = "NUMBER")]
    entry: u64,
    /// Where they go: NAME.json and NAME.tlog-proof
    #[arg(long, value_name = "NAME")]
    out: PathBuf,
}

pub(super) fn run(arguments: &ProveArgs) -> Result<Exit, Error> {
    let place = arguments.log.place()?;
    let (entry, proof) =
        source::prove(&place, &arguments.log.key()?, arguments.entry).map_err(Error::new)?;
    let (json, tlog_proof) = (
        with_ending(&arguments.out, "json"),
        with_ending(&arguments.out, "tlog-proof"),
    );
    for (path, bytes) in [
        (&json, &entry),
        (&tlog_proof, &proof.to_string().into_bytes()),
    ] {
        signer::output::write_bytes(path, bytes).map_err(|error| Error::file(path, error))?;
    }
    output::result(&format!("{}\n{}\n", json.display(), tlog_proof.display()))?;
    Ok(Exit::Clean)
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".");
    name.push(ending);
    name.into()
}
