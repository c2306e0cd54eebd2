//! Others are told of decisions: by POST, signed as Standard Webhooks 1.0 has it, again and again until they answer.
//!
//! What is to be told follows from the log. An entry is committed with the decision that it tells of, so nothing is told
//! that was not decided, and nothing is forgotten: how far the log was looked through is kept beside the messages that
//! came of it, and changes with them. A message is told at least once; its id says which it is.

mod deliver;
mod row;

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use base64ct::{Base64, Encoding};
use ring::hmac;
use serde::Deserialize;
use signer::environment::may_carry_secrets;
use zeroize::Zeroizing;

use crate::audit::{Decision, Entry};

pub(crate) use deliver::keep_up;
pub(crate) use row::{SCHEMA, waiting};

/// How secrets begin.
const PREFIX: &str = "whsec_";
/// Bytes of a secret.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// `[[service.webhook]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WebhookConfig {
    /// What it is called; under another name it is a new one, which learns of what is decided from then on.
    pub name: String,
    /// Who is told.
    pub url: String,
    /// The variable that holds the secret.
    pub secret_env: Option<String>,
    /// The file that holds the secret.
    pub secret_file: Option<PathBuf>,
    /// Of what; by themselves of what becomes of files and requests.
    #[serde(default = "usual")]
    pub events: BTreeSet<Decision>,
    /// Of which profiles; by themselves of all.
    #[serde(default)]
    pub profiles: BTreeSet<String>,
}

fn usual() -> BTreeSet<Decision> {
    BTreeSet::from([
        Decision::Signed,
        Decision::Refused,
        Decision::Requested,
        Decision::Approved,
        Decision::Rejected,
        Decision::Cancelled,
        Decision::Expired,
    ])
}

/// Why a webhook cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// Everybody on the way could read it.
    #[error("webhook '{0}': its address is neither https nor on this machine")]
    Address(String),
    /// The secret is none.
    #[error("webhook '{0}': its secret is no '{PREFIX}' with 24 to 64 bytes as base64 behind it")]
    Secret(String),
}

/// Who is told, with the key of the signatures.
pub struct Webhook {
    config: WebhookConfig,
    key: hmac::Key,
}

impl Webhook {
    /// A webhook with its secret.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub fn new(config: WebhookConfig, secret: &str) -> Result<Self, WebhookError> {
        if !may_carry_secrets(&config.url) {
            return Err(WebhookError::Address(config.name));
        }
        let bytes = secret.trim().strip_prefix(PREFIX);
        let bytes = bytes.and_then(|text| Base64::decode_vec(text).ok());
        let bytes = bytes.map(Zeroizing::new);
        match bytes.filter(|bytes| LENGTHS.contains(&bytes.len())) {
            None => Err(WebhookError::Secret(config.name)),
            Some(bytes) => Ok(Self {
                config,
                key: hmac::Key::new(hmac::HMAC_SHA256, &bytes),
            }),
        }
    }

    fn name(&self) -> &str {
        &self.config.name
    }

    /// Whether it is told of a decision.
    fn wants(&self, entry: &Entry) -> bool {
        let profiles = &self.config.profiles;
        let of_profile = entry
            .profile
            .as_ref()
            .is_some_and(|name| profiles.contains(name));
        self.config.events.contains(&entry.decision) && (profiles.is_empty() || of_profile)
    }

    /// The signature of a message that is sent at a time, in seconds since 1970.
    fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(format!("{id}.{seconds}.").as_bytes());
        context.update(body);
        format!("v1,{}", Base64::encode_string(context.sign().as_ref()))
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Webhook({})", self.config.name)
    }
}

/// What is told of an entry: its bytes as the log has them, with the number under which its proof is found.
fn body(log: &str, index: u64, entry: &Entry, bytes: &[u8]) -> Option<Vec<u8>> {
    let entry_text = std::str::from_utf8(bytes).ok()?;
    let (kind, time) = (entry.decision.name(), &entry.time);
    let log = serde_json::to_string(log).ok()?;
    let text = format!(
        r#"{{"type":"{kind}","timestamp":"{time}","data":{{"log":{log},"index":{index},"entry":{entry_text}}}}}"#
    );
    Some(text.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> WebhookConfig {
        WebhookConfig {
            name: "chat".to_owned(),
            url: "https://chat.example/hook".to_owned(),
            secret_env: None,
            secret_file: None,
            events: usual(),
            profiles: BTreeSet::from(["retail".to_owned()]),
        }
    }

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn messages_are_signed_as_the_specification_shows_it() {
        // The example of the specification's libraries.
        let webhook = Webhook::new(config(), SECRET).unwrap();
        let signature = webhook.sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(!format!("{webhook:?}").contains("whsec"));
    }

    #[test]
    fn secrets_and_addresses_are_checked() {
        for secret in [
            "",
            "whsec_",
            "whsec_YQ==",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_???",
        ] {
            let wrong = Webhook::new(config(), secret).unwrap_err();
            assert_eq!(wrong, WebhookError::Secret("chat".to_owned()), "{secret}");
        }
        for (url, good) in [
            ("http://127.0.0.1:1/", true),
            ("http://localhost/x", true),
            ("http://chat.example/", false),
            ("ftp://127.0.0.1/", false),
            ("http://127.0.0.1@chat.example/", false),
        ] {
            let url = url.to_owned();
            let made = Webhook::new(
                WebhookConfig {
                    url: url.clone(),
                    ..config()
                },
                SECRET,
            );
            assert_eq!(made.is_ok(), good, "{url}");
        }
    }

    #[test]
    fn a_webhook_is_told_of_what_it_asked_for() {
        let webhook = Webhook::new(config(), SECRET).unwrap();
        let mut entry = Entry::new(
            "2026-01-01T00:00:00.000Z".to_owned(),
            Decision::Signed,
            "token:a".to_owned(),
        );
        assert!(!webhook.wants(&entry), "of no profile");
        entry.profile = Some("retail".to_owned());
        assert!(webhook.wants(&entry));
        let bytes = entry.bytes().unwrap();
        let told: serde_json::Value =
            serde_json::from_slice(&body("l\"og", 7, &entry, &bytes).unwrap()).unwrap();
        assert_eq!(
            (&told["type"], &told["data"]["index"]),
            (&"signed".into(), &7.into())
        );
        assert_eq!(told["data"]["entry"]["principal"], "token:a");
        entry.decision = Decision::WindowOpened;
        assert!(!webhook.wants(&entry));
    }
}
