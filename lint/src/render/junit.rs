//! Findings as JUnit XML, which every CI shows as tests.
//!
//! A document with findings is a suite and each rule that found something in it a test case; it failed where a finding
//! reaches the level that fails the run, so that both agree. The documents without findings are the cases of one suite.

use std::collections::{BTreeMap, BTreeSet};

use maud::{PreEscaped, html};

use super::snippet::shown;
use crate::diagnostic::{DecidedBy, Diagnostic, Level};
use crate::engine::Outcome;

/// The suite of the documents in which nothing was found.
const CLEAN: &str = "documents without findings";

/// The findings of one document, by rule.
type Suites<'a> = BTreeMap<&'a str, BTreeMap<&'a str, Vec<&'a Diagnostic>>>;

/// The result of a run as JUnit XML, with a line end. `fails` is the lowest level that fails a test; `None` for none.
pub fn render(outcome: &Outcome, fails: Option<Level>) -> String {
    let mut suites = Suites::new();
    for found in &outcome.diagnostics {
        let suite = suites.entry(found.primary.file()).or_default();
        suite.entry(found.rule).or_default().push(found);
    }
    let policies: BTreeSet<&str> = outcome
        .diagnostics
        .iter()
        .filter_map(|found| match &found.decided_by {
            DecidedBy::Policy(place) => Some(place.file()),
            DecidedBy::Rule => None,
        })
        .collect();
    let documents = outcome.sources.iter().map(|source| source.name());
    let clean: Vec<&str> = documents
        .filter(|name| !suites.contains_key(name) && !policies.contains(name))
        .filter(|name| !name.starts_with("<built-in>/"))
        .collect();

    let is_failure = |found: &&Diagnostic| fails.is_some_and(|level| found.level >= level);
    let failed = |found: &[&Diagnostic]| found.iter().any(is_failure);
    let all = suites.values().flat_map(BTreeMap::values);
    let cases = all.clone().count().saturating_add(clean.len());
    let failures = all.filter(|found| failed(found)).count();
    let markup = html! {
        (PreEscaped("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"))
        testsuites name="proofmark lint" tests=(cases) failures=(failures) errors="0" {
            @for (file, rules) in &suites {
                testsuite
                    name=(text(file))
                    file=(text(file))
                    tests=(rules.len())
                    failures=(rules.values().filter(|found| failed(found)).count())
                    errors="0"
                    skipped="0"
                {
                    @for (rule, found) in rules {
                        testcase name=(rule) classname=(text(file)) {
                            @let (bad, noted): (Vec<&Diagnostic>, Vec<_>) = found.iter().copied().partition(is_failure);
                            @if let Some(worst) = bad.iter().max_by_key(|found| found.level) {
                                failure message=(text(&worst.message)) type=(worst.level) {
                                    (lines(&bad))
                                }
                            }
                            @if !noted.is_empty() {
                                system-out { (lines(&noted)) }
                            }
                        }
                    }
                }
            }
            @if !clean.is_empty() {
                testsuite name=(CLEAN) tests=(clean.len()) failures="0" errors="0" skipped="0" {
                    @for file in &clean {
                        testcase name="no findings" classname=(text(file)) {}
                    }
                }
            }
        }
    };
    markup.into_string() + "\n"
}

/// One line for each finding, and one for its cure.
fn lines(found: &[&Diagnostic]) -> String {
    let mut out = String::new();
    for found in found {
        let place = text(&found.primary.to_string());
        out.push_str(&format!(
            "{place}: {}: {}\n",
            found.level,
            text(&found.message)
        ));
        if let Some(help) = &found.help {
            out.push_str(&format!("  help: {}\n", text(help)));
        }
    }
    out
}

/// A text on one line and without the characters that XML cannot have.
fn text(text: &str) -> String {
    shown(text).replace(['\u{FFFE}', '\u{FFFF}'], "\u{FFFD}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{found, outcome_of, place};

    #[test]
    fn a_rule_fails_in_a_document_where_the_run_fails() {
        let input = "<a>x & y</a>";
        let at = |rule, level, message: &str| {
            let mut finding = found(rule, message);
            finding.primary = place("a&b.xml", input, "x & y");
            finding.level = level;
            finding
        };
        let mut worse = at("a-rule", Level::Error, "found <x>");
        worse.help = Some("write \"y\"".into());
        let findings = vec![
            at("a-rule", Level::Warning, "milder"),
            worse,
            at("b-rule", Level::Info, "noted\u{1B}\u{FFFF}"),
        ];
        let texts = [("a&b.xml", input), ("clean.xml", "<a/>")];
        let outcome = outcome_of(&texts, findings);
        let wanted = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
            <testsuites name=\"proofmark lint\" tests=\"3\" failures=\"1\" errors=\"0\">\
            <testsuite name=\"a&amp;b.xml\" file=\"a&amp;b.xml\" tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\">\
            <testcase name=\"a-rule\" classname=\"a&amp;b.xml\">\
            <failure message=\"found &lt;x&gt;\" type=\"error\">\
            a&amp;b.xml:1:4: error: found &lt;x&gt;\n  help: write &quot;y&quot;\n</failure>\
            <system-out>a&amp;b.xml:1:4: warning: milder\n</system-out></testcase>\
            <testcase name=\"b-rule\" classname=\"a&amp;b.xml\">\
            <system-out>a&amp;b.xml:1:4: info: noted?\u{FFFD}\n</system-out></testcase></testsuite>\
            <testsuite name=\"documents without findings\" tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"0\">\
            <testcase name=\"no findings\" classname=\"clean.xml\"></testcase>\
            </testsuite></testsuites>\n";
        assert_eq!(render(&outcome, Some(Level::Error)), wanted);
        assert!(render(&outcome, Some(Level::Info)).contains("failures=\"2\""));
        assert!(!render(&outcome, None).contains("<failure"));
    }
}
