//! `proofmark certs`: showing, checking and making certificates, with openssl as the judge of what was made.

use std::fs;
use std::path::Path;

use crate::support::{command, corpus, folder, oracle, proofmark, repository, testcert};

fn json(folder: &Path, line: &str, code: i32) -> serde_json::Value {
    let run = proofmark(folder, line).ended(code);
    serde_json::from_str(&run.stdout).unwrap()
}

#[test]
fn a_certificate_is_shown_with_class_purposes_and_whether_its_key_is_published() {
    let folder = folder();
    let path = folder.path();
    let (leaf, chain) = (testcert("oem.cer"), testcert("intermediate.cer"));
    let line = format!(
        "certs show --intermediates {} {}",
        chain.display(),
        leaf.display()
    );
    let text = proofmark(path, &line).ended(0).stdout;
    for wanted in [
        "Proofmark OEM Test Cert (TEST ONLY)\n",
        "  key        RSA-2048\n",
        "code signing (1.3.6.1.5.5.7.3.3)",
        "OEM test signing (1.3.6.1.4.1.311.76.5.40)",
        "  class      own-test (Proofmark Root (TEST ONLY))",
        "  published  anyone can sign",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    let fingerprint = format!(
        "openssl x509 -inform DER -in {} -noout -fingerprint -sha256",
        leaf.display()
    );
    if let Some(run) = oracle(path, &fingerprint) {
        let (_, printed) = run.stdout.trim().split_once('=').unwrap();
        assert!(text.contains(&printed.replace(':', "")), "{printed}");
    }
    let alone = json(
        path,
        &format!("certs show --format json {}", leaf.display()),
        0,
    );
    assert!(alone[0]["class"].is_null());
    assert_eq!(alone[0]["purposes"][0]["name"], "code signing");
    let pfx = testcert("demo-retail.pfx");
    let all = json(
        path,
        &format!("certs show --format json {}", pfx.display()),
        0,
    );
    assert_eq!(all.as_array().map(Vec::len), Some(3));
    let locked = testcert("pfx/oem-password.pfx");
    let run = proofmark(path, &format!("certs show {}", locked.display())).ended(2);
    assert!(run.stderr.contains("--password-env"), "{}", run.stderr);
    fs::write(path.join("password"), "proofmark\n").unwrap();
    let line = format!("certs show --password-file password {}", locked.display());
    proofmark(path, &line).ended(0);
}

#[test]
fn the_certificates_of_a_signed_file_are_shown() {
    let folder = folder();
    let path = folder.path();
    let run = proofmark(path, "certs show plain.cab").ended(2);
    assert!(
        run.stderr.contains("carries no certificate"),
        "{}",
        run.stderr
    );
    proofmark(path, "sign --profile test --in-place plain.cab").ended(0);
    let shown = json(path, "certs show --format json plain.cab", 0);
    assert_eq!(shown.as_array().map(Vec::len), Some(2));
    assert_eq!(shown[0]["class"], "own-test");
    if let Some(catalog) = corpus("signed/hyperv.cat") {
        let line = format!("certs show --format json {}", catalog.display());
        let shown = json(path, &line, 0);
        let classes = shown
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["class"].as_str());
        assert!(classes.eq([Some("microsoft-production"); 4]), "{shown}");
    }
}

