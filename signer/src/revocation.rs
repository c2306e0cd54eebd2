//! Whether the certificates of a chain were revoked, from lists and responses in files. Nothing is fetched.

use formats::certificate::Certificate;
use formats::der;
use formats::error::ParseError;
use formats::oid::Oid;
use formats::revocation::crl::RevocationList;
use formats::revocation::ocsp::{Answer, OcspResponse, Responder, Status};
use formats::revocation::{RevocationReason, Revoked};
use rustls_pki_types::CertificateRevocationListDer;
use rustls_pki_types::pem::PemObject;
use time::OffsetDateTime;

use crate::anchor::Anchor;
use crate::chain::{Chain, issued_by};
use crate::clock::rfc3339;
use crate::digest::{DigestAlgorithm, hex};
use crate::public_key::PublicKey;

const EKU_OCSP_SIGNING: &str = "1.3.6.1.5.5.7.3.9";

/// Why a file of lists or responses cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RevocationError {
    /// Not the structure that it should be.
    #[error(transparent)]
    Malformed(#[from] ParseError),
    /// Neither DER nor a PEM file.
    #[error("not a PEM file: {0}")]
    Pem(String),
}

/// The lists and responses of one run. They prove nothing before their signatures are checked against a chain.
#[derive(Debug, Clone, Default)]
pub struct RevocationData {
    lists: Vec<RevocationList>,
    responses: Vec<OcspResponse>,
}

impl RevocationData {
    /// Adds the list of a DER file, or those of a PEM file.
    ///
    /// # Errors
    /// Where the file holds none, or one that cannot be read.
    pub fn add_lists(&mut self, file: Vec<u8>) -> Result<(), RevocationError> {
        if file.first() == Some(&der::SEQUENCE) {
            self.lists.push(RevocationList::read(file)?);
        } else {
            let found = self.lists.len();
            for list in CertificateRevocationListDer::pem_slice_iter(&file) {
                let list = list.map_err(|error| RevocationError::Pem(error.to_string()))?;
                self.lists.push(RevocationList::read(list.to_vec())?);
            }
            if self.lists.len() == found {
                let problem = "it holds no X509 CRL section".to_owned();
                return Err(RevocationError::Pem(problem));
            }
        }
        // The newest first: it says whether a hold was lifted.
        self.lists
            .sort_by_key(|list| std::cmp::Reverse(list.this_update));
        Ok(())
    }

    /// Adds the OCSP response of a DER file.
    ///
    /// # Errors
    /// Where the file is none, or one that refuses to answer.
    pub fn add_response(&mut self, file: &[u8]) -> Result<(), RevocationError> {
        self.responses.push(OcspResponse::read(file)?);
        Ok(())
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty() && self.responses.is_empty()
    }

    /// What is known of each certificate of a chain below its anchor.
    ///
    /// `counts` is the time at which the certificates had to be valid, `at` the time of verification, by which news
    /// is late or not.
    pub fn judge(&self, chain: &Chain, counts: OffsetDateTime, at: OffsetDateTime) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (index, certificate) in chain.certificates.iter().enumerate() {
            let is_anchors_own = |anchor: &Anchor| anchor.public_key == certificate.public_key;
            if chain.anchor().is_some_and(is_anchors_own) {
                continue;
            }
            let above = chain.certificates.get(index.saturating_add(1));
            let issuer = match (above, chain.anchor()) {
                (Some(issuer), _) => Some(Issuer::of_certificate(issuer)),
                (None, Some(anchor)) => Some(Issuer::of_anchor(anchor)),
                (None, None) => None,
            };
            let facts = match &issuer {
                Some(issuer) => self.facts(certificate, issuer, at),
                None => Vec::new(),
            };
            findings.push(Finding::new(certificate, facts, counts));
        }
        findings
    }

    fn facts(
        &self,
        certificate: &Certificate,
        issuer: &Issuer<'_>,
        at: OffsetDateTime,
    ) -> Vec<Fact> {
        let mut facts = Vec::new();
        let lists = self.lists.iter();
        for list in lists.filter(|list| list.issuer == issuer.name) {
            let state = list_state(list, certificate, issuer);
            facts.push(Fact {
                source: Source::List,
                state,
                this_update: list.this_update,
                next_update: list.next_update,
                is_late: list.next_update.is_some_and(|next| at > next),
            });
        }
        for response in &self.responses {
            let answers = response.answers.iter();
            for answer in answers.filter(|answer| is_about(answer, certificate, issuer)) {
                facts.push(Fact {
                    source: Source::Response,
                    state: response_state(response, answer, issuer),
                    this_update: answer.this_update,
                    next_update: answer.next_update,
                    is_late: answer.next_update.is_some_and(|next| at > next),
                });
            }
        }
        facts
    }
}

