//! From a certificate to a trust anchor (RFC 5280 §6, for the parts that code signing uses).
//!
//! The search follows names and checks every link's signature. It has a budget, so that a file full of
//! certificates that issue each other costs no more than a file with one chain.

use formats::certificate::Certificate;
use formats::oid::Oid;
use time::OffsetDateTime;

use crate::anchor::{Anchor, Anchors, Purpose};
use crate::clock::rfc3339;
use crate::public_key::{PublicKey, SignatureError, named_digest};

/// Longest chain, anchor not counted.
const MAX_DEPTH: usize = 8;
/// Most signature checks of one search.
const MAX_CHECKS: usize = 64;

const EKU_CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";
const EKU_TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";

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
}

/// Something that a chain must not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// An issuer that is no certificate authority.
    #[error("{subject} issued a certificate and is no certificate authority: {reason}")]
    NotAnAuthority {
        /// Whose.
        subject: String,
        /// Which extension says so.
        reason: &'static str,
    },
    /// `pathLenConstraint` is exceeded.
    #[error("{0} allows fewer certificates below it")]
    PathTooLong(String),
    /// A critical extension that is not evaluated.
    #[error("{subject} has the critical extension {oid}, which is not evaluated")]
    UnknownCritical {
        /// Whose.
        subject: String,
        /// Which.
        oid: String,
    },
    /// An issuer whose extended key usage leaves the purpose out.
    #[error("{0} may not issue certificates for this purpose")]
    IssuerUsage(String),
}

impl Chain {
    /// The anchor, where there is one.
    pub fn anchor(&self) -> Option<&Anchor> {
        match &self.end {
            End::Anchor(anchor) => Some(anchor),
            _ => None,
        }
    }

    /// Faults of the certificates above the leaf, the anchor's own excepted.
    pub fn faults(&self, purpose: Purpose) -> Vec<ChainFault> {
        let mut faults = Vec::new();
        for (depth, certificate) in self.certificates.iter().enumerate() {
            let is_anchor = self
                .anchor()
                .is_some_and(|anchor| anchor.public_key == certificate.public_key);
            if is_anchor {
                continue;
            }
            let subject = certificate.subject.to_string();
            for oid in &certificate.unknown_critical {
                let (subject, oid) = (subject.clone(), oid.clone());
                faults.push(ChainFault::UnknownCritical { subject, oid });
            }
            if depth > 0 {
                faults.extend(issuer_fault(certificate, depth, purpose));
            }
        }
        faults
    }