#[test]
fn what_has_ended_or_ends_soon_is_found() {
    let folder = folder();
    let path = folder.path();
    let certificates = path.join("certificates/deep");
    fs::create_dir_all(&certificates).unwrap();
    for name in [
        "oem.pfx",
        "expired.cer",
        "not-yet-valid.cer",
        "pfx/oem-password.pfx",
    ] {
        let file = Path::new(name).file_name().unwrap();
        fs::copy(testcert(name), certificates.join(file)).unwrap();
    }
    fs::write(certificates.join("damaged.cer"), [0x30, 3, 2, 1]).unwrap();
    let rows = json(
        path,
        "certs check --at 2026-06-01 --format json certificates",
        1,
    );
    let rows: Vec<(&str, &str)> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let file = row["file"].as_str().unwrap();
            (
                file.rsplit('/').next().unwrap(),
                row["status"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("damaged.cer", "unreadable"),
            ("expired.cer", "expired"),
            ("not-yet-valid.cer", "not-yet-valid"),
            ("oem-password.pfx", "locked"),
            ("oem.pfx", "ok"),
            ("oem.pfx", "ok"),
            ("oem.pfx", "ok"),
        ]
    );
    let one = testcert("oem.cer");
    let check = |options: &str, code| {
        proofmark(path, &format!("certs check {options} {}", one.display()))
            .ended(code)
            .stdout
    };
    check("--at 2044-12-01", 0);
    check("--at 2044-12-15", 1);
    check("--at 2044-12-01 --within 5w", 1);
    check("--at 2044-12-01 --within 32", 1);
    assert!(check("--at 2044-12-31", 1).starts_with("expires-soon"));
    assert!(check("--at 2045-01-02", 1).starts_with("expired"));
    let run = proofmark(path, "certs check --within soon plain.cab").ended(2);
    assert!(run.stderr.contains("30d"), "{}", run.stderr);
    proofmark(path, "certs check files").ended(2);
}

/// The certificates of the add-on kit that have ended, as its own list has them.
#[test]
fn the_ended_certificates_of_the_kit_are_found() {
    let Some(kit) = corpus("addonkit") else {
        return;
    };
    let line = format!("certs check --at 2026-11-20 {}", kit.display());
    let run = proofmark(&repository(), &line).ended(1);
    let ended = run
        .stdout
        .lines()
        .filter(|line| line.starts_with("expired "));
    let mut names: Vec<_> = ended
        .map(|line| line.rsplit('/').next().unwrap().split(':').next().unwrap())
        .collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(
        names,
        [
            "IoTOnboardingTask_1.0.0.0_ARM.cer",
            "MicCorKEKCA2011_2011-06-24.cer",
            "MicCorUEFCA2011_2011-06-27.cer",
            "MicWinProPCA2011_2011-10-19.cer",
            "MicrosoftCrossCert2019.cer",
            "MicrosoftWindowsPCA2010.cer",
            "SmartDisplay.cer",
        ]
    );
}

