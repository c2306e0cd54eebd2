//! `proofmark package diff`: what changed between two builds of a package.

use std::path::PathBuf;

use clap::Args;
use formats::container::cab::Limits;
use serde_json::{Value, json};
use signer::package::{Comparable, Difference, diff};
use signer::verify::VerifyOptions;
use time::OffsetDateTime;

use crate::config::Config;
use crate::error::Error;
use crate::exit::Exit;
use crate::output;
use crate::trust;
use crate::{ReportFormat, instant};

/// Compare two packages: identity, files, registry, signers. Exit code 1 where they differ.
///
/// Manifests and catalogs follow from the rest and are left out, and so are the names of components, which change with
/// the version.
#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    /// Certificate, PEM bundle or DER, at which chains may end besides the built-in anchors
    #[arg(long, value_name = "FILE")]
    root: Vec<PathBuf>,
    /// Verify as of this time instead of now
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    at: Option<OffsetDateTime>,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// The package before
    #[arg(value_name = "BEFORE")]
    before: PathBuf,
    /// The package after
    #[arg(value_name = "AFTER")]
    after: PathBuf,
}

pub(super) fn run(arguments: &DiffArgs, config: &Config) -> Result<Exit, Error> {
    let anchors = trust::anchors(config, &arguments.root)?;
    let options = VerifyOptions {
        at: arguments.at.unwrap_or_else(OffsetDateTime::now_utc),
        anchors: &anchors,
    };
    let read = |path: &PathBuf| {
        let bytes = std::fs::read(path).map_err(|error| Error::file(path, error))?;
        let read = Comparable::read(&bytes, options, Limits::default());
        read.map_err(|error| Error::file(path, error))
    };
    let differences = diff(&read(&arguments.before)?, &read(&arguments.after)?);
    output::result(&match arguments.format {
        ReportFormat::Json => {
            let records = differences.iter().map(record);
            format!("{:#}\n", Value::Array(records.collect()))
        }
        ReportFormat::Text if differences.is_empty() => "no differences\n".to_owned(),
        ReportFormat::Text => differences.iter().map(lines).collect(),
    })?;
    match differences.is_empty() {
        true => Ok(Exit::Clean),
        false => Ok(Exit::Findings),
    }
}

fn status(difference: &Difference) -> &'static str {
    match (&difference.before, &difference.after) {
        (None, _) => "added",
        (_, None) => "removed",
        _ => "changed",
    }
}

fn lines(difference: &Difference) -> String {
    let name = output::printable(&difference.name);
    let mut text = format!(
        "{:<8} {} {name}\n",
        status(difference),
        difference.part.name()
    );
    for (sign, value) in [('-', &difference.before), ('+', &difference.after)] {
        if let Some(value) = value.as_ref().filter(|value| !value.is_empty()) {
            text.push_str(&format!("  {sign} {}\n", output::printable(value)));
        }
    }
    text
}

/// One record per difference; the names are documented in `docs/json.md` and stay.
fn record(difference: &Difference) -> Value {
    json!({
        "status": status(difference),
        "part": difference.part.name(),
        "name": difference.name,
        "before": difference.before,
        "after": difference.after,
    })
}
