//! The certificates that a signature names: the signer's and those between it and a root, with or without a key beside
//! them.

use formats::certificate::Certificate;
use time::OffsetDateTime;

use crate::anchor::{Anchors, Purpose, TrustClass};
use crate::chain::{self, End, Validity};
use crate::clock;
use crate::identity::{IdentityError, Objection, only_leaf};
use crate::published;

/// A signer's certificate and those above it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerCertificates {
    leaf: Certificate,
    intermediates: Vec<Certificate>,
}

impl SignerCertificates {
    /// The certificate `leaf` with those of `pool`, in any order, that lead from it towards a root.
    pub fn new(leaf: Certificate, pool: &[Certificate]) -> Self {
        let intermediates = chain::intermediates(&leaf, pool);
        Self {
            leaf,
            intermediates,
        }
    }

    /// The same, the signer's certificate being the one that issued none of the others.
    ///
    /// # Errors
    /// [`IdentityError::AmbiguousLeaf`] where the choice is not clear.
    pub fn of_file(certificates: &[Certificate]) -> Result<Self, IdentityError> {
        let leaf = only_leaf(certificates)?.clone();
        Ok(Self::new(leaf, certificates))
    }

    /// The signer's certificate.
    pub fn leaf(&self) -> &Certificate {
        &self.leaf
    }

    /// The certificates between leaf and root, the root left out.
    pub fn intermediates(&self) -> &[Certificate] {
        &self.intermediates
    }

    /// Fills gaps in the chain from `more`, certificates in any order; those that are valid at `now` are preferred.
    pub fn complete(&mut self, more: &[Certificate], now: OffsetDateTime) {
        let mut pool: Vec<Certificate> = self.intermediates.iter().chain(more).cloned().collect();
        pool.sort_by_key(|certificate| Validity::against(certificate, now).is_some());
        self.intermediates = chain::intermediates(&self.leaf, &pool);
    }

    /// The name of the issuer whose certificate is missing between these and a root of `anchors`, where that is what is
    /// wrong. A signature without it holds for nobody who has not got it from elsewhere.
    pub fn missing_issuer(&self, anchors: &Anchors) -> Option<String> {
        match chain::build(&self.leaf, &self.intermediates, anchors).end {
            End::MissingIssuer(name) => Some(name),
            _ => None,
        }
    }

    /// Everything that speaks against signing with these certificates at `now`; `purpose` is what is to be signed.
    pub fn objections(
        &self,
        now: OffsetDateTime,
        anchors: &Anchors,
        purpose: Purpose,
    ) -> Vec<Objection> {
        let mut objections = Vec::new();
        let subject = self.leaf.subject.to_string();
        for certificate in std::iter::once(&self.leaf).chain(&self.intermediates) {
            let subject = certificate.subject.to_string();
            if now > certificate.not_after {
                let date = clock::rfc3339(certificate.not_after);
                objections.push(Objection::Expired { subject, date });
            } else if now < certificate.not_before {
                let date = clock::rfc3339(certificate.not_before);
                objections.push(Objection::NotYetValid { subject, date });
            }
        }
        let (usage, what) = match purpose {
            Purpose::Policy => (chain::may_sign_policies(&self.leaf), "policies"),
            Purpose::Code | Purpose::Timestamp => (chain::may_sign_code(&self.leaf), "code"),
        };
        if let Err(reason) = usage {
            let subject = subject.clone();
            objections.push(Objection::WrongUsage {
                subject,
                what,
                reason,
            });
        }
        let classified = chain::classify(&self.leaf, &self.intermediates, anchors);
        let own_test = classified
            .as_ref()
            .is_some_and(|a| a.class == TrustClass::OwnTest);
        if let Some(listed) = published::find(&self.leaf).filter(|_| !own_test) {
            let subject = subject.clone();
            objections.push(Objection::PublishedKey { subject, listed });
        }
        if let Some(anchor) = classified.filter(|anchor| anchor.class.is_test()) {
            let anchor = anchor.name;
            objections.push(Objection::TestCertificate { subject, anchor });
        }
        objections
    }
}
