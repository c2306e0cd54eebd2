//! What a user is told about rules: one manual, or the table of all.

use std::fmt::Write;
use std::sync::Arc;

use serde::Serialize;

use crate::diagnostic::DecidedBy;
use crate::facts::index::Index;
use crate::facts::view::{self, FactsView};
use crate::facts::{Facts, Workspace};
use crate::image::ImageType;
use crate::nearest::nearest;
use crate::policy::{CORE, Policies};
use crate::rule::RuleInfo;
use crate::rules;

/// A rule that nobody has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no rule `{id}`{}", hint(.near))]
pub struct UnknownRule {
    /// What was asked for.
    pub id: String,
    /// The rule that was probably meant.
    pub near: Option<&'static str>,
}

fn hint(near: &Option<&'static str>) -> String {
    near.map(|near| format!(", did you mean `{near}`?"))
        .unwrap_or_default()
}

/// The rule of that id, those that the policies bring included.
pub fn rule(id: &str, policies: &Policies) -> Result<&'static RuleInfo, UnknownRule> {
    let known = policies.rules();
    let info = known.iter().copied().find(|info| info.id == id);
    info.ok_or_else(|| UnknownRule {
        id: id.to_owned(),
        near: nearest(id, known.iter().map(|info| info.id)),
    })
}

/// The manual of a rule, with its metadata and what the policies in force make of it.
pub fn explain(id: &str, policies: &Policies) -> Result<String, UnknownRule> {
    let info = rule(id, policies)?;
    let manual = info.manual();
    let (summary, manual) = manual.split_once('\n').unwrap_or((&manual, ""));
    let mut out = String::new();
    let rows = [
        ("Level", levels(info, policies)),
        ("Images", words(info.images)),
        ("Input", info.input.to_string()),
        ("Authority", format!("{}, {}", info.authority, info.clause)),
        ("Since", info.since.to_owned()),
    ];
    // Writing into a string does not fail.
    let _ = writeln!(out, "# {id}\n\n{summary}\n");
    for (name, value) in rows {
        let _ = writeln!(out, "- {name}: {value}");
    }
    if CORE.contains(&info.id) {
        let _ = writeln!(
            out,
            "- Core rule: no policy of an organisation can lower it"
        );
    }
    let _ = writeln!(out, "\n{}", manual.trim());
    Ok(out)
}

fn words(images: &[ImageType]) -> String {
    if images == ImageType::ALL {
        return "all".to_owned();
    }
    images
        .iter()
        .map(|image| image.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

/// The default level, and for each image type the level and the policy line where one speaks.
fn levels(info: &RuleInfo, policies: &Policies) -> String {
    let mut out = info.level.to_string();
    for image in info.images {
        let configured = policies.rules_for(Some(*image));
        match configured
            .iter()
            .find(|configured| configured.info.id == info.id)
        {
            None => {
                let _ = write!(out, "; {image}: off");
            }
            Some(configured) => {
                if let DecidedBy::Policy(_) = configured.decided_by {
                    let decided_by = &configured.decided_by;
                    let _ = write!(out, "; {image}: {} by {decided_by}", configured.level);
                }
            }
        }
    }
    out
}

/// All rules as a table: id, level, images, input, summary.
pub fn rules_text() -> String {
    let row = |info: &&RuleInfo| {
        let (level, input) = (info.level.to_string(), info.input.to_string());
        [info.id.to_owned(), level, words(info.images), input]
    };
    let rows: Vec<[String; 4]> = rules::ALL.iter().map(row).collect();
    let heading = ["rule", "level", "images", "input"].map(str::to_owned);
    let width = |column: usize| {
        let cells = rows
            .iter()
            .chain([&heading])
            .filter_map(|row| row.get(column));
        cells.map(String::len).max().unwrap_or_default()
    };
    let widths = [width(0), width(1), width(2), width(3)];
    let line = |row: &[String; 4], summary: &str| {
        let cells = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        format!("{}  {summary}\n", cells.collect::<Vec<_>>().join("  "))
    };
    let summaries = rules::ALL.iter().map(|info| info.summary());
    let table = rows
        .iter()
        .zip(summaries)
        .map(|(row, summary)| line(row, summary));
    std::iter::once(line(&heading, "summary"))
        .chain(table)
        .collect()
}

#[derive(Serialize)]
struct JsonRule<'a> {
    id: &'a str,
    level: &'a str,
    images: &'a [ImageType],
    input: &'a str,
    summary: &'a str,
    since: &'a str,
    core: bool,
}

/// All rules as a JSON array of objects with `id`, `level`, `images`, `input`, `summary`, `since` and `core`.
pub fn rules_json() -> serde_json::Result<String> {
    let rules: Vec<JsonRule<'_>> = rules::ALL
        .iter()
        .map(|info| JsonRule {
            id: info.id,
            level: info.level.as_str(),
            images: info.images,
            input: info.input.as_str(),
            summary: info.summary(),
            since: info.since,
            core: CORE.contains(&info.id),
        })
        .collect();
    let mut text = serde_json::to_string_pretty(&rules)?;
    text.push('\n');
    Ok(text)
}

#[derive(Serialize)]
struct JsonFacts<'a> {
    schema_version: u32,
    rule: &'a str,
    input: &'a str,
    workspaces: Vec<JsonWorkspace<'a>>,
}

