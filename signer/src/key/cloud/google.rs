//! Keys in Google Cloud KMS, by its REST interface.
//!
//! Sources: the reference pages `cryptoKeyVersions.getPublicKey` and `cryptoKeyVersions.asymmetricSign` of Cloud KMS v1, the
//! page about OAuth 2.0 for server to server applications, RFC 7515 and 7523 for its assertions.

use std::sync::Arc;
use std::time::Duration;

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::call::{Call, Caller, check_secure};
use super::token::{self, AccessToken, TokenCache};
use super::{CloudError, check_digest, quoted};
use crate::digest::DigestAlgorithm;
use crate::environment::{Environment, Method};
use crate::identity::private_key;
use crate::key::{KeyError, RemoteKey, SigningKey};
use crate::public_key::{KeyKind, PublicKey};

/// What tokens are asked for.
const SCOPE: &str = "https://www.googleapis.com/auth/cloudkms";
/// How long an assertion is good, in seconds; more than an hour is refused.
const ASSERTION: i64 = 600;

/// Which key, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoogleChoice {
    /// The version's resource name, `projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/1`.
    pub key: String,
    /// The service, `https://cloudkms.googleapis.com`.
    pub endpoint: String,
    /// How long one call may take.
    pub timeout: Duration,
}

/// Who asks.
pub enum GoogleCredentials {
    /// An access token that someone else fetched.
    Token(Zeroizing<String>),
    /// A service account with a key.
    ServiceAccount(ServiceAccount),
    /// The machine itself.
    Metadata {
        /// Where machines ask, `http://metadata.google.internal`.
        endpoint: String,
    },
}

/// A service account with its private key.
pub struct ServiceAccount {
    email: String,
    key_id: String,
    key: SigningKey,
    token_uri: String,
}

impl ServiceAccount {
    /// Reads the JSON file that Google gives out for a service account's key.
    ///
    /// # Errors
    /// [`CloudError::Choice`] says what it is not; it does not repeat what stands in it.
    pub fn read(file: &[u8]) -> Result<Self, CloudError> {
        let wrong = |problem: &str| CloudError::Choice(problem.to_owned());
        let file: Value =
            serde_json::from_slice(file).map_err(|_| wrong("the credentials are no JSON"))?;
        let text = |name: &str| {
            let found = file.get(name).and_then(Value::as_str);
            found.ok_or_else(|| wrong(&format!("the credentials have no {name}")))
        };
        match text("type")? {
            "service_account" => {}
            other => {
                return Err(wrong(&format!(
                    "the credentials are of type {}; service_account can be used, and so can a token in GOOGLE_OAUTH_ACCESS_TOKEN",
                    quoted(other, &[])
                )));
            }
        }
        let pem = text("private_key")?;
        let key = private_key(pem.as_bytes(), None)
            .ok()
            .and_then(|der| SigningKey::from_der(&der).ok())
            .ok_or_else(|| wrong("the private_key of the credentials cannot be read"))?;
        if !matches!(key.kind(), KeyKind::Rsa(_)) {
            return Err(wrong("the private_key of the credentials is no RSA key"));
        }
        let token_uri = text("token_uri")?;
        check_secure(token_uri)?;
        Ok(Self {
            email: text("client_email")?.to_owned(),
            key_id: text("private_key_id")?.to_owned(),
            key,
            token_uri: token_uri.to_owned(),
        })
    }

    /// A JSON Web Token that asks for an access token (RFC 7523).
    fn assertion(&self, now: i64) -> Result<Zeroizing<String>, KeyError> {
        let part = |value: Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
        let header = part(json!({ "alg": "RS256", "kid": self.key_id, "typ": "JWT" }));
        let claims = part(json!({
            "aud": self.token_uri,
            "exp": now.saturating_add(ASSERTION),
            "iat": now,
            "iss": self.email,
            "scope": SCOPE,
        }));
        let signed = format!("{header}.{claims}");
        let signature = self.key.sign(DigestAlgorithm::Sha256, signed.as_bytes())?;
        let signature = Base64UrlUnpadded::encode_string(&signature);
        Ok(Zeroizing::new(format!("{signed}.{signature}")))
    }
}

/// A version of a key.
pub struct GoogleKey {
    service: Service,
    public: PublicKey,
    digest: DigestAlgorithm,
}

/// The service, who asks it, and for which version of a key.
struct Service {
    caller: Caller,
    credentials: GoogleCredentials,
    tokens: TokenCache,
    endpoint: String,
    version: String,
}

