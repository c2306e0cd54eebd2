//! `proofmark image sign`: the catalog of an image is signed and put back; no chunk changes.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use signer::anchor::Purpose;
use signer::full_flash::{catalog_of, sign_catalog};
use signer::identity::thumbprint;
use signer::sign::{IfSigned, Job};
use signer::timestamp::Obtainer;
use signer::verify::VerifyOptions;
use time::OffsetDateTime;

use crate::allow::AllowArgs;
use crate::config::Config;
use crate::error::Error;
use crate::exit::Exit;
use crate::http::Network;
use crate::profile::{self, KeyFiles, Ready};
use crate::timestamp::{self, ServerArgs};
use crate::{ReportFormat, instant, output, trust};

/// Sign the catalog of an image, or put in one that was signed elsewhere.
///
/// The chunks are verified first: a signature says that they are what the table states.
#[derive(Debug, Args)]
pub(super) struct SignArgs {
    /// Signing profile: test (built in), retail, or one of proofmark.toml
    #[arg(long, value_name = "NAME", required_unless_present = "catalog")]
    profile: Option<String>,
    /// Signed catalog to put in, instead of signing the one that is there
    #[arg(long, value_name = "FILE", conflicts_with = "profile")]
    catalog: Option<PathBuf>,
    /// PKCS#12 file with key and certificates
    #[arg(long, value_name = "FILE")]
    pfx: Option<PathBuf>,
    /// Environment variable that holds the password of the key
    #[arg(long, value_name = "NAME")]
    password_env: Option<String>,
    /// The signed image
    #[arg(long, value_name = "FILE", required_unless_present = "in_place")]
    out: Option<PathBuf>,
    /// Replace the input by its signed form
    #[arg(long, conflicts_with = "out")]
    in_place: bool,
    /// Time of the catalog, where one has to be made, instead of now
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    time: Option<OffsetDateTime>,
    #[command(flatten)]
    servers: ServerArgs,
    #[command(flatten)]
    allow: AllowArgs,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// The image
    #[arg(value_name = "FFU")]
    image: PathBuf,
}

pub(super) fn run(arguments: &SignArgs, config: &Config) -> Result<Exit, Error> {
    let path = &arguments.image;
    let anchors = trust::anchors(config, &arguments.servers.root)?;
    let mut ready = match &arguments.profile {
        Some(name) => Some(identity(arguments, name, config, &anchors)?),
        None => None,
    };
    let update = super::read(path)?;
    let options = VerifyOptions {
        at: OffsetDateTime::now_utc(),
        anchors: &anchors,
    };
    let verification = super::verify::hashed(path, &update, options)?;
    if verification.chunks.is_failure() {
        return Err(
            Error::file(path, "its chunks are not what its hash table says")
                .hint("image hash makes the table anew, if the change was meant"),
        );
    }
    let catalog = match &ready {
        Some(ready) => {
            let network = Network::new();
            let servers = arguments.servers.choose(ready.servers.clone())?;
            let servers = servers.as_ref();
            let obtainer = servers.map(|servers| Obtainer::new(servers, &anchors, &network));
            let job = Job {
                identity: &ready.identity,
                options: &ready.options,
                if_signed: IfSigned::Replace,
                stamping: obtainer.as_ref(),
            };
            let time = arguments.time.unwrap_or_else(OffsetDateTime::now_utc);
            let unsigned = match verification.hash_table.is_failure() {
                false => update.catalog().to_vec(),
                true => catalog_of(update.hash_table(), time)
                    .map_err(|error| Error::file(path, error))?,
            };
            let signed = sign_catalog(&unsigned, update.hash_table(), job);
            signed.map_err(|error| Error::file(path, error))?
        }
        None => (given_catalog(arguments, update.hash_table())?, None),
    };
    let (catalog, stamp) = catalog;
    let patch = update
        .replace_security(&catalog, update.hash_table())
        .map_err(|error| Error::file(path, error))?;
    let out = arguments.out.as_ref().unwrap_or(path);
    signer::output::write_patched(path, &patch, out).map_err(|error| Error::file(out, error))?;
    let signer = ready.take().map(|ready| {
        let leaf = ready.identity.leaf();
        (leaf.subject.to_string(), thumbprint(leaf))
    });
    output::result(&match arguments.format {
        ReportFormat::Json => {
            let record = json!({
                "file": path.display().to_string(),
                "status": "signed",
                "output": out.display().to_string(),
                "format": "ffu",
                "profile": arguments.profile,
                "signer": signer.map(|(subject, thumbprint)| {
                    json!({ "subject": subject, "thumbprint": thumbprint })
                }),
                "timestamp": timestamp::record(stamp.as_ref()),
            });
            format!("{record:#}\n")
        }
        ReportFormat::Text => format!(
            "signed   {} (full flash update, {}{})\n",
            out.display(),
            signer.map_or("catalog put in".to_owned(), |(subject, _)| subject),
            timestamp::in_words(stamp.as_ref()),
        ),
    })?;
    Ok(Exit::Clean)
}

/// The identity that a profile names, if it may sign.
fn identity(
    arguments: &SignArgs,
    name: &str,
    config: &Config,
    anchors: &signer::anchor::Anchors,
) -> Result<Ready, Error> {
    let given = KeyFiles {
        pfx: arguments.pfx.clone(),
        password_env: arguments.password_env.clone(),
        ..KeyFiles::default()
    };
    let mut ready = profile::load(config, name, &given)?;
    let now = OffsetDateTime::now_utc();
    ready.identity.complete(anchors.intermediates().all(), now);
    profile::check(
        &ready,
        &arguments.allow.names(),
        now,
        anchors,
        Purpose::Code,
    )?;
    Ok(ready)
}

/// The catalog of `--catalog`, which must be signed and of this image.
fn given_catalog(arguments: &SignArgs, hash_table: &[u8]) -> Result<Vec<u8>, Error> {
    let Some(file) = &arguments.catalog else {
        return Err(Error::new("give --profile NAME, or --catalog FILE"));
    };
    let bytes = std::fs::read(file).map_err(|error| Error::file(file, error))?;
    let catalog = formats::container::cat::Catalog::parse(bytes.clone())
        .map_err(|error| Error::file(file, error))?;
    if catalog.signature().is_none() {
        return Err(Error::file(file, "the catalog is not signed"));
    }
    signer::full_flash::expect_table(&catalog, hash_table)
        .map_err(|error| Error::file(file, error))?;
    Ok(bytes)
}
