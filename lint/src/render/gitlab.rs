//! Findings for GitLab's Code Quality report: a JSON array that the merge request shows beside the lines.

use std::io::{self, Write};

use serde::Serialize;

use super::repository::Repository;
use super::snippet::shown;
use crate::diagnostic::{Diagnostic, Level};
use crate::engine::Outcome;
use crate::fingerprint::Fingerprint;
use crate::policy::CORE;

#[derive(Serialize)]
struct Issue<'a> {
    description: String,
    check_name: &'a str,
    fingerprint: Fingerprint,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
}

/// Writes the findings as an array of issues, with a line end.
pub fn render(outcome: &Outcome, repository: &Repository, to: &mut dyn Write) -> io::Result<()> {
    let issues = outcome.diagnostics.iter().zip(outcome.fingerprints());
    let issues: Vec<Issue<'_>> = issues
        .map(|(found, fingerprint)| issue(found, fingerprint, repository))
        .collect();
    serde_json::to_writer_pretty(&mut *to, &issues)?;
    writeln!(to)
}

fn issue<'a>(
    found: &'a Diagnostic,
    fingerprint: Fingerprint,
    repository: &Repository,
) -> Issue<'a> {
    let description = match &found.help {
        Some(help) => format!("{} ({help})", found.message),
        None => found.message.clone(),
    };
    let begin = found.primary.region().map(|region| region.start.line);
    Issue {
        description: shown(&description),
        check_name: found.rule,
        fingerprint,
        severity: severity(found),
        location: Location {
            path: repository.path(found.primary.file()),
            // A file without lines is shown by its name alone, but a line there must be.
            lines: Lines {
                begin: begin.unwrap_or(1),
            },
        },
    }
}

/// GitLab knows five: what must never ship blocks, `major` is what it shows between.
fn severity(found: &Diagnostic) -> &'static str {
    match found.level {
        Level::Error if CORE.contains(&found.rule) => "blocker",
        Level::Error => "critical",
        Level::Warning => "major",
        Level::Info => "info",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Place;
    use crate::testing::{found, outcome_of};

    fn issues(outcome: &Outcome) -> Vec<serde_json::Value> {
        let mut bytes = Vec::new();
        render(outcome, &Repository::default(), &mut bytes).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn an_issue_has_what_gitlab_asks_for() {
        let mut finding = found("published-key", "a key that everybody has");
        finding.primary = Place::binary("Prebuilt/a.cab", "signature[0]");
        finding.help = Some("sign anew".into());
        let issues = issues(&outcome_of(&[], vec![finding]));
        let wanted = serde_json::json!([{
            "description": "a key that everybody has (sign anew)",
            "check_name": "published-key",
            "fingerprint": issues[0]["fingerprint"],
            "severity": "blocker",
            "location": { "path": "Prebuilt/a.cab", "lines": { "begin": 1 } },
        }]);
        assert_eq!(serde_json::json!(issues), wanted);
    }

    #[test]
    fn fingerprints_differ_and_stay_when_lines_move() {
        let text = "<a>\n<b/>\n</a>";
        let moved = "<a>\n\n\n<b/>\n</a>";
        let of = |text: &str| {
            let place = crate::testing::place("a.xml", text, "<b/>");
            let finding = crate::diagnostic::Diagnostic {
                primary: place,
                ..found("some-rule", "found")
            };
            let findings = vec![finding.clone(), finding];
            issues(&outcome_of(&[("a.xml", text)], findings))
        };
        let (one, other) = (of(text), of(moved));
        assert_ne!(one[0]["fingerprint"], one[1]["fingerprint"]);
        assert_eq!(one[0]["fingerprint"], other[0]["fingerprint"]);
        assert_eq!(one[1]["fingerprint"], other[1]["fingerprint"]);
        assert_eq!(
            (
                &one[0]["location"]["lines"]["begin"],
                &other[0]["location"]["lines"]["begin"]
            ),
            (&serde_json::json!(2), &serde_json::json!(4))
        );
    }
}
