//! `proofmark attach`: signatures that were made elsewhere, put into their files after they were checked.

use std::path::{Path, PathBuf};

use clap::Args;
use rayon::prelude::*;
use serde_json::{Value, json};
use signer::anchor::Anchors;
use signer::detached::{DetachedError, SigningRequest, attach};
use signer::identity::thumbprint;
use signer::sign::Signed;
use signer::timestamp::Obtainer;
use time::OffsetDateTime;

use super::{ANSWERS, REQUEST, TO_BE_SIGNED, beside};
use crate::ReportFormat;
use crate::allow::AllowArgs;
use crate::config::Config;
use crate::error::Error;
use crate::exit::Exit;
use crate::http::Network;
use crate::inputs;
use crate::output;
use crate::profile::{self, Keyless};
use crate::progress::Progress;
use crate::sign::{purpose, targets};
use crate::timestamp::{self, ServerArgs};
use crate::trust;

/// Largest request or answer that is read, in bytes.
const MAX_FILE: u64 = 256 << 20;

/// Put signatures into files that extract was run on, after checking them.
///
/// FOLDER holds NAME.request.json as extract wrote it and, as NAME.sig, the signature over NAME.tbs: its bytes or their
/// base64. Instead of NAME.sig, NAME.p7 may be a whole PKCS#7. With a plain RSA signature the result
/// is byte for byte what sign would have written.
#[derive(Debug, Args)]
pub(crate) struct AttachArgs {
    /// Signing profile: test (built in), retail, or one of proofmark.toml; its key is not looked at
    #[arg(long, value_name = "NAME")]
    profile: String,
    /// Certificate file that requests must be for [default: that of the profile, or any that the profile allows]
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// Folder with requests and signatures
    #[arg(long, value_name = "DIR")]
    requests: PathBuf,
    /// The signature or PKCS#7 for the one file, instead of one in the folder
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// Where the signed file goes: a file for one input, a folder for several
    #[arg(long, value_name = "FILE|DIR", required_unless_present = "in_place")]
    out: Option<PathBuf>,
    /// Replace the input by its signed form
    #[arg(long, conflicts_with = "out")]
    in_place: bool,
    #[command(flatten)]
    servers: ServerArgs,
    #[command(flatten)]
    allow: AllowArgs,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// The files that were extracted, or folders that are searched for them
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
}

/// What became of one file.
struct Row {
    input: PathBuf,
    output: PathBuf,
    result: Result<(Signed, SigningRequest), Error>,
}

/// What is the same for every file.
struct Work<'a> {
    arguments: &'a AttachArgs,
    keyless: &'a Keyless,
    anchors: &'a Anchors,
    now: OffsetDateTime,
    stamping: Option<&'a Obtainer<'a>>,
}

/// Runs the command.
pub(crate) fn run(arguments: &AttachArgs, config: &Config) -> Result<Exit, Error> {
    let mut keyless =
        profile::load_without_key(config, &arguments.profile, arguments.cert.clone())?;
    let anchors = trust::anchors(config, &arguments.servers.root)?;
    let network = Network::new();
    let servers = std::mem::take(&mut keyless.servers);
    let servers = arguments.servers.choose(servers)?;
    let obtainer = servers
        .as_ref()
        .map(|servers| Obtainer::new(servers, &anchors, &network));
    let files = inputs::containers(&arguments.paths)?;
    if files.len() > 1 && arguments.signature.is_some() {
        return Err(Error::new(
            "--signature is for one file, and there are more",
        ));
    }
    let targets = targets(&files, arguments.out.as_deref())?;
    let work = Work {
        arguments,
        keyless: &keyless,
        anchors: &anchors,
        now: OffsetDateTime::now_utc(),
        stamping: obtainer.as_ref(),
    };
    let progress = Progress::new("attaching", files.len());
    let rows: Vec<Row> = files
        .into_par_iter()
        .zip(targets)
        .map(|(input, output)| {
            let result = work.attach(&input, &output);
            progress.step();
            Row {
                input,
                output,
                result,
            }
        })
        .collect();
    drop(progress);
    report(&rows, arguments)?;
    match rows.iter().any(|row| row.result.is_err()) {
        true => Ok(Exit::CouldNotRun),
        false => Ok(Exit::Clean),
    }
}

