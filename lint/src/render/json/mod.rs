//! Findings for programs: one JSON object, whose fields are only ever added to.
//!
//! | field | meaning |
//! |---|---|
//! | `schema_version` | 1; another number when a field is removed or changes its meaning |
//! | `counts` | findings by level: `error`, `warning`, `info` |
//! | `products[]` | `name`, `oem_input`, `image` (`retail`, `test`, `mmos` or null), `image_declared`, `packages` |
//! | `documents` | documents that were read |
//! | `packages`, `security_files` | built packages; certificates, policies and variables that were read |
//! | `suppressed` | findings that a comment or the baseline keeps from being reported, how many |
//! | `diagnostics[]` | the findings, by file, position and rule |
//!
//! `docs/lint.schema.json` is the JSON Schema. A finding has `rule`, `level`, `message`, `fingerprint`, `file`, `route`
//! (null for the whole file), `line`, `column` and `end` (`line`, `column`; all three null where the file has no
//! lines), `help`, `related[]` (a place with a `label`), `fix` (`title`, `file`, `applicability`: `safe` or `unsafe`,
//! `edits[]` with `line`, `column`, `end`, `text`) and `decided_by` (`default`, or file and line of a policy). Lines and
//! columns count from 1, columns in Unicode code points; an end is just after the last character.

mod reading;

use std::io::{self, Write};

use formats::source::LineColumn;
use serde::Serialize;

use super::edits::EditPlaces;
use crate::diagnostic::{Applicability, DecidedBy, Diagnostic, Fix, Level, Place};
use crate::engine::Outcome;
use crate::fingerprint::Fingerprint;
use crate::image::ImageType;

pub use reading::{Here, ReportError, read};

/// The number in `schema_version`.
pub const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct Json<'a> {
    schema_version: u32,
    counts: JsonCounts,
    products: Vec<JsonProduct<'a>>,
    documents: usize,
    packages: usize,
    security_files: usize,
    suppressed: usize,
    diagnostics: Vec<JsonDiagnostic<'a>>,
}

#[derive(Serialize)]
struct JsonCounts {
    error: usize,
    warning: usize,
    info: usize,
}

#[derive(Serialize)]
struct JsonProduct<'a> {
    name: &'a str,
    oem_input: &'a str,
    image: Option<ImageType>,
    image_declared: bool,
    packages: usize,
}

#[derive(Serialize)]
struct JsonDiagnostic<'a> {
    rule: &'a str,
    level: Level,
    message: &'a str,
    fingerprint: Fingerprint,
    #[serde(flatten)]
    place: JsonPlace<'a>,
    help: Option<&'a str>,
    related: Vec<JsonRelated<'a>>,
    fix: Option<JsonFix<'a>>,
    decided_by: String,
}

#[derive(Serialize)]
struct JsonPlace<'a> {
    file: &'a str,
    route: Option<&'a str>,
    line: Option<usize>,
    column: Option<usize>,
    end: Option<JsonPosition>,
}

#[derive(Serialize)]
struct JsonPosition {
    line: usize,
    column: usize,
}

#[derive(Serialize)]
struct JsonRelated<'a> {
    label: &'a str,
    #[serde(flatten)]
    place: JsonPlace<'a>,
}

#[derive(Serialize)]
struct JsonFix<'a> {
    title: &'a str,
    applicability: Applicability,
    file: &'a str,
    edits: Vec<JsonEdit<'a>>,
}

#[derive(Serialize)]
struct JsonEdit<'a> {
    line: usize,
    column: usize,
    end: JsonPosition,
    text: &'a str,
}

/// Writes the result of a run as JSON, with a line end.
pub fn render(outcome: &Outcome, to: &mut dyn Write) -> io::Result<()> {
    let products = outcome.products.iter().map(|product| JsonProduct {
        name: &product.name,
        oem_input: &product.oem_input,
        image: product.image,
        image_declared: product.declared,
        packages: product.packages,
    });
    let edits = EditPlaces::of(outcome);
    let fingerprints = outcome.fingerprints();
    let diagnostics = outcome.diagnostics.iter().zip(fingerprints);
    let json = Json {
        schema_version: SCHEMA_VERSION,
        counts: JsonCounts {
            error: outcome.counts.errors,
            warning: outcome.counts.warnings,
            info: outcome.counts.infos,
        },
        products: products.collect(),
        documents: outcome.documents,
        packages: outcome.packages,
        security_files: outcome.security_files,
        suppressed: outcome.suppressed_count(),
        diagnostics: diagnostics
            .map(|(found, fingerprint)| diagnostic(found, fingerprint, &edits))
            .collect(),
    };
    serde_json::to_writer_pretty(&mut *to, &json)?;
    writeln!(to)
}

