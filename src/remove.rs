//! `proofmark remove`: one row per file, its signatures taken off or the file left as it was.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use clap::Args;
use formats::container::{Container, Format};
use rayon::prelude::*;
use serde_json::{Value, json};
use signer::output::write_patched;
use signer::sign::remove_nested;

use crate::ReportFormat;
use crate::error::Error;
use crate::exit::Exit;
use crate::inputs;
use crate::output;
use crate::progress::Progress;
use crate::sign::targets;

/// Bytes read at a time from an image that is summed.
const READ_BUFFER: usize = 256 << 10;

/// Take the signatures off cabinets, catalogs, PE images, app packages and code-integrity policies.
///
/// The bytes before signing come back, with two exceptions in PE images: the zeros that signing added to fill an image
/// up to a multiple of 8 bytes stay, and CheckSum becomes what it should be.
#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// Take only nested signatures off, and leave the first one
    #[arg(long)]
    nested: bool,
    /// Where the file without signatures goes: a file for one input, a folder for several
    #[arg(long, value_name = "FILE|DIR", required_unless_present = "in_place")]
    out: Option<PathBuf>,
    /// Replace the input by its form without signatures
    #[arg(long, conflicts_with = "out")]
    in_place: bool,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// Files, or folders that are searched for .cab, .spkg, .cat, .sys, .dll, .exe, .efi, .appx, .msix and bundles
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
}

/// What became of one file.
struct Row {
    input: PathBuf,
    output: PathBuf,
    result: Result<Done, Error>,
}

/// A file that has no signatures of the kind that was to go.
struct Done {
    format: Format,
    /// Whether it had any.
    was_changed: bool,
}

impl Done {
    fn status(&self) -> &'static str {
        match self.was_changed {
            true => "removed",
            false => "unchanged",
        }
    }
}

/// Runs the command.
pub(crate) fn run(arguments: &RemoveArgs) -> Result<Exit, Error> {
    let files = inputs::containers(&arguments.paths)?;
    let targets = targets(&files, arguments.out.as_deref())?;
    let progress = Progress::new("removing signatures", files.len());
    let rows: Vec<Row> = files
        .into_par_iter()
        .zip(targets)
        .map(|(input, output)| {
            let result = remove(&input, &output, arguments.nested);
            progress.step();
            Row {
                input,
                output,
                result,
            }
        })
        .collect();
    drop(progress);
    report(&rows, arguments.format)?;
    match rows.iter().any(|row| row.result.is_err()) {
        true => Ok(Exit::CouldNotRun),
        false => Ok(Exit::Clean),
    }
}

fn remove(input: &Path, output: &Path, nested: bool) -> Result<Done, Error> {
    let file = File::open(input).map_err(|error| Error::file(input, error))?;
    let mut reader = BufReader::with_capacity(READ_BUFFER, file);
    let container = Container::read(&mut reader).map_err(|error| Error::file(input, error))?;
    let patch = match nested {
        true => remove_nested(&container, &mut reader),
        false => container.remove_signature(&mut reader),
    };
    let patch = patch.map_err(|error| Error::file(input, error))?;
    drop(reader);
    let was_changed = patch.is_some();
    if was_changed || input != output {
        write_patched(input, &patch.unwrap_or_default(), output)
            .map_err(|error| Error::file(output, error))?;
    }
    Ok(Done {
        format: container.format(),
        was_changed,
    })
}

fn report(rows: &[Row], format: ReportFormat) -> Result<(), Error> {
    match format {
        ReportFormat::Json => {
            let records = rows.iter().map(record);
            output::result(&format!("{:#}\n", Value::Array(records.collect())))?;
        }
        ReportFormat::Text => {
            for row in rows {
                match &row.result {
                    Ok(done) => output::result(&format!(
                        "{:<9} {} ({})\n",
                        done.status(),
                        row.output.display(),
                        done.format,
                    ))?,
                    Err(error) => output::note(format_args!("error: {error}")),
                }
            }
        }
    }
    Ok(())
}

/// One record per file; the names are documented in `docs/json.md` and stay.
fn record(row: &Row) -> Value {
    let file = row.input.display().to_string();
    match &row.result {
        Ok(done) => json!({
            "file": file,
            "status": done.status(),
            "output": row.output.display().to_string(),
            "format": done.format.name(),
        }),
        Err(error) => json!({
            "file": file,
            "status": "failed",
            "output": null,
            "error": error.to_string(),
        }),
    }
}
