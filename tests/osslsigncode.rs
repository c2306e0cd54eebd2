//! Both directions with osslsigncode and cabextract: they accept what we sign, we verify what they sign.

use std::fs;
use std::path::Path;

use crate::support::{corpus, folder, oracle, pem_files, proofmark, repository, testcert};

const LEAVES: [&str; 4] = ["oem", "rsa4096", "ecdsa-p256", "ecdsa-p384"];

/// A cabinet with a header reserve of 20 bytes, which osslsigncode can sign, written by its own signing and removal.
fn with_reserve(folder: &Path) -> Option<()> {
    oracle(
        folder,
        "osslsigncode sign -certs chain.pem -key key.pem -in plain.cab -out signed.cab",
    )?
    .ended(0);
    fs::rename(folder.join("signed.cab"), folder.join("reserve.cab")).unwrap();
    Some(())
}

/// Puts an unsigned catalog into the folder, and where the corpus is there one that Microsoft's tool made; how many.
fn catalogs(folder: &Path) -> usize {
    fs::copy(
        repository().join("tests/fixtures/v2.cat"),
        folder.join("v2.cat"),
    )
    .unwrap();
    match corpus("signed/unsigned.cat") {
        None => 1,
        Some(catalog) => {
            fs::copy(catalog, folder.join("makecat.cat")).unwrap();
            2
        }
    }
}

#[test]
fn osslsigncode_verifies_what_we_sign() {
    for leaf in LEAVES {
        let folder = folder();
        let folder = folder.path();
        if pem_files(folder, leaf)
            .and_then(|()| with_reserve(folder))
            .is_none()
        {
            return;
        }
        let files = [
            "plain.cab",
            "stored.cab",
            "reserve.cab",
            "v2.cat",
            "makecat.cat",
        ];
        let files = &files[..catalogs(folder) + 3];
        for digest in ["sha256", "sha384"] {
            let pfx = testcert(&format!("{leaf}.pfx"));
            let sign = format!(
                "sign --profile test --pfx {} --digest {digest} --out out",
                pfx.display()
            );
            proofmark(folder, &format!("{sign} {}", files.join(" "))).ended(0);
            for file in files {
                let verify =
                    format!("osslsigncode verify -CAfile ca.pem -ignore-crl -in out/{file}");
                let Some(run) = oracle(folder, &verify) else {
                    return;
                };
                assert!(
                    run.ended(0).stdout.contains("Succeeded"),
                    "{leaf} {digest} {file}"
                );
            }
            for file in files.iter().filter(|file| file.ends_with(".cab")) {
                let Some(run) = oracle(folder, &format!("cabextract -t out/{file}")) else {
                    return;
                };
                assert!(run.ended(0).stdout.contains("no errors"), "{file}");
            }
        }
    }
}

#[test]
fn we_verify_what_osslsigncode_signs() {
    for leaf in LEAVES {
        let folder = folder();
        let folder = folder.path();
        if pem_files(folder, leaf).is_none() {
            return;
        }
        let files = ["plain.cab", "stored.cab", "v2.cat", "makecat.cat"];
        for file in &files[..catalogs(folder) + 2] {
            for digest in ["sha256", "sha384"] {
                let out = format!("{digest}-{file}");
                let sign = format!(
                    "osslsigncode sign -certs chain.pem -key key.pem -h {digest} -n demo -in {file} -out {out}"
                );
                let Some(run) = oracle(folder, &sign) else {
                    return;
                };
                run.ended(0);
                let run = proofmark(folder, &format!("verify --require test {out}")).ended(0);
                assert!(
                    run.stdout.starts_with("verified"),
                    "{leaf} {out}: {}",
                    run.stdout
                );
            }
        }
    }
}

#[test]
fn a_broken_file_of_osslsigncode_is_refused() {
    let folder = folder();
    let folder = folder.path();
    if pem_files(folder, "oem").is_none() {
        return;
    }
    let sign = "osslsigncode sign -certs chain.pem -key key.pem -in stored.cab -out signed.cab";
    let Some(run) = oracle(folder, sign) else {
        return;
    };
    run.ended(0);
    let mut bytes = fs::read(folder.join("signed.cab")).unwrap();
    bytes[5000] ^= 1;
    fs::write(folder.join("signed.cab"), bytes).unwrap();
    let run = proofmark(folder, "verify signed.cab").ended(1);
    assert!(run.stdout.contains("[digest-mismatch]"), "{}", run.stdout);
}
