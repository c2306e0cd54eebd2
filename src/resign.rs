//! `proofmark resign`: packages signed again from the inside out, each completely or left as it was.

use std::path::{Path, PathBuf};

use clap::Args;
use formats::container::cab::Limits;
use rayon::prelude::*;
use serde_json::{Value, json};
use signer::anchor::Purpose;
use signer::identity::thumbprint;
use signer::package::{Glob, Outcome, PackageError, Row, Terms, resign};
use signer::sign::{IfSigned, Job};
use signer::timestamp::Obtainer;
use signer::verify::VerifyOptions;
use time::OffsetDateTime;

use crate::ReportFormat;
use crate::allow::AllowArgs;
use crate::config::Config;
use crate::error::Error;
use crate::exit::Exit;
use crate::http::Network;
use crate::inputs;
use crate::output;
use crate::profile::{self, KeyFiles, Ready};
use crate::progress::Progress;
use crate::sign::targets;
use crate::timestamp::{self, ServerArgs};
use crate::trust;

/// Sign packages again: images, app packages, hashes, catalog, cabinet.
///
/// Every PE image in a package and every app package that names the signer as its publisher is signed, sizes and hashes in its manifests and the entries of its catalog are brought up
/// to date, catalog and cabinet are signed. The result is verified as a whole before it takes its name. HAL extensions
/// (.HalExt in the name) stay as they are.
#[derive(Debug, Args)]
pub(crate) struct ResignArgs {
    /// Signing profile: test (built in), retail, or one of proofmark.toml
    #[arg(long, value_name = "NAME")]
    profile: String,
    #[command(flatten)]
    key_files: KeyFiles,
    /// Where the package goes: a file for one input, a folder for several
    #[arg(long, value_name = "FILE|DIR", required_unless_present_any = ["in_place", "dry_run"])]
    out: Option<PathBuf>,
    /// Replace the package
    #[arg(long, conflicts_with = "out")]
    in_place: bool,
    /// Digest of the signatures: sha256, sha384 or sha512
    #[arg(long, value_name = "DIGEST")]
    digest: Option<String>,
    /// Put a hash of every page into the signatures of PE images
    #[arg(long)]
    page_hashes: bool,
    /// Certificate file, or folder of them: what is missing between the signer and its root is put into the signatures
    #[arg(long, value_name = "DIR|FILE")]
    intermediates: Vec<PathBuf>,
    #[command(flatten)]
    servers: ServerArgs,
    /// Leave packages, and images in packages, as they are whose name or path this pattern matches (* and ?)
    #[arg(long, value_name = "GLOB")]
    skip: Vec<String>,
    /// Replace signatures of a better class than the new one too, Microsoft's own among them
    #[arg(long)]
    replace_better: bool,
    /// Print what would be done, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    allow: AllowArgs,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// Packages, or folders that are searched for .cab and .spkg
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
}

/// What became of one package.
struct Resigned {
    input: PathBuf,
    output: PathBuf,
    result: Result<Outcome, Error>,
}

/// Runs the command.
pub(crate) fn run(arguments: ResignArgs, config: &Config) -> Result<Exit, Error> {
    let mut ready = profile::load(config, &arguments.profile, &arguments.key_files)?;
    if let Some(digest) = &arguments.digest {
        ready.options.digest = profile::digest(digest)?;
    }
    ready.options.page_hashes = arguments.page_hashes;
    let anchors = trust::anchors(config, &arguments.servers.root)?;
    let anchors = trust::with_intermediates(anchors, &arguments.intermediates)?;
    let now = OffsetDateTime::now_utc();
    ready.identity.complete(anchors.intermediates().all(), now);
    profile::check(
        &ready,
        &arguments.allow.names(),
        now,
        &anchors,
        Purpose::Code,
    )?;
    let network = Network::new();
    let servers = arguments
        .servers
        .choose(std::mem::take(&mut ready.servers))?;
    let obtainer = servers
        .as_ref()
        .map(|servers| Obtainer::new(servers, &anchors, &network));
    let skip: Vec<Glob> = arguments.skip.iter().map(|text| Glob::new(text)).collect();
    let terms = Terms {
        job: Job {
            identity: &ready.identity,
            options: &ready.options,
            if_signed: IfSigned::Replace,
            stamping: obtainer.as_ref(),
        },
        judge: VerifyOptions {
            at: now,
            anchors: &anchors,
        },
        skip: &skip,
        replace_better: arguments.replace_better,
        limits: Limits::default(),
        plan_only: arguments.dry_run,
    };
    let files = inputs::packages(&arguments.paths)?;
    let targets = match arguments.dry_run {
        true => files.clone(),
        false => targets(&files, arguments.out.as_deref())?,
    };
    let progress = Progress::new("signing packages", files.len());
    let packages: Vec<Resigned> = files
        .into_par_iter()
        .zip(targets)
        .map(|(input, output)| {
            let result = resign(&input, &output, &terms).map_err(|error| explain(&input, error));
            progress.step();
            Resigned {
                input,
                output,
                result,
            }
        })
        .collect();
    drop(progress);
    report(&packages, &ready, &arguments)?;
    match packages.iter().any(|package| package.result.is_err()) {
        true => Ok(Exit::CouldNotRun),
        false => Ok(Exit::Clean),
    }
}

