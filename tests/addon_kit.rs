//! Microsoft's add-on kit, where it stands beside the repository: real products, real findings.

use crate::support::{corpus, proofmark, repository};

fn findings(image: &str) -> Option<Vec<serde_json::Value>> {
    let kit = corpus("addonkit")?;
    let line = format!("lint {image} --format json {}", kit.display());
    let run = proofmark(&repository(), &line);
    assert!(matches!(run.code, Some(0 | 1)), "{}", run.stderr);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    Some(report["diagnostics"].as_array().unwrap().clone())
}

#[test]
fn every_finding_on_a_document_has_line_and_column() {
    let Some(findings) = findings("") else { return };
    assert!(!findings.is_empty());
    for finding in findings {
        let file = finding["file"].as_str().unwrap();
        if file.ends_with(".xml") {
            assert!(
                finding["line"].is_u64() && finding["column"].is_u64(),
                "{finding}"
            );
        }
    }
}
