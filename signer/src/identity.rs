//! A signing identity: a private key, its certificate, and the certificates between that and a root.

use formats::certificate::Certificate;
use formats::der::{self, Reader, Tlv};
use formats::error::ParseError;
use formats::signed_data::SignedData;
use pkcs8::LineEnding;
use rustls_pki_types::pem::{PemObject, SectionKind};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::anchor::{Anchors, Purpose};
use crate::digest::DigestAlgorithm;
use crate::key::{KeyError, RemoteKey, SigningKey};
use crate::pfx::{Pfx, PfxError};
use crate::public_key::PublicKey;
use crate::signer_certificates::SignerCertificates;

/// Why an identity cannot be loaded or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The PFX cannot be opened.
    #[error(transparent)]
    Pfx(#[from] PfxError),
    /// The key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A certificate cannot be read.
    #[error(transparent)]
    Certificate(#[from] ParseError),
    /// A PEM file that is not one.
    #[error("not a PEM file: {0}")]
    Pem(String),
    /// The key is encrypted.
    #[error("the private key is encrypted and {0}")]
    EncryptedKey(&'static str),
    /// No private key in the file.
    #[error("the file holds no private key")]
    NoKey,
    /// No certificate has this key.
    #[error("none of the {0} certificates belongs to the private key")]
    KeyMismatch(usize),
    /// Whoever holds the key does not tell its public half, and the certificates leave a choice.
    #[error(
        "{0} of the certificates could be the signer's, and the key does not tell which: give the signer's and those that issued it"
    )]
    AmbiguousLeaf(usize),
}

/// Why a certificate must not sign now. Each has a name under which it can be allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Objection {
    /// `notAfter` has passed.
    #[error("the certificate of {subject} expired on {date}")]
    Expired {
        /// Whose.
        subject: String,
        /// `notAfter`, RFC 3339.
        date: String,
    },
    /// `notBefore` is in the future.
    #[error("the certificate of {subject} is not valid before {date}")]
    NotYetValid {
        /// Whose.
        subject: String,
        /// `notBefore`, RFC 3339.
        date: String,
    },
    /// The certificate is not meant for what is to be signed.
    #[error("the certificate of {subject} may not sign {what}: {reason}")]
    WrongUsage {
        /// Whose.
        subject: String,
        /// What is to be signed.
        what: &'static str,
        /// Which extension says so.
        reason: &'static str,
    },
    /// The private key is known to everyone.
    #[error("the private key of {subject} is published ({listed}): anyone can sign with it")]
    PublishedKey {
        /// Whose.
        subject: String,
        /// The entry of the list.
        listed: String,
    },
    /// The chain ends at a test root.
    #[error("the certificate of {subject} is a test certificate (its chain ends at {anchor})")]
    TestCertificate {
        /// Whose.
        subject: String,
        /// The anchor's name.
        anchor: String,
    },
}

impl Objection {
    /// The name under which it can be allowed: `--allow-NAME`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Expired { .. } => "expired",
            Self::NotYetValid { .. } => "not-yet-valid",
            Self::WrongUsage { .. } => "wrong-usage",
            Self::PublishedKey { .. } => "published-key",
            Self::TestCertificate { .. } => "test-certificate",
        }
    }
}

/// A private key with its certificates.
#[derive(Debug)]
pub struct Identity {
    key: SigningKey,
    certificates: SignerCertificates,
}

impl Identity {
    /// Opens a PFX. Unrelated certificates in it are left out.
    ///
    /// # Errors
    /// Where the file cannot be opened or no certificate in it belongs to its key.
    pub fn from_pfx(bytes: &[u8], password: &str) -> Result<Self, IdentityError> {
        let pfx = Pfx::open(bytes, password)?;
        Self::new(
            SigningKey::from_der(&pfx.key)?,
            certificates(&pfx.certificates)?,
        )
    }

    /// Puts a key file (PEM or DER) and a certificate file (PEM bundle or DER) together. `password` opens an
    /// encrypted PKCS#8 key.
    ///
    /// # Errors
    /// Where either file cannot be read or no certificate belongs to the key.
    pub fn from_files(
        key: &[u8],
        password: Option<&str>,
        certificate_file: &[u8],
    ) -> Result<Self, IdentityError> {
        let key = SigningKey::from_der(&private_key(key, password)?)?;
        Self::new(key, read_certificates(certificate_file)?)
    }