impl GoogleKey {
    /// Fetches the public half of the key's version.
    ///
    /// # Errors
    /// [`CloudError`] where the key is not reached, or cannot sign.
    pub fn open(
        choice: &GoogleChoice,
        credentials: GoogleCredentials,
        environment: Arc<dyn Environment>,
    ) -> Result<Self, CloudError> {
        let [project, location, ring, key, version] = resource(&choice.key)?;
        check_secure(&choice.endpoint)?;
        let service = Service {
            caller: Caller {
                key: format!(
                    "key {key}, version {version}, of Google Cloud KMS ({project}, {location}, {ring})"
                ),
                environment,
                timeout: choice.timeout,
            },
            credentials,
            tokens: TokenCache::default(),
            endpoint: choice.endpoint.trim_end_matches('/').to_owned(),
            version: choice.key.clone(),
        };
        let (public, digest) = service.look_up()?;
        Ok(Self {
            service,
            public,
            digest,
        })
    }
}

impl Service {
    /// The public half, and the digest that goes with it.
    fn look_up(&self) -> Result<(PublicKey, DigestAlgorithm), CloudError> {
        let bearer = self.bearer()?;
        let url = format!("{}/v1/{}/publicKey", self.endpoint, self.version);
        let call = Call {
            action: "to show the public key (cloudkms.cryptoKeyVersions.viewPublicKey)",
            server: &self.endpoint,
            method: Method::Get,
            url: &url,
            headers: &[("authorization", &bearer), ("accept", "application/json")],
            body: &[],
            secrets: &[bearer.trim_start_matches("Bearer ")],
        };
        let answer = self.caller.call(&call)?;
        self.check_name(&call, &answer)?;
        let pem = self.caller.text(&call, &answer, "/pem")?;
        self.check_sum(&call, &answer, "pemCrc32c", pem.as_bytes())?;
        let algorithm = self.caller.text(&call, &answer, "/algorithm")?;
        let digest = digest_of(algorithm).ok_or_else(|| {
            self.caller.unsupported(format_args!(
                "has the algorithm {}: RSA_SIGN_PKCS1_... and EC_SIGN_P256_SHA256, EC_SIGN_P384_SHA384 can sign",
                quoted(algorithm, &[])
            ))
        })?;
        let public = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes())
            .map_err(|error| error.to_string())
            .and_then(|spki| PublicKey::from_spki(&spki).map_err(|error| error.to_string()))
            .map_err(|error| {
                self.caller
                    .wrong(&call, format_args!("sent a key that is none: {error}"))
            })?;
        Ok((public, digest))
    }

    fn bearer(&self) -> Result<Zeroizing<String>, CloudError> {
        self.tokens.bearer(&self.caller, || self.fetch_token())
    }

    fn fetch_token(&self) -> Result<AccessToken, CloudError> {
        match &self.credentials {
            GoogleCredentials::Token(secret) => Ok(AccessToken {
                secret: secret.clone(),
                lifetime: None,
            }),
            GoogleCredentials::ServiceAccount(account) => {
                let now = self.caller.environment.now().unix_timestamp();
                let assertion =
                    account
                        .assertion(now)
                        .map_err(|error| CloudError::Credentials {
                            key: self.caller.key.clone(),
                            problem: format!("the service account's key cannot be used: {error}"),
                        })?;
                token::fetch(
                    &self.caller,
                    &account.token_uri,
                    Method::Post,
                    &account.token_uri,
                    &[
                        ("content-type", "application/x-www-form-urlencoded"),
                        ("accept", "application/json"),
                    ],
                    &[
                        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                        ("assertion", &assertion),
                    ],
                    &[&assertion],
                )
            }
            GoogleCredentials::Metadata { endpoint } => {
                let url = format!(
                    "{endpoint}/computeMetadata/v1/instance/service-accounts/default/token"
                );
                let headers = [("metadata-flavor", "Google")];
                token::fetch(
                    &self.caller,
                    endpoint,
                    Method::Get,
                    &url,
                    &headers,
                    &[],
                    &[],
                )
            }
        }
    }

    fn sign(&self, digest: DigestAlgorithm, message: &[u8]) -> Result<Vec<u8>, CloudError> {
        let name = match digest {
            DigestAlgorithm::Sha512 => "sha512",
            DigestAlgorithm::Sha384 => "sha384",
            _ => "sha256",
        };
        let hash = digest.of(message);
        let body = json!({
            "digest": { name: Base64::encode_string(&hash) },
            "digestCrc32c": crc32c(&hash).to_string(),
        })
        .to_string();
        let bearer = self.bearer()?;
        let url = format!("{}/v1/{}:asymmetricSign", self.endpoint, self.version);
        let call = Call {
            action: "to sign (cloudkms.cryptoKeyVersions.useToSign)",
            server: &self.endpoint,
            method: Method::Post,
            url: &url,
            headers: &[
                ("authorization", &bearer),
                ("content-type", "application/json"),
                ("accept", "application/json"),
            ],
            body: body.as_bytes(),
            secrets: &[bearer.trim_start_matches("Bearer ")],
        };
        let answer = self.caller.call(&call)?;
        self.check_name(&call, &answer)?;
        if answer.get("verifiedDigestCrc32c") != Some(&Value::Bool(true)) {
            return Err(self.caller.wrong(
                &call,
                "did not check the digest's checksum: it may have arrived damaged",
            ));
        }
        let signature = Base64::decode_vec(self.caller.text(&call, &answer, "/signature")?)
            .map_err(|_| {
                self.caller
                    .wrong(&call, "sent a signature that is no base64")
            })?;
        self.check_sum(&call, &answer, "signatureCrc32c", &signature)?;
        Ok(signature)
    }

    /// The answer must be about the version that was asked for.
    fn check_name(&self, call: &Call<'_>, answer: &Value) -> Result<(), CloudError> {
        match self.caller.text(call, answer, "/name")? {
            name if name == self.version => Ok(()),
            name => Err(self.caller.wrong(
                call,
                format_args!("answered for another key, {}", quoted(name, &[])),
            )),
        }
    }

    fn check_sum(
        &self,
        call: &Call<'_>,
        answer: &Value,
        name: &'static str,
        bytes: &[u8],
    ) -> Result<(), CloudError> {
        // The interface writes 64-bit numbers as texts.
        let found = self.caller.text(call, answer, &format!("/{name}"))?;
        match found.parse() == Ok(crc32c(bytes)) {
            true => Ok(()),
            false => Err(self.caller.wrong(
                call,
                format_args!("sent an answer that arrived damaged ({name})"),
            )),
        }
    }
}