    /// The first certificate that is not valid at `time`, with the reason; the anchor's own is not asked.
    pub fn invalid_at(&self, time: OffsetDateTime) -> Option<(String, Validity)> {
        self.certificates
            .iter()
            .filter(|c| {
                self.anchor()
                    .is_none_or(|anchor| anchor.public_key != c.public_key)
            })
            .find_map(|certificate| {
                let name = certificate.subject.to_string();
                if time > certificate.not_after {
                    Some((name, Validity::ExpiredOn(rfc3339(certificate.not_after))))
                } else if time < certificate.not_before {
                    Some((name, Validity::NotBefore(rfc3339(certificate.not_before))))
                } else {
                    None
                }
            })
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

fn issuer_fault(issuer: &Certificate, depth: usize, purpose: Purpose) -> Option<ChainFault> {
    let subject = issuer.subject.to_string();
    let not_authority = |reason| ChainFault::NotAnAuthority {
        subject: subject.clone(),
        reason,
    };
    match issuer.basic_constraints {
        None => return Some(not_authority("it has no basicConstraints")),
        Some(constraints) if !constraints.ca => return Some(not_authority("cA is false")),
        Some(constraints) => {
            let below = depth.saturating_sub(1);
            if constraints
                .path_length
                .is_some_and(|limit| below > limit as usize)
            {
                return Some(ChainFault::PathTooLong(subject));
            }
        }
    }
    if issuer.key_usage.is_some_and(|usage| !usage.key_cert_sign) {
        return Some(not_authority("keyUsage lacks keyCertSign"));
    }
    let wanted = match purpose {
        Purpose::Code => EKU_CODE_SIGNING,
        Purpose::Timestamp => EKU_TIME_STAMPING,
    };
    (!issuer.allows(wanted)).then_some(ChainFault::IssuerUsage(subject))
}

/// Finds the chain of `leaf` among the certificates of a file. Of several chains one that ends at an anchor wins.
pub fn build(leaf: &Certificate, pool: &[Certificate], anchors: &Anchors) -> Chain {
    let mut search = Search {
        pool,
        anchors,
        checks: 0,
        best: Chain {
            certificates: vec![leaf.clone()],
            end: End::MissingIssuer(leaf.issuer.to_string()),
        },
        best_rank: (0, 0),
    };
    let mut path = vec![leaf.clone()];
    match search.extend(&mut path) {
        Some(anchor) => Chain {
            certificates: path,
            end: End::Anchor(Box::new(anchor)),
        },
        None => search.best,
    }
}

struct Search<'a> {
    pool: &'a [Certificate],
    anchors: &'a Anchors,
    checks: usize,
    best: Chain,
    /// Length of the best path, and how much its end explains.
    best_rank: (usize, u8),
}

impl Search<'_> {
    /// Extends `path` to an anchor, or remembers why it could not.
    fn extend(&mut self, path: &mut Vec<Certificate>) -> Option<Anchor> {
        let last = path.last()?.clone();
        if let Some(anchor) = self.anchors.by_key(&last.public_key) {
            return Some(anchor);
        }
        let mut end = match last.is_self_issued() {
            true => End::UnknownRoot(last.subject.to_string()),
            false => End::MissingIssuer(last.issuer.to_string()),
        };
        for anchor in self.anchors.by_subject(&last.issuer.raw) {
            match self.check(&last, &anchor.public_key) {
                Ok(()) => return Some(anchor),
                Err(why) => end = why,
            }
        }
        let pool = self.pool;
        for candidate in pool.iter().filter(|c| c.subject.raw == last.issuer.raw) {
            if path.iter().any(|c| c.der == candidate.der) {
                continue;
            }
            if path.len() >= MAX_DEPTH {
                end = End::TooComplex;
                break;
            }
            match self.check(&last, &candidate.public_key) {
                Ok(()) => {
                    path.push(candidate.clone());
                    if let Some(anchor) = self.extend(path) {
                        return Some(anchor);
                    }
                    path.pop();
                }
                Err(why) => end = why,
            }
        }
        self.remember(path, end);
        None
    }

    fn check(&mut self, certificate: &Certificate, issuer_key: &[u8]) -> Result<(), End> {
        self.checks = self.checks.saturating_add(1);
        if self.checks > MAX_CHECKS {
            return Err(End::TooComplex);
        }
        issued_by(certificate, issuer_key).map_err(|error| match error {
            SignatureError::Unsupported(what) => End::Unsupported(what),
            _ => End::ForgedIssuer(certificate.issuer.to_string()),
        })
    }

    /// Keeps the longest path, and of equal ones the first that explains most.
    fn remember(&mut self, path: &[Certificate], end: End) {
        let explains = match end {
            End::MissingIssuer(_) => 1,
            End::UnknownRoot(_) => 2,
            _ => 3,
        };
        let rank = (path.len(), explains);
        if rank > self.best_rank {
            self.best_rank = rank;
            self.best = Chain {
                certificates: path.to_vec(),
                end,
            };
        }
    }
}

/// Checks the signature on a certificate.
///
/// # Errors
/// As [`PublicKey::verify`].
pub fn issued_by(certificate: &Certificate, issuer_key: &[u8]) -> Result<(), SignatureError> {
    PublicKey::from_spki(issuer_key)?.verify(
        Oid(&certificate.signature_algorithm),
        None,
        &certificate.tbs,
        &certificate.signature,
    )
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

fn may(leaf: &Certificate, purpose: &str, lacking: &'static str) -> Result<(), &'static str> {
    if leaf.extended_key_usage.is_none() {
        return Err("there is no extendedKeyUsage");
    }
    if !leaf.allows(purpose) {
        return Err(lacking);
    }
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
