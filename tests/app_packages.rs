//! App packages and bundles from outside: osslsigncode verifies what we sign and we what it signs, unzip still opens
//! them, and another publisher is refused.

use std::fs;
use std::path::Path;

use signer::digest::DigestAlgorithm;

use crate::package_builder::{Hash, RawPackage, SHA256, SHA384, SHA512, Style, publisher};
use crate::support::{corpus, oracle, pem_files, proofmark, testcert};

/// Leaves and the publisher that a manifest has to name.
const LEAVES: [(&str, &str); 3] = [
    ("oem", "Proofmark OEM Test Cert"),
    ("rsa4096", "Proofmark RSA-4096"),
    ("ecdsa-p256", "Proofmark ECDSA P-256"),
];
const HASHES: [Hash; 3] = [
    Hash {
        uri: SHA256,
        of: |bytes| DigestAlgorithm::Sha256.of(bytes),
    },
    Hash {
        uri: SHA384,
        of: |bytes| DigestAlgorithm::Sha384.of(bytes),
    },
    Hash {
        uri: SHA512,
        of: |bytes| DigestAlgorithm::Sha512.of(bytes),
    },
];

/// A folder with packages and bundles of both styles under each hash that the key can sign; their names.
fn folder(leaf: &str, common_name: &str) -> (tempfile::TempDir, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let publisher = publisher(common_name);
    let hashes = match leaf.starts_with("ecdsa") {
        true => &HASHES[..2],
        false => &HASHES[..],
    };
    let mut names = Vec::new();
    for (index, hash) in hashes.iter().enumerate() {
        for style in [Style::MakeAppx, Style::Plain] {
            let package = RawPackage::package(&publisher, style, *hash);
            let bundle = RawPackage::bundle(&publisher, style, *hash);
            for (raw, ending) in [(package, "msix"), (bundle, "appxbundle")] {
                let name = format!("{style:?}{index}.{ending}");
                fs::write(folder.path().join(&name), raw.bytes()).unwrap();
                names.push(name);
            }
        }
    }
    (folder, names)
}

fn sign(folder: &Path, leaf: &str, options: &str, files: &str) -> crate::support::Run {
    let pfx = testcert(&format!("{leaf}.pfx"));
    let line = format!(
        "sign --profile test --pfx {} {options} {files}",
        pfx.display()
    );
    proofmark(folder, &line)
}

#[test]
fn osslsigncode_verifies_what_we_sign() {
    for (leaf, common_name) in LEAVES {
        let (folder, names) = folder(leaf, common_name);
        let folder = folder.path();
        if pem_files(folder, leaf).is_none() {
            return;
        }
        sign(folder, leaf, "--out out/", &names.join(" ")).ended(0);
        proofmark(folder, "verify --require test out").ended(0);
        for name in names {
            let verify = format!("osslsigncode verify -CAfile ca.pem -ignore-crl -in out/{name}");
            let Some(run) = oracle(folder, &verify) else {
                return;
            };
            let run = run.ended(0);
            assert!(run.stdout.contains("Succeeded"), "{leaf} {name}");
            let Some(run) = oracle(folder, &format!("unzip -t out/{name}")) else {
                return;
            };
            let run = run.ended(0);
            assert!(run.stdout.contains("No errors"), "{leaf} {name}");
        }
    }
}

#[test]
fn we_verify_what_osslsigncode_signs() {
    for (leaf, common_name) in LEAVES {
        let (folder, names) = folder(leaf, common_name);
        let folder = folder.path();
        if pem_files(folder, leaf).is_none() {
            return;
        }
        for name in names {
            let command = "osslsigncode sign -certs chain.pem -key key.pem";
            let Some(run) = oracle(folder, &format!("{command} -in {name} -out signed-{name}"))
            else {
                return;
            };
            run.ended(0);
            let verify = format!("verify --require test signed-{name}");
            let run = proofmark(folder, &verify).ended(0);
            assert!(
                run.stdout.starts_with("verified"),
                "{leaf} {name}: {}",
                run.stdout
            );
            // Its signature is replaced by ours, and ours taken out by it.
            sign(folder, leaf, "--in-place", &format!("signed-{name}")).ended(0);
            proofmark(folder, &verify).ended(0);
            let remove =
                format!("osslsigncode remove-signature -in signed-{name} -out removed-{name}");
            oracle(folder, &remove).unwrap().ended(0);
            let run = proofmark(folder, &format!("verify removed-{name}")).ended(1);
            assert!(run.stdout.starts_with("unsigned"), "{}", run.stdout);
        }
    }
}

#[test]
fn a_changed_package_is_refused_by_both() {
    let (folder, names) = folder("oem", "Proofmark OEM Test Cert");
    let folder = folder.path();
    if pem_files(folder, "oem").is_none() {
        return;
    }
    sign(folder, "oem", "--in-place", &names[0]).ended(0);
    let mut bytes = fs::read(folder.join(&names[0])).unwrap();
    bytes[5000] ^= 1;
    fs::write(folder.join(&names[0]), bytes).unwrap();
    let run = proofmark(folder, &format!("verify {}", names[0])).ended(1);
    for what in ["[digest-mismatch]", "AXPC", "[block-map-mismatch]: App.exe"] {
        assert!(run.stdout.contains(what), "{}", run.stdout);
    }
    let verify = format!(
        "osslsigncode verify -CAfile ca.pem -ignore-crl -in {}",
        names[0]
    );
    if let Some(run) = oracle(folder, &verify) {
        run.ended(1);
    }
}

