//! The reports of `lint` as other people's tools see them: the SARIF validator with GitHub's rules, `xmllint`, a JSON
//! Schema validator and a browser.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{Run, command, oracle, proofmark, repository};

/// Everything that rules are tested with: findings of every rule, in every kind of file.
const FIXTURES: &str = "lint/tests/fixtures";

/// The fixtures' result in one form, in a file of a new folder.
fn report(format: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("report.{format}"));
    let line = format!(
        "lint {FIXTURES} --format {format} --output {}",
        path.display()
    );
    proofmark(&repository(), &line).ended(1);
    (folder, path)
}

/// Everything that the validator says of a log, as rule and level.
fn validate(folder: &Path, log: &Path) -> Option<Vec<(String, String)>> {
    let oracles = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../oracles");
    let validator = oracles.join("node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool");
    if !validator.exists() {
        let is_allowed = std::env::var_os("PROOFMARK_SKIP_ORACLES").is_some_and(|v| v == "1");
        assert!(
            is_allowed,
            "{} is not there; ./test installs it",
            validator.display()
        );
        println!("skipped: {} is not there", validator.display());
        return None;
    }
    let run: Run = Command::new(validator)
        .args([
            "validate",
            "--rule-kind",
            "Sarif;Gh",
            "--level",
            "Error;Warning;Note",
        ])
        .args(["--log", "ForceOverwrite", "--output", "said.sarif"])
        .arg(log)
        .env("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1")
        .current_dir(folder)
        .output()
        .unwrap()
        .into();
    let run = run.ended(0);
    let said = fs::read_to_string(folder.join("said.sarif")).unwrap();
    let said: Value = serde_json::from_str(said.trim_start_matches('\u{FEFF}')).unwrap();
    let said = said["runs"][0]["results"].as_array().unwrap();
    // Where it cannot read a log it says nothing at all, not even that results have no snippets.
    assert!(!said.is_empty(), "nothing was validated: {}", run.stdout);
    let level = |result: &Value| result["level"].as_str().unwrap_or("warning").to_owned();
    let rule = |result: &Value| result["ruleId"].as_str().unwrap().to_owned();
    Some(
        said.iter()
            .map(|result| (rule(result), level(result)))
            .collect(),
    )
}

#[test]
fn suppressed_findings_stand_in_the_sarif_with_their_reason() {
    let folder = tempfile::tempdir().unwrap();
    let expired = Path::new(FIXTURES).join("suppression-expired/RetailOEMInput.xml");
    let text = fs::read_to_string(repository().join(expired)).unwrap();
    let text = text.replace("2025-12-31", "2999-12-31");
    fs::write(folder.path().join("RetailOEMInput.xml"), text).unwrap();
    let log = |options: &str| -> Value {
        let line = format!("lint . --fail-on never --format sarif {options}");
        serde_json::from_str(&proofmark(folder.path(), &line).ended(0).stdout).unwrap()
    };
    let suppressed = |log: &Value| {
        let results = log["runs"][0]["results"].as_array().unwrap().iter();
        let all = results.map(|result| result["suppressions"][0].clone());
        all.filter(|found| !found.is_null()).collect::<Vec<_>>()
    };
    let with = log("--suppressed");
    let found = suppressed(&with);
    assert_eq!(found.len(), 1, "{with:#}");
    assert_eq!(found[0]["kind"], "inSource");
    assert_eq!(found[0]["justification"], "shown at a fair");
    assert!(suppressed(&log("")).is_empty());
    let path = folder.path().join("with.sarif");
    fs::write(&path, with.to_string()).unwrap();
    let Some(said) = validate(folder.path(), &path) else {
        return;
    };
    assert!(said.iter().all(|(_, level)| level != "error"), "{said:?}");
}

#[test]
fn github_takes_the_sarif_in() {
    let (folder, path) = report("sarif");
    let Some(said) = validate(folder.path(), &path) else {
        return;
    };
    let text = fs::read_to_string(&path).unwrap();
    let mut log: Value = serde_json::from_str(&text).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert!(results.len() > 100);

    // It would like lines even in cabinets, which have none.
    let has_no_lines =
        |result: &&Value| result["locations"][0]["physicalLocation"]["region"].is_null();
    let without_lines = results.iter().filter(has_no_lines).count();
    let complaints: Vec<&str> = said
        .iter()
        .filter(|(_, level)| level != "note")
        .map(|(rule, _)| rule.as_str())
        .collect();
    assert_eq!(complaints, vec!["SARIF2017"; without_lines]);

    // That these rules see something is shown by a log that breaks one.
    let rule = &mut log["runs"][0]["tool"]["driver"]["rules"][0];
    rule.as_object_mut().unwrap().remove("help");
    fs::write(&path, log.to_string()).unwrap();
    let said = validate(folder.path(), &path).unwrap();
    assert!(
        said.contains(&("GH2012".into(), "error".into())),
        "{said:?}"
    );
}

