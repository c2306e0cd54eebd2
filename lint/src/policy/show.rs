//! The policies in force, for people and for programs: which they are, and which line decided what.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Effective, Policies, Standing};
use crate::diagnostic::DecidedBy;
use crate::image::ImageType;
use crate::rule::RuleInfo;

/// The number in `schema_version` of [`json`].
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Json<'a> {
    schema_version: u32,
    policies: Vec<JsonPolicy<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<Vec<JsonRule>>,
}

#[derive(Serialize)]
struct JsonPolicy<'a> {
    file: &'a str,
    standing: &'a str,
    description: Option<&'a str>,
    rules: usize,
}

#[derive(Serialize)]
struct JsonRule {
    rule: &'static str,
    image: ImageType,
    level: &'static str,
    decided_by: String,
    reason: Option<String>,
    until: Option<String>,
    parameters: Vec<JsonParameter>,
}

#[derive(Serialize)]
struct JsonParameter {
    key: String,
    value: String,
    decided_by: String,
}

/// Every rule with every image type that it is about, in their order.
fn all(policies: &Policies) -> impl Iterator<Item = (&'static RuleInfo, ImageType, Effective)> {
    policies.rules().iter().flat_map(move |info| {
        let images = info.images.iter();
        images.map(move |image| (*info, *image, policies.effective(info, Some(*image))))
    })
}

fn level(effective: &Effective) -> &'static str {
    effective.level.map_or("off", |level| level.as_str())
}

fn decided_by(decided_by: &DecidedBy) -> String {
    match decided_by {
        DecidedBy::Rule => "default".to_owned(),
        policy => policy.to_string(),
    }
}

/// The policies as JSON; with `effective` also what is in force for every rule and image type. Ends with a line end.
///
/// # Errors
/// Those of serialising, which text does not have.
pub fn json(policies: &Policies, effective: bool) -> serde_json::Result<String> {
    let rules = effective.then(|| {
        let rules = all(policies).map(|(info, image, effective)| JsonRule {
            rule: info.id,
            image,
            level: level(&effective),
            decided_by: decided_by(&effective.decided_by),
            reason: effective.reason,
            until: effective.until.map(|until| until.to_string()),
            parameters: effective
                .parameters
                .into_iter()
                .map(|given| JsonParameter {
                    key: given.key,
                    value: given.value,
                    decided_by: decided_by(&DecidedBy::Policy(given.place)),
                })
                .collect(),
        });
        rules.collect()
    });
    let layers = policies.layers.iter().map(|layer| JsonPolicy {
        file: layer.source.name(),
        standing: layer.standing.as_str(),
        description: layer.description.as_deref(),
        rules: layer.rules.len()
            + layer
                .images
                .values()
                .map(|rules| rules.len())
                .sum::<usize>(),
    });
    let mut text = serde_json::to_string_pretty(&Json {
        schema_version: SCHEMA,
        policies: layers.collect(),
        rules,
    })?;
    text.push('\n');
    Ok(text)
}

/// The policies, weakest first.
pub fn text(policies: &Policies) -> String {
    let mut out = String::new();
    for layer in &policies.layers {
        let (file, standing) = (layer.source.name(), layer.standing.as_str());
        let description = layer.description.as_deref().unwrap_or_default();
        // Writing into a string does not fail.
        let _ = writeln!(
            out,
            "{}",
            format!("{standing:<13} {file}  {description}").trim_end()
        );
    }
    if !policies
        .layers
        .iter()
        .any(|layer| layer.standing > Standing::BuiltIn)
    {
        out.push_str("No policy of an organisation or a project is in force.\n");
    }
    out
}

/// What is in force for every rule and image type, as a table: who decided it and why.
pub fn effective_text(policies: &Policies) -> String {
    let rows: Vec<[String; 5]> = all(policies)
        .map(|(info, image, effective)| {
            let mut why = effective.reason.clone().unwrap_or_default();
            if let Some(until) = effective.until {
                let _ = write!(why, " (until {until})");
            }
            for given in &effective.parameters {
                let by = decided_by(&DecidedBy::Policy(given.place.clone()));
                let _ = write!(why, " [{} = {} by {by}]", given.key, given.value);
            }
            let by = decided_by(&effective.decided_by);
            let level = level(&effective).to_owned();
            [
                info.id.to_owned(),
                image.to_string(),
                level,
                by,
                why.trim().to_owned(),
            ]
        })
        .collect();
    let heading = ["rule", "image", "level", "decided by", "reason"].map(str::to_owned);
    let rows: Vec<[String; 5]> = std::iter::once(heading).chain(rows).collect();
    let mut widths = [0; 5];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &[String; 5]| {
        let cells = row.iter().zip(widths);
        let cells: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}
