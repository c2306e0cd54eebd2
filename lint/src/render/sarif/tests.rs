use serde_json::{Value, json};

use super::*;
use crate::diagnostic::Fix;
use crate::testing::{found, outcome_of, place};

fn run(outcome: &Outcome) -> Value {
    let repository = Repository {
        folder: "/r/images".into(),
        root: "/r".into(),
    };
    let options = SarifOptions {
        repository: &repository,
        category: "lint",
        suppressed: true,
    };
    let mut bytes = Vec::new();
    render(outcome, &options, &mut bytes).unwrap();
    let log: Value = serde_json::from_slice(&bytes).unwrap();
    log["runs"][0].clone()
}

#[test]
fn a_finding_has_place_fingerprint_fix_and_what_explains_it() {
    let input = "<a>\n  <ReleaseType>test</ReleaseType>\n  <b/>\n</a>";
    let mut finding = found("release-type-value", "`ReleaseType` is `test`");
    finding.primary = place("TestOEMInput.xml", input, "test");
    finding.help = Some("write `Test`".into());
    finding.fix = Fix::replace("write `Test`", &finding.primary, "Test");
    finding.related = vec![(
        place("TestOEMInput.xml", input, "<b/>"),
        "beside this".into(),
    )];
    let run = run(&outcome_of(&[("TestOEMInput.xml", input)], vec![finding]));
    let artifact = json!({ "uri": "images/TestOEMInput.xml", "uriBaseId": "%SRCROOT%" });
    let region = json!({ "startLine": 2, "startColumn": 16, "endLine": 2, "endColumn": 20 });
    let hash = &line_hashes(&formats::source::Source::new("a", input, 0))[1];
    assert_eq!(
        run["results"],
        json!([{
            "ruleId": "release-type-value",
            "ruleIndex": 0,
            "level": "error",
            "message": { "text": "`ReleaseType` is `test`\nwrite `Test`" },
            "locations": [{ "physicalLocation": { "artifactLocation": artifact, "region": region } }],
            "relatedLocations": [{
                "id": 1,
                "physicalLocation": {
                    "artifactLocation": artifact,
                    "region": { "startLine": 3, "startColumn": 3, "endLine": 3, "endColumn": 7 },
                },
                "message": { "text": "beside this" },
            }],
            "partialFingerprints": {
                "primaryLocationLineHash": hash,
                crate::fingerprint::VERSION: run["results"][0]["partialFingerprints"]["proofmark/v1"],
            },
            "fixes": [{
                "description": { "text": "write `Test`" },
                "artifactChanges": [{
                    "artifactLocation": artifact,
                    "replacements": [{ "deletedRegion": region, "insertedContent": { "text": "Test" } }],
                }],
            }],
            "properties": { "decidedBy": "the rule's default" },
        }])
    );
    let rule = &run["tool"]["driver"]["rules"][0];
    assert_eq!(rule["name"], "ReleaseTypeValue");
    assert!(
        rule["helpUri"]
            .as_str()
            .unwrap()
            .ends_with("/docs/rules/release-type-value.md")
    );
    assert!(
        rule["help"]["markdown"]
            .as_str()
            .unwrap()
            .contains("## Why")
    );
    assert_eq!(run["automationDetails"]["id"], "lint/");
    assert_eq!(
        run["invocations"][0]["toolExecutionNotifications"],
        json!([])
    );
}

#[test]
fn a_finding_inside_a_package_has_the_package_and_the_place_in_it() {
    let mut finding = found("unsigned-cab", "not signed");
    finding.primary = Place::binary("p/a.cab", "signature[0].signer");
    let run = run(&outcome_of(&[], vec![finding]));
    let result = &run["results"][0];
    assert_eq!(
        result["locations"],
        json!([{
            "physicalLocation": {
                "artifactLocation": { "uri": "images/p/a.cab", "uriBaseId": "%SRCROOT%" },
            },
            "logicalLocations": [{ "fullyQualifiedName": "signature[0].signer", "kind": "resource" }],
        }])
    );
    let hash = result["partialFingerprints"]["primaryLocationLineHash"]
        .as_str()
        .unwrap();
    assert!(hash.len() == 18 && hash.ends_with(":1"), "{hash}");
    let properties = &run["tool"]["driver"]["rules"][0]["properties"];
    assert_eq!(properties["security-severity"], "9.5");
    assert!(
        properties["tags"]
            .as_array()
            .unwrap()
            .contains(&json!("security"))
    );
}

#[test]
fn findings_that_share_a_line_are_told_apart() {
    let input = "<a/>";
    let at = |message| {
        let mut finding = found("some-rule", message);
        finding.primary = place("a.xml", input, "<a/>");
        finding
    };
    let of = |findings| {
        let run = run(&outcome_of(&[("a.xml", input)], findings));
        let results = run["results"].as_array().unwrap().clone();
        let hash =
            |result: &Value| result["partialFingerprints"]["primaryLocationLineHash"].clone();
        results.iter().map(hash).collect::<Vec<_>>()
    };
    let both = of(vec![at("one"), at("two")]);
    assert_ne!(both[0], both[1]);
    let others = of(vec![at("two"), at("three")]);
    assert_eq!(both[1], others[0]);
    // Alone, a finding has the hash that the service computes.
    assert_eq!(
        of(vec![at("one")]),
        [json!(
            line_hashes(&formats::source::Source::new("a", input, 0))[0]
        )]
    );
}

