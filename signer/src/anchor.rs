//! Trust anchors: the keys at which chains may end, each with a class.
//!
//! The built-in ones are lines of `policies/anchors.tsv`. They are found by an index of two of its columns, made once;
//! a verification decodes the one or two lines that it needs and not the whole list.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use base64ct::{Base64, Encoding};
use formats::certificate::Certificate;
use time::OffsetDateTime;

use crate::clock::parse_rfc3339;
use crate::digest::{DigestAlgorithm, hex};
use crate::intermediates::Intermediates;
use crate::revocation::RevocationData;

const BUILT_IN: &str = include_str!("../../policies/anchors.tsv");

/// What an anchor's key stands for. A class is decided by the key alone, never by a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrustClass {
    /// A root that Microsoft signs released code under.
    MicrosoftProduction,
    /// A root of Microsoft's own pre-release code.
    MicrosoftTest,
    /// The OEM test chain of 2017, whose keys ship with the add-on kit.
    OemTest2017,
    /// The OEM test chain of 2013, of which only the intermediate is public.
    OemTest2013,
    /// Microsoft's root above the cross-certificates of public roots: drivers that others signed, until 2021 to 2025.
    CrossSigned,
    /// A root of the Windows root programme.
    Public,
    /// proofmark's own test root.
    OwnTest,
    /// A root that the user named.
    Named,
}

impl TrustClass {
    const NAMES: [(Self, &'static str); 8] = [
        (Self::MicrosoftProduction, "microsoft-production"),
        (Self::MicrosoftTest, "microsoft-test"),
        (Self::OemTest2017, "oem-test-2017"),
        (Self::OemTest2013, "oem-test-2013"),
        (Self::CrossSigned, "cross-signed"),
        (Self::Public, "public"),
        (Self::OwnTest, "own-test"),
        (Self::Named, "named"),
    ];

    /// The class of a name as `anchors.tsv` and reports write it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES
            .iter()
            .find(|(_, n)| *n == name)
            .map(|(class, _)| *class)
    }

    /// The name as `anchors.tsv` and reports write it.
    pub fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(class, _)| *class == self)
            .map_or("", |(_, name)| name)
    }

    /// Whether what chains to it is test-signed.
    pub fn is_test(self) -> bool {
        matches!(
            self,
            Self::MicrosoftTest | Self::OemTest2017 | Self::OemTest2013 | Self::OwnTest
        )
    }
}

impl fmt::Display for TrustClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a key may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Signing code.
    Code,
    /// Signing time stamps.
    Timestamp,
    /// Signing code-integrity policies and secure-boot variables, for which no extended key usage exists.
    Policy,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Timestamp => "timestamp",
            Self::Policy => "policy",
        }
    }

    /// What is signed, in words.
    pub fn described(self) -> &'static str {
        match self {
            Self::Code => "code signing",
            Self::Timestamp => "time stamps",
            Self::Policy => "policies",
        }
    }
}

/// One trust anchor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// What it stands for.
    pub class: TrustClass,
    /// The subject's common name, for people.
    pub name: String,
    /// The encoded subject.
    pub subject: Vec<u8>,
    /// The encoded `SubjectPublicKeyInfo`.
    pub public_key: Vec<u8>,
    /// SHA-1 of the certificate in hexadecimal, the thumbprint that Windows shows.
    pub thumbprint: String,
    /// End of validity.
    pub not_after: OffsetDateTime,
    /// Signatures made later are not accepted, where the programme says so.
    pub disallowed_after: Option<OffsetDateTime>,
    purposes: String,
    issued_until: String,
}

impl Anchor {
    /// An anchor that the user named; it serves every purpose.
    pub fn named(certificate: &Certificate) -> Self {
        Self {
            class: TrustClass::Named,
            name: certificate.subject.common_name.clone(),
            subject: certificate.subject.raw.clone(),
            public_key: certificate.public_key.clone(),
            thumbprint: hex(&DigestAlgorithm::Sha1.of(&certificate.der)),
            not_after: certificate.not_after,
            disallowed_after: None,
            purposes: "any".to_owned(),
            issued_until: "-".to_owned(),
        }
    }

    /// Whether the anchor may be used for `purpose`. One that is for kernel code alone is for code, and one for code
    /// is for policies about code.
    pub fn serves(&self, purpose: Purpose) -> bool {
        let is_of_code = |p: &str| matches!(p, "kernel" | "code") && purpose != Purpose::Timestamp;
        let mut purposes = self.purposes.split(',');
        purposes.any(|p| p == purpose.name() || p == "any" || is_of_code(p))
    }

    /// The last moment at which a leaf for `purpose` may have been issued, where the programme says so.
    pub fn issued_until(&self, purpose: Purpose) -> Option<OffsetDateTime> {
        let mut limits = self
            .issued_until
            .split(',')
            .filter_map(|limit| limit.split_once('='));
        let (_, date) = limits.find(|(name, _)| *name == purpose.name())?;
        parse_rfc3339(date)
    }

