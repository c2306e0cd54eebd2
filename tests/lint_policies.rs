//! Policies, suppressions and baselines from outside.

use std::fs;
use std::path::Path;

use crate::support::{Run, proofmark};

const INPUT: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<OEMInput xmlns="http://schemas.microsoft.com/embedded/2004/10/ImageUpdate">
  <Product>Windows 10 IoT Core</Product>
  <ReleaseType>Production</ReleaseType>
  <SupportedLanguages><UserInterface><Language>en-us</Language></UserInterface></SupportedLanguages>
  <Features>
    <Microsoft>
      <Feature>IOT_EFIESP</Feature>
      <Feature>IOT_UAP_OOBE</Feature>
      <Feature>IOT_CRT140</Feature>
      <Feature>IOT_BERTHA</Feature>
      <Feature>IOT_TOOLKIT</Feature>
    </Microsoft>
  </Features>
</OEMInput>
"#;

fn workspace(input: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let product = folder.path().join("ws/Products/A");
    fs::create_dir_all(&product).unwrap();
    fs::write(folder.path().join("ws/IoTWorkspace.xml"), "<IoTWorkspace/>").unwrap();
    fs::write(product.join("RetailOEMInput.xml"), input).unwrap();
    folder
}

fn lint(folder: &Path, options: &str) -> Run {
    proofmark(
        folder,
        &format!("lint --at 2026-06-01 --format json {options}"),
    )
}

/// Rule and line of every finding whose rule begins with one of these.
fn findings(run: &Run, rules: &[&str]) -> Vec<String> {
    let report: serde_json::Value = serde_json::from_str(&run.stdout).expect(&run.stderr);
    let found = report["diagnostics"].as_array().unwrap().iter();
    found
        .filter(|found| {
            rules
                .iter()
                .any(|rule| found["rule"].as_str().unwrap().starts_with(rule))
        })
        .map(|found| format!("{} {}", found["rule"].as_str().unwrap(), found["line"]))
        .collect()
}

#[test]
fn a_baseline_lets_old_findings_wait_wherever_the_lines_are_and_says_what_is_gone() {
    let folder = workspace(INPUT);
    let run = lint(folder.path(), "--write-baseline b.json ws").ended(0);
    assert!(run.stderr.contains("findings may wait"), "{}", run.stderr);
    let run = lint(folder.path(), "--baseline b.json ws").ended(0);
    assert!(findings(&run, &[""]).is_empty(), "{}", run.stdout);

    // Lines above, another defect, another folder; one is cured.
    let input = INPUT.replace(
        "<Feature>IOT_EFIESP",
        "<!-- a -->\n\n<Feature>IOT_SIREP</Feature><Feature>IOT_EFIESP",
    );
    let input = input.replace("<Feature>IOT_TOOLKIT</Feature>", "");
    let moved = workspace(&input);
    fs::copy(folder.path().join("b.json"), moved.path().join("ws/b.json")).unwrap();
    let run = lint(&moved.path().join("ws"), "--baseline b.json .").ended(1);
    let found = findings(&run, &[""]);
    assert!(
        found.contains(&"sirep-port-open 10".to_owned()),
        "{found:?}"
    );
    assert!(
        found
            .iter()
            .any(|found| found.starts_with("baseline-entry-stale")),
        "{found:?}"
    );
    assert!(
        !found.contains(&"dev-feature-in-retail 13".to_owned()),
        "{found:?}"
    );
    // What was not looked at is not said to be gone.
    fs::create_dir_all(moved.path().join("ws/Products/B")).unwrap();
    let run = lint(&moved.path().join("ws"), "--baseline b.json Products/B");
    assert!(findings(&run, &["baseline"]).is_empty());
}