impl Work<'_> {
    fn attach(&self, input: &Path, output: &Path) -> Result<(Signed, SigningRequest), Error> {
        let folder = &self.arguments.requests;
        let path = beside(folder, input, REQUEST)?;
        if !path.exists() {
            return Err(
                Error::file(input, format_args!("there is no {}", path.display()))
                    .hint("--requests names the folder that extract has written"),
            );
        }
        let mut request = SigningRequest::read(&inputs::read(&path, MAX_FILE)?)
            .map_err(|error| Error::file(&path, error))?;
        // Servers of the profile are for code.
        request.options.stamp_policies = self.arguments.servers.are_given();
        self.check(input, &path, &request)?;
        let answer = inputs::read(&self.answer(input)?, MAX_FILE)?;
        match attach(input, output, &request, &answer, self.stamping) {
            Ok(signed) => Ok((signed, request)),
            Err(DetachedError::Sign(error)) => Err(timestamp::explain(input, error)),
            Err(error) => {
                let hint = self.hint(&error, input, &request);
                let error = Error::file(input, error);
                Err(match hint {
                    Some(hint) => error.hint(hint),
                    None => error,
                })
            }
        }
    }

    /// Holds the certificate of a request to the rules of the profile.
    fn check(&self, input: &Path, path: &Path, request: &SigningRequest) -> Result<(), Error> {
        let leaf = request.certificates.leaf();
        if let Some(expected) = &self.keyless.certificates
            && expected.leaf().der != leaf.der
        {
            return Err(Error::file(
                path,
                format_args!(
                    "the request is for the certificate of {} ({}), the profile has that of {} ({})",
                    leaf.subject,
                    thumbprint(leaf),
                    expected.leaf().subject,
                    thumbprint(expected.leaf()),
                ),
            ));
        }
        profile::check_certificates(
            &request.certificates,
            self.keyless.kind,
            &self.arguments.allow.names(),
            (self.now, purpose(&[input.to_owned()])),
            self.anchors,
        )
    }

    /// The file that came back.
    fn answer(&self, input: &Path) -> Result<PathBuf, Error> {
        if let Some(path) = &self.arguments.signature {
            return Ok(path.clone());
        }
        let folder = &self.arguments.requests;
        for kind in ANSWERS {
            let path = beside(folder, input, kind)?;
            if path.exists() {
                return Ok(path);
            }
        }
        let [signature, pkcs7] = ANSWERS;
        let expected = beside(folder, input, signature)?;
        Err(Error::file(
            input,
            format_args!(
                "there is no signature: neither {} nor one ending in .{pkcs7}",
                expected.display()
            ),
        ))
    }

    fn hint(
        &self,
        error: &DetachedError,
        input: &Path,
        request: &SigningRequest,
    ) -> Option<String> {
        let is_about_signing = matches!(
            error,
            DetachedError::HashedTwice
                | DetachedError::WrongSignature { .. }
                | DetachedError::NoAnswer { .. }
        );
        let digest = request.options.digest.to_string();
        let digest = digest.to_lowercase().replace('-', "");
        let path = beside(&self.arguments.requests, input, TO_BE_SIGNED).ok()?;
        let path = path.display();
        is_about_signing.then(|| {
            format!(
                "openssl dgst -{digest} -sign KEY {path} signs the bytes; openssl pkeyutl -sign -pkeyopt digest:{digest} the digest beside them"
            )
        })
    }
}

fn report(rows: &[Row], arguments: &AttachArgs) -> Result<(), Error> {
    let signed = rows.iter().filter_map(|row| row.result.as_ref().ok());
    timestamp::note_failures(signed.filter_map(|(signed, _)| signed.timestamp.as_ref()));
    if arguments.format == ReportFormat::Json {
        let records = rows.iter().map(|row| record(row, &arguments.profile));
        output::result(&format!("{:#}\n", Value::Array(records.collect())))?;
        return Ok(());
    }
    for row in rows {
        match &row.result {
            Ok((signed, request)) => output::result(&format!(
                "{:<8} {} ({}, {}, profile {}, {}{})\n",
                signed.action.name(),
                row.output.display(),
                signed.format,
                signed.digest,
                arguments.profile,
                request.certificates.leaf().subject,
                timestamp::in_words(signed.timestamp.as_ref()),
            ))?,
            Err(error) => output::note(format_args!("error: {error}")),
        }
    }
    Ok(())
}

/// One record per file; the names are documented in `docs/json.md` and stay.
fn record(row: &Row, profile: &str) -> Value {
    let mut record = json!({
        "file": row.input.display().to_string(),
        "status": "failed",
        "output": null,
        "profile": profile,
    });
    match &row.result {
        Ok((signed, request)) => {
            let leaf = request.certificates.leaf();
            record["status"] = json!("signed");
            record["output"] = json!(row.output.display().to_string());
            record["format"] = json!(signed.format.name());
            record["action"] = json!(signed.action.name());
            record["digest_algorithm"] = json!(signed.digest.to_string());
            record["signer"] =
                json!({ "subject": leaf.subject.to_string(), "thumbprint": thumbprint(leaf) });
            record["timestamp"] = timestamp::record(signed.timestamp.as_ref());
        }
        Err(error) => record["error"] = json!(error.to_string()),
    }
    record
}
