//! An OpenID Connect issuer of the test's own: its keys in a file, its tokens signed here.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};
use signer::digest::DigestAlgorithm;
use signer::identity::Identity;

use crate::support::testcert;

/// What the tests call it.
pub(super) const ISSUER: &str = "https://issuer.example";

/// An issuer that signs with the key of a test certificate.
pub(super) struct Issuer {
    identity: Identity,
}

impl Issuer {
    /// An issuer, whose keys are written into `jwks.json` of a folder.
    pub(super) fn new(folder: &Path) -> Self {
        let pfx = std::fs::read(testcert("oem.pfx")).unwrap();
        let identity = Identity::from_pfx(&pfx, "").unwrap();
        let [n, e] = numbers(&identity);
        let keys =
            json!({ "keys": [{ "kty": "RSA", "kid": "one", "use": "sig", "n": n, "e": e }] });
        std::fs::write(folder.join("jwks.json"), keys.to_string()).unwrap();
        Self { identity }
    }

    /// A token of a job of this repository.
    pub(super) fn token(&self, subject: &str, repository: &str) -> String {
        self.sign(
            &json!({ "alg": "RS256", "kid": "one" }),
            &claims(subject, repository),
        )
    }

    /// A token with this head and these claims.
    pub(super) fn sign(&self, head: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", encoded(head), encoded(claims));
        let signature = self
            .identity
            .key()
            .sign(DigestAlgorithm::Sha256, message.as_bytes());
        format!(
            "{message}.{}",
            Base64UrlUnpadded::encode_string(&signature.unwrap())
        )
    }

    /// The modulus, as a key file has it: what a forger would use as a shared secret.
    pub(super) fn public_key(&self) -> Vec<u8> {
        self.identity.leaf().public_key.to_vec()
    }
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// The claims of a token that holds for five minutes.
pub(super) fn claims(subject: &str, repository: &str) -> Value {
    json!({
        "iss": ISSUER,
        "aud": "proofmark",
        "sub": subject,
        "repository": repository,
        "nbf": now() - 5,
        "exp": now() + 300,
    })
}

/// JSON as a part of a token.
pub(super) fn encoded(value: &Value) -> String {
    Base64UrlUnpadded::encode_string(value.to_string().as_bytes())
}

/// Modulus and exponent of the public key, from the two integers at its end.
fn numbers(identity: &Identity) -> [String; 2] {
    let spki = &identity.leaf().public_key;
    let public = signer::public_key::PublicKey::from_spki(spki).unwrap();
    let mut sequence = formats::der::Reader::new("RSAPublicKey", public.subject_public_key(), 0);
    let mut numbers = sequence
        .expect("RSAPublicKey", formats::der::SEQUENCE)
        .unwrap()
        .reader("RSAPublicKey");
    ["modulus", "exponent"].map(|name| {
        let number = numbers.expect(name, formats::der::INTEGER).unwrap().value;
        let first = number
            .iter()
            .position(|byte| *byte != 0)
            .unwrap_or_default();
        Base64UrlUnpadded::encode_string(&number[first..])
    })
}
