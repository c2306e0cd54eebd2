//! What a build prints.

use lint::engine::Outcome;
use lint::render::text::TextStyle;
use lint::render::{json, text};
use serde_json::{Value, json};

use super::Row;
use crate::error::Error;
use crate::{ReportFormat, output};

/// The findings because of which nothing is built.
pub(super) fn findings(outcome: &Outcome, format: ReportFormat) -> Result<(), Error> {
    let mut report = String::new();
    match format {
        ReportFormat::Text => {
            let style = TextStyle {
                colour: output::colour(),
                ..TextStyle::default()
            };
            text::render(outcome, style, &mut report).map_err(Error::new)?;
        }
        ReportFormat::Json => {
            let mut bytes = Vec::new();
            json::render(outcome, &mut bytes)?;
            report.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    output::result(&report)?;
    output::note("nothing was built, because definitions have errors");
    Ok(())
}

fn status(row: &Row) -> &'static str {
    match &row.result {
        Ok(done) if done.is_unchanged => "unchanged",
        Ok(_) => "built",
        Err(_) => "failed",
    }
}

/// One row for each package, then how many there are of each kind.
pub(super) fn rows(rows: &[Row], format: ReportFormat, is_signed: bool) -> Result<(), Error> {
    let count = |wanted| rows.iter().filter(|row| status(row) == wanted).count();
    let counts = ["built", "unchanged", "failed"].map(|wanted| (wanted, count(wanted)));
    if format == ReportFormat::Json {
        let records = rows.iter().map(|row| record(row, is_signed));
        let mut report = json!({ "packages": records.collect::<Vec<Value>>() });
        for (name, count) in counts {
            report[name] = json!(count);
        }
        output::result(&format!("{report:#}\n"))?;
        return Ok(());
    }
    for row in rows {
        if row.result.is_ok() && !row.inferred.is_empty() {
            let path = row.output.display();
            let forms = row.inferred.join(", ");
            output::note(format_args!(
                "note: {path}: inferred and seen on no device: {forms}"
            ));
        }
        match &row.result {
            Ok(_) => {
                let signed = if is_signed { "signed" } else { "not signed" };
                let files = match row.files {
                    1 => "1 file".to_owned(),
                    files => format!("{files} files"),
                };
                let path = row.output.display();
                let architecture = &row.architecture;
                let status = status(row);
                output::result(&format!(
                    "{status:<9} {path} ({architecture}, {files}, {signed})\n"
                ))?;
            }
            Err(error) => output::note(format_args!("error: {error}")),
        }
    }
    let counts = counts.map(|(name, count)| format!("{count} {name}"));
    output::result(&format!("{}\n", counts.join(", ")))?;
    Ok(())
}

/// One record per definition; the names are documented in `docs/json.md` and stay.
fn record(row: &Row, is_signed: bool) -> Value {
    let mut record = json!({
        "definition": row.definition,
        "status": status(row),
        "name": row.name,
        "architecture": row.architecture,
        "output": null,
    });
    match &row.result {
        Ok(done) => {
            record["output"] = json!(row.output.display().to_string());
            record["files"] = json!(row.files);
            record["inferred"] = json!(row.inferred);
            record["signed"] = json!(is_signed);
            record["sha256"] = json!(done.sha256);
        }
        Err(error) => record["error"] = json!(error.to_string()),
    }
    record
}
