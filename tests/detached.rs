//! Signing with a key elsewhere: `openssl` and osslsigncode are the other side, the result is what signing here writes,
//! and whatever was changed on the way is refused by name.

use std::fs;
use std::path::Path;

use serde_json::Value;
use signer::digest::DigestAlgorithm;

use crate::image_builder::RawImage;
use crate::package_builder::{Hash, RawPackage, SHA384, Style, publisher};
use crate::support::{Run, folder, oracle, pem_files, proofmark, repository, testcert};
use crate::timestamp::{openssl_server, root};

/// One file of each format, and a signed one.
const FILES: [&str; 6] = [
    "plain.cab",
    "v2.cat",
    "driver.sys",
    "App.msix",
    "signed.cab",
    "policy.bin",
];

/// A folder with [`FILES`] and the certificates and key of `leaf`; nothing where `openssl` is missing.
fn folder_of(leaf: &str, common_name: &str) -> Option<tempfile::TempDir> {
    let folder = folder();
    let path = folder.path();
    pem_files(path, leaf)?;
    let fixture = repository().join("tests/fixtures/v2.cat");
    fs::copy(fixture, path.join("v2.cat")).unwrap();
    fs::write(path.join("driver.sys"), RawImage::new(true).bytes()).unwrap();
    let hash = Hash {
        uri: SHA384,
        of: |bytes| DigestAlgorithm::Sha384.of(bytes),
    };
    let package = RawPackage::package(&publisher(common_name), Style::MakeAppx, hash);
    fs::write(path.join("App.msix"), package.bytes()).unwrap();
    fs::write(path.join("policy.bin"), crate::policies::bare()).unwrap();
    proofmark(path, "sign --profile test --out signed.cab stored.cab").ended(0);
    Some(folder)
}

fn oem() -> Option<tempfile::TempDir> {
    folder_of("oem", "Proofmark OEM Test Cert")
}

fn extract(folder: &Path, options: &str, files: &str) -> Run {
    let line = format!("extract --profile test --cert chain.pem --out requests {options} {files}");
    proofmark(folder, &line)
}

fn attach(folder: &Path, options: &str, files: &str) -> Run {
    let line =
        format!("attach --profile test --cert chain.pem --requests requests {options} {files}");
    proofmark(folder, &line)
}

/// Signs the bytes of a request.
fn sign(folder: &Path, name: &str, digest: &str) {
    let line = format!(
        "openssl dgst -{digest} -sign key.pem -out requests/{name}.sig requests/{name}.tbs"
    );
    oracle(folder, &line).unwrap().ended(0);
}

fn digest_of(name: &str) -> &'static str {
    match name.ends_with(".msix") {
        true => "sha384",
        false => "sha256",
    }
}

fn same(folder: &Path, a: &str, b: &str) {
    let read = |name: &str| fs::read(folder.join(name)).unwrap();
    assert!(read(a) == read(b), "{a} {b}");
}

#[test]
fn the_result_is_what_signing_here_writes() {
    for (leaf, common_name) in [
        ("oem", "Proofmark OEM Test Cert"),
        ("rsa4096", "Proofmark RSA-4096"),
    ] {
        let Some(folder) = folder_of(leaf, common_name) else {
            return;
        };
        let path = folder.path();
        let pfx = testcert(&format!("{leaf}.pfx"));
        for (index, options) in [
            "",
            "--append --page-hashes --name Sample --url https://example.com/ --signing-time 2026-02-03",
        ]
        .iter()
        .enumerate()
        {
            let files = match index {
                // App packages take no second signature, and have none here.
                0 => FILES.join(" "),
                _ => "signed.cab driver.sys v2.cat".to_owned(),
            };
            let line = format!(
                "sign --profile test --pfx {} {options} --out here {files}",
                pfx.display()
            );
            proofmark(path, &line).ended(0);
            extract(path, options, &files).ended(0);
            for name in files.split(' ') {
                sign(path, name, digest_of(name));
            }
            attach(path, "--out attached", &files).ended(0);
            for name in files.split(' ') {
                same(path, &format!("here/{name}"), &format!("attached/{name}"));
            }
        }
    }
}

