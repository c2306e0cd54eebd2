//! From a certificate to a trust anchor (RFC 5280 §6, for the parts that code signing uses).
//!
//! The search follows names and checks every link's signature. It has a budget, so that a file full of
//! certificates that issue each other costs no more than a file with one chain. What it considered is kept, so that a
//! person can see why a chain was not found.

mod explanation;
mod faults;
mod search;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use formats::certificate::Certificate;
use formats::oid::Oid;
use time::OffsetDateTime;

use crate::anchor::{Anchor, Anchors, Purpose, TrustClass};
use crate::clock::rfc3339;
use crate::digest::DigestAlgorithm;
use crate::public_key::{PublicKey, SignatureError, named_digest};
pub use explanation::{Candidate, Explanation, Reason, Source, Verdict};
pub use faults::ChainFault;
use search::MAX_DEPTH;

const EKU_CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";
const EKU_TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";
const EKU_LIFETIME_SIGNING: &str = "1.3.6.1.4.1.311.10.3.13";

/// Where a chain ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// At a trust anchor.
    Anchor(Box<Anchor>),
    /// At a self-issued certificate that is no anchor; its name.
    UnknownRoot(String),
    /// The issuer's certificate is missing; its name.
    MissingIssuer(String),
    /// A certificate of that name exists and did not sign the last one of the chain.
    ForgedIssuer(String),
    /// A link uses an algorithm that is not implemented.
    Unsupported(String),
    /// The search was given up.
    TooComplex,
}

/// A path from a leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Leaf first; the anchor's own certificate is last where the file carries it.
    pub certificates: Vec<Certificate>,
    /// Where it ends.
    pub end: End,
    /// How it was found.
    pub explanation: Explanation,
}

/// What a chain is wanted for: of several, one that holds for this is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The use of the leaf.
    pub purpose: Purpose,
    /// The time that counts.
    pub time: OffsetDateTime,
}

impl Chain {
    /// The anchor, where there is one.
    pub fn anchor(&self) -> Option<&Anchor> {
        match &self.end {
            End::Anchor(anchor) => Some(anchor),
            _ => None,
        }
    }

    /// The cross-certificate through which the chain reached Microsoft's root for drivers of others.
    pub fn cross_certificate(&self) -> Option<&Certificate> {
        let anchor = self.anchor()?;
        let is_below = |c: &&Certificate| !self.is_anchors_own(c);
        (anchor.class == TrustClass::CrossSigned)
            .then(|| self.certificates.iter().rfind(is_below))
            .flatten()
    }

    /// Faults of the certificates above the leaf, the anchor's own excepted.
    pub fn faults(&self, purpose: Purpose) -> Vec<ChainFault> {
        faults::of(self, purpose)
    }

    /// The first certificate that is not valid at `time`, with the reason; the anchor's own is not asked.
    pub fn invalid_at(&self, time: OffsetDateTime) -> Option<(String, Validity)> {
        self.certificates
            .iter()
            .filter(|c| !self.is_anchors_own(c))
            .find_map(|c| Some((c.subject.to_string(), Validity::against(c, time)?)))
    }

    /// Why the anchor does not stand for this purpose, or not for this leaf.
    pub fn anchor_objection(&self, purpose: Purpose) -> Option<String> {
        let anchor = self.anchor()?;
        let leaf = self.certificates.first()?;
        if !anchor.serves(purpose) {
            return Some(format!(
                "the root {} is not for {}",
                anchor.name,
                purpose.described()
            ));
        }
        let limit = anchor.issued_until(purpose)?;
        (leaf.not_before > limit).then(|| {
            format!(
                "the root {} counts for certificates issued until {} only",
                anchor.name,
                rfc3339(limit)
            )
        })
    }

    /// Why signatures made at `time` do not count under the anchor.
    pub fn disallowed_at(&self, time: OffsetDateTime) -> Option<String> {
        let anchor = self.anchor()?;
        let after = anchor.disallowed_after?;
        (time > after).then(|| {
            format!(
                "signatures under {} are accepted until {} only",
                anchor.name,
                rfc3339(after)
            )
        })
    }

    /// What keeps the chain from holding, the worst first.
    fn defect(&self, wanted: Wanted) -> Option<Reason> {
        if let Some(fault) = self.faults(wanted.purpose).first() {
            return Some(Reason::Constraint(fault.to_string()));
        }
        if let Some(objection) = self.anchor_objection(wanted.purpose) {
            return Some(Reason::Usage(objection));
        }
        let invalid = self.invalid_at(wanted.time);
        invalid
            .map(|(name, why)| format!("the certificate of {name} {why}"))
            .or_else(|| self.disallowed_at(wanted.time))
            .map(Reason::Validity)
    }

    fn is_anchors_own(&self, certificate: &Certificate) -> bool {
        self.anchor()
            .is_some_and(|anchor| anchor.public_key == certificate.public_key)
    }
}

/// Why a certificate is not valid at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Validity {
    /// `notAfter` has passed.
    ExpiredOn(String),
    /// `notBefore` has not come.
    NotBefore(String),
}

impl Validity {
    /// Why `certificate` is not valid at `time`; `None` where it is.
    pub fn against(certificate: &Certificate, time: OffsetDateTime) -> Option<Self> {
        if time > certificate.not_after {
            Some(Self::ExpiredOn(rfc3339(certificate.not_after)))
        } else if time < certificate.not_before {
            Some(Self::NotBefore(rfc3339(certificate.not_before)))
        } else {
            None
        }
    }
}

impl fmt::Display for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ExpiredOn(date) => write!(f, "expired on {date}"),
            Self::NotBefore(date) => write!(f, "is not valid before {date}"),
        }
    }
}

