//! Keys that someone else holds: found by their public half, and never believed.

use std::io::Cursor;

use signer::digest::DigestAlgorithm;
use signer::identity::{Identity, IdentityError};
use signer::key::{KeyError, RemoteKey, SigningKey};
use signer::public_key::{KeyKind, PublicKey};
use signer::sign::{SignError, SignOptions, sign};

use crate::support::{certificate, failures, identity, read, signed, small_cabinet, verified};

/// What goes wrong with a signature on its way back.
type Fault = fn(Vec<u8>) -> Vec<u8>;

/// A holder that signs with a key in memory, and tells its public half or not.
struct Holder {
    identity: Identity,
    public: Option<PublicKey>,
    fault: Option<Fault>,
}

impl RemoteKey for Holder {
    fn name(&self) -> String {
        "key 7 of the test".to_owned()
    }

    fn public_key(&self) -> Option<&PublicKey> {
        self.public.as_ref()
    }

    fn sign(
        &self,
        kind: KeyKind,
        digest: DigestAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        assert_eq!(kind, self.identity.key().kind());
        let signature = self.identity.key().sign(digest, message)?;
        Ok(match self.fault {
            Some(fault) => fault(signature),
            None => signature,
        })
    }
}

fn holder(name: &str) -> Holder {
    Holder {
        identity: identity(name),
        public: None,
        fault: None,
    }
}

fn telling(name: &str) -> Holder {
    let public = PublicKey::from_spki(&certificate(name).public_key).unwrap();
    Holder {
        public: Some(public),
        ..holder(name)
    }
}

fn problem(identity: &Identity) -> KeyError {
    let cabinet = small_cabinet();
    let mut input = Cursor::new(&cabinet);
    let container = read(&cabinet);
    match sign(&container, &mut input, identity, &SignOptions::default()) {
        Err(SignError::Key(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_remote_key_signs_as_one_in_memory_does() {
    for name in ["oem", "rsa4096", "ecdsa-p256", "ecdsa-p384"] {
        let chain = vec![certificate("intermediate"), certificate(name)];
        for key in [holder(name), telling(name)] {
            let remote = Identity::remote(Box::new(key), chain.clone()).unwrap();
            assert_eq!(remote.leaf(), &certificate(name));
            let cabinet = signed(&small_cabinet(), &remote);
            assert_eq!(cabinet, signed(&small_cabinet(), &identity(name)), "{name}");
            assert_eq!(failures(&verified(&cabinet)), [""; 0]);
            let printed = format!("{remote:?}");
            assert!(printed.contains("key 7 of the test"), "{printed}");
        }
    }
}

#[test]
fn the_certificate_must_be_clear_and_the_keys_own() {
    let find = |key: Holder, names: &[&str]| {
        let certificates = names.iter().map(|name| certificate(name)).collect();
        Identity::remote(Box::new(key), certificates).map(|identity| identity.leaf().clone())
    };
    let app = certificate("app");
    assert_eq!(find(telling("app"), &["oem", "app"]), Ok(app));
    assert_eq!(
        find(telling("app"), &["oem", "intermediate"]),
        Err(IdentityError::KeyMismatch(2))
    );
    assert_eq!(
        find(holder("app"), &["oem", "app", "intermediate"]),
        Err(IdentityError::AmbiguousLeaf(2))
    );
    assert!(matches!(
        find(telling("oem"), &["rsa1024"]),
        Err(IdentityError::KeyMismatch(1))
    ));
}

#[test]
fn a_signature_of_another_key_or_a_fault_is_named() {
    let wrong = Identity::remote(Box::new(holder("app")), vec![certificate("oem")]).unwrap();
    let error = problem(&wrong);
    assert!(matches!(error, KeyError::WrongSignature { .. }));
    assert!(error.to_string().contains("key 7 of the test"), "{error}");
    let faults: [Fault; 3] = [
        |mut signature| {
            signature[20] ^= 1;
            signature
        },
        |_| Vec::new(),
        |signature| signature[1..].to_vec(),
    ];
    for name in ["oem", "ecdsa-p256", "ecdsa-p384"] {
        for fault in faults {
            let mut key = holder(name);
            key.fault = Some(fault);
            let faulting = Identity::remote(Box::new(key), vec![certificate(name)]).unwrap();
            assert!(matches!(
                problem(&faulting),
                KeyError::WrongSignature { .. }
            ));
        }
    }
}

#[test]
fn only_keys_and_digests_that_windows_takes_sign() {
    let public = PublicKey::from_spki(&certificate("rsa1024").public_key).unwrap();
    let short = SigningKey::remote(Box::new(holder("oem")), public);
    assert!(matches!(short, Err(KeyError::Unsupported(_))));
    for name in ["ecdsa-p256", "ecdsa-p384"] {
        let refused = identity(name).key().sign(DigestAlgorithm::Sha512, b"x");
        assert!(matches!(refused, Err(KeyError::Unsupported(_))));
    }
    let refused = identity("oem").key().sign(DigestAlgorithm::Sha1, b"x");
    assert!(matches!(refused, Err(KeyError::Unsupported(_))));
}
