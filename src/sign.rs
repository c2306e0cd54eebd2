//! `proofmark sign`: one row per file, each signed completely or left as it was.

use std::path::{Path, PathBuf};

use clap::Args;
use rayon::prelude::*;
use serde_json::{Value, json};
use signer::anchor::Purpose;
use signer::identity::thumbprint;
use signer::sign::{self, Action, Job, SignError, SignOptions, Signed};
use signer::timestamp::Obtainer;
use time::OffsetDateTime;

use crate::ReportFormat;
use crate::allow::AllowArgs;
use crate::batch;
use crate::config::Config;
use crate::error::Error;
use crate::exit::Exit;
use crate::http::Network;
use crate::inputs;
use crate::output;
use crate::profile::{self, KeyFiles, Ready};
use crate::progress::Progress;
use crate::remote::answer::{Checks, LogArgs};
use crate::remote::digest::ByDigest;
use crate::remote::sign::Order;
use crate::remote::{self, Remote, RemoteArgs};
use crate::signature::SignatureArgs;
use crate::timestamp::{self, ServerArgs};
use crate::trust;

/// Sign cabinets, catalogs, PE images, app packages and code-integrity policies.
#[derive(Debug, Args)]
pub(crate) struct SignArgs {
    /// Signing profile: test (built in), retail, or one of proofmark.toml
    #[arg(long, value_name = "NAME")]
    profile: String,
    #[command(flatten)]
    key_files: KeyFiles,
    /// Certificate file, or folder of them: what is missing between the signer and its root is put into the signature
    #[arg(long, value_name = "DIR|FILE")]
    intermediates: Vec<PathBuf>,
    /// Where the signed file goes: a file for one input, a folder for several
    #[arg(long, value_name = "FILE|DIR", required_unless_present = "in_place")]
    out: Option<PathBuf>,
    /// Replace the input by its signed form
    #[arg(long, conflicts_with = "out")]
    in_place: bool,
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(flatten)]
    log: LogArgs,
    /// Send the digest alone and keep the file here, where the profile of the service allows it
    #[arg(long, requires = "remote")]
    by_digest: bool,
    #[command(flatten)]
    signature: SignatureArgs,
    #[command(flatten)]
    servers: ServerArgs,
    #[command(flatten)]
    allow: AllowArgs,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// Files, or folders that are searched for .cab, .spkg, .cat, .sys, .dll, .exe, .efi, .appx, .msix and bundles;
    /// policies are signed where they are named
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
}

/// What became of one file.
struct Row {
    input: PathBuf,
    output: PathBuf,
    result: Result<Signed, Error>,
}

/// Runs the command.
pub(crate) fn run(arguments: SignArgs, config: &Config) -> Result<Exit, Error> {
    if let Some(remote) = arguments.remote.service()? {
        return sign_remotely(&arguments, &remote, config);
    }
    let mut ready = profile::load(config, &arguments.profile, &arguments.key_files)?;
    arguments.signature.apply(&mut ready.options)?;
    // Servers of the profile are for code.
    ready.options.stamp_policies = arguments.servers.are_given();
    let anchors = trust::anchors(config, &arguments.servers.root)?;
    let anchors = trust::with_intermediates(anchors, &arguments.intermediates)?;
    let missing = anchors.intermediates().all();
    ready.identity.complete(missing, OffsetDateTime::now_utc());
    let files = inputs::containers(&arguments.paths)?;
    profile::check(
        &ready,
        &arguments.allow.names(),
        OffsetDateTime::now_utc(),
        &anchors,
        purpose(&files),
    )?;
    let network = Network::new();
    let servers = arguments
        .servers
        .choose(std::mem::take(&mut ready.servers))?;
    let obtainer = servers
        .as_ref()
        .map(|servers| Obtainer::new(servers, &anchors, &network));
    let job = Job {
        identity: &ready.identity,
        options: &ready.options,
        if_signed: arguments.signature.if_signed(),
        stamping: obtainer.as_ref(),
    };
    let targets = targets(&files, arguments.out.as_deref())?;
    let progress = Progress::new("signing", files.len());
    let rows: Vec<Row> = batch::waiting(|| {
        let pairs = files.into_par_iter().zip(targets);
        let rows = pairs.map(|(input, output)| {
            let result = sign_file(&input, &output, job);
            progress.step();
            Row {
                input,
                output,
                result,
            }
        });
        rows.collect()
    });
    drop(progress);
    report(&rows, &ready, &arguments)?;
    match rows.iter().any(|row| row.result.is_err()) {
        true => Ok(Exit::CouldNotRun),
        false => Ok(Exit::Clean),
    }
}

/// Lets a service sign; how it signs is its own affair.
fn sign_remotely(arguments: &SignArgs, remote: &Remote, config: &Config) -> Result<Exit, Error> {
    let key = &arguments.key_files;
    remote::refuse(&[
        (key.pfx.is_some(), "--pfx"),
        (key.cert.is_some(), "--cert"),
        (key.password_env.is_some(), "--password-env"),
        (key.password_file.is_some(), "--password-file"),
        (
            !arguments.allow.names().is_empty(),
            "--allow-expired and its like",
        ),
    ])?;
    let anchors = trust::anchors(config, &arguments.servers.root)?;
    let anchors = trust::with_intermediates(anchors, &arguments.intermediates)?;
    let network = Network::new();
    let servers = arguments.servers.choose(Vec::new())?;
    let obtainer = servers
        .as_ref()
        .map(|servers| Obtainer::new(servers, &anchors, &network));
    let (parameters, by_digest) = match arguments.by_digest {
        true => {
            let mut options = SignOptions::default();
            arguments.signature.apply(&mut options)?;
            let by_digest = ByDigest {
                certificates: remote::digest::certificates(remote, &arguments.profile)?,
                options,
                if_signed: arguments.signature.if_signed(),
                stamping: obtainer.as_ref(),
            };
            (String::new(), Some(by_digest))
        }
        false => {
            remote::refuse(&[(arguments.servers.are_given(), "--timestamp")])?;
            (arguments.signature.parameters()?, None)
        }
    };
    let log_key = arguments.log.key()?;
    let order = Order {
        checks: Checks {
            remote,
            anchors: &anchors,
            log_key: log_key.as_ref(),
            identity: &profile::test_identity()?,
        },
        profile: &arguments.profile,
        parameters,
        by_digest,
        format: arguments.format,
    };
    let files = inputs::containers(&arguments.paths)?;
    let targets = targets(&files, arguments.out.as_deref())?;
    remote::sign::run(&order, files, targets)
}