/// Finds a chain of `leaf` among the certificates of a file and the named intermediates. The first that ends at an
/// anchor is taken.
pub fn build(leaf: &Certificate, pool: &[Certificate], anchors: &Anchors) -> Chain {
    search::search(leaf, pool, anchors, None)
}

/// As [`build`], but of several chains one is taken that holds for the purpose at the time: through a renewed
/// intermediate rather than the expired one, through a cross-certificate while that was valid.
pub fn build_for(
    leaf: &Certificate,
    pool: &[Certificate],
    anchors: &Anchors,
    wanted: Wanted,
) -> Chain {
    search::search(leaf, pool, anchors, Some(wanted))
}

/// Links that hold, by the digest of everything that decides it. Most files of an image are signed by the same few chains.
static KNOWN_LINKS: Mutex<BTreeSet<Vec<u8>>> = Mutex::new(BTreeSet::new());
/// How many are kept; who has more chains than that checks some of them again.
const MOST_LINKS: usize = 10_000;

/// Checks the signature on a certificate. A link that was found to hold is not checked again.
///
/// # Errors
/// As [`PublicKey::verify`].
pub fn issued_by(certificate: &Certificate, issuer_key: &[u8]) -> Result<(), SignatureError> {
    let parts = [
        issuer_key,
        &certificate.signature_algorithm,
        &certificate.signature,
        &certificate.tbs,
    ];
    let mut link = Vec::new();
    for part in parts {
        // Lengths keep one row of parts from looking like another.
        link.extend((part.len() as u64).to_le_bytes());
        link.extend(part);
    }
    let link = DigestAlgorithm::Sha256.of(&link);
    let known = || KNOWN_LINKS.lock().unwrap_or_else(PoisonError::into_inner);
    if known().contains(&link) {
        return Ok(());
    }
    PublicKey::from_spki(issuer_key)?.verify(
        Oid(&certificate.signature_algorithm),
        None,
        &certificate.tbs,
        &certificate.signature,
    )?;
    let mut known = known();
    if known.len() < MOST_LINKS {
        known.insert(link);
    }
    Ok(())
}

/// The certificates between `leaf` and its root among `pool`, nearest first, self-issued ones left out.
pub fn intermediates(leaf: &Certificate, pool: &[Certificate]) -> Vec<Certificate> {
    let mut found: Vec<Certificate> = Vec::new();
    let mut last = leaf;
    while found.len() < MAX_DEPTH {
        let next = pool.iter().find(|c| {
            c.subject.raw == last.issuer.raw
                && !c.is_self_issued()
                && c.der != leaf.der
                && !found.iter().any(|f| f.der == c.der)
                && issued_by(last, &c.public_key).is_ok()
        });
        match next {
            Some(certificate) => {
                found.push(certificate.clone());
                last = certificate;
            }
            None => break,
        }
    }
    found
}

/// The anchor at which a chain ends, if it does.
pub fn classify(leaf: &Certificate, pool: &[Certificate], anchors: &Anchors) -> Option<Anchor> {
    build(leaf, pool, anchors).anchor().cloned()
}

/// Whether a certificate may sign code: extended key usage must name it, key usage must not exclude it.
///
/// # Errors
/// The extension that forbids it.
pub fn may_sign_code(leaf: &Certificate) -> Result<(), &'static str> {
    may(leaf, EKU_CODE_SIGNING, "extendedKeyUsage lacks codeSigning")
}

/// Whether a certificate may sign code-integrity policies and secure-boot variables: there is no extended key usage for
/// that and none is asked for, but key usage must not exclude it.
///
/// # Errors
/// The extension that forbids it.
pub fn may_sign_policies(leaf: &Certificate) -> Result<(), &'static str> {
    may_sign(leaf)
}

/// Whether a certificate may sign time stamps; the extension must be critical and name nothing else
/// (RFC 3161 §2.3) unless `strict` is off, as for legacy countersignatures.
///
/// # Errors
/// The extension that forbids it.
pub fn may_sign_timestamps(leaf: &Certificate, strict: bool) -> Result<(), &'static str> {
    may(
        leaf,
        EKU_TIME_STAMPING,
        "extendedKeyUsage lacks timeStamping",
    )?;
    let alone = leaf
        .extended_key_usage
        .as_ref()
        .is_some_and(|eku| eku.len() == 1);
    match strict && !(leaf.extended_key_usage_critical && alone) {
        true => Err("extendedKeyUsage must be critical and name timeStamping alone"),
        false => Ok(()),
    }
}

/// Whether signatures of this certificate end with it: a time stamp does not extend them.
pub fn is_lifetime_signing(leaf: &Certificate) -> bool {
    let usage = leaf.extended_key_usage.iter().flatten();
    usage.into_iter().any(|oid| oid == EKU_LIFETIME_SIGNING)
}

fn may(leaf: &Certificate, purpose: &str, lacking: &'static str) -> Result<(), &'static str> {
    if leaf.extended_key_usage.is_none() {
        return Err("there is no extendedKeyUsage");
    }
    if !leaf.allows(purpose) {
        return Err(lacking);
    }
    may_sign(leaf)
}

fn may_sign(leaf: &Certificate) -> Result<(), &'static str> {
    match leaf.key_usage {
        Some(usage) if !usage.digital_signature => Err("keyUsage lacks digitalSignature"),
        _ => Ok(()),
    }
}

/// Whether every signature of the chain, the anchor's excepted, uses a digest of today.
pub fn weak_signatures(chain: &Chain) -> Vec<String> {
    chain
        .certificates
        .iter()
        .filter(|c| !c.is_self_issued())
        .filter_map(|c| {
            let digest = named_digest(Oid(&c.signature_algorithm))?;
            (!digest.is_strong())
                .then(|| format!("the certificate of {} is signed with {digest}", c.subject))
        })
        .collect()
}
