use super::*;
use crate::engine::{Outcome, judge};
use crate::policy::Policies;
use crate::testing::{oem_input, workspace};
use time::macros::date;

fn run(files: &[(&str, &str)]) -> Outcome {
    let policies = Policies::built_in().on(date!(2026 - 06 - 01));
    judge(&[workspace(files)], &policies)
}

/// The rules and lines of what is found and of what is suppressed, of one rule and of those about suppressions.
fn found(files: &[(&str, &str)], rule: &str) -> (Vec<String>, Vec<String>) {
    let outcome = run(files);
    let wanted = |found: &&Diagnostic| found.rule == rule || found.rule.starts_with("suppression-");
    let shown = |found: &Diagnostic| {
        let line = found.primary.region().map(|region| region.start.line);
        format!("{} {}", found.rule, line.unwrap_or_default())
    };
    let suppressed = outcome.suppressed.iter().map(|silent| &silent.diagnostic);
    (
        outcome
            .diagnostics
            .iter()
            .filter(wanted)
            .map(shown)
            .collect(),
        suppressed.filter(wanted).map(shown).collect(),
    )
}

fn retail(features: &str) -> String {
    oem_input(&format!(
        "<ReleaseType>Production</ReleaseType><Features><Microsoft>{features}</Microsoft></Features>"
    ))
}

const RULE: &str = "dev-feature-in-retail";

#[test]
fn the_next_element_alone_is_suppressed_and_what_stands_in_it() {
    let text = retail(
        "\n<!-- proofmark: allow dev-feature-in-retail, reason: \"shown at fairs, with a lid\" --> <!-- more -->\n\
         <Feature>IOT_BERTHA</Feature>\n<Feature>IOT_TOOLKIT</Feature>",
    );
    let (reported, silent) = found(&[("OEMInput.xml", &text)], RULE);
    assert_eq!(reported, ["dev-feature-in-retail 4"]);
    assert_eq!(silent, ["dev-feature-in-retail 3"]);
    let outcome = run(&[("OEMInput.xml", &text)]);
    let SuppressedBy::Comment { place, reason } = &outcome.suppressed[0].by else {
        panic!("not by a comment")
    };
    assert_eq!(reason, "shown at fairs, with a lid");
    assert_eq!(place.to_string(), "OEMInput.xml:2:6");

    let around = text.replace(
        "<Features>",
        "<!-- proofmark: allow dev-feature-in-retail, reason: \"r\" --><Features>",
    );
    let (reported, silent) = found(&[("OEMInput.xml", &around)], RULE);
    assert!(reported.is_empty(), "{reported:?}");
    assert_eq!(silent.len(), 2);
}

#[test]
fn a_whole_file_is_suppressed_wherever_the_comment_stands() {
    let text = retail("<Feature>IOT_BERTHA</Feature>\n<Feature>IOT_TOOLKIT</Feature>");
    let comment = "<!-- Proofmark: allow-file dev-feature-in-retail, reason: \"r\" -->";
    for text in [format!("{comment}{text}"), format!("{text}{comment}")] {
        let (reported, silent) = found(&[("OEMInput.xml", &text)], RULE);
        assert!(reported.is_empty(), "{reported:?}");
        assert_eq!(silent.len(), 2);
    }
}

#[test]
fn one_that_nothing_follows_or_that_another_file_needs_is_unused() {
    let text = retail(
        "<Feature>IOT_BERTHA</Feature>\n<!-- proofmark: allow dev-feature-in-retail, reason: \"r\" -->",
    );
    let other = oem_input(
        "<!-- proofmark: allow-file dev-feature-in-retail, reason: \"r\" --><ReleaseType>Production</ReleaseType>",
    );
    let files = [
        ("A/OEMInput.xml", text.as_str()),
        ("B/OEMInput.xml", &other),
    ];
    let (reported, silent) = found(&files, RULE);
    assert_eq!(
        reported,
        [
            "dev-feature-in-retail 1",
            "suppression-unused 2",
            "suppression-unused 1"
        ]
    );
    assert!(silent.is_empty());
}