#[test]
fn an_own_set_is_made_once_verifies_under_openssl_and_signs() {
    let folder = folder();
    let path = folder.path();
    let new = |out: &str| {
        command(path)
            .args(["certs", "new", "--owner", "Fjord & Light", "--years", "3"])
            .args(["--password-env", "NEW_PASSWORD", "--out", out])
            .env("NEW_PASSWORD", "a password")
            .output()
            .map(crate::support::Run::from)
            .unwrap()
    };
    let run = proofmark(path, "certs new --owner A --out own").ended(2);
    assert!(run.stderr.contains("need a password"), "{}", run.stderr);
    let run = new("files").ended(2);
    assert!(run.stderr.contains("not empty"), "{}", run.stderr);
    assert_eq!(fs::read_dir(path.join("files")).unwrap().count(), 2);
    fs::create_dir(path.join("own")).unwrap();
    // As a run leaves it that is killed before its keys have their name.
    let killed = path.join(".proofmark-abcdefABC123.parts/private");
    fs::create_dir_all(&killed).unwrap();
    fs::write(killed.join("Fjord-PK.pfx"), "a key").unwrap();
    let run = new("own").ended(0);
    assert_eq!(run.stdout.lines().count(), 8, "{}", run.stdout);
    let before = fs::read(path.join("own/Fjord---Light-Root.cer")).unwrap();
    new("own").ended(2);
    assert_eq!(
        fs::read(path.join("own/Fjord---Light-Root.cer")).unwrap(),
        before
    );
    let left = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    assert!(
        !left
            .into_iter()
            .any(|name| name.to_string_lossy().starts_with(".proofmark"))
    );
    only_its_owner_reads(&path.join("own"));

    let shown = json(
        path,
        "certs show --format json own/Fjord---Light-KMCI.cer own/Fjord---Light-DRA.cer \
         own/Fjord---Light-PCA.cer own/Fjord---Light-KEK.cer --root own/Fjord---Light-Root.cer \
         --root own/Fjord---Light-PK.cer --intermediates own",
        0,
    );
    let said = |index: usize| {
        let row = &shown[index];
        (
            row["key"].clone(),
            row["purposes"][0]["oid"].clone(),
            row["authority"].clone(),
            row["class"].clone(),
        )
    };
    let code = serde_json::json!("1.3.6.1.5.5.7.3.3");
    let recovery = serde_json::json!("1.3.6.1.4.1.311.67.1.2");
    let none = serde_json::Value::Null;
    assert_eq!(
        said(0),
        ("RSA-3072".into(), code, false.into(), "named".into())
    );
    assert_eq!(
        said(1),
        ("RSA-2048".into(), recovery, false.into(), "named".into())
    );
    assert_eq!(
        said(2),
        ("RSA-4096".into(), none.clone(), true.into(), "named".into())
    );
    assert_eq!(
        said(3),
        ("RSA-4096".into(), none, false.into(), "named".into())
    );
    proofmark(path, "certs check --within 12m own").ended(0);

    fs::write(path.join("password"), "a password\n").unwrap();
    let signer = "--pfx own/private/Fjord---Light-KMCI.pfx --password-file password";
    let line = format!("sign --profile retail {signer} --in-place plain.cab");
    proofmark(path, &line).ended(0);
    let root = "--root own/Fjord---Light-Root.cer";
    proofmark(path, &format!("verify --require retail {root} plain.cab")).ended(0);
    proofmark(path, "verify plain.cab").ended(1);
    openssl_agrees(&path.join("own"));
}

fn openssl_agrees(own: &Path) -> Option<()> {
    let pem = |name: &str| format!("Fjord---Light-{name}.pem");
    let issuers = format!("-untrusted {} -untrusted {}", pem("CA"), pem("PCA"));
    for name in ["KMCI", "UMCI", "DRA"] {
        let line = format!(
            "openssl verify -x509_strict -CAfile {} {issuers} {}",
            pem("Root"),
            pem(name)
        );
        oracle(own, &line)?.ended(0);
    }
    let line = format!(
        "openssl verify -x509_strict -CAfile {} {}",
        pem("PK"),
        pem("KEK")
    );
    oracle(own, &line)?.ended(0);
    let line = format!(
        "openssl verify -x509_strict -CAfile {} {}",
        pem("PK"),
        pem("KMCI")
    );
    assert_ne!(oracle(own, &line)?.code, Some(0));
    for name in ["Root", "CA", "PCA", "KMCI", "UMCI", "PK", "KEK", "DRA"] {
        let line = format!(
            "openssl pkcs12 -in private/Fjord---Light-{name}.pfx -passin file:../password -nodes -out key.pem"
        );
        oracle(own, &line)?.ended(0);
        oracle(own, "openssl rsa -in key.pem -check -noout")?.ended(0);
        let public = oracle(own, "openssl pkey -in key.pem -pubout")?
            .ended(0)
            .stdout;
        let line = format!("openssl x509 -in {} -pubkey -noout", pem(name));
        assert_eq!(oracle(own, &line)?.ended(0).stdout, public, "{name}");
    }
    Some(())
}

#[cfg(unix)]
fn only_its_owner_reads(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder), 0o700);
    let private = fs::read_dir(folder.join("private")).unwrap();
    let files: Vec<_> = private.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 8);
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[cfg(not(unix))]
fn only_its_owner_reads(_folder: &Path) {}
