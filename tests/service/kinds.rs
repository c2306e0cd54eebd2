//! Every kind of file through every route: what is taken is taken rightly, and the rest is told why not.

use std::path::Path;

use signer::digest::DigestAlgorithm;

use super::server::{Answer, Server};
use crate::package_builder::{Hash, RawPackage, SHA256, Style, publisher};
use crate::support::{folder, oracle, proofmark, repository, testcert};

/// Files of every kind, by name.
const SIGNED: [&str; 7] = [
    "plain.cab",
    "driver.sys",
    "v2.cat",
    "app.appx",
    "app.appxbundle",
    "policy.bin",
    "Flash.ffu",
];
/// What nobody signs.
const OTHERS: [&str; 6] = [
    "text.txt",
    "settings.reg",
    "hive.dat",
    "archive.zip",
    "cut.cab",
    "new-db.bin",
];

struct Files {
    folder: tempfile::TempDir,
    server: Server,
    token: String,
}

impl Files {
    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(name)).unwrap()
    }

    fn post(&self, path: &str, name: &str) -> Answer {
        let sign = if path.contains('?') { "&" } else { "?" };
        let path = format!("{path}{sign}name={name}");
        self.server
            .post_with(&path, &self.read(name), &[("authorization", &self.token)])
    }

    /// The file as a request to sign a digest.
    fn digest(&self, profile: &str, name: &str) -> Answer {
        let path = format!("/v1/sign-digest?profile={profile}");
        self.server
            .post_with(&path, &self.read(name), &[("authorization", &self.token)])
    }
}

/// An image in which nothing is found, from the fixtures of the linter.
fn put_image(folder: &Path, name: &str) -> Option<()> {
    let packed = repository()
        .join("lint/tests/images/clean")
        .join(name)
        .join("Flash.ffu.gz");
    std::fs::copy(packed, folder.join("Flash.ffu.gz")).unwrap();
    oracle(folder, "gzip -d -f Flash.ffu.gz")?.ended(0);
    Some(())
}

fn files(image: &str) -> Option<Files> {
    let folder = folder();
    let path = folder.path();
    let write = |name: &str, bytes: &[u8]| std::fs::write(path.join(name), bytes).unwrap();
    write(
        "driver.sys",
        &crate::image_builder::RawImage::new(true).bytes(),
    );
    std::fs::copy(
        repository().join("tests/fixtures/v2.cat"),
        path.join("v2.cat"),
    )
    .unwrap();
    let hash = Hash {
        uri: SHA256,
        of: |bytes| DigestAlgorithm::Sha256.of(bytes),
    };
    let publisher = publisher("Proofmark OEM Test Cert");
    write(
        "app.appx",
        &RawPackage::package(&publisher, Style::MakeAppx, hash).bytes(),
    );
    write(
        "app.appxbundle",
        &RawPackage::bundle(&publisher, Style::MakeAppx, hash).bytes(),
    );
    write("policy.bin", &crate::policies::bare());
    put_image(path, image)?;
    write("text.txt", b"no more than text\n");
    write(
        "settings.reg",
        b"Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\A]\r\n",
    );
    write("hive.dat", b"regf\0\0\0\0");
    write(
        "archive.zip",
        b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    );
    let cab = std::fs::read(path.join("plain.cab")).unwrap();
    write("cut.cab", &cab[..cab.len() / 2]);
    write("new-db.bin", &[0; 64]);
    let config = format!(
        "[trust]\nroots = ['{root}']\n[profile.test]\nkind = 'test'\npfx = '{oem}'\n\
         [profile.retail]\npfx = '{retail}'\n\
         [service.profile.test]\ngate = 'test'\n\
         [service.profile.retail]\ngate = 'retail'\ndigest-signing = true\n",
        root = testcert("demo-retail-root.cer").display(),
        oem = testcert("oem.pfx").display(),
        retail = testcert("demo-retail.pfx").display(),
    );
    write("proofmark.toml", config.as_bytes());
    let made = proofmark(path, "token create --role sign --role lint --profile * ci").ended(0);
    let token = format!("Bearer {}", made.stdout.trim());
    let server = Server::start(path);
    Some(Files {
        folder,
        server,
        token,
    })
}

#[test]
fn every_kind_that_is_signed_is_signed_and_verified() {
    let Some(files) = files("test-gpt") else {
        return;
    };
    for name in SIGNED {
        let unsigned = files.post("/v1/verify", name).is(200).json();
        assert_eq!(
            unsigned["accepted"],
            name == "Flash.ffu",
            "{name}: {unsigned}"
        );
        let signed = files.post("/v1/sign?profile=test", name);
        assert_eq!(signed.status, 200, "{name}: {}", signed.text());
        let output = format!("signed-{name}");
        std::fs::write(files.folder.path().join(&output), &signed.body).unwrap();
        let verified = files
            .post("/v1/verify?require=test", &output)
            .is(200)
            .json();
        assert_eq!(verified["accepted"], true, "{name}: {verified}");
        let required = files
            .post("/v1/verify?require=retail", &output)
            .is(200)
            .json();
        assert_eq!(required["accepted"], false, "{name}: {required}");
        // As the command line sees it.
        let verify = match name {
            "Flash.ffu" => "image verify",
            _ => "verify",
        };
        proofmark(files.folder.path(), &format!("{verify} {output}")).ended(0);
    }
    // A bit of an image that nobody signed anew.
    let mut image = files.read("signed-Flash.ffu");
    let middle = image.len() / 2;
    image[middle] ^= 1;
    std::fs::write(files.folder.path().join("bad.ffu"), image).unwrap();
    let verified = files.post("/v1/verify", "bad.ffu").is(200).json();
    assert_eq!(verified["accepted"], false, "{verified}");
    let refused = files
        .post("/v1/sign?profile=test", "bad.ffu")
        .problem(422, "policy-refused");
    assert!(
        refused.text().contains("image-not-intact"),
        "{}",
        refused.text()
    );
}