#[test]
fn a_digest_may_be_signed_and_a_signature_be_written_in_base64() {
    let Some(folder) = oem() else { return };
    let path = folder.path();
    let run = extract(path, "--format json", "plain.cab v2.cat").ended(0);
    let records: Value = serde_json::from_str(&run.stdout).unwrap();
    let digest = fs::read(path.join("requests/plain.cab.digest")).unwrap();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(records[0]["digest_to_sign"], hex);
    assert_eq!(records[0]["status"], "extracted");
    let line = "openssl pkeyutl -sign -inkey key.pem -pkeyopt digest:sha256 -in requests/plain.cab.digest -out raw";
    oracle(path, line).unwrap().ended(0);
    oracle(path, "openssl base64 -in raw -out requests/plain.cab.sig")
        .unwrap()
        .ended(0);
    sign(path, "v2.cat", "sha256");
    attach(path, "--out out/", "plain.cab v2.cat").ended(0);
    proofmark(path, "sign --profile test --out here/ plain.cab v2.cat").ended(0);
    same(path, "here/plain.cab", "out/plain.cab");
    same(path, "here/v2.cat", "out/v2.cat");
}

#[test]
fn elliptic_curves_come_back_as_well() {
    let Some(folder) = folder_of("ecdsa-p384", "Proofmark ECDSA P-384") else {
        return;
    };
    let path = folder.path();
    extract(path, "--digest sha384", "plain.cab driver.sys").ended(0);
    for name in ["plain.cab", "driver.sys"] {
        sign(path, name, "sha384");
    }
    attach(path, "--out out/", "plain.cab driver.sys").ended(0);
    proofmark(path, "verify out/").ended(0);
    let refused = extract(path, "--digest sha512", "plain.cab").ended(2);
    assert!(refused.stderr.contains("cannot sign with SHA-512"));
}

/// Another tool signed a copy of the file, or the PKCS#7 that waits for a signer; its signature goes into the original.
#[test]
fn a_whole_pkcs7_of_osslsigncode_is_attached() {
    let Some(folder) = oem() else { return };
    let path = folder.path();
    let sign = |digest: &str, input: &str, output: &str| {
        let line = format!(
            "osslsigncode sign -h {digest} -certs chain.pem -key key.pem -in {input} -out {output}"
        );
        oracle(path, &line).map(|run| run.ended(0))
    };
    for name in ["plain.cab", "driver.sys", "v2.cat"] {
        extract(path, "", name).ended(0);
        if name == "v2.cat" {
            sign(
                "sha256",
                "requests/v2.cat.unsigned.p7",
                "requests/v2.cat.p7",
            )
            .unwrap();
        } else {
            let copy = format!("signed-{name}");
            if sign("sha256", name, &copy).is_none() {
                return;
            }
            let line = format!("osslsigncode extract-signature -in {copy} -out requests/{name}.p7");
            oracle(path, &line).unwrap().ended(0);
        }
        attach(path, "--out attached/", name).ended(0);
        proofmark(path, &format!("verify attached/{name}")).ended(0);
        let line = format!("osslsigncode verify -CAfile ca.pem -ignore-crl -in attached/{name}");
        oracle(path, &line).unwrap().ended(0);
        if name != "v2.cat" {
            same(path, &format!("signed-{name}"), &format!("attached/{name}"));
        }
    }
    let refused = |answer: &str, reason: &str| {
        let run = attach(path, &format!("--signature {answer} --out no"), "plain.cab").ended(2);
        assert!(run.stderr.contains(reason), "{reason}: {}", run.stderr);
        assert!(!path.join("no").exists());
    };
    refused("requests/driver.sys.p7", "is about another file");
    refused("requests/v2.cat.p7", "is about another file");
    refused("requests/plain.cab.unsigned.p7", "not exactly one signer");
    // Whatever osslsigncode signs as a PKCS#7 it calls a catalog.
    sign("sha256", "requests/plain.cab.unsigned.p7", "named.p7").unwrap();
    refused(
        "named.p7",
        "contentType attribute does not name the content",
    );
    sign("sha384", "plain.cab", "other.cab").unwrap();
    oracle(
        path,
        "osslsigncode extract-signature -in other.cab -out other.p7",
    )
    .unwrap()
    .ended(0);
    refused("other.p7", "is about another file");
    // By another key.
    let other = path.join("other");
    fs::create_dir(&other).unwrap();
    pem_files(&other, "rsa4096").unwrap();
    let line = "osslsigncode sign -h sha256 -certs other/chain.pem -key other/key.pem -in plain.cab -out by.cab";
    oracle(path, line).unwrap().ended(0);
    oracle(path, "osslsigncode extract-signature -in by.cab -out by.p7")
        .unwrap()
        .ended(0);
    refused("by.p7", "is not signed by the certificate of Proofmark OEM");
    // Without the certificate between signer and root.
    let chain = fs::read_to_string(path.join("chain.pem")).unwrap();
    let end = chain.find("-----BEGIN CERTIFICATE-----\n").unwrap() + 1;
    let second = end + chain[end..].find("-----BEGIN").unwrap();
    fs::write(path.join("leaf.pem"), &chain[..second]).unwrap();
    let line =
        "osslsigncode sign -h sha256 -certs leaf.pem -key key.pem -in plain.cab -out leaf.cab";
    oracle(path, line).unwrap().ended(0);
    oracle(
        path,
        "osslsigncode extract-signature -in leaf.cab -out leaf.p7",
    )
    .unwrap()
    .ended(0);
    refused("leaf.p7", "does not carry the certificate of");
}

