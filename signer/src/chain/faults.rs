//! What a chain's certificates must not have (RFC 5280 §6.1, for the parts that code signing uses).

use formats::certificate::Certificate;

use super::{Chain, EKU_CODE_SIGNING, EKU_TIME_STAMPING};
use crate::anchor::Purpose;

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
    /// An extension that occurs more than once, so that readers may differ about it.
    #[error("{subject} has the extension {oid} more than once")]
    Repeated {
        /// Whose.
        subject: String,
        /// Which.
        oid: String,
    },
    /// A name that an authority above it may not give away.
    #[error("{authority} may not issue a certificate to {subject}: it has {reason}")]
    Name {
        /// Who has the constraints.
        authority: String,
        /// Whose name breaks them.
        subject: String,
        /// In which way.
        reason: &'static str,
    },
    /// An issuer whose extended key usage leaves the purpose out.
    #[error("{0} may not issue certificates for this purpose")]
    IssuerUsage(String),
}

/// Faults of the certificates of a chain, the anchor's own excepted.
pub(super) fn of(chain: &Chain, purpose: Purpose) -> Vec<ChainFault> {
    let mut faults = Vec::new();
    for (depth, certificate) in chain.certificates.iter().enumerate() {
        if chain.is_anchors_own(certificate) {
            continue;
        }
        let subject = certificate.subject.to_string();
        for oid in &certificate.unknown_critical {
            let (subject, oid) = (subject.clone(), oid.clone());
            faults.push(ChainFault::UnknownCritical { subject, oid });
        }
        for oid in &certificate.repeated_extensions {
            let (subject, oid) = (subject.clone(), oid.clone());
            faults.push(ChainFault::Repeated { subject, oid });
        }
        if let Some(below) = depth.checked_sub(1) {
            let between = chain.certificates.get(1..=below).unwrap_or_default();
            faults.extend(issuer_fault(certificate, between, purpose));
            let lower = chain.certificates.get(..depth).unwrap_or_default();
            faults.extend(name_fault(certificate, lower));
        }
    }
    faults
}

/// Why `issuer` must not stand above the certificates `between` it and the leaf.
pub(super) fn issuer_fault(
    issuer: &Certificate,
    between: &[Certificate],
    purpose: Purpose,
) -> Option<ChainFault> {
    let subject = issuer.subject.to_string();
    let not_authority = |reason| ChainFault::NotAnAuthority {
        subject: subject.clone(),
        reason,
    };
    match issuer.basic_constraints {
        None => return Some(not_authority("it has no basicConstraints")),
        Some(constraints) if !constraints.ca => return Some(not_authority("cA is false")),
        Some(constraints) => {
            // Self-issued certificates, which renew a key, do not count (RFC 5280 §4.2.1.9).
            let below = between.iter().filter(|c| !c.is_self_issued()).count();
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
        Purpose::Policy => return None,
    };
    (!issuer.allows(wanted)).then_some(ChainFault::IssuerUsage(subject))
}

/// The first certificate of `lower`, the leaf first, whose names `authority` may not give away.
fn name_fault(authority: &Certificate, lower: &[Certificate]) -> Option<ChainFault> {
    let constraints = authority.name_constraints.as_ref()?;
    // Self-issued certificates other than the leaf are exempt (RFC 5280 §6.1.3).
    let bound = lower
        .iter()
        .enumerate()
        .filter(|(index, certificate)| *index == 0 || !certificate.is_self_issued());
    bound
        .filter_map(|(_, certificate)| {
            let reason = constraints.violation(&certificate.names())?;
            Some(ChainFault::Name {
                authority: authority.subject.to_string(),
                subject: certificate.subject.to_string(),
                reason,
            })
        })
        .next()
}