#[test]
fn an_image_is_signed_for_retail_if_what_is_in_it_is_for_retail() {
    let Some(files) = files("test-gpt") else {
        return;
    };
    let refused = files
        .post("/v1/sign?profile=retail", "Flash.ffu")
        .problem(422, "policy-refused");
    let report = refused.json()["report"].to_string();
    for rule in ["image-testsigning-on", "image-test-signed"] {
        assert!(report.contains(rule), "{rule}: {report}");
    }
    let linted = files.post("/v1/lint?image=retail", "Flash.ffu").is(200);
    assert_eq!(linted.header("proofmark-passes"), "false");
    put_image(files.folder.path(), "retail-gpt").unwrap();
    let signed = files.post("/v1/sign?profile=retail", "Flash.ffu");
    assert_eq!(signed.status, 200, "{}", signed.text());
    std::fs::write(files.folder.path().join("signed.ffu"), &signed.body).unwrap();
    proofmark(
        files.folder.path(),
        "image verify --require retail signed.ffu",
    )
    .ended(0);
    // Unsigned, as imaging tools leave it: the signature that is missing is the one that is made.
    let unsigned = "image sign --profile test --out test.ffu Flash.ffu";
    proofmark(files.folder.path(), unsigned).ended(0);
    files.post("/v1/sign?profile=retail", "test.ffu").is(200);
}

#[test]
fn a_policy_that_stops_nothing_is_signed_for_test_alone() {
    let Some(files) = files("test-gpt") else {
        return;
    };
    // The options of a bare policy are at offset 36.
    let write = |name: &str, options: u32| {
        let mut policy = crate::policies::bare();
        policy[36..40].copy_from_slice(&options.to_le_bytes());
        std::fs::write(files.folder.path().join(name), policy).unwrap();
    };
    write("enforced.bin", 0x8200_0004);
    write("audit.bin", 0x8201_0004);
    files
        .post("/v1/sign?profile=retail", "enforced.bin")
        .is(200);
    files.post("/v1/sign?profile=test", "audit.bin").is(200);
    let refused = files
        .post("/v1/sign?profile=retail", "audit.bin")
        .problem(422, "policy-refused");
    let report = refused.json()["report"].to_string();
    assert!(report.contains("sipolicy-audit-in-retail"), "{report}");
    proofmark(
        files.folder.path(),
        "package pack --out audit.cab audit.bin",
    )
    .ended(0);
    files
        .post("/v1/sign?profile=retail", "audit.cab")
        .problem(422, "policy-refused");
}

#[test]
fn what_is_not_signed_or_linted_is_told_why() {
    let Some(files) = files("test-gpt") else {
        return;
    };
    for name in OTHERS {
        let refused = files.post("/v1/sign?profile=test", name);
        let refused = refused.problem(422, "not-signable");
        assert!(
            refused.json()["detail"].as_str().unwrap().len() > 20,
            "{name}: {}",
            refused.text()
        );
        let request = files.post("/v1/requests?profile=test&reason=x", name);
        request.problem(422, "not-signable");
        let verified = files.post("/v1/verify", name).is(200).json();
        assert_eq!(verified["accepted"], false, "{name}: {verified}");
        assert!(
            verified["files"][0]["error"].is_string(),
            "{name}: {verified}"
        );
    }
    for name in SIGNED.into_iter().chain(OTHERS) {
        // None of them is a request of `proofmark extract`.
        let refused = files.digest("retail", name);
        match name {
            "Flash.ffu" => refused.problem(413, "too-large"),
            _ => refused.problem(422, "not-signable"),
        };
        let linted = files.post("/v1/lint", name);
        match name {
            // What rules speak about.
            "plain.cab" | "cut.cab" | "Flash.ffu" | "settings.reg" => {
                let report = linted.is(200);
                let passes = report.header("proofmark-passes") == "true";
                assert_eq!(
                    passes,
                    !matches!(name, "plain.cab" | "cut.cab"),
                    "{name}: {}",
                    report.text()
                );
            }
            // And what they do not: it must not look as if it had passed.
            _ => {
                linted.problem(422, "not-readable");
            }
        }
    }
    files.digest("test", "plain.cab").problem(403, "forbidden");
    // An archive with nothing in it has a report, and does not pass.
    let empty = files.read("archive.zip");
    let headers = [
        ("authorization", files.token.as_str()),
        ("content-type", "application/zip"),
    ];
    let report = files.server.post_with("/v1/lint", &empty, &headers).is(200);
    assert_eq!(report.header("proofmark-passes"), "false");
}