#[test]
fn fingerprints_stay_when_lines_move() {
    let folder = tempfile::tempdir().unwrap();
    let product = repository().join(FIXTURES).join("dev-feature-in-retail");
    let name = fs::read_dir(&product)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let input = name
        .into_iter()
        .find(|path| path.extension().is_some_and(|e| e == "xml"))
        .unwrap();
    let text = fs::read_to_string(&input).unwrap();
    let (start, rest) = text.split_once('>').unwrap();
    let hashes = |text: &str| {
        fs::write(folder.path().join("RetailOEMInput.xml"), text).unwrap();
        let line = "lint . --format sarif --fail-on never";
        let run = proofmark(folder.path(), line).ended(0);
        let log: Value = serde_json::from_str(&run.stdout).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap().clone();
        let below = results.iter().filter(|result| {
            let region = &result["locations"][0]["physicalLocation"]["region"];
            region["startLine"].as_u64().is_some_and(|line| line > 3)
        });
        let hash =
            |result: &Value| result["partialFingerprints"]["primaryLocationLineHash"].clone();
        below.map(hash).collect::<Vec<_>>()
    };
    let before = hashes(&format!("{start}>\n\n\n{rest}"));
    let after = hashes(&format!("{start}>\n\n\n\n<!-- new -->\n\n{rest}"));
    assert!(!before.is_empty());
    assert_eq!(before, after);
}

#[test]
fn junit_is_what_its_schema_says() {
    let (folder, path) = report("junit");
    let schema = repository().join("tests/reports/junit.xsd");
    let line = format!(
        "xmllint --noout --schema {} {}",
        schema.display(),
        path.display()
    );
    let Some(run) = oracle(folder.path(), &line) else {
        return;
    };
    run.ended(0);
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.contains("<failure message=") && text.contains("name=\"documents without findings\"")
    );
}

#[test]
fn json_is_what_its_schema_says() {
    let (folder, path) = report("json");
    let schema = repository().join("docs/lint.schema.json");
    let line = |path: &Path| {
        format!(
            "/usr/bin/jsonschema -i {} {}",
            path.display(),
            schema.display()
        )
    };
    let Some(run) = oracle(folder.path(), &line(&path)) else {
        return;
    };
    run.ended(0);
    // A name that the schema does not have is noticed, so none can be forgotten there.
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\"rule\"", "\"more\": 1, \"rule\"", 1)).unwrap();
    let run = oracle(folder.path(), &line(&path)).unwrap().ended(1);
    assert!(run.stderr.contains("more"), "{}", run.stderr);
}

#[test]
fn the_page_is_seen_right_in_a_browser() {
    let (folder, path) = report("html");
    let is_there = |tool: &str| Command::new(tool).arg("--version").output().is_ok();
    if !is_there("chromium") || !is_there("node") {
        println!("skipped: chromium or node is not there");
        return;
    }
    let look = |width: u32, scheme: &str| -> Value {
        let script = repository().join("tests/reports/look.mjs");
        let profile = folder.path().join(format!("profile-{width}-{scheme}"));
        let line = format!(
            "node {} {} {} {width} {scheme}",
            script.display(),
            path.display(),
            profile.display()
        );
        let run = oracle(folder.path(), &line).unwrap().ended(0);
        serde_json::from_str(&run.stdout).unwrap()
    };
    let narrow = look(360, "light");
    let dark = look(1200, "dark");
    for (seen, width) in [(&narrow, 360), (&dark, 1200)] {
        assert_eq!(seen["complaints"], serde_json::json!([]), "{seen}");
        assert_eq!(seen["scripts"], 0);
        assert!(seen["width"].as_u64().unwrap() <= width, "{seen}");
        assert!(seen["printed"].as_u64().unwrap() <= width, "{seen}");
        let count = |name: &str| seen[name].as_u64().unwrap();
        assert!(count("findings") > 100, "{seen}");
        assert!(
            0 < count("withoutErrors") && count("withoutErrors") < count("findings"),
            "{seen}"
        );
        assert!(
            0 < count("ofFirstRule") && count("ofFirstRule") < count("findings"),
            "{seen}"
        );
        assert_eq!(count("afterReset"), count("findings"));
    }
    assert_ne!(narrow["background"], dark["background"]);
}

