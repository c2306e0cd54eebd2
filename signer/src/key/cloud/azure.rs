//! Keys in Azure Key Vault and Managed HSM, by their REST interface.
//!
//! Sources: the reference pages `keys/get-key` and `keys/sign` of the Key Vault REST interface 7.4, RFC 7517 and 7518
//! for the forms of keys and signatures, the pages about client credentials and managed identities for tokens.

use std::sync::Arc;
use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use formats::{der, oid};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::call::{Call, Caller, check_secure};
use super::token::{self, AccessToken, TokenCache, encoded};
use super::{CloudError, check_digest};
use crate::digest::DigestAlgorithm;
use crate::environment::{Environment, Method};
use crate::key::encode::{ecdsa_der, scalar_length, unsigned_integer};
use crate::key::{KeyError, RemoteKey};
use crate::public_key::{KeyKind, PublicKey};

const API_VERSION: &str = "7.4";

/// Which key, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AzureChoice {
    /// The key identifier as Azure shows it, `https://VAULT/keys/NAME` or `https://VAULT/keys/NAME/VERSION`.
    pub key: String,
    /// What tokens are asked for; otherwise the vault's domain, e.g. `https://vault.azure.net`.
    pub resource: Option<String>,
    /// How long one call may take.
    pub timeout: Duration,
}

/// Who asks.
pub enum AzureCredentials {
    /// An access token that someone else fetched.
    Token(Zeroizing<String>),
    /// An application with a secret.
    ClientSecret {
        /// Who gives tokens, e.g. `https://login.microsoftonline.com`.
        authority: String,
        /// The directory.
        tenant: String,
        /// The application.
        client: String,
        /// Its secret.
        secret: Zeroizing<String>,
    },
    /// An application that another issuer vouches for, as build services do.
    Federated {
        /// Who gives tokens.
        authority: String,
        /// The directory.
        tenant: String,
        /// The application.
        client: String,
        /// The issuer's token.
        assertion: Zeroizing<String>,
    },
    /// The machine itself.
    ManagedIdentity {
        /// Where machines ask, `http://169.254.169.254`.
        endpoint: String,
        /// Which identity, where the machine has several.
        client: Option<String>,
    },
}

/// A key in a vault.
pub struct AzureKey {
    vault: Vault,
    /// `NAME/VERSION`.
    path: String,
    public: PublicKey,
}

/// A vault and who asks it.
struct Vault {
    caller: Caller,
    credentials: AzureCredentials,
    tokens: TokenCache,
    resource: String,
    url: String,
}

impl AzureKey {
    /// Fetches the key's public half, and its newest version where none is named.
    ///
    /// # Errors
    /// [`CloudError`] where the key is not reached, or cannot sign.
    pub fn open(
        choice: &AzureChoice,
        credentials: AzureCredentials,
        environment: Arc<dyn Environment>,
    ) -> Result<Self, CloudError> {
        let (vault, path) = identifier(&choice.key)?;
        check_secure(vault)?;
        if let AzureCredentials::ClientSecret { authority, .. }
        | AzureCredentials::Federated { authority, .. } = &credentials
        {
            check_secure(authority)?;
        }
        let resource = match &choice.resource {
            Some(resource) => resource.trim_end_matches('/').to_owned(),
            None => resource_of(vault)?,
        };
        let key = path.trim_start_matches("/keys/");
        let host = vault.split_once("://").map_or(vault, |(_, host)| host);
        let vault = Vault {
            caller: Caller {
                key: format!("key {key} of Azure Key Vault {host}"),
                environment,
                timeout: choice.timeout,
            },
            credentials,
            tokens: TokenCache::default(),
            resource,
            url: vault.to_owned(),
        };
        let (path, public) = vault.look_up(key)?;
        Ok(Self {
            vault,
            path,
            public,
        })
    }
}

