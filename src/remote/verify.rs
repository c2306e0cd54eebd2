//! `proofmark verify --remote`: each file goes to the service, whose records are shown as if they were made here.

use std::fs::File;
use std::path::{Path, PathBuf};

use lint::render::verification;
use rayon::prelude::*;
use serde_json::{Value, json};

use super::{Remote, encoded};
use crate::error::Error;
use crate::exit::Exit;
use crate::http::Sent;
use crate::progress::Progress;
use crate::{ReportFormat, batch, output};

/// Verifies the files; `class` is what is required, as the service names it.
pub(crate) fn run(
    remote: &Remote,
    files: &[PathBuf],
    class: Option<&str>,
    format: ReportFormat,
) -> Result<Exit, Error> {
    let progress = Progress::new("verifying", files.len());
    let records = batch::waiting(|| {
        let records = files.par_iter().map(|path| {
            let record = record(remote, path, class);
            progress.step();
            record
        });
        records.collect::<Result<Vec<Value>, Error>>()
    });
    drop(progress);
    let records = records?;
    let is_accepted = records.iter().all(|record| record["status"] == "verified");
    output::result(&match format {
        ReportFormat::Text => verification::text_of(&records, output::colour()),
        ReportFormat::Json => format!("{:#}\n", Value::Array(records)),
    })?;
    match is_accepted {
        true => Ok(Exit::Clean),
        false => Ok(Exit::Findings),
    }
}

/// The record of a file, under the name that it has here.
fn record(remote: &Remote, path: &Path, class: Option<&str>) -> Result<Value, Error> {
    let shown = path.display().to_string();
    let unreadable = |error: &dyn std::fmt::Display| json!({ "file": shown, "status": "error", "error": error.to_string() });
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) => return Ok(unreadable(&error)),
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut address = format!("/v1/verify?name={}", encoded(&name));
    if let Some(class) = class {
        address.push_str(&format!("&require={class}"));
    }
    let headers = [("content-type", "application/octet-stream")];
    let answer = remote.ask(&address, &headers, Sent::File(&file))?;
    let mut answer = match remote.sort(answer)? {
        Ok(answer) => answer,
        Err(refusal) if matches!(refusal.slug(), "bad-request" | "not-readable") => {
            return Ok(unreadable(&refusal.in_words()));
        }
        Err(refusal) => return Err(remote.error(&refusal)),
    };
    let body = answer.bytes(super::MAX_JSON);
    let mut body = remote.json(&body.map_err(|error| remote.failed(&error))?)?;
    match body["files"].as_array_mut().map(Vec::as_mut_slice) {
        Some([record]) if record.is_object() => {
            record["file"] = json!(shown);
            Ok(record.take())
        }
        _ => Err(Error::file(path, "the service says nothing of it")),
    }
}
