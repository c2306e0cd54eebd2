//! Verification: for every signature of a file a record of independent outcomes, not a bool and not the first error.

mod app_package;
mod efi_variable;
mod examine;
mod file;
mod moment;
mod revocation;
pub mod signer;

use std::borrow::Cow;
use std::io::{self, Read, Seek};

use formats::certificate::Certificate;
use formats::container::{Container, Format};
use formats::signed_data::{SignedData, SignerInfo};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::anchor::{Anchor, Anchors, Purpose};
use crate::chain::{self, Chain, End, Validity, Wanted};
use crate::clock::rfc3339;
use crate::digest::DigestAlgorithm;
use crate::public_key::{KeyKind, PublicKey, SignatureError};
use crate::published;
use crate::revocation::Finding;
use crate::timestamp::{self, Timestamp};
pub use efi_variable::SignedVariable;
pub use examine::{Examined, examine};
use moment::TimeThatCounts;
use signer::{certificates, check_signature, describe_end, find_certificate};

/// What is checked, in the order of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Check {
    /// Form of the signature and of the bytes around it.
    Structure,
    /// The file, and the content that states its digest.
    Digest,
    /// CheckSum of an image, which no digest covers; Windows refuses a driver with a wrong one. Only images have it.
    Checksum,
    /// The files of an app package against its block map. Only packages have it.
    BlockMap,
    /// The signature itself, under the signer's key.
    Signature,
    /// Every link to a known anchor.
    Chain,
    /// What the certificates are for.
    Usage,
    /// The publisher that an app package's manifest names against the signer's name. Only packages have it.
    Publisher,
    /// Validity at the time that counts.
    Validity,
    /// The time stamp.
    Timestamp,
    /// Whether a certificate of the signer or of the time stamp was revoked when it counted.
    Revocation,
}

impl Check {
    /// The name that reports use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Structure => "structure",
            Self::Digest => "digest",
            Self::Checksum => "checksum",
            Self::BlockMap => "block-map",
            Self::Signature => "signature",
            Self::Chain => "chain",
            Self::Usage => "usage",
            Self::Publisher => "publisher",
            Self::Validity => "validity",
            Self::Timestamp => "timestamp",
            Self::Revocation => "revocation",
        }
    }
}

/// Why a check failed, as a closed list; the names are documented and stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FailureKind {
    /// The signature cannot be read.
    Malformed,
    /// Bytes that no signature protects are not what they must be.
    NotCanonical,
    /// A catalog whose sets are not in DER order; Windows refuses it.
    NotDer,
    /// The file or the content has another digest than was signed.
    DigestMismatch,
    /// The file has another CheckSum than its header states.
    WrongChecksum,
    /// A file of an app package is not what the block map says.
    BlockMapMismatch,
    /// The signature does not fit the key.
    BadSignature,
    /// The chain ends at a root that is not known.
    UnknownRoot,
    /// The chain has a gap.
    MissingIssuer,
    /// The chain has a forged or forbidden link.
    BrokenChain,
    /// A certificate is used for what it is not for.
    WrongUsage,
    /// An app package is published by somebody else than the signer.
    PublisherMismatch,
    /// A certificate had expired at the time that counts.
    Expired,
    /// A certificate was not valid yet at the time that counts.
    NotYetValid,
    /// The time stamp does not hold.
    BadTimestamp,
    /// A certificate had been revoked, or its key was compromised.
    Revoked,
    /// An algorithm that is not implemented.
    Unsupported,
}

impl FailureKind {
    /// The name that reports use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NotCanonical => "not-canonical",
            Self::NotDer => "not-der",
            Self::DigestMismatch => "digest-mismatch",
            Self::WrongChecksum => "wrong-checksum",
            Self::BlockMapMismatch => "block-map-mismatch",
            Self::BadSignature => "bad-signature",
            Self::UnknownRoot => "unknown-root",
            Self::MissingIssuer => "missing-issuer",
            Self::BrokenChain => "broken-chain",
            Self::WrongUsage => "wrong-usage",
            Self::PublisherMismatch => "publisher-mismatch",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::BadTimestamp => "bad-timestamp",
            Self::Revoked => "revoked",
            Self::Unsupported => "unsupported",
        }
    }
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not.
    Failed(FailureKind, String),
    /// It could not be asked, or need not be.
    NotChecked(Cow<'static, str>),
}

impl Outcome {
    /// Whether the check failed.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(..))
    }
}