fn diagnostic<'a>(
    found: &'a Diagnostic,
    fingerprint: Fingerprint,
    edits: &EditPlaces<'_>,
) -> JsonDiagnostic<'a> {
    let related = found.related.iter().map(|(other, label)| JsonRelated {
        label,
        place: place(other),
    });
    JsonDiagnostic {
        rule: found.rule,
        level: found.level,
        message: &found.message,
        fingerprint,
        place: place(&found.primary),
        help: found.help.as_deref(),
        related: related.collect(),
        fix: found.fix.as_ref().and_then(|fix| json_fix(fix, edits)),
        decided_by: match &found.decided_by {
            DecidedBy::Rule => "default".to_owned(),
            policy => policy.to_string(),
        },
    }
}

fn place(place: &Place) -> JsonPlace<'_> {
    let region = place.region();
    JsonPlace {
        file: place.file(),
        route: Some(place.route()).filter(|route| !route.is_empty()),
        line: region.map(|region| region.start.line),
        column: region.map(|region| region.start.column),
        end: region.map(|region| region.end.into()),
    }
}

impl From<LineColumn> for JsonPosition {
    fn from(LineColumn { line, column }: LineColumn) -> Self {
        Self { line, column }
    }
}

fn json_fix<'a>(fix: &'a Fix, edits: &EditPlaces<'_>) -> Option<JsonFix<'a>> {
    let edits = edits.place(fix)?.into_iter().map(|edit| JsonEdit {
        line: edit.start.line,
        column: edit.start.column,
        end: edit.end.into(),
        text: edit.text,
    });
    Some(JsonFix {
        title: &fix.title,
        applicability: fix.applicability,
        file: &fix.file,
        edits: edits.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policies;
    use crate::testing::{oem_input, workspace};

    #[test]
    fn every_field_is_there() {
        let input = oem_input("<ReleaseType>test</ReleaseType>");
        let workspace = workspace(&[("A/TestOEMInput.xml", &input)]);
        let outcome = crate::engine::judge(&[workspace], &Policies::built_in());
        let mut bytes = Vec::new();
        render(&outcome, &mut bytes).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(json["schema_version"], 1);
        assert_eq!(json["documents"], 1);
        assert_eq!(
            json["products"],
            serde_json::json!([{
                "name": "A",
                "oem_input": "A/TestOEMInput.xml",
                "image": "test",
                "image_declared": false,
                "packages": 0,
            }]),
        );
        let diagnostics = json["diagnostics"].as_array().unwrap();
        let found = diagnostics
            .iter()
            .find(|found| found["rule"] == "release-type-value")
            .unwrap();
        let column = input.find("test").unwrap() + 1;
        let end = serde_json::json!({ "line": 1, "column": column + 4 });
        assert_eq!(
            *found,
            serde_json::json!({
                "rule": "release-type-value",
                "level": "warning",
                "message": "`ReleaseType` is `test`, expected `Test` or `Production`",
                "fingerprint": found["fingerprint"],
                "file": "A/TestOEMInput.xml",
                "route": "OEMInput/ReleaseType",
                "line": 1,
                "column": column,
                "end": end,
                "help": "write `Test`",
                "related": [],
                "fix": {
                    "title": "write `Test`",
                    "applicability": "safe",
                    "file": "A/TestOEMInput.xml",
                    "edits": [{ "line": 1, "column": column, "end": end, "text": "Test" }],
                },
                "decided_by": found["decided_by"],
            }),
        );
        assert!(
            found["decided_by"]
                .as_str()
                .unwrap()
                .starts_with("<built-in>/test.toml:")
        );
        let total: u64 = ["error", "warning", "info"]
            .iter()
            .map(|level| json["counts"][level].as_u64().unwrap())
            .sum();
        assert_eq!(total as usize, diagnostics.len());
    }

    #[test]
    fn a_place_without_lines_has_none() {
        let place = place_json(&Place::binary("a.cab", ""));
        assert_eq!(
            place,
            serde_json::json!({ "file": "a.cab", "route": null, "line": null, "column": null, "end": null }),
        );
    }

    fn place_json(at: &Place) -> serde_json::Value {
        serde_json::to_value(place(at)).unwrap()
    }
}