impl Vault {
    /// Name and version, and the public half, of a key whose version may be left out.
    fn look_up(&self, asked: &str) -> Result<(String, PublicKey), CloudError> {
        let bearer = self.bearer()?;
        let url = format!("{}/keys/{asked}?api-version={API_VERSION}", self.url);
        let call = Call {
            action: "to show the key (keys/get)",
            server: &self.url,
            method: Method::Get,
            url: &url,
            headers: &[("authorization", &bearer), ("accept", "application/json")],
            body: &[],
            secrets: &secrets(&bearer),
        };
        let answer = self.caller.call(&call)?;
        let path = self.path(&call, asked, self.caller.text(&call, &answer, "/key/kid")?)?;
        if answer.pointer("/attributes/enabled") == Some(&Value::Bool(false)) {
            return Err(self.caller.unsupported("is disabled"));
        }
        if let Some(operations) = answer.pointer("/key/key_ops").and_then(Value::as_array)
            && !operations.iter().any(|operation| operation == "sign")
        {
            return Err(self.caller.unsupported("may not sign (key_ops)"));
        }
        let field = |name: &str| -> Result<Vec<u8>, CloudError> {
            let path = format!("/key/{name}");
            let text = self.caller.text(&call, &answer, &path)?;
            let digits = Base64UrlUnpadded::decode_vec(text.trim_end_matches('='));
            digits.map_err(|_| {
                self.caller.wrong(
                    &call,
                    format_args!("sent a key whose {name} is no base64url"),
                )
            })
        };
        let kind = self.caller.text(&call, &answer, "/key/kty")?;
        let public = match kind {
            "RSA" | "RSA-HSM" => {
                let numbers = [
                    unsigned_integer(&field("n")?),
                    unsigned_integer(&field("e")?),
                ];
                PublicKey::from_rsa(&der::sequence(&[&numbers[0], &numbers[1]]))
            }
            "EC" | "EC-HSM" => {
                let curve = match self.caller.text(&call, &answer, "/key/crv")? {
                    "P-256" => oid::P256,
                    "P-384" => oid::P384,
                    other => {
                        let problem = format!(
                            "is on the curve {}: P-256 and P-384 can sign",
                            super::quoted(other, &[])
                        );
                        return Err(self.caller.unsupported(problem));
                    }
                };
                PublicKey::from_point(curve, &[vec![4], field("x")?, field("y")?].concat())
            }
            other => {
                let problem = format!(
                    "is of type {}: RSA and EC can sign",
                    super::quoted(other, &[])
                );
                return Err(self.caller.unsupported(problem));
            }
        };
        let public = public.map_err(|error| {
            self.caller
                .wrong(&call, format_args!("sent a key that is none: {error}"))
        })?;
        let is_whole = match scalar_length(public.kind()) {
            Some(length) => {
                public.subject_public_key().len() == length.saturating_mul(2).saturating_add(1)
            }
            None => true,
        };
        match is_whole {
            true => Ok((path, public)),
            false => Err(self
                .caller
                .wrong(&call, "sent a point of another curve's length")),
        }
    }

    /// Name and version of a key identifier in an answer, which must be of the key that was asked for.
    fn path(&self, call: &Call<'_>, asked: &str, kid: &str) -> Result<String, CloudError> {
        let found = identifier(kid)
            .ok()
            .map(|(_, path)| path.trim_start_matches("/keys/"));
        let same = |asked: &str, found: &str| match found.split_once('/') {
            Some((name, _)) => asked == found || asked == name,
            None => false,
        };
        match found {
            Some(found) if same(asked, found) => Ok(found.to_owned()),
            _ => Err(self.caller.wrong(
                call,
                format_args!("answered for another key, {}", super::quoted(kid, &[])),
            )),
        }
    }

    fn bearer(&self) -> Result<Zeroizing<String>, CloudError> {
        self.tokens.bearer(&self.caller, || self.fetch_token())
    }

    fn fetch_token(&self) -> Result<AccessToken, CloudError> {
        let scope = format!("{}/.default", self.resource);
        let form_type = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("accept", "application/json"),
        ];
        match &self.credentials {
            AzureCredentials::Token(secret) => Ok(AccessToken {
                secret: secret.clone(),
                lifetime: None,
            }),
            AzureCredentials::ClientSecret {
                authority,
                tenant,
                client,
                secret,
            } => token::fetch(
                &self.caller,
                authority,
                Method::Post,
                &token_url(authority, tenant),
                &form_type,
                &[
                    ("client_id", client),
                    ("scope", &scope),
                    ("client_secret", secret),
                    ("grant_type", "client_credentials"),
                ],
                &[secret],
            ),
            AzureCredentials::Federated {
                authority,
                tenant,
                client,
                assertion,
            } => token::fetch(
                &self.caller,
                authority,
                Method::Post,
                &token_url(authority, tenant),
                &form_type,
                &[
                    ("client_id", client),
                    ("scope", &scope),
                    (
                        "client_assertion_type",
                        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                    ),
                    ("client_assertion", assertion),
                    ("grant_type", "client_credentials"),
                ],
                &[assertion],
            ),
            AzureCredentials::ManagedIdentity { endpoint, client } => {
                let which = match client {
                    Some(client) => format!("&client_id={}", encoded(client)),
                    None => String::new(),
                };
                let url = format!(
                    "{endpoint}/metadata/identity/oauth2/token?api-version=2018-02-01&resource={}{which}",
                    encoded(&self.resource)
                );
                token::fetch(
                    &self.caller,
                    endpoint,
                    Method::Get,
                    &url,
                    &[("metadata", "true")],
                    &[],
                    &[],
                )
            }
        }
    }

    fn sign(
        &self,
        path: &str,
        kind: KeyKind,
        digest: DigestAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, CloudError> {
        check_digest(&self.caller.key, kind, digest)?;
        let algorithm = match (kind, digest) {
            (KeyKind::Rsa(_), DigestAlgorithm::Sha512) => "RS512",
            (KeyKind::Rsa(_), DigestAlgorithm::Sha384) => "RS384",
            (KeyKind::Rsa(_), _) => "RS256",
            (KeyKind::P256, _) => "ES256",
            (KeyKind::P384, _) => "ES384",
        };
        let value = Base64UrlUnpadded::encode_string(&digest.of(message));
        let body = json!({ "alg": algorithm, "value": value }).to_string();
        let bearer = self.bearer()?;
        let url = format!("{}/keys/{path}/sign?api-version={API_VERSION}", self.url);
        let call = Call {
            action: "to sign (keys/sign)",
            server: &self.url,
            method: Method::Post,
            url: &url,
            headers: &[
                ("authorization", &bearer),
                ("content-type", "application/json"),
                ("accept", "application/json"),
            ],
            body: body.as_bytes(),
            secrets: &secrets(&bearer),
        };
        let answer = self.caller.call(&call)?;
        self.path(&call, path, self.caller.text(&call, &answer, "/kid")?)?;
        let text = self.caller.text(&call, &answer, "/value")?;
        let signature =
            Base64UrlUnpadded::decode_vec(text.trim_end_matches('=')).map_err(|_| {
                self.caller
                    .wrong(&call, "sent a signature that is no base64url")
            })?;
        match kind {
            KeyKind::Rsa(_) => Ok(signature),
            _ => ecdsa_der(kind, &signature).ok_or_else(|| {
                let problem = format!("sent a signature of {} bytes for {kind}", signature.len());
                self.caller.wrong(&call, problem)
            }),
        }
    }
}