    /// An identity of a key and certificates in any order, of which one must belong to the key.
    ///
    /// # Errors
    /// [`IdentityError::KeyMismatch`] where none does.
    pub fn new(key: SigningKey, certificates: Vec<Certificate>) -> Result<Self, IdentityError> {
        let leaf = find_leaf(&certificates, |public| key.matches(public))?.clone();
        let certificates = SignerCertificates::new(leaf, &certificates);
        Ok(Self { key, certificates })
    }

    /// An identity of a key that someone else holds. Where the holder does not tell the public half, the signer's
    /// certificate is the one that issued none of the others.
    ///
    /// # Errors
    /// [`IdentityError::KeyMismatch`] where no certificate belongs to the key, [`IdentityError::AmbiguousLeaf`]
    /// where the choice is not clear, [`IdentityError::Key`] where the key cannot be used.
    pub fn remote(
        key: Box<dyn RemoteKey>,
        certificates: Vec<Certificate>,
    ) -> Result<Self, IdentityError> {
        let leaf = match key.public_key() {
            Some(own) => find_leaf(&certificates, |public| public == own)?,
            None => only_leaf(&certificates)?,
        };
        let public = PublicKey::from_spki(&leaf.public_key)
            .map_err(|error| KeyError::Unsupported(error.to_string()))?;
        Self::new(SigningKey::remote(key, public)?, certificates)
    }

    /// The private key.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The certificates, without the key.
    pub fn certificates(&self) -> &SignerCertificates {
        &self.certificates
    }

    /// The certificate of the key.
    pub fn leaf(&self) -> &Certificate {
        self.certificates.leaf()
    }

    /// The certificates between leaf and root, the root left out.
    pub fn intermediates(&self) -> &[Certificate] {
        self.certificates.intermediates()
    }

    /// As [`SignerCertificates::complete`].
    pub fn complete(&mut self, more: &[Certificate], now: OffsetDateTime) {
        self.certificates.complete(more, now);
    }

    /// Everything that speaks against signing with this identity at `now`; `purpose` is what is to be signed.
    pub fn objections(
        &self,
        now: OffsetDateTime,
        anchors: &Anchors,
        purpose: Purpose,
    ) -> Vec<Objection> {
        self.certificates.objections(now, anchors, purpose)
    }
}

/// The certificate whose public key is `wanted`.
fn find_leaf(
    certificates: &[Certificate],
    wanted: impl Fn(&PublicKey) -> bool,
) -> Result<&Certificate, IdentityError> {
    certificates
        .iter()
        .find(|c| PublicKey::from_spki(&c.public_key).is_ok_and(|public| wanted(&public)))
        .ok_or(IdentityError::KeyMismatch(certificates.len()))
}

/// The certificate that issued none of the others.
pub(crate) fn only_leaf(certificates: &[Certificate]) -> Result<&Certificate, IdentityError> {
    let is_leaf = |certificate: &&Certificate| {
        let issued = |other: &Certificate| {
            other != *certificate && other.issuer.raw == certificate.subject.raw
        };
        !certificates.iter().any(issued)
    };
    let leaves: Vec<_> = certificates.iter().filter(is_leaf).collect();
    match leaves.as_slice() {
        [leaf] => Ok(leaf),
        others => Err(IdentityError::AmbiguousLeaf(others.len())),
    }
}

/// Reads the certificates of a PEM bundle, of one DER file, or of a PKCS#7 file (`.p7b`) in DER.
///
/// # Errors
/// Where the file holds none, or one that cannot be read.
pub fn read_certificates(file: &[u8]) -> Result<Vec<Certificate>, IdentityError> {
    if file.first() == Some(&der::SEQUENCE) {
        return match is_content_info(file) {
            true => Ok(parse_all(SignedData::read(file, 0)?.certificates)?),
            false => Ok(vec![Certificate::parse(file, 0)?]),
        };
    }
    let mut found = Vec::new();
    for section in sections(file)? {
        if let (SectionKind::Certificate, der) = section {
            found.push(Certificate::parse(&der, 0)?);
        }
    }
    match found.is_empty() {
        true => Err(IdentityError::Pem(
            "it holds no CERTIFICATE section".to_owned(),
        )),
        false => Ok(found),
    }
}