#[test]
fn annotations_and_code_quality_name_files_from_the_root_of_the_repository() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("images/kiosk");
    fs::create_dir_all(&inner).unwrap();
    fs::create_dir(folder.path().join(".git")).unwrap();
    fs::write(inner.join("RetailOEMInput.xml"), "<OEMInput>").unwrap();
    let run = proofmark(&inner, "lint . --format github").ended(1);
    let first = run.stdout.lines().next().unwrap();
    assert!(
        first.starts_with("::error file=images/kiosk/RetailOEMInput.xml,line=1,"),
        "{first}"
    );
    let run = proofmark(&inner, "lint . --format gitlab").ended(1);
    let issues: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        issues[0]["location"]["path"],
        "images/kiosk/RetailOEMInput.xml"
    );
}

#[test]
fn a_report_is_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("RetailOEMInput.xml"), "<OEMInput>").unwrap();
    fs::write(path.join("report.html"), "old").unwrap();
    let run = proofmark(path, "lint . --format html --output report.html").ended(1);
    assert!(run.stdout.is_empty());
    assert!(
        run.stderr.starts_with("report.html: 1 error"),
        "{}",
        run.stderr
    );
    let text = fs::read_to_string(path.join("report.html")).unwrap();
    assert!(text.starts_with("<!DOCTYPE html>") && text.ends_with("</html>\n"));

    let run = proofmark(path, "lint . --format json --output missing/report.json").ended(2);
    assert!(run.stderr.contains("missing/report.json"), "{}", run.stderr);
    let run = command(path)
        .args(["lint", ".", "--format", "sarfi"])
        .output()
        .unwrap();
    let run = Run::from(run).ended(2);
    assert!(run.stderr.contains("sarif"), "{}", run.stderr);
}

#[test]
fn one_run_gives_several_reports() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("RetailOEMInput.xml"), "<OEMInput>").unwrap();
    let line = "lint . --report sarif=lint.sarif --report html=lint.html";
    let run = proofmark(path, line).ended(1);
    assert!(run.stdout.contains("1 error"), "{}", run.stdout);
    for (file, start) in [("lint.sarif", "{"), ("lint.html", "<!DOCTYPE html>")] {
        let text = fs::read_to_string(path.join(file)).unwrap();
        assert!(text.starts_with(start), "{file}");
    }
    for (report, hint) in [
        (
            "xml=a",
            "there is no form `xml`; there are text, json, sarif",
        ),
        ("sarif", "FORM=FILE is expected"),
        ("sarif=", "FORM=FILE is expected"),
    ] {
        let run = proofmark(path, &format!("lint . --report {report}")).ended(2);
        assert!(run.stderr.contains(hint), "{}", run.stderr);
    }
}

#[test]
fn the_facts_that_a_rule_sees_are_printed() {
    let line = "lint --explain-facts dev-feature-in-retail examples/workspace";
    let run = proofmark(&repository(), line).ended(0);
    let facts: Value = serde_json::from_str(&run.stdout).unwrap();
    let scope = &facts["workspaces"][0]["scopes"][0];
    assert_eq!(scope["image"], "retail");
    let product = &scope["products"][0];
    assert_eq!(product["release_type"]["value"], "Production");
    assert!(!product["packages"].as_array().unwrap().is_empty());
    assert!(
        product["packages"][0]["definition"]
            .as_str()
            .unwrap()
            .ends_with(".wm.xml")
    );
    // Whatever is there is described.
    let described = fs::read_to_string(repository().join("docs/facts.md")).unwrap();
    let scope = scope
        .as_object()
        .unwrap()
        .keys()
        .chain(product.as_object().unwrap().keys());
    for name in scope {
        assert!(described.contains(&format!("`{name}`")), "{name}");
    }
    let run = proofmark(
        &repository(),
        "lint --explain-facts dev-feature-in-retial .",
    )
    .ended(2);
    assert!(
        run.stderr.contains("did you mean `dev-feature-in-retail`?"),
        "{}",
        run.stderr
    );
}