#[test]
fn a_finding_without_a_line_stays_the_same_when_its_words_change() {
    let of = |message, signature| {
        let mut finding = found("some-rule", message);
        finding.primary = Place::binary("a.cab", format!("{signature}.signer"));
        let run = run(&outcome_of(&[], vec![finding]));
        run["results"][0]["partialFingerprints"]["primaryLocationLineHash"].clone()
    };
    let first = of("expired on 2026-01-01, at 2026-06-01", "signature");
    assert_eq!(
        first,
        of("expired on 2026-01-01, at 2026-06-02", "signature")
    );
    assert_ne!(first, of("expired on 2026-01-01, at 2026-06-01", "catalog"));
}

#[test]
fn what_a_service_would_refuse_is_cut_and_said() {
    let findings: Vec<_> = (0..1000)
        .map(|number| {
            let mut finding = found("some-rule", &format!("found {number}"));
            finding.level = if number % 2 == 0 {
                Level::Info
            } else {
                Level::Error
            };
            finding
        })
        .collect();
    let outcome = outcome_of(&[], findings);
    let repository = Repository::default();
    let options = SarifOptions {
        repository: &repository,
        category: "lint",
        suppressed: true,
    };
    let cut = |most_results, most_bytes| {
        let bytes = bounded(&outcome, &options, most_results, most_bytes).unwrap();
        let log: Value = serde_json::from_slice(&bytes).unwrap();
        let run = log["runs"][0].clone();
        let note =
            run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].clone();
        let results = run["results"].as_array().unwrap().clone();
        (results, note, compressed(&bytes).unwrap())
    };
    let (results, note, _) = cut(400, u64::MAX);
    assert_eq!(results.len(), 400);
    assert!(results.iter().all(|result| result["level"] == "error"));
    assert!(
        note.as_str()
            .unwrap()
            .starts_with("600 of 1000 findings are left out")
    );
    let (results, note, size) = cut(1000, 5_000);
    assert!(
        results.len() < 1000 && size <= 5_000 && note.is_string(),
        "{}",
        results.len()
    );
}

#[test]
fn nothing_of_a_document_becomes_a_link_or_a_placeholder() {
    assert_eq!(
        literal("see [this](http://x) and {0}"),
        "see [this] (http://x) and { 0}"
    );
    assert_eq!(literal("{a} [0] \u{1B}\u{202E}"), "{a} [0] ?\u{FFFD}");
}

#[test]
fn what_is_suppressed_says_by_whom_and_why() {
    let input = "<!-- comment -->\n<a/>\n<b/>";
    let at = |message, part| {
        let mut finding = found("some-rule", message);
        finding.primary = place("a.xml", input, part);
        finding
    };
    let mut outcome = outcome_of(&[("a.xml", input)], vec![at("reported", "<b/>")]);
    let alone = run(&outcome)["results"].clone();
    assert!(alone[0].get("suppressions").is_none());
    let by = [
        SuppressedBy::Comment {
            place: place("a.xml", input, "comment"),
            reason: "as [agreed](x)".into(),
        },
        SuppressedBy::Baseline {
            place: Place::binary("base.json", "findings[0]"),
        },
    ];
    outcome.suppressed = by
        .map(|by| Suppressed {
            diagnostic: at("silent", "<a/>"),
            by,
        })
        .into();
    let sources = outcome.sources.clone();
    let places = outcome
        .suppressed
        .iter_mut()
        .flat_map(Suppressed::places_mut);
    sources.locate(&mut places.collect::<Vec<_>>());
    let results = run(&outcome)["results"].clone();
    assert_eq!(results[0]["suppressions"], json!([]));
    assert_eq!(
        results[0]["partialFingerprints"],
        alone[0]["partialFingerprints"]
    );
    let (comment, baseline) = (
        &results[1]["suppressions"][0],
        &results[2]["suppressions"][0],
    );
    assert_eq!(
        (&comment["kind"], &comment["justification"]),
        (&json!("inSource"), &json!("as [agreed] (x)"))
    );
    let line = &comment["location"]["physicalLocation"]["region"]["startLine"];
    assert_eq!(
        (
            line,
            &results[1]["locations"][0]["physicalLocation"]["region"]["startLine"]
        ),
        (&json!(1), &json!(2))
    );
    assert_eq!(baseline["kind"], "external");
    let repository = Repository {
        folder: "/r/images".into(),
        root: "/r".into(),
    };
    let options = SarifOptions {
        repository: &repository,
        category: "lint",
        suppressed: false,
    };
    let mut bytes = Vec::new();
    render(&outcome, &options, &mut bytes).unwrap();
    let log: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(log["runs"][0]["results"], alone);
}
