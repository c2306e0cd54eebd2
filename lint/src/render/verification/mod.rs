//! What a verification found, as text and JSON: one record per file, one outcome per check.

mod text;

use serde_json::{Value, json};
use signer::anchor::{Anchor, TrustClass};
use signer::chain::Chain;
use signer::clock::rfc3339;
use signer::cross_certificate;
use signer::digest::hex;
use signer::identity::thumbprint;
use signer::verify::{Outcome, SignatureReport, Verification};

use super::{chain, revocation};

pub use text::{text, text_of};

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// The outcome of every check.
    Outcomes,
    /// That, and how each chain was found.
    Chains,
}

/// What a file must be besides intact.
#[derive(Debug, Clone, Copy)]
pub struct Requirement {
    /// Which anchors are accepted.
    pub class: Option<ClassRequirement>,
    /// Which of several signatures must hold.
    pub signatures: SignatureRequirement,
}

/// Which anchors are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassRequirement {
    /// Production classes and named roots, no published key.
    Retail,
    /// Test classes.
    Test,
}

/// Which of several signatures must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureRequirement {
    /// Every one.
    All,
    /// The first.
    First,
    /// At least one.
    Any,
}

/// One file and what was found.
#[derive(Debug)]
pub struct FileRecord {
    file: String,
    result: Result<Verification, String>,
    requirement: Requirement,
}

/// The verdict on a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Verified,
    Failed,
    Unsigned,
    /// Signed and intact, by a signer of another class than required.
    Refused,
    Error,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Failed => "failed",
            Self::Unsigned => "unsigned",
            Self::Refused => "refused",
            Self::Error => "error",
        }
    }
}

impl FileRecord {
    /// The record of a file that was verified, or could not be read.
    pub fn new(
        file: String,
        result: Result<Verification, String>,
        requirement: Requirement,
    ) -> Self {
        Self {
            file,
            result,
            requirement,
        }
    }

    /// Whether the file is what was required.
    pub fn is_accepted(&self) -> bool {
        self.status() == Status::Verified
    }

    /// The record as JSON; the names are documented in `docs/json.md` and stay.
    pub fn json(&self, detail: Detail) -> Value {
        let status = self.status().name();
        match &self.result {
            Err(error) => json!({ "file": self.file, "status": status, "error": error }),
            Ok(verification) => {
                let signatures = &verification.signatures;
                json!({
                    "file": self.file,
                    "status": status,
                    "format": verification.format.name(),
                    "class": signatures.first().and_then(class_of).map(TrustClass::name),
                    "signatures": signatures.iter().map(|s| signature(self, s, detail)).collect::<Value>(),
                })
            }
        }
    }

    fn status(&self) -> Status {
        let Ok(verification) = &self.result else {
            return Status::Error;
        };
        let signatures = &verification.signatures;
        if signatures.is_empty() {
            return Status::Unsigned;
        }
        let holding = |report: &&SignatureReport| report.holds();
        let accepted = |report: &&SignatureReport| self.refusal(report).is_none();
        let both = |report: &&SignatureReport| holding(report) && accepted(report);
        let (holds, fits) = match self.requirement.signatures {
            SignatureRequirement::All => (
                signatures.iter().all(SignatureReport::holds),
                signatures.iter().all(|report| accepted(&report)),
            ),
            SignatureRequirement::First => (
                signatures.first().is_some_and(SignatureReport::holds),
                signatures.first().is_some_and(|report| accepted(&report)),
            ),
            SignatureRequirement::Any => (
                signatures.iter().any(SignatureReport::holds),
                signatures.iter().any(|report| both(&report)),
            ),
        };
        match (holds, fits) {
            (false, _) => Status::Failed,
            (true, false) => Status::Refused,
            (true, true) => Status::Verified,
        }
    }

    /// Why a signature is not of the required class.
    fn refusal(&self, report: &SignatureReport) -> Option<String> {
        let class = report.anchor()?.class;
        match self.requirement.class? {
            ClassRequirement::Retail => match (&report.published_key, class.is_test()) {
                (_, true) => Some(format!("its chain ends at a test anchor ({class})")),
                (Some(key), false) => Some(format!("a key of its chain is published ({key})")),
                (None, false) => None,
            },
            ClassRequirement::Test => (!class.is_test())
                .then(|| format!("its chain ends at a production anchor ({class})")),
        }
    }
}

fn class_of(report: &SignatureReport) -> Option<TrustClass> {
    report.anchor().map(|anchor| anchor.class)
}

fn signature(record: &FileRecord, report: &SignatureReport, detail: Detail) -> Value {
    let explained = |chain| (detail == Detail::Chains).then(|| chain::json(chain));
    json!({
        "route": report.route,
        "holds": report.holds(),
        "refused": record.refusal(report),
        "digest_algorithm": report.digest_algorithm.map(|digest| digest.to_string()),
        "file_digest": report.signed_digest.as_deref().map(hex),
        "key": report.key.map(|key| key.to_string()),
        "signer": report.leaf.as_ref().map(|leaf| json!({
            "subject": leaf.subject.to_string(),
            "issuer": leaf.issuer.to_string(),
            "serial": leaf.serial_hex(),
            "thumbprint": thumbprint(leaf),
            "not_before": rfc3339(leaf.not_before),
            "not_after": rfc3339(leaf.not_after),
        })),
        "anchor": report.chain.as_ref().and_then(|chain| Some(anchor(chain, chain.anchor()?))),
        "timestamp": report.timestamp.as_ref().map(|stamp| json!({
            "time": rfc3339(stamp.time),
            "protocol": stamp.protocol.name(),
            "authority": stamp.chain.certificates.first().map(|c| c.subject.to_string()),
            "chain": explained(&stamp.chain),
        })),
        "revocation": report.revocation.iter().map(revocation::json).collect::<Value>(),
        "variable": report.variable.map(|signed| json!({
            "name": signed.variable.name(),
            "vendor": signed.variable.vendor().to_string(),
            "attributes": signed.attributes,
            "named": signed.was_named,
        })),
        "published_key": report.published_key,
        "weaknesses": report.weaknesses,
        "outcomes": report.outcomes.iter().map(|(check, outcome)| match outcome {
            Outcome::Passed => json!({ "check": check.name(), "result": "passed" }),
            Outcome::Failed(kind, message) => json!({
                "check": check.name(),
                "result": "failed",
                "kind": kind.name(),
                "message": message,
            }),
            Outcome::NotChecked(why) => json!({
                "check": check.name(),
                "result": "not-checked",
                "message": why,
            }),
        }).collect::<Value>(),
        "chain": report.chain.as_ref().and_then(explained),
    })
}

/// Where a chain ends, and until when a public root was or is cross-certified for drivers.
fn anchor(chain: &Chain, anchor: &Anchor) -> Value {
    let cross_certified = cross_certificate::of_root(&anchor.public_key);
    json!({
        "class": anchor.class.name(),
        "name": anchor.name,
        "thumbprint": anchor.thumbprint.to_uppercase(),
        "cross_certificate": chain.cross_certificate().map(|cross| json!({
            "subject": cross.subject.to_string(),
            "thumbprint": thumbprint(cross),
            "not_after": rfc3339(cross.not_after),
        })),
        "cross_certified_until": cross_certified.map(|cross| rfc3339(cross.end)),
    })
}