/// Each refusal names its reason, and nothing is written.
#[test]
fn what_was_changed_on_the_way_is_refused_by_name() {
    let Some(folder) = oem() else { return };
    let path = folder.path();
    extract(path, "", "plain.cab stored.cab").ended(0);
    for name in ["plain.cab", "stored.cab"] {
        sign(path, name, "sha256");
    }
    let refused = |options: &str, file: &str, reason: &str| {
        let run = attach(path, &format!("--out no {options}"), file).ended(2);
        assert!(run.stderr.contains(reason), "{reason}: {}", run.stderr);
        assert!(!path.join("no").exists());
    };
    // The signature of the other file.
    let other = "--signature requests/stored.cab.sig";
    refused(other, "plain.cab", "the signature does not fit");
    // Another key.
    let line = format!(
        "openssl dgst -sha256 -sign {} -out wrong.sig requests/plain.cab.tbs",
        testcert("app.key").display()
    );
    oracle(path, &line).unwrap().ended(0);
    refused(
        "--signature wrong.sig",
        "plain.cab",
        "by another key than that of Proofmark OEM",
    );
    // The digest hashed once more, the commonest mistake.
    let line = "openssl dgst -sha256 -sign key.pem -out twice.sig requests/plain.cab.digest";
    oracle(path, line).unwrap().ended(0);
    refused("--signature twice.sig", "plain.cab", "hashed once more");
    refused(
        "--signature twice.sig",
        "plain.cab",
        "openssl dgst -sha256 -sign KEY",
    );
    refused(
        "--signature files/a.txt",
        "plain.cab",
        "neither a signature by RSA-2048",
    );
    refused("--signature none.sig", "plain.cab", "none.sig");

    // The request of another file.
    let request = path.join("requests/plain.cab.request.json");
    let original = fs::read_to_string(&request).unwrap();
    fs::copy(path.join("requests/stored.cab.request.json"), &request).unwrap();
    refused("", "plain.cab", "this is not the file that was extracted");
    // A changed file under its own name.
    fs::write(&request, &original).unwrap();
    let cabinet = fs::read(path.join("plain.cab")).unwrap();
    let mut changed = cabinet.clone();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(path.join("plain.cab"), changed).unwrap();
    refused("", "plain.cab", "this is not the file that was extracted");
    fs::write(path.join("plain.cab"), cabinet).unwrap();

    // Fields of the request, one at a time.
    let parsed: Value = serde_json::from_str(&original).unwrap();
    let swapped = fs::read_to_string(path.join("requests/stored.cab.request.json")).unwrap();
    let swapped: Value = serde_json::from_str(&swapped).unwrap();
    let cases: [(&str, Value, &str); 12] = [
        ("/kind", "request".into(), "kind is not"),
        (
            "/version",
            2.into(),
            "version 2, this program reads version 1",
        ),
        ("/version", "1".into(), "no version"),
        (
            "/signer/subject",
            "CN=Somebody".into(),
            "field signer.subject",
        ),
        ("/signer/thumbprint", "00".into(), "field signer.thumbprint"),
        (
            "/digest_to_sign",
            swapped["digest_to_sign"].clone(),
            "field digest_to_sign",
        ),
        (
            "/content_digest",
            swapped["content_digest"].clone(),
            "field content_digest",
        ),
        (
            "/digest_algorithm",
            "SHA-384".into(),
            "field digest_to_sign",
        ),
        (
            "/digest_algorithm",
            "SHA-1".into(),
            "field digest_algorithm",
        ),
        ("/action", "skipped".into(), "field action"),
        ("/action", "replaced".into(), "does not follow"),
        ("/options/program_name", "Another".into(), "does not follow"),
    ];
    for (pointer, value, reason) in cases {
        let mut changed = parsed.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        fs::write(&request, changed.to_string()).unwrap();
        refused("", "plain.cab", reason);
    }
    // What is signed, with everything that depends on it.
    let mut changed = parsed.clone();
    for field in ["signed_attributes", "digest_to_sign", "content_digest"] {
        changed[field] = swapped[field].clone();
    }
    fs::write(&request, changed.to_string()).unwrap();
    refused(other, "plain.cab", "does not follow");
    let mut more = parsed.clone();
    more["comment"] = "hello".into();
    fs::write(&request, more.to_string()).unwrap();
    refused("", "plain.cab", "unknown field `comment`");
    fs::remove_file(&request).unwrap();
    refused(
        "",
        "plain.cab",
        "there is no requests/plain.cab.request.json",
    );
}