/// Where a fact comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A certificate revocation list.
    List,
    /// An OCSP response.
    Response,
}

impl Source {
    /// The name that reports use.
    pub fn name(self) -> &'static str {
        match self {
            Self::List => "crl",
            Self::Response => "ocsp",
        }
    }
}

/// What one list or response says of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It was not revoked when this was made.
    Good,
    /// It was revoked.
    Revoked(Revoked),
    /// Nothing follows from it, and why.
    Unknown(String),
}

/// One list or response that is about a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Where it comes from.
    pub source: Source,
    /// What it says.
    pub state: State,
    /// When it was made.
    pub this_update: OffsetDateTime,
    /// When the next one was due, where it says so.
    pub next_update: Option<OffsetDateTime>,
    /// Whether the next one was due before the time of verification.
    pub is_late: bool,
}

/// What is known of one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its subject.
    pub subject: String,
    /// Its SHA-1 in lower-case hexadecimal.
    pub thumbprint: String,
    /// Everything that is about it.
    pub facts: Vec<Fact>,
    /// The verdict.
    pub verdict: Verdict,
}

/// The verdict on one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Something says that it was good, and nothing that it was revoked.
    Good,
    /// It was revoked when it counted.
    Revoked(Revoked),
    /// It was revoked later, because somebody else may have had the key, and nothing says since when.
    Compromised(Revoked),
    /// It was revoked later, for another reason.
    RevokedLater(Revoked),
    /// Nothing is known.
    Unknown,
}

impl Verdict {
    /// The name that reports use.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Revoked(_) => "revoked",
            Self::Compromised(_) => "compromised",
            Self::RevokedLater(_) => "revoked-later",
            Self::Unknown => "unknown",
        }
    }

    /// The revocation, where there is one.
    pub fn revoked(&self) -> Option<Revoked> {
        match self {
            Self::Revoked(revoked) | Self::Compromised(revoked) | Self::RevokedLater(revoked) => {
                Some(*revoked)
            }
            Self::Good | Self::Unknown => None,
        }
    }
}

impl Finding {
    fn new(certificate: &Certificate, facts: Vec<Fact>, counts: OffsetDateTime) -> Self {
        let verdict = verdict(&facts, counts);
        Self {
            subject: certificate.subject.to_string(),
            thumbprint: hex(&DigestAlgorithm::Sha1.of(&certificate.der)),
            facts,
            verdict,
        }
    }
}

/// Weighs what is known: whatever revokes outweighs what does not, except that a later list lifts a hold.
fn verdict(facts: &[Fact], counts: OffsetDateTime) -> Verdict {
    let mut newest_good: Option<OffsetDateTime> = None;
    for fact in facts.iter().filter(|fact| fact.state == State::Good) {
        newest_good = newest_good.max(Some(fact.this_update));
    }
    let mut later = None;
    for fact in facts {
        let State::Revoked(revoked) = &fact.state else {
            continue;
        };
        let is_lifted = revoked.reason == RevocationReason::CertificateHold
            && newest_good.is_some_and(|good| good > fact.this_update);
        if is_lifted {
            continue;
        }
        if revoked.since <= counts {
            return Verdict::Revoked(*revoked);
        }
        if revoked.reason.is_compromise() || later.is_none() {
            later = Some(*revoked);
        }
    }
    match (later, newest_good) {
        (Some(revoked), _) if revoked.reason.is_compromise() => Verdict::Compromised(revoked),
        (Some(revoked), _) => Verdict::RevokedLater(revoked),
        (None, Some(_)) => Verdict::Good,
        (None, None) => Verdict::Unknown,
    }
}

/// Who issued a certificate, as far as revocation asks.
struct Issuer<'a> {
    name: &'a [u8],
    public_key: &'a [u8],
    may_sign_lists: bool,
}

impl<'a> Issuer<'a> {
    fn of_certificate(certificate: &'a Certificate) -> Self {
        Self {
            name: &certificate.subject.raw,
            public_key: &certificate.public_key,
            may_sign_lists: certificate.key_usage.is_none_or(|usage| usage.crl_sign),
        }
    }

    fn of_anchor(anchor: &'a Anchor) -> Self {
        Self {
            name: &anchor.subject,
            public_key: &anchor.public_key,
            may_sign_lists: true,
        }
    }