#[test]
fn another_publisher_is_refused_unless_allowed() {
    let (folder, names) = folder("oem", "Proofmark OEM Test Cert");
    let folder = folder.path();
    let before = fs::read(folder.join(&names[0])).unwrap();
    let run = sign(folder, "rsa4096", "--in-place", &names[0]).ended(2);
    assert!(
        run.stderr.contains("is published by CN=Proofmark OEM")
            && run.stderr.contains("--allow-publisher-mismatch"),
        "{}",
        run.stderr
    );
    assert_eq!(fs::read(folder.join(&names[0])).unwrap(), before);
    sign(
        folder,
        "rsa4096",
        "--in-place --allow-publisher-mismatch",
        &names[0],
    )
    .ended(0);
    let run = proofmark(folder, &format!("verify {}", names[0])).ended(1);
    assert!(
        run.stdout.contains("[publisher-mismatch]"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_second_signature_replaces_the_first_and_is_not_appended() {
    let (folder, names) = folder("oem", "Proofmark OEM Test Cert");
    let folder = folder.path();
    let unsigned = fs::read(folder.join(&names[0])).unwrap();
    sign(folder, "oem", "--append --in-place", &names[0]).ended(0);
    let before = fs::read(folder.join(&names[0])).unwrap();
    let run = sign(folder, "oem", "--append --in-place", &names[0]).ended(2);
    for what in [
        "app package takes no other signature",
        "--if-signed replace",
    ] {
        assert!(run.stderr.contains(what), "{}", run.stderr);
    }
    assert_eq!(fs::read(folder.join(&names[0])).unwrap(), before);
    let run = sign(folder, "oem", "--in-place", &names[0]).ended(0);
    assert!(run.stdout.starts_with("replaced"), "{}", run.stdout);
    let run = sign(folder, "oem", "--if-signed skip --in-place", &names[0]).ended(0);
    assert!(run.stdout.starts_with("skipped"), "{}", run.stdout);
    let run = proofmark(folder, &format!("remove --in-place {}", names[0])).ended(0);
    assert!(run.stdout.starts_with("removed"), "{}", run.stdout);
    assert_eq!(fs::read(folder.join(&names[0])).unwrap(), unsigned);
}

#[test]
fn a_catalog_lists_a_package_as_a_flat_file() {
    let (folder, names) = folder("oem", "Proofmark OEM Test Cert");
    let folder = folder.path();
    fs::create_dir(folder.join("set")).unwrap();
    fs::rename(folder.join(&names[0]), folder.join("set/App.msix")).unwrap();
    proofmark(folder, "catalog create --out set.cat set").ended(0);
    let run = proofmark(folder, "catalog verify --format json set.cat set").ended(0);
    let rows: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        (&rows[0]["status"], &rows[0]["kind"]),
        (&"listed".into(), &"flat".into())
    );
}

#[test]
fn json_names_the_format_and_the_digest_of_the_block_map() {
    let (folder, names) = folder("oem", "Proofmark OEM Test Cert");
    let folder = folder.path();
    let last = names.last().unwrap();
    let run = sign(folder, "oem", "--format json --in-place", last).ended(0);
    let rows: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(rows[0]["format"], "appx");
    assert_eq!(rows[0]["digest_algorithm"], "SHA-512");
    let run = proofmark(folder, &format!("verify --format json {last}")).ended(0);
    let rows: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(rows[0]["format"], "appx");
    let signature = &rows[0]["signatures"][0];
    let digest = signature["file_digest"].as_str().unwrap();
    assert!(
        digest.starts_with("415050584158504"),
        "APPX, AXPC: {digest}"
    );
    let outcomes = signature["outcomes"].as_array().unwrap();
    let checks: Vec<_> = outcomes
        .iter()
        .map(|outcome| outcome["check"].as_str().unwrap())
        .collect();
    assert!(checks.contains(&"block-map") && checks.contains(&"publisher"));
}

#[test]
fn real_packages_are_signed_for_osslsigncode() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    if pem_files(folder, "oem").is_none() {
        return;
    }
    for (name, file) in [
        ("minimal.msix", "a.msix"),
        ("minimal.appxbundle", "b.appxbundle"),
        ("unsigned.256appx", "c.appx"),
        ("minimal-signed-by-signtool.msix", "d.msix"),
    ] {
        let Some(original) = corpus(&format!("signed/{name}")) else {
            return;
        };
        fs::copy(original, folder.join(file)).unwrap();
        let verify = format!("osslsigncode verify -CAfile ca.pem -ignore-crl -in out/{file}");
        sign(folder, "oem", "--allow-publisher-mismatch --out out/", file).ended(0);
        let Some(run) = oracle(folder, &verify) else {
            return;
        };
        assert!(run.ended(0).stdout.contains("Succeeded"), "{name}");
    }
}