#[test]
fn the_rules_of_the_profile_hold_at_both_ends() {
    let Some(folder) = oem() else { return };
    let path = folder.path();
    let line = "extract --profile retail --cert chain.pem --out requests plain.cab";
    let run = proofmark(path, line).ended(2);
    assert!(run.stderr.contains("refused: "), "{}", run.stderr);
    let run = proofmark(path, "extract --profile retail --out requests plain.cab").ended(2);
    assert!(
        run.stderr.contains("names no certificate"),
        "{}",
        run.stderr
    );
    assert!(!path.join("requests").exists());
    extract(path, "", "plain.cab").ended(0);
    sign(path, "plain.cab", "sha256");
    let line = "attach --profile retail --requests requests --out no plain.cab";
    let run = proofmark(path, line).ended(2);
    assert!(run.stderr.contains("refused: "), "{}", run.stderr);
    // The profile says whose signature it has to be.
    let other = testcert("rsa4096.cer");
    let line = format!(
        "attach --profile test --cert {} --requests requests --out no plain.cab",
        other.display()
    );
    let run = proofmark(path, &line).ended(2);
    assert!(
        run.stderr.contains("the profile has that of"),
        "{}",
        run.stderr
    );
    // Neither the request nor anything beside it holds a key.
    for entry in fs::read_dir(path.join("requests")).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("PRIVATE"));
    }
    let skipped = extract(path, "--if-signed skip", "signed.cab").ended(0);
    assert!(skipped.stdout.starts_with("skipped "), "{}", skipped.stdout);
    let failed = extract(path, "--if-signed fail", "signed.cab").ended(2);
    assert!(
        failed.stderr.contains("signed already"),
        "{}",
        failed.stderr
    );
}

#[test]
fn a_time_stamp_is_obtained_when_the_signature_is_attached() {
    let Some(folder) = oem() else { return };
    let path = folder.path();
    extract(path, "", "plain.cab").ended(0);
    sign(path, "plain.cab", "sha256");
    let server = openssl_server();
    let line = format!(
        "attach --profile test --cert chain.pem --requests requests --timestamp {} {} --in-place --format json plain.cab",
        server.url,
        root()
    );
    let run: Run = crate::support::command(path)
        .env("NO_PROXY", "127.0.0.1")
        .args(line.split_whitespace())
        .output()
        .unwrap()
        .into();
    let run = run.ended(0);
    let records: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(records[0]["timestamp"]["protocol"], "RFC 3161");
    assert_eq!(records[0]["status"], "signed");
    let line = format!("verify {} --format json plain.cab", root());
    let run = proofmark(path, &line).ended(0);
    let records: Value = serde_json::from_str(&run.stdout).unwrap();
    let stamp = &records[0]["signatures"][0]["timestamp"];
    assert_eq!(stamp["protocol"], "RFC 3161", "{}", run.stdout);
}
