//! Public roots that Microsoft cross-certified for kernel drivers. All of these cross-certificates have ended: what was
//! signed through one counts only with a time stamp from before its end.

use time::{Duration, OffsetDateTime};

use crate::clock::parse_rfc3339;
use crate::digest::{DigestAlgorithm, hex};

const LIST: &str = include_str!("../../policies/cross-certificates.tsv");

/// The cross-certificate of a public root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrossCertificate {
    /// The root's name, as the add-on kit writes it.
    pub name: &'static str,
    /// The last second of the last day of the cross-certificate.
    pub end: OffsetDateTime,
}

/// The cross-certificate of the root with this `SubjectPublicKeyInfo`.
pub fn of_root(public_key: &[u8]) -> Option<CrossCertificate> {
    let digest = hex(&DigestAlgorithm::Sha256.of(public_key));
    let row = rows().find(|row| row.get(4) == Some(&digest.as_str()))?;
    let [name, last_day, ..] = row.as_slice() else {
        return None;
    };
    let end =
        parse_rfc3339(last_day)?.checked_add(Duration::DAY.saturating_sub(Duration::SECOND))?;
    Some(CrossCertificate { name, end })
}

fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    LIST.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('\t').collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anchor::{Anchors, TrustClass};
    use crate::clock::rfc3339;

    #[test]
    fn most_cross_certified_roots_are_public_anchors_and_all_have_ended() {
        let anchors = Anchors::all_built_in();
        let public = anchors.iter().filter(|a| a.class == TrustClass::Public);
        let known: Vec<_> = public.filter_map(|a| of_root(&a.public_key)).collect();
        assert!(rows().count() == 24 && known.len() >= 15, "{}", known.len());
        let last = known.iter().map(|cross| cross.end).max().unwrap();
        assert_eq!(rfc3339(last), "2025-07-07T23:59:59Z");
        let others = anchors.iter().filter(|a| a.class != TrustClass::Public);
        assert_eq!(others.filter_map(|a| of_root(&a.public_key)).count(), 0);
    }
}
