//! `proofmark catalog list`: what a catalog says.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use formats::container::cat::{Catalog, Member, NameValue, Version};
use serde_json::{Value, json};
use signer::clock::rfc3339;
use signer::digest::{DigestAlgorithm, hex};

use crate::ReportFormat;
use crate::error::Error;
use crate::exit::Exit;
use crate::output;

/// Show what a catalog lists.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// The catalog
    #[arg(value_name = "FILE")]
    catalog: PathBuf,
}

/// Runs the command.
pub(crate) fn run(arguments: &ListArgs) -> Result<Exit, Error> {
    let catalog = super::read(&arguments.catalog)?;
    let file = arguments.catalog.display().to_string();
    output::result(&match arguments.format {
        ReportFormat::Json => format!("{:#}\n", record(&file, &catalog)),
        ReportFormat::Text => text(&file, &catalog),
    })?;
    Ok(Exit::Clean)
}

/// The number of a generation.
pub(super) fn number(version: Version) -> u8 {
    match version {
        Version::V1 => 1,
        Version::V2 => 2,
    }
}

/// Whether an entry of a version 2 catalog only repeats another under its SHA-1.
fn is_twin(catalog: &Catalog, member: &Member) -> bool {
    catalog.version() == Version::V2 && member.content.is_none()
}

/// A name, where the tag is one.
fn label(catalog: &Catalog, member: &Member) -> Option<String> {
    let is_hash = |label: &String| {
        label.len() == 2 * member.digest_tag().len() && member.digest_tag() != member.tag
    };
    let label = member.label().filter(|_| catalog.version() == Version::V1);
    label.filter(|label| !is_hash(label))
}

/// The digest of the file and its algorithm.
fn digest(member: &Member) -> (Option<DigestAlgorithm>, Vec<u8>) {
    match member.indirect_data() {
        Some(data) => (
            DigestAlgorithm::from_oid(data.digest_algorithm),
            data.digest.to_vec(),
        ),
        None => {
            let tag = member.digest_tag();
            let of_length = |algorithm: &DigestAlgorithm| algorithm.length() == tag.len();
            let algorithms = [DigestAlgorithm::Sha1, DigestAlgorithm::Sha256];
            (algorithms.into_iter().find(of_length), tag)
        }
    }
}

fn text(file: &str, catalog: &Catalog) -> String {
    let mut out = String::new();
    let (twins, members): (Vec<_>, Vec<_>) = catalog
        .members()
        .iter()
        .partition(|member| is_twin(catalog, member));
    let state = match catalog.signature() {
        Some(_) => "signed",
        None => "unsigned",
    };
    let version = number(catalog.version());
    let time = rfc3339(catalog.this_update());
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "{file}: version {version}, {} files, {} SHA-1 twins, {time}, {state}",
        members.len(),
        twins.len()
    );
    for attribute in catalog.attributes() {
        let _ = writeln!(out, "  {}", shown(attribute));
    }
    for member in members {
        let kind = member.info.as_ref().and_then(|info| info.kind());
        let kind = kind.map_or("?", |kind| kind.name());
        let (algorithm, digest) = digest(member);
        let algorithm = algorithm.map_or_else(|| "?".to_owned(), |a| a.to_string());
        let label = label(catalog, member).map(|label| format!(" {label}"));
        let label = label.unwrap_or_default();
        let _ = writeln!(out, "{kind:<4} {algorithm} {}{label}", hex(&digest));
        for attribute in &member.attributes {
            let _ = writeln!(out, "  {}", shown(attribute));
        }
    }
    out
}

fn shown(attribute: &NameValue) -> String {
    let name = attribute.name.escape_debug();
    match attribute.text() {
        Some(text) => format!("{name} = {}", text.escape_debug()),
        None => format!("{name} = {} (bytes)", hex(&attribute.value)),
    }
}

/// The names are documented in `docs/json.md` and stay.
fn record(file: &str, catalog: &Catalog) -> Value {
    let attributes = |attributes: &[NameValue]| -> Value {
        let one = |attribute: &NameValue| {
            json!({
                "name": attribute.name,
                "flags": attribute.flags,
                "text": attribute.text(),
                "bytes": hex(&attribute.value),
            })
        };
        attributes.iter().map(one).collect()
    };
    let member = |member: &Member| {
        let kind = member.info.as_ref().and_then(|info| info.kind());
        let (algorithm, digest) = digest(member);
        json!({
            "kind": kind.map(|kind| kind.name()),
            "digest_algorithm": algorithm.map(|algorithm| algorithm.to_string()),
            "digest": hex(&digest),
            "label": label(catalog, member),
            "twin": is_twin(catalog, member),
            "attributes": attributes(&member.attributes),
        })
    };
    json!({
        "file": file,
        "version": number(catalog.version()),
        "list_identifier": hex(catalog.list_identifier()),
        "time": rfc3339(catalog.this_update()),
        "signed": catalog.signature().is_some(),
        "attributes": attributes(catalog.attributes()),
        "members": catalog.members().iter().map(member).collect::<Value>(),
    })
}
