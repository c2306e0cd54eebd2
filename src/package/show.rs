//! `proofmark package show`: who a package is, what is in it, and whether it holds together.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use clap::Args;
use formats::container::cab::Limits;
use formats::document::package_manifest::{ManifestKey, ManifestKind};
use lint::render::verification::{Detail, FileRecord, Requirement};
use serde_json::{Value, json};
use signer::digest::hex;
use signer::package::{Layer, Survey, survey};
use signer::verify::{Verification, VerifyOptions};
use time::OffsetDateTime;

use crate::config::Config;
use crate::error::Error;
use crate::exit::Exit;
use crate::output;
use crate::trust;
use crate::{ReportFormat, instant};

/// Show a package: identity, files, registry, services, signatures, and whether every link of the chain holds.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Certificate, PEM bundle or DER, at which chains may end besides the built-in anchors
    #[arg(long, value_name = "FILE")]
    root: Vec<PathBuf>,
    /// Verify as of this time instead of now
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    at: Option<OffsetDateTime>,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// The package
    #[arg(value_name = "CAB")]
    cabinet: PathBuf,
}

pub(super) fn run(arguments: &ShowArgs, config: &Config) -> Result<Exit, Error> {
    let path = &arguments.cabinet;
    let anchors = trust::anchors(config, &arguments.root)?;
    let options = VerifyOptions {
        at: arguments.at.unwrap_or_else(OffsetDateTime::now_utc),
        anchors: &anchors,
    };
    let bytes = std::fs::read(path).map_err(|error| Error::file(path, error))?;
    let survey =
        survey(&bytes, options, Limits::default()).map_err(|error| Error::file(path, error))?;
    output::result(&match arguments.format {
        ReportFormat::Json => format!("{:#}\n", record(path, &survey)),
        ReportFormat::Text => text(path, &survey),
    })?;
    match survey.holds() {
        true => Ok(Exit::Clean),
        false => Ok(Exit::Findings),
    }
}

fn kind(survey: &Survey) -> &'static str {
    match survey.kind {
        Some(ManifestKind::Dsm) => "spkg",
        Some(_) => "cbs",
        None => "plain",
    }
}

/// Who signed, in a few words.
fn signers(verification: &Verification) -> String {
    let of = |report: &signer::verify::SignatureReport| {
        let leaf = report.leaf.as_ref().map(|leaf| leaf.subject.to_string());
        let class = report.anchor().map(|anchor| anchor.class.name());
        let (leaf, class) = (leaf.unwrap_or_default(), class.unwrap_or("unknown root"));
        let state = match report.holds() {
            true => "",
            false => ", does not hold",
        };
        format!("{leaf} ({class}{state})")
    };
    match verification.signatures.as_slice() {
        [] => "unsigned".to_owned(),
        reports => reports.iter().map(of).collect::<Vec<_>>().join(", "),
    }
}

fn text(path: &Path, survey: &Survey) -> String {
    let identity = &survey.identity;
    let mut lines = vec![format!("{} ({} package)", path.display(), kind(survey))];
    let facts = [
        ("name", &identity.name),
        ("version", &identity.version),
        ("architecture", &identity.architecture),
        ("language", &identity.language),
        ("key token", &identity.public_key_token),
        ("release type", &identity.release_type),
        ("owner type", &identity.owner_type),
        ("owner", &identity.owner),
        ("partition", &identity.partition),
    ];
    for (name, value) in facts {
        if let Some(value) = value {
            lines.push(format!("  {name:<13} {}", output::printable(value)));
        }
    }
    lines.push(format!(
        "  {:<13} {}",
        "signed by",
        signers(&survey.cabinet)
    ));
    lines.push("files".to_owned());
    for file in &survey.files {
        let signed = file.verification.as_ref().map(signers);
        let signed = signed.map_or(String::new(), |signed| format!("  {signed}"));
        let path = output::printable(&file.path);
        lines.push(format!("  {:>10}  {path}{signed}", file.size));
    }
    lines.extend(registry(&survey.registry));
    if !survey.services.is_empty() {
        lines.push("services".to_owned());
    }
    for service in &survey.services {
        let facts = [("start", &service.start), ("runs", &service.image_path)];
        let facts = facts.into_iter().filter_map(|(name, value)| {
            let value = value.as_ref()?;
            Some(format!("  {name} {value}"))
        });
        let line = service.name.clone() + &facts.collect::<String>();
        lines.push(format!("  {}", output::printable(&line)));
    }
    lines.push("links".to_owned());
    for (layer, count) in counts(survey) {
        let faults = survey.links.faults.iter();
        let faults = faults.filter(|fault| fault.layer == layer).count();
        let state = match faults {
            0 if count == 0 => "none there".to_owned(),
            0 => "hold".to_owned(),
            faults => format!("{faults} do not hold"),
        };
        lines.push(format!("  {:<18} {count}, {state}", layer.name()));
    }
    for fault in &survey.links.faults {
        lines.push(format!("broken: {}", output::printable(&fault.to_string())));
    }
    lines.join("\n") + "\n"
}