/// Whether a SEQUENCE begins with an object identifier, as `ContentInfo` does and a certificate does not.
pub(crate) fn is_content_info(file: &[u8]) -> bool {
    let mut reader = Reader::new("file", file, 0);
    let element = reader.next("element");
    element.is_ok_and(|e| e.reader("element").peek_tag() == Some(der::OBJECT_IDENTIFIER))
}

fn parse_all(certificates: Vec<Tlv<'_>>) -> Result<Vec<Certificate>, ParseError> {
    let parsed = certificates
        .iter()
        .map(|tlv| Certificate::parse(tlv.raw, tlv.offset));
    parsed.collect()
}

fn certificates(der: &[Vec<u8>]) -> Result<Vec<Certificate>, IdentityError> {
    let parsed = der.iter().map(|der| Certificate::parse(der, 0));
    Ok(parsed.collect::<Result<_, _>>()?)
}

/// What a PEM section says it is, and its bytes.
type Section = (SectionKind, Zeroizing<Vec<u8>>);

/// The sections of a PEM file; text between them is allowed.
pub(crate) fn sections(file: &[u8]) -> Result<Vec<Section>, IdentityError> {
    <(SectionKind, Vec<u8>)>::pem_slice_iter(file)
        .map(|section| {
            let (kind, der) = section.map_err(|error| IdentityError::Pem(error.to_string()))?;
            Ok((kind, Zeroizing::new(der)))
        })
        .collect()
}

/// The first private key of a file, PEM or DER.
pub(crate) fn private_key(
    file: &[u8],
    password: Option<&str>,
) -> Result<Zeroizing<Vec<u8>>, IdentityError> {
    if file.first() == Some(&der::SEQUENCE) {
        return match pkcs8::EncryptedPrivateKeyInfo::try_from(file) {
            Ok(encrypted) => decrypt(&encrypted, password),
            Err(_) => Ok(Zeroizing::new(file.to_vec())),
        };
    }
    for (kind, der) in sections(file)? {
        if matches!(
            kind,
            SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey
        ) {
            return Ok(der);
        }
    }
    let text = std::str::from_utf8(file).map_err(|_| IdentityError::NoKey)?;
    let start = text
        .find("-----BEGIN ENCRYPTED PRIVATE KEY-----")
        .ok_or(IdentityError::NoKey)?;
    let (_, document) = pkcs8::der::Document::from_pem(text.get(start..).unwrap_or_default())
        .map_err(|error| IdentityError::Pem(error.to_string()))?;
    let encrypted = pkcs8::EncryptedPrivateKeyInfo::try_from(document.as_bytes())
        .map_err(|error| IdentityError::Pem(error.to_string()))?;
    decrypt(&encrypted, password)
}

fn decrypt(
    encrypted: &pkcs8::EncryptedPrivateKeyInfo<'_>,
    password: Option<&str>,
) -> Result<Zeroizing<Vec<u8>>, IdentityError> {
    let password = password.ok_or(IdentityError::EncryptedKey("no password was given"))?;
    let key = encrypted
        .decrypt(password)
        .map_err(|_| IdentityError::EncryptedKey("the password does not open it"))?;
    Ok(Zeroizing::new(key.as_bytes().to_vec()))
}

/// SHA-1 of a certificate, the thumbprint by which Windows names it, in upper-case hexadecimal.
pub fn thumbprint(certificate: &Certificate) -> String {
    crate::digest::hex(&DigestAlgorithm::Sha1.of(&certificate.der)).to_uppercase()
}

/// A certificate as a PEM file.
///
/// # Errors
/// Never for a certificate that was read; the encoder has a limit of length.
pub fn write_pem(certificate: &Certificate) -> Result<String, IdentityError> {
    pkcs8::der::pem::encode_string("CERTIFICATE", LineEnding::LF, &certificate.der)
        .map_err(|error| IdentityError::Pem(error.to_string()))
}