impl RemoteKey for AzureKey {
    fn name(&self) -> String {
        self.vault.caller.key.clone()
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
        Ok(self.vault.sign(&self.path, kind, digest, message)?)
    }
}

/// The token in a header's value.
fn secrets(bearer: &Zeroizing<String>) -> [&str; 1] {
    [bearer.trim_start_matches("Bearer ")]
}

fn token_url(authority: &str, tenant: &str) -> String {
    let authority = authority.trim_end_matches('/');
    format!("{authority}/{}/oauth2/v2.0/token", encoded(tenant))
}

/// Vault and path of a key identifier, `/keys/NAME` or `/keys/NAME/VERSION`.
fn identifier(key: &str) -> Result<(&str, &str), CloudError> {
    let wrong = || {
        CloudError::Choice(format!(
            "'{key}' is no key of Azure Key Vault: https://VAULT/keys/NAME or https://VAULT/keys/NAME/VERSION is one"
        ))
    };
    let (place, _) = key.match_indices("/keys/").next().ok_or_else(wrong)?;
    let (vault, path) = key.split_at_checked(place).ok_or_else(wrong)?;
    let parts = path.trim_start_matches("/keys/").split('/');
    let is_name = |part: &str| {
        (1..=127).contains(&part.len())
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    match (1..=2).contains(&parts.clone().count()) && parts.clone().all(is_name) {
        true => Ok((vault, path)),
        false => Err(wrong()),
    }
}

/// What tokens for a vault are asked for: its domain, so that no other server gets one that opens the vault.
fn resource_of(vault: &str) -> Result<String, CloudError> {
    const DOMAINS: [&str; 6] = [
        "vault.azure.net",
        "vault.azure.cn",
        "vault.usgovcloudapi.net",
        "managedhsm.azure.net",
        "managedhsm.azure.cn",
        "managedhsm.usgovcloudapi.net",
    ];
    let host = vault.split_once("://").map_or(vault, |(_, host)| host);
    let domain = DOMAINS.iter().find(|domain| {
        host.strip_suffix(**domain)
            .is_some_and(|rest| rest.ends_with('.'))
    });
    domain.map(|domain| format!("https://{domain}")).ok_or_else(|| {
        CloudError::Choice(format!(
            "{host} is no vault's usual name: write resource = \"https://vault.azure.net\", or what tokens for it are asked for"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_identifiers_are_taken_apart() {
        for (key, parts) in [
            (
                "https://a.vault.azure.net/keys/release",
                ("https://a.vault.azure.net", "/keys/release"),
            ),
            (
                "https://a.vault.azure.net/keys/r-1/9885aa55",
                ("https://a.vault.azure.net", "/keys/r-1/9885aa55"),
            ),
        ] {
            assert_eq!(identifier(key), Ok(parts));
        }
        for wrong in [
            "https://a.vault.azure.net/secrets/release",
            "https://a.vault.azure.net/keys/",
            "https://a.vault.azure.net/keys/a/b/c",
            "https://a.vault.azure.net/keys/a?x=1",
            "https://a.vault.azure.net/keys/../x",
            "release",
        ] {
            assert!(identifier(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn tokens_are_asked_for_the_vaults_own_domain() {
        let resource = |vault| resource_of(vault).ok();
        assert_eq!(
            resource("https://a.vault.azure.net").as_deref(),
            Some("https://vault.azure.net")
        );
        assert_eq!(
            resource("https://a.managedhsm.azure.net").as_deref(),
            Some("https://managedhsm.azure.net")
        );
        assert_eq!(resource("https://evilvault.azure.net"), None);
        assert_eq!(resource("https://vault.azure.net.example"), None);
    }
}