#[test]
fn what_must_never_ship_is_not_written_to_a_baseline() {
    let folder = workspace(&INPUT.replace("IOT_TOOLKIT", "IOT_ENABLE_TESTSIGNING"));
    let run = lint(folder.path(), "--write-baseline b.json ws").ended(1);
    assert!(
        run.stderr.contains("must never ship are not in it"),
        "{}",
        run.stderr
    );
    let text = fs::read_to_string(folder.path().join("b.json")).unwrap();
    assert!(!text.contains("testsigning-in-retail") && text.contains("dev-feature-in-retail"));
    let run = lint(folder.path(), "--baseline b.json ws").ended(1);
    assert_eq!(findings(&run, &["testsigning-in-retail"]).len(), 1);
}

#[test]
fn a_file_that_is_no_baseline_is_told_and_nothing_is_linted() {
    let folder = workspace(INPUT);
    for (text, message) in [
        (
            "{}",
            "b.json:1:2: no baseline: missing field `schema_version`",
        ),
        ("[", "b.json:1:1: no baseline"),
        (
            "{\"schema_version\": 7, \"findings\": []}",
            "has schema version 7, expected 1",
        ),
    ] {
        fs::write(folder.path().join("b.json"), text).unwrap();
        let run = lint(folder.path(), "--baseline b.json ws").ended(2);
        assert!(run.stderr.contains(message), "{}", run.stderr);
        assert_eq!(run.stdout, "");
    }
    let run = lint(folder.path(), "--baseline nowhere.json ws").ended(2);
    assert!(
        run.stderr.contains("nowhere.json cannot be read"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_suppression_counts_to_its_last_day() {
    let comment =
        "<!-- proofmark: allow dev-feature-in-retail, reason: \"fairs\", until: 2027-03-31 -->\n";
    let folder = workspace(&INPUT.replace(
        "<Feature>IOT_BERTHA",
        &format!("{comment}<Feature>IOT_BERTHA"),
    ));
    let at = |day: &str| {
        let run = proofmark(folder.path(), &format!("lint --at {day} --format json ws"));
        findings(&run, &["dev-feature-in-retail", "suppression-"])
    };
    assert_eq!(at("2027-03-31T23:59:59Z"), ["dev-feature-in-retail 13"]);
    let over = [
        "suppression-expired 11",
        "dev-feature-in-retail 12",
        "dev-feature-in-retail 13",
    ];
    assert_eq!(at("2027-04-01"), over);
}

#[test]
fn the_project_stands_above_the_organisation_and_both_below_the_core() {
    let folder = workspace(&INPUT.replace("IOT_TOOLKIT", "IOT_ENABLE_TESTSIGNING"));
    let at = folder.path();
    fs::write(
        at.join("org.toml"),
        "description = 'Ours'\n[retail]\ndev-feature-in-retail = 'error'\ntestsigning-in-retail = { level = 'off', reason = 'r' }\n",
    )
    .unwrap();
    fs::write(
        at.join("ws/proofmark-policy.toml"),
        "[retail]\ndev-feature-in-retail = { level = 'off', reason = 'a fair', until = 2026-12-31 }\nno-timestamp = { level = 'off', reason = 'none here' }\n",
    )
    .unwrap();
    let rules = ["dev-feature", "testsigning", "policy-"];
    let run = lint(at, "--policy org.toml ws").ended(1);
    let found = findings(&run, &rules);
    assert_eq!(
        found,
        [
            "policy-lowered-core-rule 4",
            "testsigning-in-retail 12",
            "policy-unused-entry 3"
        ]
    );
    // Of a part of the workspace nobody can say that a line is not needed.
    let run = lint(at, "--policy org.toml ws/Products/A");
    assert!(!findings(&run, &rules).contains(&"policy-unused-entry 3".to_owned()));
    let run = lint(at, "--policy org.toml --no-project-policy ws").ended(1);
    assert!(findings(&run, &rules).contains(&"dev-feature-in-retail 11".to_owned()));
    let run = proofmark(at, "lint --at 2027-01-01 --format json ws").ended(1);
    let over = findings(&run, &["dev-feature", "policy-exp"]);
    assert_eq!(over, ["dev-feature-in-retail 11", "policy-expired-entry 2"]);

    // The configuration may name the organisation's policy and the baseline.
    fs::write(at.join("proofmark.toml"), "[lint]\npolicy = 'org.toml'\n").unwrap();
    let run = lint(at, "ws").ended(1);
    assert_eq!(findings(&run, &rules), found);

    let run = proofmark(at, "policy show --at 2026-06-01 ws").ended(0);
    let lines: Vec<&str> = run.stdout.lines().skip(3).collect();
    assert_eq!(
        lines,
        [
            "organisation  org.toml  Ours",
            "project       ws/proofmark-policy.toml"
        ]
    );
    let run = proofmark(at, "policy show --effective --at 2026-06-01 ws").ended(0);
    let line = run
        .stdout
        .lines()
        .find(|line| line.starts_with("dev-feature-in-retail "))
        .unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    let wanted =
        "dev-feature-in-retail retail off ws/proofmark-policy.toml:2 a fair (until 2026-12-31)";
    assert_eq!(words.join(" "), wanted);
    let run = proofmark(
        at,
        "policy show --effective --format json --at 2026-06-01 ws",
    )
    .ended(0);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let rules = json["rules"].as_array().unwrap();
    let of = |rule: &str| {
        rules
            .iter()
            .find(|row| row["rule"] == rule && row["image"] == "retail")
            .unwrap()
    };
    assert_eq!(of("dev-feature-in-retail")["level"], "off");
    assert_eq!(of("dev-feature-in-retail")["until"], "2026-12-31");
    assert_eq!(of("testsigning-in-retail")["level"], "error");
    assert!(
        of("testsigning-in-retail")["decided_by"]
            .as_str()
            .unwrap()
            .starts_with("<built-in>")
    );
    assert_eq!(of("sirep-port-open")["decided_by"], "default");
}

#[test]
fn a_policy_is_begun_checked_and_mended() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    proofmark(at, "policy init").ended(0);
    let run = proofmark(at, "policy init").ended(2);
    assert!(
        run.stderr.contains("nothing is overwritten"),
        "{}",
        run.stderr
    );
    proofmark(at, "policy check proofmark-policy.toml").ended(0);
    let text = fs::read_to_string(at.join("proofmark-policy.toml")).unwrap();
    fs::write(
        at.join("wrong.toml"),
        text.replace("[retail]", "extend = 'x'\n[retial]"),
    )
    .unwrap();
    let run = proofmark(at, "policy check wrong.toml").ended(1);
    assert!(
        run.stdout.contains("did you mean `retail`?"),
        "{}",
        run.stdout
    );
    fs::write(at.join("broken.toml"), "[rules\n").unwrap();
    let run = proofmark(at, "policy check broken.toml").ended(2);
    assert!(run.stderr.contains("broken.toml:1:7"), "{}", run.stderr);
}

#[test]
fn paths_of_two_projects_are_refused() {
    let folder = workspace(INPUT);
    let at = folder.path();
    fs::create_dir(at.join("other")).unwrap();
    fs::write(at.join("ws/proofmark-policy.toml"), "").unwrap();
    fs::write(at.join("other/proofmark-policy.toml"), "").unwrap();
    let run = lint(at, "ws other").ended(2);
    assert!(
        run.stderr.contains("belong to two projects"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_policy_extends_built_in_ones_by_name_and_files() {
    let folder = workspace(INPUT);
    let at = folder.path();
    fs::write(
        at.join("base.toml"),
        "[rules]\ndev-feature-in-retail = { level = 'info', reason = 'r' }\n",
    )
    .unwrap();
    fs::write(at.join("org.toml"), "extends = ['retail', 'base.toml']\n").unwrap();
    let run = proofmark(at, "policy show --policy org.toml ws").ended(0);
    let files: Vec<&str> = run
        .stdout
        .lines()
        .skip(3)
        .map(|line| line.split_whitespace().nth(1).unwrap())
        .collect();
    assert_eq!(files, ["<built-in>/retail.toml", "base.toml", "org.toml"]);
    fs::write(at.join("base.toml"), "extends = 'org.toml'\n").unwrap();
    let run = proofmark(at, "policy check org.toml").ended(2);
    assert!(run.stderr.contains("extends itself"), "{}", run.stderr);
}
