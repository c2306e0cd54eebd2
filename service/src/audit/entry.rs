//! What an entry tells: who, what, which key, which policy, which report.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
    pub fn bytes(&self) -> Vec<u8> {
        // Text, numbers and maps with text as keys: nothing that JSON cannot say.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_one_form() {
        let mut entry = Entry::new(
            "2026-01-31T12:00:00.000Z".to_owned(),
            Decision::WindowOpened,
            "token:ci".to_owned(),
        );
        entry.claims = serde_json::json!({ "ref": "main", "a": 1 });
        let text = String::from_utf8(entry.bytes()).unwrap();
        assert_eq!(
            text,
            r#"{"time":"2026-01-31T12:00:00.000Z","decision":"window-opened","principal":"token:ci","claims":{"a":1,"ref":"main"}}"#
        );
        assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry);
    }
}