#[test]
fn core_rules_stay_whatever_a_comment_says() {
    let text = retail(
        "<!-- proofmark: allow testsigning-in-retail, dev-feature-in-retail, reason: \"r\" -->\
         <Feature>IOT_ENABLE_TESTSIGNING</Feature>",
    );
    let (reported, silent) = found(&[("OEMInput.xml", &text)], "testsigning-in-retail");
    let wanted = [
        "suppression-of-core-rule 1",
        "suppression-unused 1",
        "testsigning-in-retail 1",
    ];
    assert_eq!(reported, wanted);
    assert!(silent.is_empty());
}

#[test]
fn a_rule_about_other_images_than_the_declared_one_is_not_called_unused() {
    let text = retail(
        "<!-- proofmark: allow dev-feature-in-retail, reason: \"r\" --><Feature>IOT_BERTHA</Feature>",
    );
    let options = crate::resolve::ResolveOptions {
        image: Some(crate::image::ImageType::Test),
        ..Default::default()
    };
    let workspace = crate::testing::workspace_with(&[("OEMInput.xml", &text)], &options);
    let outcome = judge(
        &[workspace],
        &Policies::built_in().on(date!(2026 - 06 - 01)),
    );
    assert!(
        !outcome
            .diagnostics
            .iter()
            .any(|found| found.rule == "suppression-unused")
    );
}

#[test]
fn comments_of_lines_are_about_the_next_line() {
    let inf = "[Version]\r\nSignature=\"$CHICAGO$\"\r\n[Manufacturer]\r\n%M%=A\r\n";
    let before = found(&[("a/driver.inf", inf)], "inf-missing-catalog").0;
    assert!(!before.is_empty(), "the sample has a finding");
    let line: usize = before[0].rsplit(' ').next().unwrap().parse().unwrap();
    let mut lines: Vec<&str> = inf.split_inclusive('\n').collect();
    lines.insert(line - 1, "  ; proofmark: allow inf-missing-catalog, reason: \"the supplier's\"\r\n\r\n; and more\r\n");
    let (reported, silent) = found(&[("a/driver.inf", &lines.concat())], "inf-missing-catalog");
    assert_eq!(reported.len() + 1, before.len(), "{reported:?}");
    assert_eq!(silent, [format!("inf-missing-catalog {}", line + 3)]);
}

#[test]
fn the_words_of_scripts_and_registry_files_are_known() {
    let source = formats::source::Source::new(
        "a.cmd",
        "@REM proofmark: allow a, reason: \"r\"\n:: proofmark: allow b, reason: \"r\"\ndir\nremark\n",
        0,
    );
    let recognised = formats::document::recognise("a.cmd", source.text().as_bytes());
    let read = suppressions(&source, &recognised.outcome.unwrap());
    let dir = source.line(3);
    assert_eq!(read.len(), 2);
    assert!(
        read.iter()
            .all(|one| one.scope == Scope::Span(dir) && one.problem.is_none())
    );
    let text = "Windows Registry Editor Version 5.00\n; proofmark: allow a, reason: \"r\"\n[HKEY_LOCAL_MACHINE\\A]\n";
    let source = formats::source::Source::new("a.reg", text, 0);
    let recognised = formats::document::recognise("a.reg", text.as_bytes());
    let read = suppressions(&source, &recognised.outcome.unwrap());
    assert_eq!(read[0].scope, Scope::Span(source.line(3)));
}

#[test]
fn other_comments_about_the_program_are_left_alone() {
    let text = retail(
        "<!-- proofmark is great -->\n<!-- see proofmark: allow -->\n<!-- proofmark allow x -->\n<!-- proof -->",
    );
    let (reported, _) = found(&[("OEMInput.xml", &text)], RULE);
    assert_eq!(reported, ["suppression-malformed 3"]);
}
