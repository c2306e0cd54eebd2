//! signify, an independent verifier, accepts images, catalogs and what they list. It reads no cabinets.

use std::fs;
use std::path::{Path, PathBuf};

use crate::image_builder::RawImage;
use crate::support::{Run, oracle, proofmark, repository, testcert};
use crate::timestamp::{openssl_server, root};

/// A folder with the roots of the test certificates in `roots.pem`, and signify's Python; nothing where either is
/// missing.
fn folder() -> Option<(tempfile::TempDir, PathBuf)> {
    let python = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let python = python.join("../oracles/signify/bin/python");
    if !python.exists() && std::env::var_os("PROOFMARK_SKIP_ORACLES").is_some_and(|v| v == "1") {
        println!("skipped: signify");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut roots = String::new();
    for name in ["root", "tsa-root"] {
        let file = testcert(&format!("{name}.cer"));
        let line = format!("openssl x509 -inform DER -in {}", file.display());
        roots += &oracle(folder.path(), &line)?.ended(0).stdout;
    }
    fs::write(folder.path().join("roots.pem"), roots).unwrap();
    Some((folder, python))
}

/// What signify says of a file, by its own signatures or by those of a catalog.
fn signify(folder: &Path, python: &Path, files: &str) -> Run {
    let script = repository().join("tests/oracles/signify_verify.py");
    let line = format!(
        "{} {} roots.pem {files}",
        python.display(),
        script.display()
    );
    oracle(folder, &line).unwrap()
}

fn accepted(folder: &Path, python: &Path, files: &str, signatures: usize) {
    let run = signify(folder, python, files).ended(0);
    assert_eq!(
        run.stdout.trim(),
        format!("verified {signatures}"),
        "{files}"
    );
}

#[test]
fn images_of_every_kind_of_signature_are_accepted() {
    let Some((folder, python)) = folder() else {
        return;
    };
    let path = folder.path();
    fs::write(path.join("wide.sys"), RawImage::new(true).bytes()).unwrap();
    fs::write(path.join("narrow.sys"), RawImage::new(false).bytes()).unwrap();
    let pfx = |name: &str| format!("--pfx {}", testcert(&format!("{name}.pfx")).display());
    for (options, count) in [
        (String::new(), 1),
        (
            "--page-hashes --name Sample --url https://example.com/".to_owned(),
            1,
        ),
        (format!("--digest sha384 {}", pfx("rsa4096")), 1),
        (format!("--digest sha512 {}", pfx("rsa4096")), 1),
        (pfx("ecdsa-p256"), 1),
        (
            format!("--append --digest sha384 --page-hashes {}", pfx("oem")),
            2,
        ),
        (format!("--append --digest sha512 {}", pfx("rsa4096")), 3),
    ] {
        for name in ["wide.sys", "narrow.sys"] {
            let line = format!("sign --profile test {options} --in-place {name}");
            proofmark(path, &line).ended(0);
            accepted(path, &python, name, count);
        }
    }
    // It does look.
    let mut bytes = fs::read(path.join("wide.sys")).unwrap();
    bytes[0x300] ^= 1;
    fs::write(path.join("changed.sys"), bytes).unwrap();
    signify(path, &python, "changed.sys").ended(1);
}

#[test]
fn catalogs_and_what_they_list_are_accepted() {
    let Some((folder, python)) = folder() else {
        return;
    };
    let path = folder.path();
    fs::create_dir(path.join("files")).unwrap();
    fs::write(path.join("files/driver.sys"), RawImage::new(true).bytes()).unwrap();
    fs::write(path.join("files/driver.inf"), "[Version]\r\n").unwrap();
    fs::write(path.join("files/data.bin"), [7; 5000]).unwrap();
    for version in ["1", "2"] {
        let line =
            format!("catalog create files --version {version} --profile test --out v{version}.cat");
        proofmark(path, &line).ended(0);
        let catalog = format!("v{version}.cat");
        accepted(path, &python, &catalog, 1);
        for name in ["driver.sys", "driver.inf", "data.bin"] {
            accepted(path, &python, &format!("files/{name} {catalog}"), 1);
        }
        fs::write(path.join("other.inf"), "[Version]\n").unwrap();
        signify(path, &python, &format!("other.inf {catalog}")).ended(1);
    }
    // A driver is listed by what signing does not change.
    proofmark(
        path,
        "sign --profile test --page-hashes --in-place files/driver.sys",
    )
    .ended(0);
    accepted(path, &python, "files/driver.sys v2.cat", 1);
}

#[test]
fn time_stamped_images_and_catalogs_are_accepted() {
    let Some((folder, python)) = folder() else {
        return;
    };
    let path = folder.path();
    fs::write(path.join("driver.sys"), RawImage::new(true).bytes()).unwrap();
    let fixture = repository().join("tests/fixtures/v2.cat");
    fs::copy(fixture, path.join("v2.cat")).unwrap();
    let server = openssl_server();
    let line = format!(
        "sign --profile test --timestamp {} {} --in-place driver.sys v2.cat",
        server.url,
        root()
    );
    let run: Run = crate::support::command(path)
        .env("NO_PROXY", "127.0.0.1")
        .args(line.split_whitespace())
        .output()
        .unwrap()
        .into();
    run.ended(0);
    accepted(path, &python, "driver.sys", 1);
    accepted(path, &python, "v2.cat", 1);
}
