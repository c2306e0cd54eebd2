//! `proofmark image verify`: catalog, hash table and every chunk.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use formats::container::ffu::FullFlashUpdate;
use lint::render::verification::{
    self, ClassRequirement, Detail, FileRecord, Requirement, SignatureRequirement,
};
use serde_json::{Value, json};
use signer::full_flash::{FullFlashVerification, verify_full_flash};
use signer::verify::{Outcome, VerifyOptions};
use time::OffsetDateTime;

use crate::config::Config;
use crate::error::Error;
use crate::exit::Exit;
use crate::progress::Progress;
use crate::trust::{self, MaterialArgs};
use crate::{ReportFormat, instant, output};

/// Verify an image: the catalog's signature, the hash table that it lists, and every chunk.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// Certificate, PEM bundle or DER, at which chains may end besides the built-in anchors
    #[arg(long, value_name = "FILE")]
    root: Vec<PathBuf>,
    #[command(flatten)]
    material: MaterialArgs,
    /// Verify as of this time instead of now
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    at: Option<OffsetDateTime>,
    /// Accept only signatures of this kind
    #[arg(long, value_enum)]
    require: Option<Require>,
    /// Accept an image without a signature, if it is intact
    #[arg(long, conflicts_with = "require")]
    unsigned: bool,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// The image
    #[arg(value_name = "FFU")]
    image: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Require {
    /// Production anchors and named roots only, no published key
    Retail,
    /// Test anchors only
    Test,
}

pub(super) fn run(arguments: &VerifyArgs, config: &Config) -> Result<Exit, Error> {
    let path = &arguments.image;
    let anchors = trust::anchors(config, &arguments.root)?;
    let anchors = arguments.material.add_to(anchors)?;
    let update = super::read(path)?;
    let options = VerifyOptions {
        at: arguments.at.unwrap_or_else(OffsetDateTime::now_utc),
        anchors: &anchors,
    };
    let found = hashed(path, &update, options)?;
    let record = found.catalog.clone().map(|catalog| {
        let requirement = Requirement {
            class: arguments.require.map(|require| match require {
                Require::Retail => ClassRequirement::Retail,
                Require::Test => ClassRequirement::Test,
            }),
            signatures: SignatureRequirement::All,
        };
        FileRecord::new(path.display().to_string(), Ok(catalog), requirement)
    });
    let is_signed = record.as_ref().is_some_and(FileRecord::is_accepted);
    let has_signature = found
        .catalog
        .as_ref()
        .is_some_and(|c| !c.signatures.is_empty());
    let is_accepted = found.is_intact() && (is_signed || arguments.unsigned && !has_signature);
    output::result(&match arguments.format {
        ReportFormat::Json => format!("{:#}\n", json(path, &found, record.as_ref(), is_accepted)),
        ReportFormat::Text => text(path, &found, record.as_ref(), is_accepted),
    })?;
    match is_accepted {
        true => Ok(Exit::Clean),
        false => Ok(Exit::Findings),
    }
}

/// Verifies an image on every core.
pub(super) fn hashed(
    path: &Path,
    update: &FullFlashUpdate,
    options: VerifyOptions<'_>,
) -> Result<FullFlashVerification, Error> {
    let open = || super::open(path);
    let progress = Progress::of_bytes("hashing", update.file_length());
    let advance = |bytes| progress.advance(bytes);
    verify_full_flash(update, &open, super::threads(), &advance, options)
        .map_err(|error| Error::file(path, error))
}

fn outcome(outcome: &Outcome) -> (&'static str, Option<&str>) {
    match outcome {
        Outcome::Passed => ("passed", None),
        Outcome::Failed(_, message) => ("failed", Some(message)),
        Outcome::NotChecked(why) => ("not-checked", Some(why)),
    }
}

/// The links in the order in which trust goes through them.
fn links(found: &FullFlashVerification) -> [(&'static str, &Outcome); 3] {
    [
        ("structure", &found.structure),
        ("hash-table", &found.hash_table),
        ("chunks", &found.chunks),
    ]
}

fn text(
    path: &Path,
    found: &FullFlashVerification,
    record: Option<&FileRecord>,
    is_accepted: bool,
) -> String {
    let verdict = match (is_accepted, found.is_intact()) {
        (true, _) => "verified",
        (false, true) => "intact, but not signed as required",
        (false, false) => "failed",
    };
    let mut text = format!("{}: {verdict}\n", path.display());
    for (name, link) in links(found) {
        let (result, message) = outcome(link);
        let message = message.map_or(String::new(), |m| format!(": {}", output::printable(m)));
        text += &format!("  {name:<11} {result}{message}\n");
    }
    if let Some(algorithm) = found.hash_table_algorithm.filter(|a| !a.is_strong()) {
        text += &format!("  note        the catalog lists the hash table by {algorithm}\n");
    }
    for fault in &found.faults {
        text += &format!("  note        {}\n", output::printable(&fault.to_string()));
    }
    match record {
        Some(record) => {
            text += "catalog\n";
            text += &verification::text(
                std::slice::from_ref(record),
                Detail::Outcomes,
                output::colour(),
            );
        }
        None => text += "catalog: none that can be read\n",
    }
    text
}

/// The record; the names are documented in `docs/json.md` and stay.
fn json(
    path: &Path,
    found: &FullFlashVerification,
    record: Option<&FileRecord>,
    is_accepted: bool,
) -> Value {
    let links = links(found).map(|(name, link)| {
        let (result, message) = outcome(link);
        json!({ "link": name, "result": result, "message": message })
    });
    json!({
        "file": path.display().to_string(),
        "accepted": is_accepted,
        "intact": found.is_intact(),
        "links": links,
        "hash_table_algorithm": found.hash_table_algorithm.map(|a| a.to_string()),
        "chunks": found.report.total,
        "bad_chunks": found.report.bad_count,
        "first_bad_chunks": found.report.bad,
        "contradictions": found.faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "catalog": record.map(|record| record.json(Detail::Outcomes)),
    })
}
