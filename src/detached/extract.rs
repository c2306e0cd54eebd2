//! `proofmark extract`: what has to be signed for each file, written into a folder.

use std::path::{Path, PathBuf};

use clap::Args;
use rayon::prelude::*;
use serde_json::{Value, json};
use signer::detached::{DetachedError, Extracted, extract};
use signer::digest::hex;
use signer::output::write_bytes;
use time::OffsetDateTime;

use super::{DIGEST, REQUEST, TO_BE_SIGNED, UNSIGNED, beside};
use crate::ReportFormat;
use crate::allow::AllowArgs;
use crate::config::Config;
use crate::error::Error;
use crate::exit::Exit;
use crate::inputs;
use crate::output;
use crate::profile;
use crate::progress::Progress;
use crate::sign::{explain, into_folder, purpose};
use crate::signature::SignatureArgs;
use crate::trust;

/// Write what a key elsewhere has to sign; attach puts the result back.
///
/// For each file FOLDER gets NAME.request.json (what attach needs), NAME.tbs (the bytes to sign, e.g. by openssl dgst
/// -sha256 -sign), NAME.digest (their digest, e.g. for openssl pkeyutl -sign -pkeyopt digest:sha256) and
/// NAME.unsigned.p7 (for tools that sign a PKCS#7). No key is needed, and the file is not touched.
#[derive(Debug, Args)]
pub(crate) struct ExtractArgs {
    /// Signing profile: test (built in), retail, or one of proofmark.toml; its key is not looked at
    #[arg(long, value_name = "NAME")]
    profile: String,
    /// Certificate file of the key and those above it, PEM bundle or DER
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// Certificate file, or folder of them: what is missing between the signer and its root is put into the signature
    #[arg(long, value_name = "DIR|FILE")]
    intermediates: Vec<PathBuf>,
    /// Certificate, PEM bundle or DER, at which chains may end besides the built-in anchors
    #[arg(long, value_name = "FILE")]
    root: Vec<PathBuf>,
    /// Folder for what is extracted
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    signature: SignatureArgs,
    #[command(flatten)]
    allow: AllowArgs,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// Files, or folders that are searched for .cab, .spkg, .cat, .sys, .dll, .exe, .efi, .appx, .msix and bundles
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
}

/// What became of one file; nothing where its signature stays.
struct Row {
    input: PathBuf,
    result: Result<Option<(PathBuf, Extracted)>, Error>,
}

/// Runs the command.
pub(crate) fn run(arguments: &ExtractArgs, config: &Config) -> Result<Exit, Error> {
    let name = &arguments.profile;
    let mut keyless = profile::load_without_key(config, name, arguments.cert.clone())?;
    arguments.signature.apply(&mut keyless.options)?;
    let mut certificates = keyless.certificates.ok_or_else(|| {
        Error::new(format_args!("profile '{name}' names no certificate file"))
            .hint("--cert FILE names it; the certificates in a PFX can only be read with its key")
    })?;
    let anchors = trust::anchors(config, &arguments.root)?;
    let anchors = trust::with_intermediates(anchors, &arguments.intermediates)?;
    let now = OffsetDateTime::now_utc();
    certificates.complete(anchors.intermediates().all(), now);
    let files = inputs::containers(&arguments.paths)?;
    let allowed = arguments.allow.names();
    let when = (now, purpose(&files));
    profile::check_certificates(&certificates, keyless.kind, &allowed, when, &anchors)?;
    into_folder(&files, &arguments.out)?;
    let if_signed = arguments.signature.if_signed();
    let progress = Progress::new("extracting", files.len());
    let rows: Vec<Row> = files
        .into_par_iter()
        .map(|input| {
            let extracted = extract(&input, &certificates, &keyless.options, if_signed);
            let result = extracted
                .map_err(|error| match error {
                    DetachedError::Sign(error) => explain(&input, error),
                    error => Error::file(&input, error),
                })
                .and_then(|extracted| match extracted {
                    Some(extracted) => write(&arguments.out, &input, extracted).map(Some),
                    None => Ok(None),
                });
            progress.step();
            Row { input, result }
        })
        .collect();
    drop(progress);
    report(&rows, arguments)?;
    match rows.iter().any(|row| row.result.is_err()) {
        true => Ok(Exit::CouldNotRun),
        false => Ok(Exit::Clean),
    }
}

/// Writes the files of one request; the request comes last, so that it is never there without the others.
fn write(folder: &Path, input: &Path, extracted: Extracted) -> Result<(PathBuf, Extracted), Error> {
    let request = &extracted.request;
    let text = request.write().map_err(|error| Error::file(input, error))?;
    let path = beside(folder, input, REQUEST)?;
    let files = [
        (
            beside(folder, input, TO_BE_SIGNED)?,
            request.signed_attributes.clone(),
        ),
        (beside(folder, input, DIGEST)?, request.digest()),
        (beside(folder, input, UNSIGNED)?, extracted.pkcs7.clone()),
        (path.clone(), text.into_bytes()),
    ];
    for (path, bytes) in &files {
        write_bytes(path, bytes).map_err(|error| Error::file(path, error))?;
    }
    Ok((path, extracted))
}

fn report(rows: &[Row], arguments: &ExtractArgs) -> Result<(), Error> {
    if arguments.format == ReportFormat::Json {
        let records = rows.iter().map(record);
        output::result(&format!("{:#}\n", Value::Array(records.collect())))?;
        return Ok(());
    }
    for row in rows {
        match &row.result {
            Ok(Some((path, extracted))) => {
                let request = &extracted.request;
                output::result(&format!(
                    "extracted {} ({}, {} {}, {})\n",
                    path.display(),
                    request.format,
                    request.options.digest,
                    hex(&request.digest()),
                    request.certificates.leaf().subject,
                ))?;
            }
            Ok(None) => output::result(&format!(
                "skipped   {} (it is signed already)\n",
                row.input.display()
            ))?,
            Err(error) => output::note(format_args!("error: {error}")),
        }
    }
    Ok(())
}

/// One record per file; the names are documented in `docs/json.md` and stay.
fn record(row: &Row) -> Value {
    let mut record = json!({
        "file": row.input.display().to_string(),
        "status": "skipped",
        "request": null,
    });
    match &row.result {
        Ok(None) => {}
        Ok(Some((path, extracted))) => {
            let request = &extracted.request;
            record["status"] = json!("extracted");
            record["request"] = json!(path.display().to_string());
            record["format"] = json!(request.format);
            record["digest_algorithm"] = json!(request.options.digest.to_string());
            record["digest_to_sign"] = json!(hex(&request.digest()));
        }
        Err(error) => {
            record["status"] = json!("failed");
            record["error"] = json!(error.to_string());
        }
    }
    record
}
