//! `proofmark catalog verify`, and the members' half of `proofmark verify --catalog`.

use std::fmt::Write as _;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use clap::Args;
use formats::container::cat::Catalog;
use rayon::prelude::*;
use serde_json::{Value, json};
use signer::catalog::{Lookup, Membership};
use signer::digest::hex;

use crate::ReportFormat;
use crate::error::Error;
use crate::exit::Exit;
use crate::inputs;
use crate::output;

/// Check that a catalog lists files as they are; its signature is the business of `verify --catalog`.
#[derive(Debug, Args)]
pub(crate) struct MembershipArgs {
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// The catalog
    #[arg(value_name = "CATALOG")]
    catalog: PathBuf,
    /// Files of any kind, or folders
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(arguments: &MembershipArgs) -> Result<Exit, Error> {
    let catalog = super::read(&arguments.catalog)?;
    let records = records(&catalog, &arguments.catalog, &arguments.files)?;
    output::result(&match arguments.format {
        ReportFormat::Json => {
            let records = records.iter().map(Record::json);
            format!("{:#}\n", Value::Array(records.collect()))
        }
        ReportFormat::Text => text(&records, output::colour()),
    })?;
    match records.iter().all(Record::is_listed) {
        true => Ok(Exit::Clean),
        false => Ok(Exit::Findings),
    }
}

/// A file and whether the catalog lists it.
pub(crate) struct Record {
    file: String,
    catalog: String,
    result: Result<Membership, String>,
}

/// Looks up every file of `files`, folders searched, the catalog itself left out.
pub(crate) fn records(
    catalog: &Catalog,
    path: &Path,
    files: &[PathBuf],
) -> Result<Vec<Record>, Error> {
    let lookup = Lookup::new(catalog);
    let own = path.canonicalize().ok();
    let mut paths = inputs::all(files)?;
    paths.retain(|path| files.contains(path) || path.canonicalize().ok() != own);
    let record = |file: &PathBuf| Record {
        file: file.display().to_string(),
        catalog: path.display().to_string(),
        result: find(&lookup, file),
    };
    Ok(paths.par_iter().map(record).collect())
}

fn find(lookup: &Lookup<'_>, path: &Path) -> Result<Membership, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let name = path.file_name().map(|name| name.to_string_lossy());
    lookup
        .find(name.as_deref(), &mut BufReader::new(file))
        .map_err(|error| error.to_string())
}

impl Record {
    /// Whether the file is in the catalog as it is.
    pub(crate) fn is_listed(&self) -> bool {
        matches!(self.result, Ok(Membership::Listed(_)))
    }

    fn status(&self) -> &'static str {
        match self.result {
            Ok(Membership::Listed(_)) => "listed",
            Ok(Membership::Changed { .. }) => "changed",
            Ok(Membership::NotListed { .. }) => "not-listed",
            Err(_) => "error",
        }
    }

    /// The names are documented in `docs/json.md` and stay.
    pub(crate) fn json(&self) -> Value {
        let mut record = json!({
            "file": self.file,
            "catalog": self.catalog,
            "status": self.status(),
        });
        match &self.result {
            Ok(Membership::Listed(listing)) => {
                record["kind"] = json!(listing.kind.name());
                record["digest_algorithm"] = json!(listing.algorithm.to_string());
                record["digest"] = json!(hex(&listing.digest));
                record["member"] = json!(listing.member);
                record["notes"] = json!(listing.notes);
            }
            Ok(Membership::Changed { member, reason }) => {
                record["member"] = json!(member);
                record["message"] = json!(reason);
            }
            Ok(Membership::NotListed { note }) => record["message"] = json!(note),
            Err(error) => record["error"] = json!(error),
        }
        record
    }
}

/// Records as text for people; `colour` asks for ANSI colours.
pub(crate) fn text(records: &[Record], colour: bool) -> String {
    let mut out = String::new();
    for record in records {
        let (start, end) = match (colour, record.is_listed()) {
            (false, _) => ("", ""),
            (true, true) => ("\u{1b}[32m", "\u{1b}[0m"),
            (true, false) => ("\u{1b}[31m", "\u{1b}[0m"),
        };
        let status = record.status();
        // Writing to a String cannot fail.
        let _ = write!(out, "{start}{status:<10}{end} {}", record.file);
        let _ = match &record.result {
            Ok(Membership::Listed(listing)) => {
                let kind = listing.kind;
                let algorithm = listing.algorithm;
                writeln!(out, " ({kind}, {algorithm} {})", hex(&listing.digest))
            }
            _ => writeln!(out),
        };
        let notes: &[String] = match &record.result {
            Ok(Membership::Listed(listing)) => &listing.notes,
            Ok(Membership::Changed { reason, .. }) => std::slice::from_ref(reason),
            Ok(Membership::NotListed { note }) => note.as_slice(),
            Err(error) => std::slice::from_ref(error),
        };
        for note in notes {
            let _ = writeln!(out, "  {note}");
        }
    }
    out
}