/// What the certificate is to be for: policies alone need no certificate for code.
pub(crate) fn purpose(files: &[PathBuf]) -> Purpose {
    match !files.is_empty() && files.iter().all(|path| inputs::is_policy(path)) {
        true => Purpose::Policy,
        false => Purpose::Code,
    }
}

/// Where each signed file goes.
pub(crate) fn targets(files: &[PathBuf], out: Option<&Path>) -> Result<Vec<PathBuf>, Error> {
    let Some(out) = out else {
        return Ok(files.to_vec());
    };
    let is_folder = out.is_dir() || files.len() > 1 || out.to_string_lossy().ends_with(['/', '\\']);
    let [_single] = files else {
        return into_folder(files, out);
    };
    match is_folder {
        true => into_folder(files, out),
        false => Ok(vec![out.to_owned()]),
    }
}

/// Where each file goes in a folder, which is made; two of one name are refused.
pub(crate) fn into_folder(files: &[PathBuf], folder: &Path) -> Result<Vec<PathBuf>, Error> {
    std::fs::create_dir_all(folder).map_err(|error| Error::file(folder, error))?;
    let mut targets: Vec<PathBuf> = Vec::with_capacity(files.len());
    for file in files {
        let name = file
            .file_name()
            .ok_or_else(|| Error::file(file, "this is no file"))?;
        let target = folder.join(name);
        if targets.contains(&target) {
            return Err(Error::file(
                file,
                "two inputs have this file name, and one folder is to take both",
            )
            .hint("sign them one after the other, or use --in-place"));
        }
        targets.push(target);
    }
    Ok(targets)
}

fn sign_file(input: &Path, output: &Path, job: Job<'_>) -> Result<Signed, Error> {
    sign::sign_file(input, output, job).map_err(|error| explain(input, error))
}

/// Why a file was not signed, and what can be done.
pub(crate) fn explain(input: &Path, error: SignError) -> Error {
    let hint = match error {
        SignError::SignedAlready => "--if-signed says what to do with it: replace, append or skip",
        SignError::NotNestable(_) => "--if-signed replace puts the new one in its place",
        SignError::PublisherMismatch { .. } => "--allow-publisher-mismatch signs all the same",
        error => return timestamp::explain(input, error),
    };
    Error::file(input, error).hint(hint)
}

fn report(rows: &[Row], ready: &Ready, arguments: &SignArgs) -> Result<(), Error> {
    let leaf = ready.identity.leaf();
    let signed = rows.iter().filter_map(|row| row.result.as_ref().ok());
    timestamp::note_failures(signed.filter_map(|signed| signed.timestamp.as_ref()));
    match arguments.format {
        ReportFormat::Json => {
            let records = rows
                .iter()
                .map(|row| record(row, ready, &arguments.profile));
            output::result(&format!("{:#}\n", Value::Array(records.collect())))?;
        }
        ReportFormat::Text => {
            for row in rows {
                match &row.result {
                    Ok(Signed {
                        format,
                        action: Action::Skipped,
                        ..
                    }) => output::result(&format!(
                        "skipped  {} ({format}, it is signed already)\n",
                        row.output.display(),
                    ))?,
                    Ok(signed) => output::result(&format!(
                        "{:<8} {} ({}, {}, profile {}, {}{})\n",
                        signed.action.name(),
                        row.output.display(),
                        signed.format,
                        signed.digest,
                        arguments.profile,
                        leaf.subject,
                        timestamp::in_words(signed.timestamp.as_ref()),
                    ))?,
                    Err(error) => output::note(format_args!("error: {error}")),
                }
            }
        }
    }
    Ok(())
}

/// One record per file; the names are documented in `docs/json.md` and stay.
fn record(row: &Row, ready: &Ready, profile: &str) -> Value {
    let leaf = ready.identity.leaf();
    let digest = match &row.result {
        Ok(signed) => signed.digest,
        Err(_) => ready.options.digest,
    };
    let mut record = json!({
        "file": row.input.display().to_string(),
        "status": "signed",
        "output": row.output.display().to_string(),
        "profile": profile,
        "digest_algorithm": digest.to_string(),
        "signer": { "subject": leaf.subject.to_string(), "thumbprint": thumbprint(leaf) },
    });
    match &row.result {
        Ok(signed) => {
            record["format"] = json!(signed.format.name());
            if signed.action == Action::Skipped {
                record["status"] = json!("skipped");
            }
            record["action"] = json!(signed.action.name());
            record["timestamp"] = timestamp::record(signed.timestamp.as_ref());
        }
        Err(error) => {
            record["status"] = json!("failed");
            record["output"] = Value::Null;
            record["error"] = json!(error.to_string());
        }
    }
    record
}
