//! Gaps in chains, what fills them, and how a chain is explained.

use std::fs;

use crate::definitions::definition;
use crate::support::{corpus, folder, proofmark, testcert};

/// A cabinet signed by a leaf without its issuers.
fn with_a_gap(path: &std::path::Path, more: &str) {
    let pfx = testcert("pfx/oem-leaf-only.pfx");
    let line = format!(
        "sign --profile test --pfx {} {more} --out gap.cab plain.cab",
        pfx.display()
    );
    proofmark(path, &line).ended(0);
}

#[test]
fn a_missing_intermediate_comes_from_a_file_a_folder_or_the_configuration() {
    let folder = folder();
    let path = folder.path();
    with_a_gap(path, "");
    let run = proofmark(path, "verify gap.cab").ended(1);
    assert!(run.stdout.contains("[missing-issuer]"), "{}", run.stdout);
    let file = testcert("intermediate.cer");
    let line = format!("verify --intermediates {} gap.cab", file.display());
    proofmark(path, &line).ended(0);
    let certificates = path.join("certificates/deep");
    fs::create_dir_all(&certificates).unwrap();
    fs::copy(&file, certificates.join("a.CER")).unwrap();
    fs::copy(testcert("root.cer"), certificates.join("root.cer")).unwrap();
    fs::write(certificates.join("odd.pem"), "no certificate").unwrap();
    let run = proofmark(path, "verify --intermediates certificates gap.cab").ended(0);
    assert!(run.stderr.contains("odd.pem"), "{}", run.stderr);
    fs::write(
        path.join("proofmark.toml"),
        "[trust]\nintermediates = ['certificates']\n",
    )
    .unwrap();
    proofmark(path, "verify gap.cab").ended(0);
    let run = proofmark(path, "verify --intermediates files gap.cab").ended(2);
    assert!(run.stderr.contains("no certificate"), "{}", run.stderr);
    let odd = "verify --intermediates certificates/deep/odd.pem gap.cab";
    proofmark(path, odd).ended(2);
}

/// Said when something is signed, by whichever command, rather than by those who verify it later.
#[test]
fn a_gap_is_told_when_something_is_signed() {
    let folder = folder();
    let path = folder.path();
    fs::write(path.join("a.txt"), "a").unwrap();
    let text = definition("A", r#"<files><file source="a.txt" /></files>"#);
    fs::write(path.join("A.wm.xml"), text).unwrap();
    let pfx = testcert("pfx/oem-leaf-only.pfx").display().to_string();
    let keys = format!("--profile test --pfx {pfx}");
    let filled = format!("--intermediates {}", testcert("intermediate.cer").display());
    for line in [
        "sign --out gap.cab plain.cab",
        "package build --cpu arm --out out A.wm.xml",
    ] {
        let run = proofmark(path, &format!("{line} {keys}")).ended(0);
        assert_eq!(
            run.stderr.matches("is missing between").count(),
            1,
            "{}",
            run.stderr
        );
        let run = proofmark(path, &format!("{line} {keys} {filled}")).ended(0);
        assert!(!run.stderr.contains("is missing"), "{}", run.stderr);
    }
    // What is in the signatures decides whether a package is what it was.
    let build = "package build --cpu arm --out out A.wm.xml";
    let run = proofmark(path, &format!("{build} {keys} {filled}")).ended(0);
    assert!(
        run.stdout.contains("0 built, 1 unchanged"),
        "{}",
        run.stdout
    );
    let run = proofmark(path, &format!("{build} {keys}")).ended(0);
    assert!(run.stdout.contains("1 built"), "{}", run.stdout);
    proofmark(path, &format!("{build} {keys} {filled}")).ended(0);
    let root = testcert("root.cer").display().to_string();
    let show = format!("package show --root {root} out/Contoso.Kiosk.A.cab");
    proofmark(path, &show).ended(0);
}

#[test]
fn signing_puts_missing_intermediates_into_the_signature() {
    let folder = folder();
    let path = folder.path();
    let intermediate = testcert("intermediate.cer");
    with_a_gap(path, &format!("--intermediates {}", intermediate.display()));
    proofmark(path, "verify gap.cab").ended(0);
    // A root and certificates of other chains stay out.
    let all = testcert("");
    with_a_gap(path, &format!("--intermediates {}", all.display()));
    let run = proofmark(path, "verify --explain-chain --format json gap.cab").ended(0);
    let records: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let candidates = records[0]["signatures"][0]["chain"]["candidates"].as_array();
    let sources: Vec<_> = candidates
        .unwrap()
        .iter()
        .map(|candidate| (candidate["source"].as_str(), candidate["verdict"].as_str()))
        .collect();
    let used = Some("used");
    assert_eq!(
        sources,
        [
            (Some("signer"), used),
            (Some("embedded"), used),
            (Some("anchor"), used)
        ]
    );
}

#[test]
fn a_chain_is_drawn_with_the_reason_of_every_dropped_certificate() {
    let folder = folder();
    let path = folder.path();
    proofmark(path, "sign --profile test --in-place plain.cab").ended(0);
    let run = proofmark(path, "verify --explain-chain plain.cab").ended(0);
    let tree: Vec<&str> = run
        .stdout
        .lines()
        .skip_while(|line| !line.contains("chain of the signer"))
        .skip(1)
        .map(|line| line.split(" [").next().unwrap_or_default())
        .collect();
    assert_eq!(
        tree,
        [
            "      Proofmark OEM Test Cert (TEST ONLY)",
            "      └─ Proofmark Intermediate (TEST ONLY)",
            "         └─ Proofmark Root (TEST ONLY)",
        ]
    );
    assert!(run.stdout.contains("embedded") && run.stdout.contains("anchor (own-test)"));
    with_a_gap(path, "");
    let run = proofmark(path, "verify --explain-chain gap.cab").ended(1);
    let end =
        "no anchor: the certificate of the issuer Proofmark Intermediate (TEST ONLY) is missing";
    assert!(run.stdout.contains(end), "{}", run.stdout);
    let impostor = testcert("intermediate-ffu.cer");
    let line = format!(
        "verify --explain-chain --intermediates {} gap.cab",
        impostor.display()
    );
    assert!(!proofmark(path, &line).ended(1).stdout.contains("FFU"));
    let plain = proofmark(path, "verify gap.cab").ended(1).stdout;
    assert!(!plain.contains("chain of the signer"), "{plain}");
}

/// A catalog of Windows: both chains end at Microsoft's root, with the expired certificates that were valid in time.
#[test]
fn the_chains_of_a_real_catalog_are_drawn() {
    let Some(catalog) = corpus("signed/hyperv.cat") else {
        return;
    };
    let folder = folder();
    let line = format!("verify --explain-chain {}", catalog.display());
    let run = proofmark(folder.path(), &line).ended(0);
    assert!(
        run.stdout.contains("chain of the time stamp"),
        "{}",
        run.stdout
    );
    assert!(!run.stdout.contains("dropped"), "{}", run.stdout);
    assert_eq!(
        run.stdout.matches("anchor (microsoft-production)").count(),
        2
    );
}
