//! Loading keys and certificates, and what speaks against using them.

use signer::anchor::{Anchors, Purpose};
use signer::identity::{Identity, IdentityError};
use signer::pfx::{Pfx, PfxError};

use crate::support::{certificate, identity, now, testcert};

fn objections(name: &str) -> Vec<&'static str> {
    let objections = identity(name).objections(now(), &Anchors::built_in(), Purpose::Code);
    objections
        .iter()
        .map(|objection| objection.name())
        .collect()
}

#[test]
fn every_pfx_variant_gives_the_same_identity() {
    let plain = identity("oem");
    for name in ["legacy-3des", "rc2-40", "aes256-sha512mac", "unrelated"] {
        let pfx = testcert(&format!("pfx/oem-{name}.pfx"));
        let other = Identity::from_pfx(&pfx, "").unwrap();
        assert_eq!(other.leaf(), plain.leaf(), "{name}");
        assert_eq!(
            other.intermediates(),
            [certificate("intermediate")],
            "{name}"
        );
    }
    let pfx = testcert("pfx/oem-password.pfx");
    assert_eq!(
        Identity::from_pfx(&pfx, "proofmark").unwrap().leaf(),
        plain.leaf()
    );
    let leaf_only = Identity::from_pfx(&testcert("pfx/oem-leaf-only.pfx"), "").unwrap();
    assert!(leaf_only.intermediates().is_empty());
}

#[test]
fn a_pfx_that_cannot_be_opened_says_why() {
    let open = |name: &str, password: &str| {
        let pfx = testcert(&format!("pfx/oem-{name}.pfx"));
        match Identity::from_pfx(&pfx, password) {
            Err(IdentityError::Pfx(error)) => error,
            other => panic!("{name}: {other:?}"),
        }
    };
    assert_eq!(open("password", "wrong"), PfxError::WrongPassword);
    assert_eq!(open("no-mac", ""), PfxError::NoMac);
    assert!(matches!(
        open("iterations", ""),
        PfxError::TooManyIterations {
            found: 50_000_000,
            ..
        }
    ));
    let pfx = testcert("oem.pfx");
    for length in (0..pfx.len()).step_by(37) {
        assert!(Identity::from_pfx(&pfx[..length], "").is_err(), "{length}");
    }
}

#[test]
fn key_and_certificate_files_make_an_identity() {
    for name in ["oem", "rsa4096", "ecdsa-p256", "ecdsa-p384"] {
        let key = testcert(&format!("{name}.key"));
        let leaf = testcert(&format!("{name}.cer"));
        let identity = Identity::from_files(&key, None, &leaf).unwrap();
        assert_eq!(identity.leaf(), &certificate(name));
    }
    let mismatch = Identity::from_files(&testcert("oem.key"), None, &testcert("app.cer"));
    assert!(matches!(mismatch, Err(IdentityError::KeyMismatch(1))));
    let no_key = Identity::from_files(&testcert("oem.cer"), None, &testcert("oem.cer"));
    assert!(no_key.is_err());
}

#[test]
fn keys_in_other_forms_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let status = std::process::Command::new("openssl")
            .args(arguments)
            .current_dir(folder.path())
            .stderr(std::process::Stdio::null())
            .status()
            .expect("openssl is needed by this test");
        assert!(status.success(), "openssl {arguments:?}");
    };
    for name in ["oem", "ecdsa-p256"] {
        std::fs::write(
            folder.path().join("in.key"),
            testcert(&format!("{name}.key")),
        )
        .unwrap();
        run(&[
            "pkey",
            "-in",
            "in.key",
            "-outform",
            "DER",
            "-out",
            "traditional.der",
            "-traditional",
        ]);
        run(&[
            "pkcs8",
            "-topk8",
            "-in",
            "in.key",
            "-out",
            "secret.pem",
            "-v2",
            "aes-256-cbc",
            "-passout",
            "pass:x",
        ]);
        run(&[
            "pkey",
            "-in",
            "in.key",
            "-out",
            "traditional.pem",
            "-traditional",
        ]);
        let leaf = testcert(&format!("{name}.cer"));
        let read = |file: &str| std::fs::read(folder.path().join(file)).unwrap();
        for file in ["traditional.der", "traditional.pem"] {
            Identity::from_files(&read(file), None, &leaf)
                .unwrap_or_else(|e| panic!("{file}: {e}"));
        }
        Identity::from_files(&read("secret.pem"), Some("x"), &leaf).unwrap();
        for password in [None, Some("y")] {
            let refused = Identity::from_files(&read("secret.pem"), password, &leaf);
            assert!(matches!(refused, Err(IdentityError::EncryptedKey(_))));
        }
    }
}

#[test]
fn what_speaks_against_signing_is_named() {
    assert_eq!(objections("oem"), ["test-certificate"]);
    assert_eq!(objections("expired"), ["expired", "test-certificate"]);
    assert_eq!(
        objections("not-yet-valid"),
        ["not-yet-valid", "test-certificate"]
    );
    assert_eq!(objections("wrong-eku"), ["wrong-usage", "test-certificate"]);
    assert_eq!(objections("no-eku"), ["wrong-usage", "test-certificate"]);
    assert_eq!(
        objections("wrong-key-usage"),
        ["wrong-usage", "test-certificate"]
    );
    assert_eq!(objections("microsoft-name"), ["published-key"]);
    assert_eq!(objections("demo-retail"), [""; 0]);
}

#[test]
fn short_keys_do_not_sign() {
    let refused = Identity::from_pfx(&testcert("rsa1024.pfx"), "").unwrap_err();
    assert!(refused.to_string().contains("RSA"), "{refused}");
}

#[test]
fn keys_with_a_small_exponent_do_not_sign() {
    let folder = tempfile::tempdir().unwrap();
    let output = std::process::Command::new("openssl")
        .args([
            "genpkey",
            "-algorithm",
            "RSA",
            "-pkeyopt",
            "rsa_keygen_bits:2048",
        ])
        .args(["-pkeyopt", "rsa_keygen_pubexp:3", "-out", "small.key"])
        .current_dir(folder.path())
        .output()
        .expect("openssl is needed by this test");
    assert!(output.status.success());
    let key = std::fs::read(folder.path().join("small.key")).unwrap();
    let refused = Identity::from_files(&key, None, &testcert("oem.cer")).unwrap_err();
    assert!(matches!(refused, IdentityError::Key(_)), "{refused}");
}

#[test]
fn a_key_is_never_printed() {
    let identity = identity("oem");
    let printed = format!("{identity:?} {:?}", identity.key());
    assert!(printed.contains("SigningKey(RSA-2048)"));
    assert!(printed.len() < 400, "{printed}");
}

#[test]
fn a_pfx_that_is_written_opens_with_its_password_alone() {
    for name in ["oem", "ecdsa-p256"] {
        let pfx = Pfx::open(&testcert(&format!("{name}.pfx")), "").unwrap();
        for (shown, password) in [("name", "a päßword"), ("näme", "")] {
            let written = pfx.write(shown, password).unwrap();
            let read = Pfx::open(&written, password).unwrap();
            assert_eq!(read.key, pfx.key);
            assert_eq!(read.certificates, pfx.certificates);
            let wrong = Pfx::open(&written, "another").err();
            assert_eq!(wrong, Some(PfxError::WrongPassword));
        }
    }
}