#[derive(Serialize)]
struct JsonWorkspace<'a> {
    root: &'a str,
    scopes: Vec<FactsView<'a>>,
}

/// The facts that a rule sees, as a JSON object with `schema_version`, `rule`, `input` and `workspaces`, each with its
/// `root` and `scopes`: one [`FactsView`] for each image type that the rule speaks about and that has anything in it.
pub fn facts_json(rule: &RuleInfo, workspaces: &[Workspace]) -> serde_json::Result<String> {
    let images = std::iter::once(None).chain(ImageType::ALL.iter().copied().map(Some));
    let images: Vec<_> = images.filter(|image| rule.applies_to(*image)).collect();
    let facts: Vec<(&str, Vec<Facts<'_>>)> = workspaces
        .iter()
        .map(|workspace| {
            let index = Arc::new(Index::of(workspace));
            let of = |image: &_| Facts::with_index(workspace, &index, *image, &[]);
            (workspace.root.as_str(), images.iter().map(of).collect())
        })
        .collect();
    let workspaces = facts.iter().map(|(root, facts)| {
        let scopes = facts.iter().map(FactsView::of);
        let scopes = scopes.filter(|scope| !scope.is_empty()).collect();
        JsonWorkspace { root, scopes }
    });
    let mut text = serde_json::to_string_pretty(&JsonFacts {
        schema_version: view::SCHEMA_VERSION,
        rule: rule.id,
        input: rule.input.as_str(),
        workspaces: workspaces.collect(),
    })?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{oem_input, workspace};

    #[test]
    fn a_rule_about_retail_images_sees_those_alone() {
        let input = |kind| oem_input(&format!("<ReleaseType>{kind}</ReleaseType>"));
        let files = [
            ("A/RetailOEMInput.xml", input("Production")),
            ("A/TestOEMInput.xml", input("Test")),
        ];
        let workspaces = [workspace(&files)];
        let of = |id| -> serde_json::Value {
            serde_json::from_str(
                &facts_json(rule(id, &Policies::built_in()).unwrap(), &workspaces).unwrap(),
            )
            .unwrap()
        };
        let facts = of("dev-feature-in-retail");
        assert_eq!(
            (&facts["rule"], &facts["input"]),
            (&"dev-feature-in-retail".into(), &"oem-input".into())
        );
        let scopes = facts["workspaces"][0]["scopes"].as_array().unwrap();
        assert_eq!(scopes.len(), 1);
        assert_eq!(
            scopes[0]["products"][0]["oem_input"],
            "A/RetailOEMInput.xml"
        );
        let scopes = of("release-type-value")["workspaces"][0]["scopes"].clone();
        assert_eq!(scopes.as_array().unwrap().len(), 2);
    }

    #[test]
    fn a_manual_has_metadata_policy_lines_and_every_heading() {
        let text = explain("release-type-value", &Policies::built_in()).unwrap();
        assert!(text.starts_with("# release-type-value\n\n`ReleaseType` is neither"));
        assert!(
            text.contains("- Images: all\n- Input: oem-input\n"),
            "{text}"
        );
        assert!(
            text.contains("retail: error by <built-in>/retail.toml:"),
            "{text}"
        );
        for heading in ["## Why", "## Fails", "## References"] {
            assert!(text.contains(heading), "{heading}");
        }
    }

    #[test]
    fn an_unknown_rule_is_answered_with_the_nearest() {
        let error = explain("release-type-vaule", &Policies::built_in()).unwrap_err();
        let wanted = "there is no rule `release-type-vaule`, did you mean `release-type-value`?";
        assert_eq!(error.to_string(), wanted);
        let error = explain("x", &Policies::built_in()).unwrap_err();
        assert_eq!(error.to_string(), "there is no rule `x`");
    }

    #[test]
    fn the_tables_have_every_rule() {
        let text = rules_text();
        assert_eq!(text.lines().count(), rules::ALL.len() + 1);
        let json: serde_json::Value = serde_json::from_str(&rules_json().unwrap()).unwrap();
        assert_eq!(json.as_array().unwrap().len(), rules::ALL.len());
        let rule = &json
            .as_array()
            .unwrap()
            .iter()
            .find(|rule| rule["id"] == "release-type-value");
        let rule = rule.unwrap();
        assert_eq!(rule["level"], "error");
        assert_eq!(
            rule["images"],
            serde_json::json!(["retail", "test", "mmos"])
        );
        assert_eq!(rule["input"], "oem-input");
        assert!(text.contains(rule["summary"].as_str().unwrap()));
    }
}
