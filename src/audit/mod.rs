//! `proofmark audit`: the log of a service, verified with nothing but its public key.

mod check;
mod export;
mod find;
mod place;
mod prove;
mod verify;

pub(crate) use find::sha256;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use service::audit::note::VerifierKey;
use service::audit::{Entry, source};

use crate::error::Error;
use crate::exit::Exit;
use crate::inputs;

use place::Place;

/// Largest file with a key or a checkpoint that is read, in bytes.
const MAX_SMALL: u64 = 64 << 10;

/// Verify the log of decisions that a service keeps: docs/audit.md.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Verify(verify::VerifyArgs),
    Prove(prove::ProveArgs),
    Check(check::CheckArgs),
    Find(find::FindArgs),
    Export(export::ExportArgs),
}

/// A log and its key.
#[derive(Debug, Args)]
struct LogArgs {
    /// Public key of the log, as the service prints it (NAME+12345678+BASE64), or a file with it
    #[arg(long, value_name = "KEY|FILE")]
    key: String,
    /// File whose first line is the token for the service [default: PROOFMARK_TOKEN, or the identity of the CI job]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Folder of an exported log, or address of a service
    #[arg(value_name = "DIR|URL")]
    log: String,
}

impl LogArgs {
    fn key(&self) -> Result<VerifierKey, Error> {
        key(&self.key)
    }

    fn place(&self) -> Result<Place, Error> {
        Place::new(&self.log, self.token_file.as_deref())
    }
}

/// Runs the command.
pub(crate) fn run(arguments: &AuditArgs) -> Result<Exit, Error> {
    match &arguments.command {
        Command::Verify(arguments) => verify::run(arguments),
        Command::Prove(arguments) => prove::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Find(arguments) => find::run(arguments),
        Command::Export(arguments) => export::run(arguments),
    }
}

/// A public key as it is, or that of a file.
pub(crate) fn key(given: &str) -> Result<VerifierKey, Error> {
    let path = Path::new(given);
    let text = match path.is_file() {
        true => text(path)?,
        false => given.to_owned(),
    };
    VerifierKey::parse(&text).map_err(|error| {
        Error::new(format_args!("--key {given}: {error}"))
            .hint("the service prints its key when it starts, and gives it at /log/key")
    })
}

fn text(path: &Path) -> Result<String, Error> {
    let bytes = inputs::read(path, MAX_SMALL)?;
    String::from_utf8(bytes).map_err(|_| Error::file(path, "this is no text"))
}

/// An entry as programs read it; the names are documented in `docs/audit.md`.
fn record(index: u64, entry: &Entry) -> Value {
    json!({ "index": index, "entry": entry })
}

/// An entry in a line.
fn line(index: u64, entry: &Entry) -> String {
    let mut line = format!(
        "{index:>6}  {}  {:<14} {}",
        entry.time,
        entry.decision.name(),
        entry.principal
    );
    if let Some(profile) = &entry.profile {
        line.push_str(&format!("  profile {profile}"));
    }
    let subject = entry.output.as_ref().or(entry.input.as_ref());
    if let Some(subject) = subject {
        let name = subject.name.as_deref().unwrap_or(&subject.sha256);
        line.push_str(&format!("  {name}"));
    }
    if let Some(reason) = &entry.reason {
        line.push_str(&format!("  ({reason})"));
    }
    crate::output::printable(&line) + "\n"
}

/// The checkpoints of files, signed by the key.
fn checkpoints(
    paths: &[PathBuf],
    key: &VerifierKey,
) -> Result<Vec<service::audit::checkpoint::Checkpoint>, Error> {
    let read = |path: &PathBuf| {
        source::checkpoint(&path.display().to_string(), &text(path)?, key).map_err(Error::new)
    };
    paths.iter().map(read).collect()
}
