//! What verifying one signed file said, as plain values: rules about signatures judge these.
//!
//! The caller verifies, because that needs trust anchors and a time; a rule never does.

use time::OffsetDateTime;

use crate::diagnostic::Place;

/// One signature of a file, or the finding that there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The file that was verified.
    pub subject: Subject,
    /// Its place among the file's signatures, from 0; nested ones follow the one that carries them.
    pub index: usize,
    /// Whether there is one that can be read at all.
    pub state: State,
}

/// A file on disk, or a member of a package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// The file on disk, e.g. a cabinet.
    pub file: String,
    /// The member of the cabinet, where the subject is one.
    pub member: Option<String>,
    /// What the subject is.
    pub kind: SubjectKind,
}

/// The kinds of files that carry signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SubjectKind {
    /// A cabinet, which is what packages are.
    Cabinet,
    /// A catalog.
    Catalog,
    /// A program, library or driver.
    Executable,
    /// An app package.
    App,
}

/// Whether there is a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// There is none.
    Absent,
    /// There is something that is no readable signature; the text says why.
    Malformed(String),
    /// There is one.
    Present(Box<Signed>),
}

/// What verification said of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Whether the file still has the digest that was signed.
    pub digest: Check,
    /// The digest's algorithm, e.g. `SHA-256`.
    pub digest_algorithm: String,
    /// Whether the signature is the signer's.
    pub signature: Check,
    /// Whether the certificates lead from the signer to an anchor.
    pub chain: Check,
    /// The class of the anchor, decided by its key.
    pub anchor: AnchorClass,
    /// The signer first, the anchor last; as far as the chain was built.
    pub certificates: Vec<Certificate>,
    /// The trusted time of signing, where there is one.
    pub timestamp: Option<Timestamp>,
    /// The moment at which validity was judged.
    pub verified_at: OffsetDateTime,
}

/// One outcome of verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// It is so.
    Passed,
    /// It is not so; the text says what was found against what was wanted.
    Failed(String),
    /// Nothing could be said; the text says why.
    NotChecked(String),
}

/// Who stands at the end of a chain. Keys decide, names prove nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnchorClass {
    /// A root that Microsoft signs production code with.
    MicrosoftProduction,
    /// A root that Microsoft signs pre-release code with.
    MicrosoftTest,
    /// The published test chain for manufacturers.
    OemTest,
    /// A public authority with a cross-certificate of Microsoft.
    CrossSigned,
    /// A root that the organisation named as its own.
    Organisation,
    /// A sample certificate whose private key is published.
    PublishedSample,
    /// The signer itself.
    SelfSigned,
    /// A root that nobody named.
    Unknown,
    /// The chain does not end.
    None,
}

/// A certificate of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The subject as text.
    pub subject: String,
    /// The issuer as text.
    pub issuer: String,
    /// First moment of validity.
    pub not_before: OffsetDateTime,
    /// Last moment of validity.
    pub not_after: OffsetDateTime,
    /// SHA-1 of the certificate in upper-case hexadecimal, the name that Windows shows.
    pub thumbprint: String,
    /// The key's algorithm, e.g. `RSA`.
    pub key_algorithm: String,
    /// The key's length in bits.
    pub key_bits: u32,
    /// The algorithm that the issuer signed with, e.g. `sha256WithRSAEncryption`.
    pub signature_algorithm: String,
    /// Extended key usages as dotted numbers.
    pub extended_key_usage: Vec<String>,
    /// Where the private key is published, e.g. a name in a public repository.
    pub published_key: Option<String>,
}

/// A time that an authority vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timestamp {
    /// The time.
    pub time: OffsetDateTime,
    /// Whether it is the counter-signature of PKCS #9 and not a token of RFC 3161.
    pub legacy: bool,
    /// The digest's algorithm, e.g. `SHA-256`.
    pub digest_algorithm: String,
    /// Whether it verifies.
    pub check: Check,
}

impl Signature {
    /// A part of this signature, e.g. `signer`; the whole one for an empty part.
    pub fn place(&self, part: &str) -> Place {
        let member = match &self.subject.member {
            Some(member) => format!("{member}: "),
            None => String::new(),
        };
        let dot = if part.is_empty() { "" } else { "." };
        let route = format!("{member}signature[{}]{dot}{part}", self.index);
        Place::binary(self.subject.file.as_str(), route)
    }

    /// What verification said, where there is a signature.
    pub fn signed(&self) -> Option<&Signed> {
        match &self.state {
            State::Present(signed) => Some(signed),
            State::Absent | State::Malformed(_) => None,
        }
    }
}

impl Signed {
    /// The signer's certificate, where it is there.
    pub fn signer(&self) -> Option<&Certificate> {
        self.certificates.first()
    }

    /// The moment that validity of certificates has to hold at: that of a valid timestamp, else that of verification.
    pub fn effective_time(&self) -> OffsetDateTime {
        match &self.timestamp {
            Some(timestamp) if timestamp.check == Check::Passed => timestamp.time,
            _ => self.verified_at,
        }
    }
}

impl Certificate {
    /// Whether the certificate is valid at that moment.
    pub fn is_valid_at(&self, moment: OffsetDateTime) -> bool {
        self.not_before <= moment && moment <= self.not_after
    }
}

impl AnchorClass {
    /// Whether what it signed is for test images only.
    pub fn is_test(self) -> bool {
        matches!(
            self,
            Self::MicrosoftTest | Self::OemTest | Self::PublishedSample | Self::SelfSigned
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn signed(timestamp: Option<Timestamp>) -> Signed {
        Signed {
            digest: Check::Passed,
            digest_algorithm: "SHA-256".into(),
            signature: Check::Passed,
            chain: Check::Passed,
            anchor: AnchorClass::OemTest,
            certificates: Vec::new(),
            timestamp,
            verified_at: datetime!(2026-11-20 0:00 UTC),
        }
    }

    #[test]
    fn only_a_valid_timestamp_moves_the_moment_of_judgement() {
        let stamp = |check| Timestamp {
            time: datetime!(2017-01-01 0:00 UTC),
            legacy: false,
            digest_algorithm: "SHA-256".into(),
            check,
        };
        assert_eq!(signed(None).effective_time().year(), 2026);
        assert_eq!(
            signed(Some(stamp(Check::Passed))).effective_time().year(),
            2017
        );
        let broken = stamp(Check::Failed("digest differs".into()));
        assert_eq!(signed(Some(broken)).effective_time().year(), 2026);
    }

    #[test]
    fn the_place_of_a_member_names_cabinet_member_and_part() {
        let signature = Signature {
            subject: Subject {
                file: "a.cab".into(),
                member: Some("driver.sys".into()),
                kind: SubjectKind::Executable,
            },
            index: 1,
            state: State::Present(Box::new(signed(None))),
        };
        assert_eq!(
            signature.place("signer").to_string(),
            "a.cab (driver.sys: signature[1].signer)"
        );
        assert_eq!(signature.place("").route(), "driver.sys: signature[1]");
        assert!(
            signature
                .signed()
                .is_some_and(|signed| signed.anchor.is_test())
        );
    }
}
