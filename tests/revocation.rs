//! Revocation from files that openssl makes: lists in both forms, and responses.

use std::fs;
use std::path::Path;

use crate::support::{folder, oracle, proofmark, testcert};

/// The names of the authority's files in `folder`, and openssl's own account of what it revoked.
fn authority(folder: &Path, revoked: &str) -> Option<()> {
    for name in ["intermediate", "oem"] {
        let file = testcert(&format!("{name}.cer"));
        let line = format!(
            "openssl x509 -inform DER -in {} -out {name}.pem",
            file.display()
        );
        oracle(folder, &line)?.ended(0);
    }
    fs::copy(
        testcert("intermediate.key"),
        folder.join("intermediate.key"),
    )
    .unwrap();
    let serial = oracle(folder, "openssl x509 -in oem.pem -noout -serial")?.ended(0);
    let serial = serial
        .stdout
        .trim()
        .trim_start_matches("serial=")
        .to_owned();
    let status = match revoked {
        "" => "V\t450101000000Z\t".to_owned(),
        revoked => format!("R\t450101000000Z\t{revoked}"),
    };
    let line = format!("{status}\t{serial}\tunknown\t/CN=any\n");
    fs::write(folder.join("index.txt"), line).unwrap();
    fs::write(folder.join("crlnumber"), "01\n").unwrap();
    fs::write(
        folder.join("ca.cnf"),
        "[ca]\ndefault_ca = own\n[own]\ndatabase = index.txt\ncrlnumber = crlnumber\n\
         default_md = sha256\ncrl_extensions = extensions\n[extensions]\nauthorityKeyIdentifier = keyid\n",
    )
    .unwrap();
    Some(())
}

fn list(folder: &Path) -> Option<()> {
    let line = "openssl ca -config ca.cnf -gencrl -crldays 30 -cert intermediate.pem \
                -keyfile intermediate.key -out list.pem";
    oracle(folder, line)?.ended(0);
    oracle(
        folder,
        "openssl crl -in list.pem -outform DER -out list.crl",
    )?
    .ended(0);
    Some(())
}

fn response(folder: &Path) -> Option<()> {
    let request =
        "openssl ocsp -issuer intermediate.pem -cert oem.pem -no_nonce -reqout request.der";
    oracle(folder, request)?.ended(0);
    let answer = "openssl ocsp -index index.txt -CA intermediate.pem -rsigner intermediate.pem \
                  -rkey intermediate.key -reqin request.der -ndays 7 -respout response.der";
    oracle(folder, answer)?.ended(0);
    Some(())
}

#[test]
fn lists_and_responses_of_openssl_are_understood() {
    let folder = folder();
    let path = folder.path();
    proofmark(path, "sign --profile test --in-place plain.cab").ended(0);
    for (revoked, code, verdict) in [
        (
            "",
            0,
            "revocation good: Proofmark OEM Test Cert (TEST ONLY)",
        ),
        (
            "260101000000Z,superseded",
            1,
            "revocation failed [revoked]: the certificate of Proofmark OEM Test Cert (TEST ONLY) \
             was revoked on 2026-01-01T00:00:00Z (superseded)",
        ),
    ] {
        if authority(path, revoked).and_then(|()| list(path)).is_none() || response(path).is_none()
        {
            return;
        }
        for option in ["--crl list.pem", "--crl list.crl", "--ocsp response.der"] {
            let run = proofmark(path, &format!("verify {option} plain.cab")).ended(code);
            assert!(run.stdout.contains(verdict), "{option}: {}", run.stdout);
            let json = format!("verify {option} --format json plain.cab");
            let run = proofmark(path, &json).ended(code);
            let records: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
            let findings = &records[0]["signatures"][0]["revocation"];
            assert_eq!(findings[1]["verdict"], "unknown", "{findings}");
            assert_eq!(
                findings[0]["facts"].as_array().map(Vec::len),
                Some(1),
                "{findings}"
            );
        }
        let both = "verify --crl list.pem --ocsp response.der plain.cab";
        proofmark(path, both).ended(code);
    }
    let run = proofmark(path, "verify --at 2025-12-31 --crl list.pem plain.cab").ended(0);
    assert!(run.stdout.contains("revoked-later"), "{}", run.stdout);
}

#[test]
fn files_that_are_none_stop_the_run() {
    let folder = folder();
    for line in [
        "verify --crl plain.cab plain.cab",
        "verify --ocsp plain.cab plain.cab",
        "verify --crl missing.crl plain.cab",
        "lint --crl plain.cab files",
    ] {
        let run = proofmark(folder.path(), line).ended(2);
        assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
    }
}
