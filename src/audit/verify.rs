//! `proofmark audit verify`: every entry and every hash, against the checkpoint and those that were kept.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use service::audit::note::Cosignature;
use service::audit::source::{self, Check, Verified};
use signer::clock::rfc3339;
use time::OffsetDateTime;

use super::{LogArgs, checkpoints, key};
use crate::ReportFormat;
use crate::error::Error;
use crate::exit::Exit;
use crate::output;

/// Verify a whole log: that its entries are those of its checkpoint, and that it only grew since earlier ones
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    log: LogArgs,
    /// A checkpoint that was kept: the log must be a continuation of it
    #[arg(long, value_name = "FILE")]
    since: Vec<PathBuf>,
    /// Public key of a witness that must have signed the checkpoint, or a file with it
    #[arg(long, value_name = "KEY|FILE")]
    witness: Vec<String>,
    /// Keep the checkpoint in this file, for --since
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
}

pub(super) fn run(arguments: &VerifyArgs) -> Result<Exit, Error> {
    let log_key = arguments.log.key()?;
    let witnesses = arguments.witness.iter().map(|given| key(given));
    let witnesses = witnesses.collect::<Result<Vec<_>, _>>()?;
    if let Some(key) = witnesses.iter().find(|key| !key.is_witness()) {
        return Err(
            Error::new(format_args!("{} is the key of a log", key.name()))
                .hint("the key of a witness is one for cosignatures"),
        );
    }
    let earlier = checkpoints(&arguments.since, &log_key)?;
    let check = Check {
        key: &log_key,
        earlier: &earlier,
        witnesses: &witnesses,
    };
    let place = arguments.log.place()?;
    let verified = match source::verify(&place, &check, &mut ()) {
        Ok(verified) => verified,
        Err(fault) if fault.is_about_reading() => return Err(Error::new(fault)),
        Err(fault) => {
            match arguments.format {
                ReportFormat::Text => output::result(&format!("failed   {fault}\n"))?,
                ReportFormat::Json => {
                    let record = json!({ "status": "failed", "reason": fault.to_string() });
                    output::result(&format!("{record:#}\n"))?;
                }
            }
            return Ok(Exit::Findings);
        }
    };
    if let Some(path) = &arguments.keep {
        signer::output::write_bytes(path, verified.note.as_bytes())
            .map_err(|error| Error::file(path, error))?;
    }
    report(arguments, &verified)?;
    let is_missing = |witness: &&service::audit::note::VerifierKey| {
        let mut signed = verified.cosignatures.iter();
        !signed.any(|line| line.witness == witness.name())
    };
    match witnesses.iter().find(is_missing) {
        None => Ok(Exit::Clean),
        Some(witness) => {
            output::note(format_args!(
                "{} did not sign the checkpoint",
                witness.name()
            ));
            Ok(Exit::Findings)
        }
    }
}

fn report(arguments: &VerifyArgs, verified: &Verified) -> Result<(), Error> {
    let checkpoint = &verified.checkpoint;
    let text = match arguments.format {
        ReportFormat::Json => {
            let cosignatures = verified.cosignatures.iter().map(
                |cosignature| json!({ "witness": cosignature.witness, "time": time(cosignature) }),
            );
            let record = json!({
                "status": "passed",
                "origin": checkpoint.origin,
                "size": checkpoint.size,
                "root": checkpoint.root.to_string(),
                "cosignatures": cosignatures.collect::<Vec<_>>(),
            });
            format!("{record:#}\n")
        }
        ReportFormat::Text => {
            let mut text = format!(
                "passed   {}: {} entries, root {}\n",
                checkpoint.origin, checkpoint.size, checkpoint.root
            );
            if !arguments.since.is_empty() {
                text.push_str("passed   it continues what was kept\n");
            }
            for cosignature in &verified.cosignatures {
                text.push_str(&format!(
                    "passed   {} signed it at {}\n",
                    cosignature.witness,
                    time(cosignature)
                ));
            }
            text
        }
    };
    Ok(output::result(&text)?)
}

fn time(cosignature: &Cosignature) -> String {
    let seconds = i64::try_from(cosignature.time).ok();
    let time = seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    time.map_or_else(|| cosignature.time.to_string(), rfc3339)
}