/// The record of one signature.
#[derive(Debug, Clone)]
pub struct SignatureReport {
    /// Where it is: `signature[0]`, `signature[0].nested[1]`. Only images have several that are not nested.
    pub route: String,
    /// One outcome per check, in the order of [`Check`].
    pub outcomes: Vec<(Check, Outcome)>,
    /// Digest algorithm of the signer.
    pub digest_algorithm: Option<DigestAlgorithm>,
    /// Digest of the file as it was signed, where the content states one.
    pub signed_digest: Option<Vec<u8>>,
    /// Whether an image's signature carries hashes of its pages.
    pub page_hashes: bool,
    /// The signer's certificate.
    pub leaf: Option<Certificate>,
    /// The signer's key.
    pub key: Option<KeyKind>,
    /// The chain.
    pub chain: Option<Chain>,
    /// The time stamp, where it holds.
    pub timestamp: Option<Timestamp>,
    /// What is known of the revocation of each certificate, those of the time stamp last.
    pub revocation: Vec<Finding>,
    /// The list's name of a published key in the chain.
    pub published_key: Option<String>,
    /// Of a secure-boot variable: what it was signed to become, and how that is known.
    pub variable: Option<SignedVariable>,
    /// Sound today but not by today's rules: old digests, short keys.
    pub weaknesses: Vec<String>,
}

impl SignatureReport {
    /// The anchor of the chain.
    pub fn anchor(&self) -> Option<&Anchor> {
        self.chain.as_ref().and_then(Chain::anchor)
    }

    /// Whether no check failed.
    pub fn holds(&self) -> bool {
        !self
            .outcomes
            .iter()
            .any(|(_, outcome)| outcome.is_failure())
    }

    /// The outcome of a check.
    pub fn outcome(&self, check: Check) -> Option<&Outcome> {
        self.outcomes
            .iter()
            .find(|(c, _)| *c == check)
            .map(|(_, outcome)| outcome)
    }

    /// Every failure with its check.
    pub fn failures(&self) -> impl Iterator<Item = (Check, FailureKind, &str)> {
        self.outcomes
            .iter()
            .filter_map(|(check, outcome)| match outcome {
                Outcome::Failed(kind, message) => Some((*check, *kind, message.as_str())),
                _ => None,
            })
    }
}

/// The record of one file.
#[derive(Debug, Clone)]
pub struct Verification {
    /// What the file is.
    pub format: Format,
    /// Its signatures, nested ones after the one that carries them; empty for an unsigned file.
    pub signatures: Vec<SignatureReport>,
}

impl Verification {
    /// Whether there is a signature and every one holds.
    pub fn holds(&self) -> bool {
        !self.signatures.is_empty() && self.signatures.iter().all(SignatureReport::holds)
    }
}

/// When and against what to verify.
#[derive(Debug, Clone, Copy)]
pub struct VerifyOptions<'a> {
    /// The time at which certificates must be valid where no time stamp says otherwise.
    pub at: OffsetDateTime,
    /// Where chains may end.
    pub anchors: &'a Anchors,
}

/// Verifies every signature of `input`, which was read as `container`.
///
/// # Errors
/// Where the input cannot be read. Everything else is in the record.
pub fn verify(
    container: &Container,
    input: &mut (impl Read + Seek),
    options: VerifyOptions<'_>,
) -> io::Result<Verification> {
    let examined = examine(container, input)?;
    let signatures = examined.iter().map(|examined| examined.conclude(options));
    Ok(Verification {
        format: container.format(),
        signatures: signatures.collect(),
    })
}

impl Examined {
    /// The record of the signature at a time and against anchors. The file is not needed again.
    pub fn conclude(&self, options: VerifyOptions<'_>) -> SignatureReport {
        let mut report = SignatureReport {
            route: self.route.clone(),
            outcomes: self.outcomes.clone(),
            digest_algorithm: self.digest_algorithm,
            signed_digest: self.signed_digest.clone(),
            page_hashes: self.page_hashes,
            leaf: None,
            key: None,
            chain: None,
            timestamp: None,
            revocation: Vec::new(),
            published_key: None,
            variable: self.variable,
            weaknesses: self.weaknesses.clone(),
        };
        let Ok(signed_data) = SignedData::read_either(&self.der, self.offset) else {
            return report;
        };
        let [signer] = signed_data.signer_infos.as_slice() else {
            return report;
        };
        let pool = certificates(&signed_data);
        let leaf = find_certificate(signer, &pool);
        let content = signed_data.content.map(|content| content.value);
        let message = self.detached.as_deref().or(content);
        report.check_signature(signer, leaf, message.unwrap_or_default());
        let stamp = timestamp::verify(signer, &pool, options.anchors);
        let counts = TimeThatCounts::of(leaf, &stamp, options.at);
        let wanted = Wanted {
            purpose: match self.is_policy {
                true => Purpose::Policy,
                false => Purpose::Code,
            },
            time: counts.time,
        };
        report.check_chain(leaf, &pool, options.anchors, wanted);
        let publisher = self.publisher.iter().cloned();
        let publisher = publisher.map(|outcome| (Check::Publisher, outcome));
        report.outcomes.extend(publisher);
        report.check_validity(counts);
        report.record_timestamp(stamp);
        report.check_revocation(options, counts.time);
        report.note_weaknesses();
        report
    }
}

impl SignatureReport {
    fn fail(&mut self, check: Check, kind: FailureKind, message: impl std::fmt::Display) {
        self.outcomes
            .push((check, Outcome::Failed(kind, message.to_string())));
    }

