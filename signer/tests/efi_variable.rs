//! Secure-boot variables: those of the add-on kit, and those that openssl and sbvarsign make.

use std::io::Cursor;
use std::process::Command;

use formats::certificate::Certificate;
use formats::container::Container;
use formats::container::efi_variable::{EfiVariable, EntryKind, Variable};
use formats::der::{self, Reader};
use formats::guid::Guid;
use signer::anchor::{Anchors, TrustClass};
use signer::embedded;
use signer::verify::{Verification, VerifyOptions, verify};

use crate::oracle::{Oracle, pem};
use crate::support::{certificate, corpus, failures, now, repository};

const SHA256: u128 = 0xc1c4_1626_504c_4092_aca9_41f9_3693_4328;

/// A list of one hash.
fn list() -> Vec<u8> {
    let sizes = [28 + 48_u32, 0, 48].map(u32::to_le_bytes).concat();
    [
        &Guid::from_u128(SHA256).0[..],
        &sizes,
        &[7; 16],
        &[0xab; 32],
    ]
    .concat()
}

/// A file of this time, signature and content.
fn file(signature: &[u8], content: &[u8]) -> Vec<u8> {
    let length = (signature.len() as u32 + 24).to_le_bytes();
    let kind = Guid::from_u128(0x4aaf_d29d_68df_49ee_8aa9_347d_3756_65a7);
    let time = [0xea, 7, 6, 1, 12, 30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    [
        &time[..],
        &length,
        &[0, 2, 0xf1, 0x0e],
        &kind.0,
        signature,
        content,
    ]
    .concat()
}

fn verified(bytes: &[u8], variable: Option<Variable>, anchors: &Anchors) -> Verification {
    let mut input = Cursor::new(bytes);
    let mut container = Container::read(&mut input).unwrap();
    if let Container::EfiVariable(content) = &mut container {
        content.assume(variable);
    }
    let options = VerifyOptions { at: now(), anchors };
    verify(&container, &mut input, options).unwrap()
}

/// Signed by openssl for `variable`, with or without a `ContentInfo` and signed attributes.
fn signed(
    oracle: &Oracle,
    leaf: &str,
    variable: Variable,
    attributes: u32,
    flags: &str,
) -> Vec<u8> {
    let folder = oracle.folder();
    let unsigned = EfiVariable::parse(file(&[], &list())).unwrap();
    std::fs::write(
        folder.join("message"),
        unsigned.message(variable, attributes),
    )
    .unwrap();
    std::fs::write(folder.join("leaf.pem"), pem(leaf)).unwrap();
    std::fs::write(folder.join("ca.pem"), pem("intermediate")).unwrap();
    let key = repository().join("testcerts").join(format!("{leaf}.key"));
    let output = Command::new("openssl")
        .args([
            "cms", "-sign", "-binary", "-md", "sha256", "-outform", "DER",
        ])
        .args(["-in", "message", "-out", "s.p7", "-signer", "leaf.pem"])
        .args(["-certfile", "ca.pem", "-inkey"])
        .arg(key.canonicalize().unwrap())
        .args(flags.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    std::fs::read(folder.join("s.p7")).unwrap()
}

/// The `SignedData` inside a `ContentInfo`.
fn unwrapped(signature: &[u8]) -> Vec<u8> {
    let info = Reader::new("test", signature, 0).next("info").unwrap();
    let parts = info.reader("test").all("part").unwrap();
    parts[1].value.to_vec()
}

#[test]
fn the_signature_says_which_variable_it_is_for() {
    let Some(oracle) = Oracle::find() else {
        return;
    };
    let anchors = Anchors::built_in();
    for (variable, attributes) in [
        (Variable::Pk, 0x27),
        (Variable::Kek, 0x67),
        (Variable::Db, 0x27),
        (Variable::Dbx, 0x67),
    ] {
        for flags in ["-noattr", "-nosmimecap"] {
            let signature = signed(&oracle, "oem", variable, attributes, flags);
            for signature in [signature.clone(), unwrapped(&signature)] {
                let bytes = file(&signature, &list());
                for named in [None, Some(variable)] {
                    let verification = verified(&bytes, named, &anchors);
                    assert_eq!(failures(&verification), [""; 0], "{variable} {flags}");
                    let found = verification.signatures[0].variable.unwrap();
                    assert_eq!((found.variable, found.attributes), (variable, attributes));
                    assert_eq!(found.was_named, named.is_some());
                }
                let other = match variable {
                    Variable::Db => Variable::Dbx,
                    _ => Variable::Db,
                };
                let wrong = verified(&bytes, Some(other), &anchors);
                assert_eq!(failures(&wrong)[0], "digest-mismatch");
                let failure = wrong.signatures[0].failures().next().unwrap().2.to_owned();
                assert!(
                    failure.contains(&format!("to become {variable}, not {other}")),
                    "{failure}"
                );
            }
        }
    }
}

#[test]
fn every_flipped_bit_is_noticed_and_every_truncation_an_error() {
    let Some(oracle) = Oracle::find() else {
        return;
    };
    let anchors = Anchors::built_in();
    let signature = signed(&oracle, "ecdsa-p256", Variable::Db, 0x27, "-noattr");
    let good = file(&unwrapped(&signature), &list());
    assert!(verified(&good, None, &anchors).holds());
    let holds = |bytes: &[u8]| {
        let mut input = Cursor::new(bytes);
        let Ok(mut container) = Container::read(&mut input) else {
            return false;
        };
        if let Container::EfiVariable(content) = &mut container {
            content.assume(Some(Variable::Db));
        }
        let options = VerifyOptions {
            at: now(),
            anchors: &anchors,
        };
        verify(&container, &mut input, options).is_ok_and(|v| v.holds())
    };
    let mut unnoticed = Vec::new();
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        if holds(&bad) {
            unnoticed.push(format!("{}.{}", bit / 8, bit % 8));
        }
    }
    assert_eq!(unnoticed, [""; 0]);
    for length in 0..good.len() {
        assert!(!holds(&good[..length]), "{length}");
        // All of the content gone is a content too: it empties the variable.
        let is_whole = length == good.len() - list().len();
        let read = Container::read(&mut Cursor::new(&good[..length]));
        assert_eq!(read.is_ok(), is_whole, "{length}");
    }
}

/// Another program's whole file, and its idea of a list.
#[test]
fn what_sbvarsign_makes_verifies() {
    let Some(oracle) = Oracle::find() else {
        return;
    };
    let folder = oracle.folder();
    std::fs::write(folder.join("leaf.pem"), pem("self-signed")).unwrap();
    std::fs::write(folder.join("list"), list()).unwrap();
    let key = repository().join("testcerts/self-signed.key");
    let run = Command::new("sbvarsign")
        .args(["--cert", "leaf.pem", "--output", "db.auth", "--key"])
        .arg(key.canonicalize().unwrap())
        .args(["db", "list"])
        .current_dir(folder)
        .output();
    let Ok(output) = run else {
        let allowed = std::env::var_os("PROOFMARK_SKIP_ORACLES").is_some_and(|v| v == "1");
        assert!(allowed, "sbvarsign is not installed; ./test installs it");
        return;
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let bytes = std::fs::read(folder.join("db.auth")).unwrap();
    let anchors = Anchors::built_in().with(&certificate("self-signed"));
    let verification = verified(&bytes, Variable::of_file_name("db.auth"), &anchors);
    assert_eq!(failures(&verification), [""; 0]);
    assert_eq!(
        verification.signatures[0].variable.unwrap().variable,
        Variable::Db
    );
}

#[test]
fn the_variables_of_the_kit_are_what_their_names_say() {
    let kit = "addonkit/Workspace";
    for (folder, entries) in [("Security.SecureBoot", 2), ("Security.SecureBootTest", 5)] {
        for (name, entries) in [("db", entries), ("kek", 2), ("pk", 1)] {
            let path = format!("{kit}/Common/Packages/{folder}/SetVariable_{name}.bin");
            let root = corpus(&format!("{kit}/Certs/Contoso-RootPK.cer"));
            let (Some(bytes), Some(root)) = (corpus(&path), root) else {
                return;
            };
            let root = Certificate::parse(&root, 0).unwrap();
            let anchors = Anchors::built_in().with(&root);
            let variable = Variable::of_file_name(&path);
            for named in [None, variable] {
                let verification = verified(&bytes, named, &anchors);
                assert_eq!(failures(&verification), [""; 0], "{path}");
                let report = &verification.signatures[0];
                assert_eq!(report.anchor().unwrap().class, TrustClass::Named);
                assert_eq!(report.variable.map(|found| found.variable), variable);
            }
            let read = EfiVariable::parse(bytes.clone()).unwrap();
            assert_eq!(read.lists().len(), entries);
            assert!(read.lists().iter().all(|list| list.kind == EntryKind::X509));
            assert_eq!(read.time().to_string()[..10], *"2020-12-15");
            // The signer comes first, and once where it is an entry too.
            let container = Container::read(&mut Cursor::new(&bytes)).unwrap();
            let found = embedded::of_container(&container);
            let own = usize::from(name != "pk");
            assert_eq!(found.len(), entries + own, "{path}");
        }
    }
}

#[test]
fn what_cannot_be_is_an_error_that_names_the_field() {
    let refusal = |bytes: &[u8]| {
        let read = Container::read(&mut Cursor::new(bytes));
        read.unwrap_err().to_string()
    };
    let signature = der::sequence(&[]);
    let good = file(&signature, &list());
    assert!(Container::read(&mut Cursor::new(&good)).is_ok());
    let content = good.len() - list().len();
    for (place, value, field) in [
        (16, 0, "dwLength"),
        (16, 0xff, "CertData"),
        (24, 0, "CertType"),
        (content + 16, 0, "SignatureListSize"),
        (content + 16, 0xff, "SignatureSize"),
        (content + 24, 16, "SignatureSize"),
        (content + 24, 0, "SignatureSize"),
        (content + 20, 0xf0, "SignatureListSize"),
    ] {
        let mut bad = good.clone();
        bad[place] = value;
        let text = refusal(&bad);
        assert!(text.contains(field), "{place}: {text}");
    }
    // A time that no calendar has and bytes behind it are told of, not refused.
    for (place, wanted) in [(2, "TimeStamp"), (9, "TimeStamp")] {
        let mut bad = good.clone();
        bad[place] = 0x40;
        let read = EfiVariable::parse(bad).unwrap();
        assert!(read.canonical_faults()[0].to_string().contains(wanted));
    }
}
