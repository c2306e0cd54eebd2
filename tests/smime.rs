//! `openssl smime` checks the signature itself: over the contents octets of the content, as PKCS#7 has it.

use std::fs;
use std::path::Path;

use formats::signed_data::SignedData;
use signer::digest::DigestAlgorithm;

use crate::image_builder::RawImage;
use crate::package_builder::{Hash, RawPackage, SHA256, Style, publisher};
use crate::support::{Run, folder, oracle, pem_files, proofmark, repository, testcert};

/// One file of each format.
const FILES: [&str; 4] = ["plain.cab", "v2.cat", "driver.sys", "App.msix"];

fn smime(folder: &Path) -> Run {
    let line = "openssl smime -verify -inform DER -in s.p7 -content c.bin -binary -CAfile ca.pem -purpose any -out out.bin";
    oracle(folder, line).unwrap()
}

#[test]
fn openssl_accepts_the_signature_of_every_format() {
    for (leaf, common_name) in [
        ("oem", "Proofmark OEM Test Cert"),
        ("ecdsa-p256", "Proofmark ECDSA P-256"),
    ] {
        let folder = folder();
        let path = folder.path();
        if pem_files(path, leaf).is_none() {
            return;
        }
        let fixture = repository().join("tests/fixtures/v2.cat");
        fs::copy(fixture, path.join("v2.cat")).unwrap();
        fs::write(path.join("driver.sys"), RawImage::new(true).bytes()).unwrap();
        let hash = Hash {
            uri: SHA256,
            of: |bytes| DigestAlgorithm::Sha256.of(bytes),
        };
        let package = RawPackage::package(&publisher(common_name), Style::MakeAppx, hash);
        fs::write(path.join("App.msix"), package.bytes()).unwrap();
        let pfx = testcert(&format!("{leaf}.pfx"));
        for options in [
            "",
            "--digest sha384 --page-hashes --name Sample --url https://example.com/",
        ] {
            let line = format!(
                "sign --profile test --pfx {} {options} --out out {}",
                pfx.display(),
                FILES.join(" ")
            );
            proofmark(path, &line).ended(0);
            for name in FILES {
                if name == "v2.cat" {
                    fs::copy(path.join("out/v2.cat"), path.join("s.p7")).unwrap();
                } else {
                    let line = format!("osslsigncode extract-signature -in out/{name} -out s.p7");
                    fs::remove_file(path.join("s.p7")).unwrap_or_default();
                    let Some(run) = oracle(path, &line) else {
                        return;
                    };
                    run.ended(0);
                }
                let signature = fs::read(path.join("s.p7")).unwrap();
                let signed_data = SignedData::read(&signature, 0).unwrap();
                let mut content = signed_data.content.unwrap().value.to_vec();
                fs::write(path.join("c.bin"), &content).unwrap();
                let run = smime(path);
                let is_accepted = run.stderr.contains("Verification successful");
                assert!(is_accepted, "{leaf} {options} {name}: {}", run.stderr);
                *content.last_mut().unwrap() ^= 1;
                fs::write(path.join("c.bin"), &content).unwrap();
                assert_ne!(smime(path).code, Some(0), "{name}");
            }
        }
    }
}
