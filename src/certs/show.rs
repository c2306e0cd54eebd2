//! `proofmark certs show`: what certificates say, and what they are worth.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use formats::certificate::Certificate;
use formats::oid::Oid;
use serde_json::{Value, json};
use signer::anchor::{Anchor, Anchors};
use signer::chain;
use signer::clock::rfc3339;
use signer::digest::{DigestAlgorithm, hex};
use signer::identity::thumbprint;
use signer::key_purpose;
use signer::public_key::{PublicKey, named_digest};
use signer::published;

use super::read::{Unreadable, certificates};
use crate::config::{Config, Profile};
use crate::error::Error;
use crate::exit::Exit;
use crate::trust::{self, MaterialArgs};
use crate::{ReportFormat, output, profile};

/// Show certificates: subject, issuer, validity, key, purposes, thumbprints, class, and whether the key is published.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Environment variable that holds the password of PKCS#12 files; otherwise the empty one is tried
    #[arg(long, value_name = "NAME")]
    password_env: Option<String>,
    /// File whose first line is the password of PKCS#12 files
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Certificate, PEM bundle or DER, at which chains may end besides the built-in anchors
    #[arg(long, value_name = "FILE")]
    root: Vec<PathBuf>,
    #[command(flatten)]
    material: MaterialArgs,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// Certificate files (.cer, .pem, .p7b, .pfx), and signed files for the certificates that they carry
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

/// A certificate with what its keys and its chain tell of it.
struct Row<'a> {
    file: &'a Path,
    certificate: Certificate,
    anchor: Option<Anchor>,
}

/// Runs the command.
pub(super) fn run(arguments: &ShowArgs, config: &Config) -> Result<Exit, Error> {
    let password = profile::password(&Profile {
        password_env: arguments.password_env.clone(),
        password_file: arguments.password_file.clone(),
        ..Profile::default()
    })?;
    let password = password.as_ref().map_or("", |password| password.as_str());
    let anchors = trust::anchors(config, &arguments.root)?;
    let anchors = arguments.material.add_to(anchors)?;
    let mut rows = Vec::new();
    for file in &arguments.files {
        let found = certificates(file, password).map_err(|error| refusal(file, error))?;
        if found.is_empty() {
            return Err(Error::file(file, "it carries no certificate"));
        }
        rows.extend(judge(file, found, &anchors));
    }
    output::result(&match arguments.format {
        ReportFormat::Json => format!("{:#}\n", rows.iter().map(Row::json).collect::<Value>()),
        ReportFormat::Text => {
            let texts: Vec<String> = rows.iter().map(Row::text).collect();
            texts.join("\n")
        }
    })?;
    Ok(Exit::Clean)
}

fn refusal(file: &Path, error: Unreadable) -> Error {
    match error {
        Unreadable::Locked => Error::file(file, "the password does not open it")
            .hint("--password-env NAME and --password-file FILE say where the password is"),
        Unreadable::Other(problem) => Error::file(file, problem),
    }
}

fn judge<'a>(file: &'a Path, found: Vec<Certificate>, anchors: &Anchors) -> Vec<Row<'a>> {
    let classified = |certificate: &Certificate| chain::classify(certificate, &found, anchors);
    let all: Vec<_> = found.iter().map(classified).collect();
    found
        .iter()
        .zip(all)
        .map(|(certificate, anchor)| Row {
            file,
            certificate: certificate.clone(),
            anchor,
        })
        .collect()
}

impl Row<'_> {
    fn key(&self) -> String {
        match PublicKey::from_spki(&self.certificate.public_key) {
            Ok(key) => key.kind().to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// The digest of the issuer's signature, or the algorithm where it is not known.
    fn signature(&self) -> String {
        let algorithm = Oid(&self.certificate.signature_algorithm);
        named_digest(algorithm).map_or(algorithm.to_string(), |digest| digest.to_string())
    }

    fn sha256(&self) -> String {
        hex(&DigestAlgorithm::Sha256.of(&self.certificate.der)).to_uppercase()
    }

    fn purposes(&self) -> Vec<String> {
        let purposes = self.certificate.extended_key_usage.iter().flatten();
        purposes
            .map(|oid| match key_purpose::name(oid) {
                Some(name) => format!("{name} ({oid})"),
                None => oid.clone(),
            })
            .collect()
    }

    fn authority(&self) -> Option<String> {
        let constraints = self.certificate.basic_constraints.filter(|c| c.ca)?;
        Some(match constraints.path_length {
            Some(limit) => format!("yes, {limit} more below it"),
            None => "yes".to_owned(),
        })
    }

    fn text(&self) -> String {
        let certificate = &self.certificate;
        let mut out = format!("{}\n", certificate.subject);
        let mut line = |name: &str, value: &str| {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "  {name:<10} {value}");
        };
        line("file", &self.file.display().to_string());
        line("issuer", &certificate.issuer.to_string());
        let (from, to) = (certificate.not_before, certificate.not_after);
        line("valid", &format!("{} to {}", rfc3339(from), rfc3339(to)));
        line("key", &self.key());
        line("signature", &self.signature());
        line("authority", self.authority().as_deref().unwrap_or("no"));
        match certificate.extended_key_usage {
            None => line("purposes", "any, as none are stated"),
            Some(_) => {
                for (index, purpose) in self.purposes().iter().enumerate() {
                    line(if index == 0 { "purposes" } else { "" }, purpose);
                }
            }
        }
        line("serial", &certificate.serial_hex());
        line("SHA-1", &thumbprint(certificate));
        line("SHA-256", &self.sha256());
        match &self.anchor {
            Some(anchor) => line("class", &format!("{} ({})", anchor.class, anchor.name)),
            None => line("class", "none, its chain ends at no known anchor"),
        }
        if let Some(listed) = published::find(certificate) {
            line(
                "published",
                &format!("anyone can sign with its key ({listed})"),
            );
        }
        out
    }

    /// The names are documented in `docs/json.md` and stay.
    fn json(&self) -> Value {
        let certificate = &self.certificate;
        let purposes = certificate.extended_key_usage.as_ref().map(|purposes| {
            let purpose = |oid: &String| json!({ "oid": oid, "name": key_purpose::name(oid) });
            purposes.iter().map(purpose).collect::<Value>()
        });
        json!({
            "file": self.file.display().to_string(),
            "subject": certificate.subject.to_string(),
            "issuer": certificate.issuer.to_string(),
            "serial": certificate.serial_hex(),
            "not_before": rfc3339(certificate.not_before),
            "not_after": rfc3339(certificate.not_after),
            "key": self.key(),
            "signature_digest": self.signature(),
            "authority": certificate.basic_constraints.is_some_and(|c| c.ca),
            "path_length": certificate.basic_constraints.and_then(|c| c.path_length),
            "purposes": purposes,
            "thumbprint": thumbprint(certificate),
            "sha256": self.sha256(),
            "class": self.anchor.as_ref().map(|anchor| anchor.class.name()),
            "anchor": self.anchor.as_ref().map(|anchor| anchor.name.as_str()),
            "published_key": published::find(certificate),
        })
    }
}