/// Most characters of a value's data that are shown.
const SHOWN: usize = 100;

/// The keys with values, and those with nothing below them, each with its values.
fn registry(keys: &[ManifestKey]) -> Vec<String> {
    let above = |key: &ManifestKey| {
        let above = key.name.trim_end_matches('\\').rsplit_once('\\');
        above.map(|(above, _)| above.to_lowercase())
    };
    let parents: HashSet<String> = keys.iter().filter_map(above).collect();
    let mut lines = Vec::new();
    for key in keys {
        let name = key.name.trim_end_matches('\\');
        if key.values.is_empty() && parents.contains(&name.to_lowercase()) {
            continue;
        }
        if lines.is_empty() {
            lines.push("registry".to_owned());
        }
        lines.push(format!("  {}", output::printable(name)));
        for value in &key.values {
            let name = if value.name.is_empty() {
                "(default)"
            } else {
                &value.name
            };
            let kind = value.kind.as_deref().unwrap_or("without a type");
            let is_cut = value.data.chars().nth(SHOWN).is_some();
            let end = if is_cut { " ..." } else { "" };
            let line = format!("{name}  {kind}  {:.SHOWN$}{end}", value.data);
            lines.push(format!("    {}", output::printable(&line)));
        }
    }
    lines
}

/// How many links or signatures of each layer were looked at.
fn counts(survey: &Survey) -> [(Layer, usize); 6] {
    let signed = |format| {
        let files = survey
            .files
            .iter()
            .filter(|file| file.format == Some(format));
        let verifications = files.filter_map(|file| file.verification.as_ref());
        verifications.map(|v| v.signatures.len()).sum()
    };
    let nested: usize = signed(formats::container::Format::Cabinet);
    [
        (Layer::Cabinet, survey.cabinet.signatures.len() + nested),
        (Layer::Catalog, signed(formats::container::Format::Catalog)),
        (Layer::Listing, survey.links.listings),
        (Layer::Hash, survey.links.hashes),
        (Layer::Digest, survey.links.digests),
        (Layer::Image, signed(formats::container::Format::Pe)),
    ]
}

/// The record; the names are documented in `docs/json.md` and stay.
fn record(path: &Path, survey: &Survey) -> Value {
    let identity = &survey.identity;
    let requirement = Requirement {
        class: None,
        signatures: lint::render::verification::SignatureRequirement::All,
    };
    let signatures = |verification: &Verification| {
        let result = Ok(verification.clone());
        FileRecord::new(String::new(), result, requirement).json(Detail::Outcomes)["signatures"]
            .take()
    };
    let files = survey.files.iter().map(|file| {
        json!({
            "path": file.path,
            "size": file.size,
            "sha256": hex(&file.sha256),
            "format": file.format.map(|format| format.name()),
            "signatures": file.verification.as_ref().map(signatures),
        })
    });
    let keys = survey.registry.iter().map(|key| {
        let values = key
            .values
            .iter()
            .map(|value| json!({ "name": value.name, "type": value.kind, "data": value.data }));
        json!({ "key": key.name, "values": values.collect::<Vec<_>>() })
    });
    let services = survey.services.iter().map(|service| {
        json!({
            "name": service.name,
            "start": service.start,
            "image_path": service.image_path,
        })
    });
    let links = counts(survey).map(|(layer, count)| {
        let faults = survey.links.faults.iter();
        let faults = faults.filter(|fault| fault.layer == layer);
        json!({
            "layer": layer.name(),
            "count": count,
            "faults": faults.map(|fault| json!({
                "member": fault.member,
                "message": fault.reason,
            })).collect::<Vec<_>>(),
        })
    });
    json!({
        "file": path.display().to_string(),
        "kind": kind(survey),
        "holds": survey.holds(),
        "identity": {
            "name": identity.name,
            "version": identity.version,
            "architecture": identity.architecture,
            "language": identity.language,
            "public_key_token": identity.public_key_token,
            "release_type": identity.release_type,
            "owner_type": identity.owner_type,
            "owner": identity.owner,
            "partition": identity.partition,
        },
        "signatures": signatures(&survey.cabinet),
        "files": files.collect::<Vec<_>>(),
        "registry": keys.collect::<Vec<_>>(),
        "services": services.collect::<Vec<_>>(),
        "links": links,
    })
}
