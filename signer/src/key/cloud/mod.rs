//! Keys in the cloud: AWS KMS (feature `aws-kms`), Azure Key Vault, Google Cloud KMS.
//!
//! Each is opened before it signs: its public half is fetched then, so that a key that does not belong to the
//! certificate, or that the credentials do not reach, is an error before any file is touched. The way to the network is
//! the caller's ([`Environment`](crate::environment::Environment)); so are the credentials, but for those of AWS, which
//! its own library finds.

#[cfg(feature = "aws-kms")]
mod aws;
mod azure;
mod call;
mod google;
mod token;

use crate::digest::DigestAlgorithm;
use crate::public_key::KeyKind;

#[cfg(feature = "aws-kms")]
pub use aws::{AwsChoice, AwsKey};
pub use azure::{AzureChoice, AzureCredentials, AzureKey};
pub use google::{GoogleChoice, GoogleCredentials, GoogleKey, ServiceAccount};

/// How long one call may take, with every attempt, where nobody says otherwise.
pub const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(30);

/// Why a key in the cloud does not sign. No variant carries a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloudError {
    /// What the profile says is no key.
    #[error("{0}")]
    Choice(String),
    /// There are no credentials, or none that can be used.
    #[error("{key}: {problem}")]
    Credentials {
        /// Key and service.
        key: String,
        /// What is missing.
        problem: String,
    },
    /// No answer, or none that is one.
    #[error("{key}: {server} {problem}")]
    Answer {
        /// Key and service.
        key: String,
        /// Who was asked.
        server: String,
        /// What happened.
        problem: String,
    },
    /// The service says no.
    #[error("{key}: {server} refused {action}: {said}")]
    Refused {
        /// Key and service.
        key: String,
        /// Who was asked.
        server: String,
        /// For what.
        action: &'static str,
        /// What it said.
        said: String,
    },
    /// The key cannot sign like this.
    #[error("{key} {problem}")]
    Unsupported {
        /// Key and service.
        key: String,
        /// Why not.
        problem: String,
    },
}

/// Refuses a digest that the services do not sign with a key of that kind: each curve has its own.
fn check_digest(key: &str, kind: KeyKind, digest: DigestAlgorithm) -> Result<(), CloudError> {
    let (own, name) = match kind {
        KeyKind::Rsa(_) => return Ok(()),
        KeyKind::P256 => (DigestAlgorithm::Sha256, "sha256"),
        KeyKind::P384 => (DigestAlgorithm::Sha384, "sha384"),
    };
    match digest == own {
        true => Ok(()),
        false => Err(CloudError::Unsupported {
            key: key.to_owned(),
            problem: format!(
                "is {kind} and signs {own} alone, not {digest}: sign with the digest {name}"
            ),
        }),
    }
}

/// Text of a server on one line: without control characters and secrets, cut to 400 characters.
fn quoted(text: &str, secrets: &[&str]) -> String {
    let text: String = without(text, secrets)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    match text.char_indices().nth(400) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// Text without secrets.
fn without(text: &str, secrets: &[&str]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, "(secret)");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_say_is_quoted_without_secrets() {
        let said = quoted(
            "no\r\nentry for \x1b[2J hunter2, hunter2!",
            &["hunter2", ""],
        );
        assert_eq!(said, "no entry for [2J (secret), (secret)!");
        assert_eq!(quoted(&"ä".repeat(500), &[]).chars().count(), 403);
    }

    #[test]
    fn curves_have_their_digests() {
        use DigestAlgorithm::{Sha256, Sha384, Sha512};
        for (kind, digest, good) in [
            (KeyKind::Rsa(3072), Sha512, true),
            (KeyKind::P256, Sha256, true),
            (KeyKind::P256, Sha384, false),
            (KeyKind::P384, Sha384, true),
            (KeyKind::P384, Sha256, false),
        ] {
            assert_eq!(
                check_digest("key", kind, digest).is_ok(),
                good,
                "{kind} {digest}"
            );
        }
    }
}
