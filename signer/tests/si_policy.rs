//! Code-integrity policies: signed as signtool signs them, and those of the add-on kit.

use std::process::Command;

use formats::certificate::Certificate;
use formats::der;
use formats::oid;
use formats::signed_data::SignedData;
use signer::anchor::{Anchors, Purpose, TrustClass};
use signer::sign::{IfSigned, Job, Placement, SignError, SignOptions, sign_bytes, sign_file};

use crate::oracle::Oracle;
use crate::support::{
    corpus, failures, identity, now, read, signed, signed_with, small_cabinet, small_policy,
    verified, verified_at,
};

/// Version 1, one digest algorithm, the policy in an OCTET STRING, two signed attributes, nothing unsigned.
#[test]
fn the_shape_is_that_of_signtool() {
    let options = SignOptions {
        attributes: signer::cms::Attributes {
            program_name: Some("ignored".to_owned()),
            ..Default::default()
        },
        ..SignOptions::default()
    };
    let bytes = signed_with(&small_policy(), &identity("oem"), &options);
    let read = SignedData::read(&bytes, 0).unwrap();
    assert_eq!((read.version, read.content_type), (1, oid::SIPOLICY));
    let content = read.content.unwrap();
    assert_eq!(content.tag, der::OCTET_STRING);
    assert_eq!(content.value, small_policy());
    let [signer] = read.signer_infos.as_slice() else {
        panic!("{} signers", read.signer_infos.len())
    };
    let attributes = &signer.signed_attributes.as_ref().unwrap().attributes;
    let kinds: Vec<_> = attributes.iter().map(|attribute| attribute.kind).collect();
    assert_eq!(kinds, [oid::CONTENT_TYPE, oid::MESSAGE_DIGEST]);
    assert_eq!(signer.unsigned_attributes, None);
}

#[test]
fn openssl_accepts_ours_and_gives_the_policy_back() {
    let Some(oracle) = Oracle::find() else {
        return;
    };
    let folder = oracle.folder();
    for name in ["oem", "rsa4096", "ecdsa-p256", "no-eku"] {
        std::fs::write(
            folder.join("in.p7b"),
            signed(&small_policy(), &identity(name)),
        )
        .unwrap();
        let output = Command::new("openssl")
            .args([
                "cms", "-verify", "-binary", "-inform", "DER", "-in", "in.p7b",
            ])
            .args(["-CAfile", "root.pem", "-purpose", "any", "-out", "out.bin"])
            .current_dir(folder)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {text}");
        let payload = std::fs::read(folder.join("out.bin")).unwrap();
        assert_eq!(payload, small_policy(), "{name}");
    }
}

/// Who signs policies needs no certificate for code, and may not be one whose key is for something else.
#[test]
fn no_extended_key_usage_is_asked_for() {
    for (name, wanted) in [
        ("oem", [""; 0].as_slice()),
        ("no-eku", &[]),
        ("wrong-eku", &[]),
        ("wrong-key-usage", &["wrong-usage"]),
        ("expired", &["expired"]),
        ("self-signed", &["unknown-root"]),
    ] {
        let bytes = signed(&small_policy(), &identity(name));
        assert_eq!(failures(&verified(&bytes)), wanted, "{name}");
    }
    let objections = |purpose| identity("no-eku").objections(now(), &Anchors::built_in(), purpose);
    assert_eq!(objections(Purpose::Code).len(), 2);
    assert_eq!(objections(Purpose::Policy).len(), 1);
}

