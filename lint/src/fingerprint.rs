//! What a finding is recognised by in another run, after lines were added above it or the folder was moved.
//!
//! It is a hash of the rule, the file below the workspace, the route without its numbers
//! (`OEMInput/Features/Microsoft/Feature`) and the text that stands there. Findings that are alike in all of that are
//! counted. Lines, columns and the wording of the message do not matter.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use signer::digest::DigestAlgorithm;

use crate::diagnostic::{Diagnostic, Place};
use crate::files;
use crate::sources::Sources;

/// The version of the recipe; reports name it beside the value.
pub const VERSION: &str = "proofmark/v1";

/// Bytes of the hash that are kept; more would only make files longer.
const LENGTH: usize = 16;

/// What a finding is recognised by: 32 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The fingerprints of findings, in their order. `roots` are the folders of the workspaces.
pub fn fingerprints(
    diagnostics: &[Diagnostic],
    sources: &Sources,
    roots: &[String],
) -> Vec<Fingerprint> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    // Documents that are read alone have no folder, and there may be many of them.
    let mut roots: Vec<String> = roots
        .iter()
        .filter(|root| !root.is_empty())
        .cloned()
        .collect();
    roots.sort();
    roots.dedup();
    let each = diagnostics.iter().map(|found| {
        let place = &found.primary;
        let file = below(place.file(), &roots);
        let route = without_numbers(place.route());
        // No part has a NUL, so that no two findings are written alike.
        let alike = [found.rule, file, &route, &content(place, sources)].join("\0");
        let count = seen.entry(alike.clone()).or_default();
        let text = format!("{alike}\0{count}");
        *count = count.saturating_add(1);
        hash(&text)
    });
    each.collect()
}

/// A path below the workspace it is in; a file that is in none, and was named by an absolute path, by its name.
pub fn below<'a>(path: &'a str, roots: &[String]) -> &'a str {
    let inside = roots
        .iter()
        .filter(|root| !root.is_empty() && files::is_below(path, root))
        .max_by_key(|root| root.len());
    match inside {
        Some(root) => {
            let rest = path.get(root.trim_end_matches('/').len()..);
            rest.unwrap_or(path).trim_start_matches('/')
        }
        None if path.starts_with('/') => files::name_of(path),
        None => path,
    }
}

/// The text of a place, runs of blanks as one.
fn content(place: &Place, sources: &Sources) -> String {
    let source = sources.get(place.file());
    let text = place.span().zip(source);
    let text = text.map_or("", |(span, source)| source.slice(span));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A route without the numbers of its members: they change when something is added above.
fn without_numbers(route: &str) -> String {
    let mut kept = String::with_capacity(route.len());
    let mut rest = route;
    while let Some((before, after)) = rest.split_once('[') {
        kept.push_str(before);
        match after.split_once(']') {
            Some((number, after)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                rest = after;
            }
            _ => {
                kept.push('[');
                rest = after;
            }
        }
    }
    kept.push_str(rest);
    kept
}

fn hash(text: &str) -> Fingerprint {
    let digest = DigestAlgorithm::Sha256.of(text.as_bytes());
    let digits = digest.iter().take(LENGTH);
    Fingerprint(digits.map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{gather, judge};
    use crate::files::Memory;
    use crate::policy::Policies;
    use crate::resolve::ResolveOptions;
    use crate::testing::oem_input;

    fn of(path: &str, text: &str) -> BTreeMap<String, String> {
        let workspace = path
            .split_once("ws/")
            .map(|(before, _)| format!("{before}ws"));
        let workspace = workspace.unwrap();
        let files: Memory = [
            (format!("{workspace}/IoTWorkspace.xml"), "<IoTWorkspace/>"),
            (path.to_owned(), text),
        ]
        .into_iter()
        .collect();
        let workspaces = gather(&files, &[workspace], &ResolveOptions::default()).unwrap();
        let outcome = judge(&workspaces, &Policies::built_in());
        let fingerprints = outcome.fingerprints();
        let all = outcome.diagnostics.iter().zip(fingerprints);
        let developer = all.filter(|(found, _)| found.rule == "dev-feature-in-retail");
        developer
            .map(|(found, fingerprint)| (found.message.clone(), fingerprint.to_string()))
            .collect()
    }

    fn input(above: &str, features: &[&str]) -> String {
        let features = features
            .iter()
            .map(|id| format!("\n<Feature>{id}</Feature>"));
        let features: String = features.collect();
        oem_input(&format!(
            "{above}<ReleaseType>Production</ReleaseType><Features><Microsoft>{features}</Microsoft></Features>"
        ))
    }

    #[test]
    fn lines_above_other_findings_and_another_folder_change_nothing() {
        let path = "ws/Products/A/RetailOEMInput.xml";
        let before = of(path, &input("", &["IOT_BERTHA", "IOT_TOOLKIT"]));
        assert_eq!(before.len(), 2);
        let text = input(
            "\n\n<!-- more -->\n",
            &["IOT_SSH", "IOT_TOOLKIT", "IOT_BERTHA"],
        );
        assert_eq!(of(path, &text), before);
        assert_eq!(of(&format!("/elsewhere/{path}"), &text), before);
        let moved = of("ws/Products/B/RetailOEMInput.xml", &text);
        assert!(
            moved
                .values()
                .all(|one| !before.values().any(|other| other == one))
        );
    }

    #[test]
    fn findings_that_are_alike_are_told_apart() {
        let source = std::sync::Arc::new(formats::source::Source::new("a.xml", "xx", 0));
        let at = |start| {
            let span = formats::source::Span {
                start,
                end: start + 1,
            };
            Diagnostic {
                primary: Place::text(&source, span, format!("A/B[{start}]")),
                rule: "some-rule",
                message: "found".into(),
                level: crate::diagnostic::Level::Error,
                related: Vec::new(),
                help: None,
                fix: None,
                decided_by: crate::diagnostic::DecidedBy::Rule,
            }
        };
        let sources = [source.clone()].into_iter().collect();
        let found = fingerprints(&[at(0), at(1)], &sources, &[]);
        assert_ne!(found[0], found[1]);
        assert_eq!(found[0].as_str().len(), 2 * LENGTH);
        assert_eq!(found, fingerprints(&[at(0), at(1)], &sources, &[]));
    }

    #[test]
    fn numbers_of_members_are_left_out_of_routes_and_nothing_else_is() {
        assert_eq!(without_numbers("a/b[12]/c[1]"), "a/b/c");
        assert_eq!(without_numbers("a[x]/b[2"), "a[x]/b[2");
        assert_eq!(without_numbers("HKLM\\A[b[3]"), "HKLM\\A[b");
    }

    #[test]
    fn paths_are_those_below_the_workspace() {
        let roots = ["w".to_owned(), "w/inner/".to_owned(), String::new()];
        assert_eq!(below("w/a/b.xml", &roots), "a/b.xml");
        assert_eq!(below("w/inner/b.xml", &roots), "b.xml");
        assert_eq!(below("loose/b.xml", &roots), "loose/b.xml");
        assert_eq!(below("/tmp/b.xml", &roots), "b.xml");
    }
}