    fn pass(&mut self, check: Check) {
        self.outcomes.push((check, Outcome::Passed));
    }

    fn skip(&mut self, check: Check, why: &'static str) {
        self.outcomes.push((check, Outcome::NotChecked(why.into())));
    }

    fn check_signature(
        &mut self,
        signer: &SignerInfo<'_>,
        leaf: Option<&Certificate>,
        content: &[u8],
    ) {
        let Some(leaf) = leaf else {
            let message = "the signer's certificate is not in the signature";
            self.fail(Check::Signature, FailureKind::MissingIssuer, message);
            return;
        };
        self.leaf = Some(leaf.clone());
        self.key = PublicKey::from_spki(&leaf.public_key)
            .ok()
            .map(|key| key.kind());
        match check_signature(signer, leaf, content) {
            Ok(()) => self.pass(Check::Signature),
            Err(error @ SignatureError::Unsupported(_)) => {
                self.fail(Check::Signature, FailureKind::Unsupported, error);
            }
            Err(error) => self.fail(Check::Signature, FailureKind::BadSignature, error),
        }
    }

    fn check_chain(
        &mut self,
        leaf: Option<&Certificate>,
        pool: &[Certificate],
        anchors: &Anchors,
        wanted: Wanted,
    ) {
        let Some(leaf) = leaf else {
            self.skip(Check::Chain, "there is no signer's certificate");
            self.skip(Check::Usage, "there is no signer's certificate");
            return;
        };
        let Wanted { purpose, .. } = wanted;
        let chain = chain::build_for(leaf, pool, anchors, wanted);
        self.published_key = chain.certificates.iter().find_map(published::find);
        let faults = chain.faults(purpose);
        match (&chain.end, faults.first()) {
            (End::Anchor(_), None) => self.pass(Check::Chain),
            (End::Anchor(_), Some(fault)) => {
                self.fail(Check::Chain, FailureKind::BrokenChain, fault)
            }
            (end, _) => {
                let kind = match end {
                    End::UnknownRoot(_) => FailureKind::UnknownRoot,
                    End::MissingIssuer(_) => FailureKind::MissingIssuer,
                    End::Unsupported(_) => FailureKind::Unsupported,
                    _ => FailureKind::BrokenChain,
                };
                self.fail(Check::Chain, kind, describe_end(end));
            }
        }
        let anchor_usage = match chain.anchor_objection(purpose) {
            Some(objection) => Err(objection),
            None => Ok(()),
        };
        let (may_sign, what) = match purpose {
            Purpose::Policy => (chain::may_sign_policies(leaf), "policies"),
            _ => (chain::may_sign_code(leaf), "code"),
        };
        let usage =
            may_sign.map_err(|reason| format!("{} may not sign {what}: {reason}", leaf.subject));
        match usage.and(anchor_usage) {
            Ok(()) => self.pass(Check::Usage),
            Err(message) => self.fail(Check::Usage, FailureKind::WrongUsage, message),
        }
        self.chain = Some(chain);
    }

    fn check_validity(&mut self, counts: TimeThatCounts) {
        let Some(chain) = &self.chain else {
            self.skip(Check::Validity, "there is no chain");
            return;
        };
        let TimeThatCounts { time, whence } = counts;
        let counted = rfc3339(time);
        match (chain.invalid_at(time), chain.disallowed_at(time)) {
            (None, None) => self.pass(Check::Validity),
            (None, Some(message)) => self.fail(Check::Validity, FailureKind::Expired, message),
            (Some((name, why @ Validity::ExpiredOn(_))), _) => {
                let message =
                    format!("the certificate of {name} {why}, before {counted} ({whence})");
                self.fail(Check::Validity, FailureKind::Expired, message);
            }
            (Some((name, why @ Validity::NotBefore(_))), _) => {
                let message =
                    format!("the certificate of {name} {why}, after {counted} ({whence})");
                self.fail(Check::Validity, FailureKind::NotYetValid, message);
            }
        }
    }

    fn record_timestamp(&mut self, stamp: Result<Option<Timestamp>, timestamp::TimestampError>) {
        match stamp {
            Ok(Some(stamp)) => {
                if !stamp.digest.is_strong() {
                    self.weaknesses
                        .push(format!("the time stamp uses {}", stamp.digest));
                }
                self.timestamp = Some(stamp);
                self.pass(Check::Timestamp);
            }
            Ok(None) => self.skip(Check::Timestamp, "there is no time stamp"),
            Err(error) => self.fail(Check::Timestamp, FailureKind::BadTimestamp, error),
        }
    }

    fn note_weaknesses(&mut self) {
        if let Some(digest) = self.digest_algorithm.filter(|digest| !digest.is_strong()) {
            self.weaknesses.push(format!("the signature uses {digest}"));
        }
        if let Some(key) = self.key.filter(|key| !key.is_strong()) {
            self.weaknesses.push(format!("the signer's key is {key}"));
        }
        if let Some(chain) = &self.chain {
            self.weaknesses.extend(chain::weak_signatures(chain));
        }
    }
}
