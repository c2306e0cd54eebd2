//! A profile that is ready to sign: key, manner, gate.

use std::fmt;

use signer::anchor::{Anchors, Purpose};
use signer::digest::{DigestAlgorithm, hex};
use signer::identity::{Identity, Objection};
use signer::sign::SignOptions;
use signer::timestamp::Servers;
use time::OffsetDateTime;

use crate::config::{Gate, ProfileConfig};

/// A profile that is ready to sign.
pub struct Profile {
    /// Key and certificates.
    pub identity: Identity,
    /// How files are signed.
    pub options: SignOptions,
    /// Time-stamping servers, where signatures are time-stamped.
    pub servers: Option<Servers>,
    /// What a file must pass first.
    pub rules: ProfileConfig,
}

impl Profile {
    /// What speaks against signing with it now. Test certificates may sign where the gate is not that of retail.
    pub fn objection(
        &self,
        now: OffsetDateTime,
        anchors: &Anchors,
        purpose: Purpose,
    ) -> Option<Objection> {
        let of_test = |objection: &Objection| {
            matches!(
                objection,
                Objection::TestCertificate { .. } | Objection::PublishedKey { .. }
            )
        };
        let objections = self.identity.objections(now, anchors, purpose);
        let is_test = self.rules.gate != Gate::Retail;
        let mut standing = objections.into_iter();
        standing.find(|objection| !(is_test && of_test(objection)))
    }

    /// The certificate of its chain that is not valid now: it signs nothing, whatever is sent.
    pub fn out_of_time(&self, now: OffsetDateTime, anchors: &Anchors) -> Option<Objection> {
        let objections = self.identity.objections(now, anchors, Purpose::Code);
        objections.into_iter().find(|objection| {
            matches!(
                objection,
                Objection::Expired { .. } | Objection::NotYetValid { .. }
            )
        })
    }

    /// SHA-256 of its certificate, hexadecimal.
    pub fn thumbprint(&self) -> String {
        hex(&DigestAlgorithm::Sha256.of(&self.identity.leaf().der))
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Profile({})", self.identity.leaf().subject)
    }
}
