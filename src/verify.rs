//! `proofmark verify`: one record per file, one outcome per check.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use formats::container::Container;
use formats::container::efi_variable::Variable;
use lint::render::verification::{self, Detail, FileRecord, Requirement};
use rayon::prelude::*;
use serde_json::Value;
use signer::anchor::Anchors;
use signer::verify::{VerifyOptions, verify};
use time::OffsetDateTime;

use crate::catalog::{self, membership};
use crate::config::Config;
use crate::error::Error;
use crate::exit::Exit;
use crate::inputs;
use crate::output;
use crate::progress::Progress;
use crate::remote::{self, Remote, RemoteArgs};
use crate::trust::{self, MaterialArgs};
use crate::{ReportFormat, instant};

/// Bytes read at a time from the file that is hashed.
const READ_BUFFER: usize = 256 << 10;

/// Verify cabinets, catalogs, PE images, app packages, code-integrity policies and secure-boot variables.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
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
    /// Which signatures of a file must hold, where it has nested ones
    #[arg(long, value_enum, default_value_t)]
    signatures: Signatures,
    /// Verify this catalog, and that it lists the files, whatever they are
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    /// The variable that secure-boot variables are to become: PK, KEK, db or dbx [default: as the file is called]
    #[arg(long, value_name = "NAME", value_parser = variable)]
    variable: Option<Variable>,
    /// Draw how each chain was found, and say why each certificate that is not in it was dropped
    #[arg(long)]
    explain_chain: bool,
    #[command(flatten)]
    remote: RemoteArgs,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// Files, or folders that are searched for .cab, .spkg, .cat, .sys, .dll, .exe, .efi, .appx, .msix, bundles and policies
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Require {
    /// Production anchors and named roots only, no published key
    Retail,
    /// Test anchors only
    Test,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Signatures {
    /// Every one
    #[default]
    All,
    /// The first, as old Windows versions look at it
    First,
    /// At least one
    Any,
}

/// Runs the command.
pub(crate) fn run(arguments: &VerifyArgs, config: &Config) -> Result<Exit, Error> {
    if let Some(remote) = arguments.remote.service()? {
        return verify_remotely(arguments, &remote);
    }
    let anchors = trust::anchors(config, &arguments.root)?;
    let anchors = arguments.material.add_to(anchors)?;
    let at = arguments.at.unwrap_or_else(OffsetDateTime::now_utc);
    let requirement = Requirement {
        class: arguments.require.map(|require| match require {
            Require::Retail => verification::ClassRequirement::Retail,
            Require::Test => verification::ClassRequirement::Test,
        }),
        signatures: match arguments.signatures {
            Signatures::All => verification::SignatureRequirement::All,
            Signatures::First => verification::SignatureRequirement::First,
            Signatures::Any => verification::SignatureRequirement::Any,
        },
    };
    let files = match &arguments.catalog {
        Some(catalog) => vec![catalog.clone()],
        None => inputs::to_verify(&arguments.paths)?,
    };
    let progress = Progress::new("verifying", files.len());
    let records: Vec<FileRecord> = files
        .par_iter()
        .map(|path| {
            let result = verify_file(path, at, &anchors, arguments.variable);
            progress.step();
            FileRecord::new(path.display().to_string(), result, requirement)
        })
        .collect();
    drop(progress);
    let members = match &arguments.catalog {
        Some(path) => membership::records(&catalog::read(path)?, path, &arguments.paths)?,
        None => Vec::new(),
    };
    let detail = match arguments.explain_chain {
        true => Detail::Chains,
        false => Detail::Outcomes,
    };
    output::result(&match arguments.format {
        ReportFormat::Json => json(&records, &members, detail),
        ReportFormat::Text => {
            let colour = output::colour();
            verification::text(&records, detail, colour) + &membership::text(&members, colour)
        }
    })?;
    let is_accepted = records.iter().all(FileRecord::is_accepted);
    match is_accepted && members.iter().all(membership::Record::is_listed) {
        true => Ok(Exit::Clean),
        false => Ok(Exit::Findings),
    }
}

/// Lets a service verify, by its own anchors and clock.
fn verify_remotely(arguments: &VerifyArgs, remote: &Remote) -> Result<Exit, Error> {
    remote::refuse(&[
        (!arguments.root.is_empty(), "--root"),
        (
            arguments.material.is_given(),
            "--intermediates, --crl or --ocsp",
        ),
        (arguments.at.is_some(), "--at"),
        (arguments.signatures != Signatures::All, "--signatures"),
        (arguments.catalog.is_some(), "--catalog"),
        (arguments.variable.is_some(), "--variable"),
        (arguments.explain_chain, "--explain-chain"),
    ])?;
    let class = arguments.require.map(|require| match require {
        Require::Retail => "retail",
        Require::Test => "test",
    });
    let files = inputs::to_verify(&arguments.paths)?;
    remote::verify::run(remote, &files, class, arguments.format)
}

/// The records of files that were verified, then those of files that a catalog is to list.
fn json(records: &[FileRecord], members: &[membership::Record], detail: Detail) -> String {
    let members = members.iter().map(membership::Record::json);
    let records = records
        .iter()
        .map(|record| record.json(detail))
        .chain(members);
    format!("{:#}\n", Value::Array(records.collect()))
}

fn variable(name: &str) -> Result<Variable, String> {
    Variable::from_name(name).ok_or_else(|| "PK, KEK, db or dbx is expected".to_owned())
}

fn verify_file(
    path: &Path,
    at: OffsetDateTime,
    anchors: &Anchors,
    variable: Option<Variable>,
) -> Result<signer::verify::Verification, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut reader = BufReader::with_capacity(READ_BUFFER, file);
    let mut container = Container::read(&mut reader).map_err(|error| error.to_string())?;
    if let Container::EfiVariable(content) = &mut container {
        content.assume(variable.or_else(|| Variable::of_file_name(&path.to_string_lossy())));
    }
    verify(&container, &mut reader, VerifyOptions { at, anchors })
        .map_err(|error| error.to_string())
}