fn explain(path: &Path, error: PackageError) -> Error {
    match error {
        PackageError::Sign {
            layer,
            member,
            error,
        } => {
            let place = path.join(format!("{layer} {member}").trim_end());
            timestamp::explain(&place, error)
        }
        error => Error::file(path, error),
    }
}

fn status(outcome: &Outcome, is_planned: bool) -> &'static str {
    match outcome.act() {
        act if !act.is_change() => act.name(),
        _ if is_planned => "planned",
        _ => "resigned",
    }
}

fn report(packages: &[Resigned], ready: &Ready, arguments: &ResignArgs) -> Result<(), Error> {
    let outcomes = packages.iter().filter_map(|p| p.result.as_ref().ok());
    let rows = outcomes.flat_map(|outcome| &outcome.rows);
    timestamp::note_failures(rows.filter_map(|row| row.timestamp.as_ref()));
    if arguments.format == ReportFormat::Json {
        let records = packages.iter().map(|p| record(p, ready, arguments));
        output::result(&format!("{:#}\n", Value::Array(records.collect())))?;
        return Ok(());
    }
    for package in packages {
        let outcome = match &package.result {
            Ok(outcome) => outcome,
            Err(error) => {
                output::note(format_args!("error: {error}"));
                continue;
            }
        };
        let mut text = format!(
            "{:<9} {}\n",
            status(outcome, arguments.dry_run),
            package.output.display(),
        );
        text.extend(outcome.rows.iter().map(line));
        output::result(&text)?;
    }
    Ok(())
}

/// A file of a package in a line for people.
fn line(row: &Row) -> String {
    let member = row.member.replace(char::is_control, "\u{fffd}");
    let place = format!("{} {member}", row.layer);
    let reason = match &row.reason {
        Some(reason) => format!(" ({reason})"),
        None => timestamp::in_words(row.timestamp.as_ref()),
    };
    format!("  {:<9} {}{reason}\n", row.act.name(), place.trim_end())
}

/// One record per package; the names are documented in `docs/json.md` and stay.
fn record(package: &Resigned, ready: &Ready, arguments: &ResignArgs) -> Value {
    let leaf = ready.identity.leaf();
    let mut record = json!({
        "file": package.input.display().to_string(),
        "status": "failed",
        "output": null,
        "profile": arguments.profile,
        "digest_algorithm": ready.options.digest.to_string(),
        "signer": { "subject": leaf.subject.to_string(), "thumbprint": thumbprint(leaf) },
    });
    match &package.result {
        Ok(outcome) => {
            record["status"] = json!(status(outcome, arguments.dry_run));
            if !arguments.dry_run {
                record["output"] = json!(package.output.display().to_string());
            }
            let rows = outcome.rows.iter().map(|row| {
                json!({
                    "layer": row.layer.name(),
                    "member": row.member,
                    "action": row.act.name(),
                    "reason": row.reason,
                    "timestamp": timestamp::record(row.timestamp.as_ref()),
                })
            });
            record["files"] = rows.collect();
        }
        Err(error) => record["error"] = json!(error.to_string()),
    }
    record
}