    /// Reads a line of `anchors.tsv`; the columns are explained at its top.
    fn from_line(line: &str) -> Option<Self> {
        let columns: Vec<&str> = line.split('\t').collect();
        let [
            class,
            _,
            thumbprint,
            _,
            _,
            not_after,
            purposes,
            disallowed,
            subject,
            key,
            name,
            issued_until,
        ] = columns.as_slice()
        else {
            return None;
        };
        Some(Self {
            class: TrustClass::from_name(class)?,
            name: (*name).to_owned(),
            subject: Base64::decode_vec(subject).ok()?,
            public_key: Base64::decode_vec(key).ok()?,
            thumbprint: (*thumbprint).to_owned(),
            not_after: parse_rfc3339(not_after)?,
            disallowed_after: parse_rfc3339(disallowed),
            purposes: (*purposes).to_owned(),
            issued_until: (*issued_until).to_owned(),
        })
    }
}

/// What chains are built and judged with in one run: the built-in anchors, those that the user named, intermediates
/// that complete chains, and what is known of revoked certificates.
#[derive(Debug, Clone, Default)]
pub struct Anchors {
    named: Vec<Anchor>,
    intermediates: Intermediates,
    revocation: RevocationData,
}

impl Anchors {
    /// The built-in anchors alone.
    pub fn built_in() -> Self {
        Self::default()
    }

    /// These anchors and one more. A built-in anchor of the same key keeps its class.
    #[must_use]
    pub fn with(mut self, root: &Certificate) -> Self {
        self.named.push(Anchor::named(root));
        self
    }

    /// These anchors and one of a class of its own choosing, which only the list can give otherwise.
    #[cfg(test)]
    pub(crate) fn with_class(mut self, root: &Certificate, class: TrustClass) -> Self {
        let anchor = Anchor::named(root);
        self.named.push(Anchor { class, ..anchor });
        self
    }

    /// These anchors and certificates from which gaps between a signer and an anchor may be filled.
    #[must_use]
    pub fn with_intermediates(mut self, certificates: Vec<Certificate>) -> Self {
        self.intermediates.extend(certificates);
        self
    }

    /// The certificates that may fill gaps.
    pub fn intermediates(&self) -> &Intermediates {
        &self.intermediates
    }

    /// These anchors, and what says which certificates were revoked.
    #[must_use]
    pub fn with_revocation(mut self, revocation: RevocationData) -> Self {
        self.revocation = revocation;
        self
    }

    /// What says which certificates were revoked.
    pub fn revocation(&self) -> &RevocationData {
        &self.revocation
    }

    /// The anchor whose key this is.
    pub fn by_key(&self, public_key: &[u8]) -> Option<Anchor> {
        let digest = hex(&DigestAlgorithm::Sha256.of(public_key));
        let lines = INDEX.by_key.get(digest.as_str());
        let built_in =
            lines.and_then(|lines| lines.iter().find_map(|line| Anchor::from_line(line)));
        let named = || {
            self.named
                .iter()
                .find(|a| a.public_key == public_key)
                .cloned()
        };
        built_in.or_else(named)
    }

    /// The anchors of a subject, built-in ones first.
    pub fn by_subject(&self, subject: &[u8]) -> Vec<Anchor> {
        let encoded = Base64::encode_string(subject);
        let lines = INDEX.by_subject.get(encoded.as_str());
        let lines = lines.map_or(&[][..], Vec::as_slice).iter();
        let built_in = lines.filter_map(|line| Anchor::from_line(line));
        let named = self.named.iter().filter(|a| a.subject == subject).cloned();
        built_in.chain(named).collect()
    }

    /// Every built-in anchor, decoded.
    pub fn all_built_in() -> Vec<Anchor> {
        lines().filter_map(Anchor::from_line).collect()
    }
}

/// The lines of the list, by what they are looked up by.
#[derive(Default)]
struct Index {
    /// By SHA-256 of the key, hexadecimal.
    by_key: HashMap<&'static str, Vec<&'static str>>,
    /// By the subject in base64.
    by_subject: HashMap<&'static str, Vec<&'static str>>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index = Index::default();
    for line in lines() {
        let mut columns = line.split('\t');
        if let (Some(key), Some(subject)) = (columns.nth(1), columns.nth(6)) {
            index.by_key.entry(key).or_default().push(line);
            index.by_subject.entry(subject).or_default().push(line);
        }
    }
    index
});

fn lines() -> impl Iterator<Item = &'static str> {
    BUILT_IN
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_decodes_and_is_found_by_its_key() {
        let all = Anchors::all_built_in();
        assert_eq!(all.len(), lines().count());
        let anchors = Anchors::built_in();
        for anchor in &all {
            assert_eq!(
                anchors.by_key(&anchor.public_key).unwrap().class,
                anchor.class
            );
            assert!(
                anchors.by_subject(&anchor.subject).contains(anchor),
                "{}",
                anchor.name
            );
        }
    }

    #[test]
    fn every_class_but_the_named_one_has_an_anchor() {
        let all = Anchors::all_built_in();
        for (class, name) in TrustClass::NAMES {
            let count = all.iter().filter(|a| a.class == class).count();
            assert_eq!(count == 0, class == TrustClass::Named, "{name}");
        }
    }
}