impl RemoteKey for GoogleKey {
    fn name(&self) -> String {
        self.service.caller.key.clone()
    }

    fn public_key(&self) -> Option<&PublicKey> {
        Some(&self.public)
    }

    fn sign(
        &self,
        kind: KeyKind,
        digest: DigestAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        check_digest(&self.name(), kind, digest)?;
        if digest != self.digest {
            let problem = format!(
                "signs {} alone, not {digest}: its algorithm was chosen when it was made",
                self.digest
            );
            return Err(self.service.caller.unsupported(problem).into());
        }
        Ok(self.service.sign(digest, message)?)
    }
}

/// The digest that goes with an algorithm of a key's version; `None` where signatures are of another form.
fn digest_of(algorithm: &str) -> Option<DigestAlgorithm> {
    match algorithm {
        "EC_SIGN_P256_SHA256" => return Some(DigestAlgorithm::Sha256),
        "EC_SIGN_P384_SHA384" => return Some(DigestAlgorithm::Sha384),
        _ => {}
    }
    match algorithm
        .strip_prefix("RSA_SIGN_PKCS1_")?
        .split_once('_')?
        .1
    {
        "SHA256" => Some(DigestAlgorithm::Sha256),
        "SHA512" => Some(DigestAlgorithm::Sha512),
        _ => None,
    }
}

/// The parts of a version's resource name.
fn resource(name: &str) -> Result<[&str; 5], CloudError> {
    let parts: Vec<&str> = name.split('/').collect();
    let is_name = |part: &&str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        !part.is_empty() && !part.starts_with('.') && part.bytes().all(allowed)
    };
    match parts.as_slice() {
        [
            "projects",
            project,
            "locations",
            location,
            "keyRings",
            ring,
            "cryptoKeys",
            key,
            "cryptoKeyVersions",
            version,
        ] if [project, location, ring, key, version]
            .into_iter()
            .all(is_name) =>
        {
            Ok([project, location, ring, key, version])
        }
        _ => Err(CloudError::Choice(format!(
            "'{name}' is no version of a key in Google Cloud KMS: projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/1 is one"
        ))),
    }
}

/// CRC32C, the checksum of RFC 3720 §12.1.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            let low = sum & 1;
            sum >>= 1;
            if low == 1 {
                sum ^= 0x82f6_3b78;
            }
        }
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3720 §B.4.
    #[test]
    fn checksums_are_those_of_the_standard() {
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        let ascending: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c(&ascending), 0x46dd_794e);
    }

    #[test]
    fn algorithms_name_their_digest() {
        use DigestAlgorithm::{Sha256, Sha384, Sha512};
        for (name, digest) in [
            ("RSA_SIGN_PKCS1_3072_SHA256", Some(Sha256)),
            ("RSA_SIGN_PKCS1_4096_SHA512", Some(Sha512)),
            ("EC_SIGN_P256_SHA256", Some(Sha256)),
            ("EC_SIGN_P384_SHA384", Some(Sha384)),
            ("RSA_SIGN_PSS_2048_SHA256", None),
            ("RSA_SIGN_RAW_PKCS1_2048", None),
            ("EC_SIGN_SECP256K1_SHA256", None),
            ("HMAC_SHA256", None),
        ] {
            assert_eq!(digest_of(name), digest, "{name}");
        }
    }

    #[test]
    fn resource_names_are_checked() {
        let good =
            "projects/p-1/locations/europe-west3/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1";
        assert_eq!(resource(good), Ok(["p-1", "europe-west3", "r", "k", "1"]));
        for wrong in [
            "projects/p/locations/l/keyRings/r/cryptoKeys/k",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/",
            "projects/../locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1?x",
        ] {
            assert!(resource(wrong).is_err(), "{wrong}");
        }
    }
}
