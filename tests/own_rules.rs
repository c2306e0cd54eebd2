//! Own rules in Rego from outside: the examples, and rules that do not work.

use std::fs;
use std::path::Path;

use crate::support::{Run, proofmark, repository};

fn lint(folder: &Path, options: &str) -> Run {
    proofmark(
        folder,
        &format!("lint --at 2026-06-01 --format json {options}"),
    )
}

fn own(run: &Run) -> Vec<String> {
    let report: serde_json::Value = serde_json::from_str(&run.stdout).expect(&run.stderr);
    let found = report["diagnostics"].as_array().unwrap().iter();
    let own = found.filter(|found| found["rule"].as_str().unwrap().starts_with("acme-"));
    own.map(|found| {
        let text = |name: &str| found[name].as_str().unwrap().to_owned();
        let (line, column) = (&found["line"], &found["column"]);
        format!(
            "{} {} {}:{line}:{column} {}",
            text("level"),
            text("rule"),
            text("file"),
            text("message")
        )
    })
    .collect()
}

fn workspace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let features: String = (0..14)
        .map(|n| format!("\n<Feature>F{n}</Feature>"))
        .collect();
    let input = format!(
        "<OEMInput xmlns=\"http://schemas.microsoft.com/embedded/2004/10/ImageUpdate\">\n<Description>A till</Description>\n\
         <ReleaseType>Production</ReleaseType><Features><Microsoft>{features}</Microsoft></Features></OEMInput>"
    );
    fs::write(folder.path().join("RetailOEMInput.xml"), input).unwrap();
    let package = "<identity xmlns=\"urn:Microsoft.CompPlat/ManifestSchema.v1.00\" owner=\"Fjordlight\" namespace=\"A\" name=\"B\">\n\
                   <service name=\"Agent\" start=\"auto\"/><service name=\"FjordAgent\"/></identity>";
    fs::write(folder.path().join("A.B.wm.xml"), package).unwrap();
    folder
}

#[test]
fn the_examples_find_what_they_say_at_line_and_column() {
    let folder = workspace();
    let rules = repository().join("examples/rego");
    let run = lint(folder.path(), &format!("--rules {} .", rules.display())).ended(1);
    assert_eq!(
        own(&run),
        [
            "info acme-service-without-prefix A.B.wm.xml:2:16 the service `Agent` does not begin with `Fjord`",
            "warning acme-description-without-owner RetailOEMInput.xml:2:14 the description is `A till`, expected one with `Fjordlight`",
            "error acme-too-many-features RetailOEMInput.xml:16:10 14 features, agreed are 12",
        ]
    );
    let line = format!(
        "lint --explain-facts acme-too-many-features --rules {} .",
        rules.display()
    );
    let run = proofmark(folder.path(), &line).ended(0);
    let facts: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(facts["rule"], "acme-too-many-features");
    assert!(facts["workspaces"][0]["scopes"][0]["products"][0].is_object());
    let line = format!("explain --rules {} acme-too-many-features", rules.display());
    let run = proofmark(folder.path(), &line).ended(0);
    assert!(
        run.stdout.contains("Fjordlight security review"),
        "{}",
        run.stdout
    );
    let run = proofmark(folder.path(), &line.replace("-many-", "-mayn-")).ended(2);
    assert!(
        run.stderr
            .contains("did you mean `acme-too-many-features`?"),
        "{}",
        run.stderr
    );
}

#[test]
fn policies_suppressions_and_baselines_speak_about_own_rules() {
    let folder = workspace();
    let at = folder.path();
    fs::create_dir(at.join("rules")).unwrap();
    for entry in fs::read_dir(repository().join("examples/rego")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, at.join("rules").join(path.file_name().unwrap())).unwrap();
    }
    let policy = "[rego]\nfolders = ['rules']\n[rules]\nacme-description-without-owner = 'error'\nacme-service-without-prefix = { level = 'off', reason = 'r' }\n";
    fs::write(at.join("proofmark-policy.toml"), policy).unwrap();
    let input = fs::read_to_string(at.join("RetailOEMInput.xml")).unwrap();
    let comment =
        "<!-- proofmark: allow-file acme-too-many-features, reason: \"agreed by mail\" -->";
    fs::write(
        at.join("RetailOEMInput.xml"),
        input.replace("<Description>", &format!("{comment}<Description>")),
    )
    .unwrap();
    let found = own(&lint(at, "."));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("error acme-description-without-owner RetailOEMInput.xml:2:"));
    lint(at, "--write-baseline b.json .");
    assert!(own(&lint(at, "--baseline b.json .")).is_empty());
    fs::write(
        at.join("proofmark-policy.toml"),
        policy.replace("prefix =", "prefx ="),
    )
    .unwrap();
    let run = lint(at, ".");
    assert!(
        run.stdout
            .contains("did you mean `acme-service-without-prefix`?"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_rule_that_does_not_work_is_an_error_by_name_and_never_a_pass() {
    let folder = workspace();
    let at = folder.path();
    fs::create_dir(at.join("rules")).unwrap();
    let head =
        "package a\nrule := {\"id\": \"acme-test\", \"summary\": \"s\", \"level\": \"error\"}\n";
    for (text, message) in [
        (
            "package a\nrule := {\n".to_owned(),
            "own rule rules/a.rego: --> rules/a.rego:3:1",
        ),
        (
            "package a\nx := 1\n".to_owned(),
            "no file of the folder defines `rule`",
        ),
        (head.to_owned(), "it has a `rule` but no `findings`"),
        (
            head.replace("acme-test", "bad-digest") + "findings := set()\n",
            "the rule `bad-digest` is built in",
        ),
        (
            head.replace("acme-test", "Acme") + "findings := set()\n",
            "`Acme` is no id of a rule",
        ),
        (
            head.replace("\"level\"", "\"levle\"") + "findings := set()\n",
            "unknown field `levle`",
        ),
        (
            format!("{head}findings contains f(1)\n"),
            "could not find function f",
        ),
        (
            format!("{head}findings contains {{\"message\": \"m\"}} if input.products\n"),
            "own rule acme-test: a finding: expected either `place` or `pointer`",
        ),
        (
            format!(
                "{head}findings contains {{\"message\": \"m\", \"pointer\": \"/nothing\"}} if input.products\n"
            ),
            "`/nothing` points at nothing",
        ),
        (
            format!(
                "{head}findings contains {{\"message\": \"m\", \"place\": {{\"file\": \"x.xml\", \"start\": 0, \"end\": 1}}}} if input.products\n"
            ),
            "there is no text `x.xml`",
        ),
        (
            format!("{head}findings contains 1 if input.products[0].name + 1 == 2\n"),
            "own rule acme-test: --> rules/a.rego:3:",
        ),
        (
            format!(
                "{head}findings contains a if {{ some p in input.products; some a in numbers.range(1, 100000); some b in numbers.range(1, 100000); a * b == -1 }}\n"
            ),
            "own rule acme-test: it takes longer than 5 seconds",
        ),
    ] {
        fs::write(at.join("rules/a.rego"), text).unwrap();
        let run = lint(at, "--rules rules .").ended(2);
        assert!(run.stderr.contains(message), "{message}: {}", run.stderr);
        assert_eq!(run.stdout, "");
    }
    let run = lint(at, "--rules nowhere .").ended(2);
    assert!(run.stderr.contains("own rule nowhere:"), "{}", run.stderr);
}