#[test]
fn another_signature_replaces_is_refused_or_is_no_nested_one() {
    let folder = tempfile::tempdir().unwrap();
    let [source, target] = ["policy.p7b", "out.p7b"].map(|name| folder.path().join(name));
    let once = signed(&small_policy(), &identity("rsa4096"));
    std::fs::write(&source, &once).unwrap();
    let (identity, options) = (identity("oem"), SignOptions::default());
    let run = |if_signed| {
        let job = Job {
            identity: &identity,
            options: &options,
            if_signed,
            stamping: None,
        };
        sign_file(&source, &target, job).map(|signed| signed.action.name())
    };
    let error = run(IfSigned::Append).unwrap_err();
    assert!(matches!(error, SignError::NotNestable(_)), "{error}");
    assert!(
        error.to_string().contains("code-integrity policy"),
        "{error}"
    );
    assert!(matches!(run(IfSigned::Fail), Err(SignError::SignedAlready)));
    assert!(!target.exists());
    assert_eq!(run(IfSigned::Skip).unwrap(), "skipped");
    assert_eq!(std::fs::read(&target).unwrap(), once);
    assert_eq!(run(IfSigned::Replace).unwrap(), "replaced");
    let again = std::fs::read(&target).unwrap();
    assert_eq!(again, signed(&small_policy(), &identity));

    let nest = SignOptions {
        placement: Placement::Nest,
        ..SignOptions::default()
    };
    let job = |options| Job {
        identity: &identity,
        options,
        if_signed: IfSigned::Append,
        stamping: None,
    };
    assert!(sign_bytes(&once, job(&nest)).is_err());
    let (first, _) = sign_bytes(&small_policy(), job(&nest)).unwrap();
    assert_eq!(first, again);
}

/// A content that is no policy, and a policy under the type of another content.
#[test]
fn what_is_no_policy_is_refused_by_name() {
    let draft = |kind, content: &[u8]| {
        let digest = signer::digest::DigestAlgorithm::Sha256;
        let draft = signer::cms::Draft::plain(kind, content, digest, None).unwrap();
        draft.sign(&identity("oem")).unwrap()
    };
    let refusal = |bytes: &[u8]| {
        let mut input = std::io::Cursor::new(bytes);
        let read = formats::container::Container::read(&mut input);
        read.unwrap_err().to_string()
    };
    let text = refusal(&draft(oid::SIPOLICY, &der::octet_string(&[9; 100])));
    assert!(text.contains("SIPolicy.formatVersion"), "{text}");
    let text = refusal(&draft(oid::SIPOLICY, &der::sequence(&[])));
    assert!(text.contains("content with tag 0x30"), "{text}");
    let text = refusal(&draft(oid::DATA, &der::octet_string(&small_policy())));
    assert!(text.contains("1.2.840.113549.1.7.1"), "{text}");
    assert!(text.contains("code-integrity policy"), "{text}");
    for length in 0..68 {
        let text = refusal(&small_policy()[..length]);
        assert!(text.starts_with("file.magic"), "{length}: {text}");
    }
}

/// The kit's policies chain to the kit's own roots, which nobody trusts who does not name them.
#[test]
fn the_policies_of_the_kit_verify_under_their_named_roots() {
    let kit = "addonkit/Workspace";
    for folder in ["Security.DeviceGuard", "Security.DeviceGuardTest"] {
        for (name, root) in [
            ("SIPolicyAudit", "Contoso-RootPK"),
            ("SIPolicyEnforce", "Contoso-RootPK"),
            ("SIPolicyAudit-Old", "OEM-Root"),
            ("SIPolicyEnforce-Old", "OEM-Root"),
        ] {
            let path = format!("{kit}/Common/Packages/{folder}/{name}.p7b");
            let (Some(bytes), Some(root)) =
                (corpus(&path), corpus(&format!("{kit}/Certs/{root}.cer")))
            else {
                return;
            };
            let alone = verified(&bytes);
            assert!(matches!(
                failures(&alone)[..],
                ["missing-issuer" | "unknown-root"]
            ));
            let root = Certificate::parse(&root, 0).unwrap();
            let anchors = Anchors::built_in().with(&root);
            let verification = verified_at(&bytes, now(), &anchors);
            assert_eq!(failures(&verification), [""; 0], "{path}");
            let report = &verification.signatures[0];
            assert_eq!(report.anchor().unwrap().class, TrustClass::Named);
            assert!(report.published_key.is_some(), "{path}");
            // Signed anew, the policy is the same.
            let ours = signed(&bytes, &identity("oem"));
            assert!(verified(&ours).holds());
            let policy = |bytes: &[u8]| match read(bytes) {
                formats::container::Container::SiPolicy(policy) => {
                    policy.policy().unwrap().0.to_vec()
                }
                other => panic!("{}", other.format()),
            };
            assert_eq!(policy(&ours), policy(&bytes));
        }
    }
}

/// A certificate for policies is not thereby one for code.
#[test]
fn a_signer_of_policies_signs_no_code() {
    let cabinet = signed(&small_cabinet(), &identity("no-eku"));
    assert_eq!(failures(&verified(&cabinet)), ["wrong-usage"]);
}
