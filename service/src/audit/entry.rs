//! What an entry tells: who, what, which key, which policy, which report; and the one way to write it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::tile::MAX_ENTRY;

/// Why bytes are no entry, or an entry has no bytes.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// Longer than the bundles of a tiled log allow.
    #[error("the entry has {0} bytes, {MAX_ENTRY} are allowed")]
    TooLong(usize),
    /// It is not JSON of this form.
    #[error("no entry of this log: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It is written in another way than the one that there is, or by a later program that tells more.
    #[error("the entry is not written in the one way that there is for it")]
    NotCanonical,
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// A file or a digest was signed.
    Signed,
    /// A file did not pass the policy.
    Refused,
    /// A request waits for approval.
    Requested,
    /// A person agreed to a request.
    Approved,
    /// A person refused a request.
    Rejected,
    /// Whoever made a request took it back.
    Cancelled,
    /// Nobody decided in time.
    Expired,
    /// A principal may sign for some time.
    WindowOpened,
    /// A principal may no longer.
    WindowRevoked,
    /// A token was made.
    TokenCreated,
    /// A token was revoked.
    TokenRevoked,
    /// A profile has another policy than when the service last ran.
    PolicyChanged,
    /// A profile has another key than when the service last ran.
    KeyChanged,
    /// Other credentials count than when the service last ran, or for something else.
    AccessChanged,
}

impl Decision {
    /// Its name in entries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Refused => "refused",
            Self::Requested => "requested",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::WindowOpened => "window-opened",
            Self::WindowRevoked => "window-revoked",
            Self::TokenCreated => "token-created",
            Self::TokenRevoked => "token-revoked",
            Self::PolicyChanged => "policy-changed",
            Self::KeyChanged => "key-changed",
            Self::AccessChanged => "access-changed",
        }
    }
}

/// A file, or what stands for one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// SHA-256 of all its bytes, hexadecimal.
    pub sha256: String,
    /// Length in bytes.
    pub size: u64,
    /// Format, e.g. `cabinet`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// The name that the client gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The policy that judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyVersion {
    /// Type of image.
    pub image: String,
    /// SHA-256 over all levels in force, hexadecimal.
    pub sha256: String,
}

/// One decision. Its JSON, in the order of these fields and without blanks, is what the log holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When, RFC 3339 with milliseconds, UTC.
    pub time: String,
    /// What was decided.
    pub decision: Decision,
    /// Who asked, e.g. `token:ci` or `oidc:https://issuer.example#subject`.
    pub principal: String,
    /// What the principal's credential claims, as far as rules look at it.
    #[serde(skip_serializing_if = "Value::is_null", default)]
    pub claims: Value,
    /// The profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// SHA-256 thumbprint of the certificate, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The policy that judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyVersion>,
    /// What came in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Subject>,
    /// What goes out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Subject>,
    /// SHA-256 of the lint report as JSON, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
    /// The request that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Why, in the words of whoever decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Entry {
    /// An entry that tells no more than when, what and who.
    pub fn new(time: String, decision: Decision, principal: String) -> Self {
        Self {
            time,
            decision,
            principal,
            claims: Value::Null,
            profile: None,
            key: None,
            policy: None,
            input: None,
            output: None,
            report: None,
            request: None,
            reason: None,
        }
    }

    /// The bytes that the log holds.
    ///
    /// # Errors
    /// [`EntryError::TooLong`]; and where they would not be read back as they are.
    pub fn bytes(&self) -> Result<Vec<u8>, EntryError> {
        let bytes = serde_json::to_vec(self)?;
        Self::parse(&bytes)?;
        Ok(bytes)
    }

    /// Reads what the log holds, which must be written as entries are.
    ///
    /// # Errors
    /// [`EntryError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        if bytes.len() > MAX_ENTRY {
            return Err(EntryError::TooLong(bytes.len()));
        }
        let entry: Self = serde_json::from_slice(bytes)?;
        match serde_json::to_vec(&entry)? == bytes {
            true => Ok(entry),
            false => Err(EntryError::NotCanonical),
        }
    }

    /// The hashes by which it is found: those of what came in and of what went out.
    pub fn digests(&self) -> impl Iterator<Item = &str> {
        let input = self.input.as_ref().map(|subject| subject.sha256.as_str());
        let output = self.output.as_ref().map(|subject| subject.sha256.as_str());
        input
            .into_iter()
            .chain(output.filter(|output| Some(*output) != input))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        let mut entry = Entry::new(
            "2026-01-31T12:00:00.000Z".to_owned(),
            Decision::WindowOpened,
            "token:ci".to_owned(),
        );
        entry.claims = serde_json::json!({ "ref": "main", "a": 1 });
        entry
    }

    #[test]
    fn an_entry_has_one_form() {
        let text = String::from_utf8(entry().bytes().unwrap()).unwrap();
        assert_eq!(
            text,
            r#"{"time":"2026-01-31T12:00:00.000Z","decision":"window-opened","principal":"token:ci","claims":{"a":1,"ref":"main"}}"#
        );
        assert_eq!(Entry::parse(text.as_bytes()).unwrap(), entry());
        for other in [
            text.replace(':', ": "),
            text.replace(r#""a":1,"ref":"main""#, r#""ref":"main","a":1"#),
            text.replace(r#""claims""#, r#""profile":null,"claims""#),
            text.replace("ci", "\\u0063i"),
            text.replace(r#""a":1"#, r#""a":1,"a":1"#),
            text.replace(r#","claims""#, r#","more":1,"claims""#),
            format!("{text}\n"),
        ] {
            assert!(Entry::parse(other.as_bytes()).is_err(), "{other}");
        }
    }

    #[test]
    fn it_is_found_by_its_hashes_and_never_too_long() {
        let subject = |sha256: &str| Subject {
            sha256: sha256.to_owned(),
            size: 1,
            format: None,
            name: None,
        };
        let mut found = entry();
        found.input = Some(subject("aa"));
        assert!(found.digests().eq(["aa"]));
        found.output = Some(subject("aa"));
        assert!(found.digests().eq(["aa"]));
        found.output = Some(subject("bb"));
        assert!(found.digests().eq(["aa", "bb"]));
        found.reason = Some("a".repeat(MAX_ENTRY));
        assert!(matches!(found.bytes(), Err(EntryError::TooLong(_))));
    }
}