    fn signed(&self, message: &[u8], algorithm: &[u8], signature: &[u8]) -> Result<(), String> {
        let key = PublicKey::from_spki(self.public_key).map_err(|error| error.to_string())?;
        key.verify(Oid(algorithm), None, message, signature)
            .map_err(|error| error.to_string())
    }
}

fn list_state(list: &RevocationList, certificate: &Certificate, issuer: &Issuer<'_>) -> State {
    if let Err(why) = issuer.signed(list.tbs(), &list.signature_algorithm, &list.signature) {
        return State::Unknown(format!("its signature does not hold: {why}"));
    }
    if !issuer.may_sign_lists {
        return State::Unknown("the issuer's key usage lacks cRLSign".to_owned());
    }
    if let Some(why) = &list.unusable {
        return State::Unknown(why.clone());
    }
    if let Some(revoked) = list.find(&certificate.serial) {
        return State::Revoked(revoked);
    }
    let scope = &list.scope;
    let is_authority = certificate.basic_constraints.is_some_and(|c| c.ca);
    let names = &certificate.crl_distribution_points;
    let is_elsewhere = scope
        .addresses
        .as_ref()
        .is_some_and(|addresses| !addresses.iter().any(|address| names.contains(address)));
    if scope.only_end_entities && is_authority || scope.only_authorities && !is_authority {
        return State::Unknown("it is about another kind of certificates".to_owned());
    }
    if is_elsewhere {
        return State::Unknown("it is about another distribution point".to_owned());
    }
    if list.this_update > certificate.not_after && !list.keeps_expired {
        let end = rfc3339(certificate.not_after);
        return State::Unknown(format!(
            "it was made after the certificate expired on {end}, and lists may drop expired ones"
        ));
    }
    State::Good
}

/// Whether an answer is about this certificate of this issuer.
fn is_about(answer: &Answer, certificate: &Certificate, issuer: &Issuer<'_>) -> bool {
    if answer.serial != certificate.serial {
        return false;
    }
    let Some(digest) = DigestAlgorithm::from_oid(Oid(&answer.digest_algorithm)) else {
        return false;
    };
    let Ok(key) = PublicKey::from_spki(issuer.public_key) else {
        return false;
    };
    digest.of(issuer.name) == answer.issuer_name_hash
        && digest.of(key.subject_public_key()) == answer.issuer_key_hash
}

fn response_state(response: &OcspResponse, answer: &Answer, issuer: &Issuer<'_>) -> State {
    if let Err(why) = check_responder(response, issuer) {
        return State::Unknown(why);
    }
    match answer.status {
        Status::Good => State::Good,
        Status::Revoked(revoked) => State::Revoked(revoked),
        Status::Unknown => State::Unknown("the responder does not know the certificate".to_owned()),
    }
}

/// A response is signed by the issuer, or by a responder whom the issuer itself made one (RFC 6960 §4.2.2.2).
fn check_responder(response: &OcspResponse, issuer: &Issuer<'_>) -> Result<(), String> {
    let (message, algorithm, signature) = (
        &response.tbs,
        &response.signature_algorithm,
        &response.signature,
    );
    if is_responder(&response.responder, issuer.name, issuer.public_key) {
        return issuer
            .signed(message, algorithm, signature)
            .map_err(|why| format!("its signature does not hold: {why}"));
    }
    let is_named =
        |c: &&Certificate| is_responder(&response.responder, &c.subject.raw, &c.public_key);
    let delegate = response
        .certificates
        .iter()
        .find(is_named)
        .ok_or("the certificate of its responder is missing")?;
    let name = &delegate.subject;
    if delegate.issuer.raw != issuer.name || issued_by(delegate, issuer.public_key).is_err() {
        return Err(format!(
            "its responder {name} was not made one by the issuer"
        ));
    }
    let purposes = delegate.extended_key_usage.iter().flatten();
    if !purposes
        .into_iter()
        .any(|purpose| purpose == EKU_OCSP_SIGNING)
    {
        return Err(format!("its responder {name} may not sign responses"));
    }
    let is_valid = (delegate.not_before..=delegate.not_after).contains(&response.produced_at);
    if !is_valid {
        return Err(format!("its responder {name} was not valid when it signed"));
    }
    Issuer::of_certificate(delegate)
        .signed(message, algorithm, signature)
        .map_err(|why| format!("its signature does not hold: {why}"))
}

fn is_responder(responder: &Responder, name: &[u8], public_key: &[u8]) -> bool {
    match responder {
        Responder::Name(wanted) => wanted == name,
        Responder::KeyHash(wanted) => PublicKey::from_spki(public_key)
            .is_ok_and(|key| DigestAlgorithm::Sha1.of(key.subject_public_key()) == *wanted),
    }
}
