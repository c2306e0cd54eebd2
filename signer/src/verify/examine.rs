//! What a file says about its signatures whatever the time and the anchors: form, digests, CheckSum, publisher.
//!
//! The file is needed for nothing else, so what is found here can be kept as long as the file has the same bytes, and
//! concluded on later.

use std::io::{self, Read, Seek};

use formats::container::{Container, Format};
use formats::der;
use formats::oid;
use formats::signed_data::{SignedData, SignerInfo};
use serde::{Deserialize, Serialize};

use super::file::Subject;
use super::signer::{certificates, find_certificate, form_faults};
use super::{Check, FailureKind, Outcome, SignedVariable};
use crate::digest::{DigestAlgorithm, hex};

/// Deepest nesting of signatures inside signatures.
const MAX_NESTING: usize = 2;
/// Most signatures of one file.
const MAX_SIGNATURES: usize = 32;

/// One signature, compared with the file that carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Examined {
    /// Where it is: `signature[0]`, `signature[0].nested[1]`.
    pub route: String,
    /// The signature, encoded; empty where it cannot be read.
    pub der: Vec<u8>,
    /// Its place in the file.
    pub offset: u64,
    /// The checks that the file is needed for, in the order of [`Check`].
    pub outcomes: Vec<(Check, Outcome)>,
    /// [`Check::Publisher`], of app packages alone.
    pub publisher: Option<Outcome>,
    /// Digest algorithm of the signer.
    pub digest_algorithm: Option<DigestAlgorithm>,
    /// Digest of the file as it was signed, where the content states one.
    pub signed_digest: Option<Vec<u8>>,
    /// Whether an image's signature carries hashes of its pages.
    pub page_hashes: bool,
    /// What the signature covers where that is not its content: of secure-boot variables alone.
    pub detached: Option<Vec<u8>>,
    /// Of a secure-boot variable: what it was signed to become. Not kept.
    #[serde(skip)]
    pub variable: Option<SignedVariable>,
    /// Whether it signs a policy or a variable rather than code.
    pub is_policy: bool,
    /// Sound today but not by today's rules.
    pub weaknesses: Vec<String>,
}

/// Examines every signature of `input`, which was read as `container`: nested ones after the one that carries them.
///
/// # Errors
/// Where the input cannot be read. Everything else is in the result.
pub fn examine(container: &Container, input: &mut (impl Read + Seek)) -> io::Result<Vec<Examined>> {
    let mut examined: Vec<Examined> = Vec::new();
    let mut subject = Subject::new(container, input);
    let signatures = container.signatures().into_iter().enumerate().rev();
    let mut queue: Vec<_> = signatures
        .map(|(index, signature)| {
            let route = format!("signature[{index}]");
            (route, signature.der.to_vec(), signature.offset, 0)
        })
        .collect();
    while let Some((route, der, offset, depth)) = queue.pop() {
        if examined.len() >= MAX_SIGNATURES {
            let message = format!("the file has more than {MAX_SIGNATURES} signatures");
            if let Some(last) = examined.last_mut() {
                last.refuse(message);
            }
            break;
        }
        let (mut found, nested) = examine_one(&route, der, offset, &mut subject)?;
        // What is not looked at must not pass for good.
        if depth >= MAX_NESTING && !nested.is_empty() {
            found.refuse(format!(
                "signatures are nested more than {MAX_NESTING} deep in it"
            ));
        }
        examined.push(found);
        for (index, (der, offset)) in nested.into_iter().enumerate().rev() {
            if depth < MAX_NESTING {
                let depth = usize::saturating_add(depth, 1);
                queue.push((format!("{route}.nested[{index}]"), der, offset, depth));
            }
        }
    }
    Ok(examined)
}

/// Encoded nested signatures with their file offsets.
type Nested = Vec<(Vec<u8>, u64)>;

fn examine_one<R: Read + Seek>(
    route: &str,
    der: Vec<u8>,
    offset: u64,
    subject: &mut Subject<'_, R>,
) -> io::Result<(Examined, Nested)> {
    let mut examined = Examined {
        route: route.to_owned(),
        der: Vec::new(),
        offset,
        outcomes: Vec::new(),
        publisher: None,
        digest_algorithm: None,
        signed_digest: None,
        page_hashes: false,
        detached: None,
        variable: None,
        is_policy: matches!(
            subject.container,
            Container::SiPolicy(_) | Container::EfiVariable(_)
        ),
        weaknesses: Vec::new(),
    };
    let nested = match subject.container.read_signature(&der, offset) {
        Ok(signed_data) => examined.compare(&signed_data, subject)?,
        Err(error) => {
            examined.fail(Check::Structure, FailureKind::Malformed, error);
            return Ok((examined, Vec::new()));
        }
    };
    examined.der = der;
    Ok((examined, nested))
}

fn nested_signatures(signer: &SignerInfo<'_>) -> Nested {
    let attributes = signer.unsigned_attributes.iter();
    let values = attributes
        .flat_map(|attributes| attributes.of(oid::SPC_NESTED_SIGNATURE))
        .flat_map(|attribute| &attribute.values);
    values
        .map(|value| (value.raw.to_vec(), value.offset))
        .collect()
}

impl Examined {
    pub(super) fn fail(
        &mut self,
        check: Check,
        kind: FailureKind,
        message: impl std::fmt::Display,
    ) {
        self.outcomes
            .push((check, Outcome::Failed(kind, message.to_string())));
    }

    /// Fails the structure after all, where it has not failed before.
    fn refuse(&mut self, message: String) {
        let structure = self
            .outcomes
            .iter_mut()
            .find(|(c, _)| *c == Check::Structure);
        match structure {
            Some((_, Outcome::Failed(..))) => {}
            Some((_, outcome)) => *outcome = Outcome::Failed(FailureKind::Malformed, message),
            None => self.fail(Check::Structure, FailureKind::Malformed, message),
        }
    }

    pub(super) fn pass(&mut self, check: Check) {
        self.outcomes.push((check, Outcome::Passed));
    }

    pub(super) fn skip(&mut self, check: Check, why: &'static str) {
        self.outcomes.push((check, Outcome::NotChecked(why.into())));
    }

    /// Compares a signature with its file and gives the signatures nested in it.
    fn compare<R: Read + Seek>(
        &mut self,
        signed_data: &SignedData<'_>,
        subject: &mut Subject<'_, R>,
    ) -> io::Result<Nested> {
        let [signer] = signed_data.signer_infos.as_slice() else {
            let count = signed_data.signer_infos.len();
            self.fail(
                Check::Structure,
                FailureKind::Malformed,
                format_args!("it has {count} signers, exactly one is expected"),
            );
            return Ok(Vec::new());
        };
        let pool = certificates(signed_data);
        let leaf = find_certificate(signer, &pool);
        self.check_structure(signed_data, signer, subject.container);
        match subject.container {
            Container::EfiVariable(variable) => {
                let message = self.check_variable(signed_data, signer, leaf, variable);
                self.detached = Some(message);
            }
            _ => self.check_digest(signed_data, signer, subject)?,
        }
        self.check_checksum(subject)?;
        self.check_block_map(subject)?;
        self.check_publisher(subject.container, leaf);
        Ok(nested_signatures(signer))
    }

    fn check_structure(
        &mut self,
        signed_data: &SignedData<'_>,
        signer: &SignerInfo<'_>,
        container: &Container,
    ) {
        let mut faults: Vec<(FailureKind, String)> = form_faults(signed_data, signer)
            .into_iter()
            .map(|fault| (FailureKind::Malformed, fault))
            .collect();
        for fault in container.canonical_faults() {
            faults.push((FailureKind::NotCanonical, fault.to_string()));
        }
        let wanted = container.content_type();
        if signed_data.content_type != wanted {
            let found = signed_data.content_type;
            let message = format!(
                "its content is {found}, a {} has {wanted}",
                container.format()
            );
            faults.push((FailureKind::Malformed, message));
        }
        let attributes_sorted = signer.signed_attributes.as_ref().is_none_or(|a| a.sorted);
        if !signed_data.certificates_sorted || !attributes_sorted {
            let message = "certificates or attributes are not in DER order";
            match container.format() {
                Format::Catalog => faults.push((FailureKind::NotDer, message.to_owned())),
                Format::Cabinet
                | Format::Pe
                | Format::Appx
                | Format::SiPolicy
                | Format::EfiVariable => {
                    self.weaknesses.push(message.to_owned());
                }
            }
        }
        match faults.into_iter().next() {
            Some((kind, message)) => self.fail(Check::Structure, kind, message),
            None => self.pass(Check::Structure),
        }
    }

    fn check_digest<R: Read + Seek>(
        &mut self,
        signed_data: &SignedData<'_>,
        signer: &SignerInfo<'_>,
        subject: &mut Subject<'_, R>,
    ) -> io::Result<()> {
        let algorithm = signer.digest_algorithm.algorithm;
        let Some(digest) = DigestAlgorithm::from_oid(algorithm) else {
            let message = format!("the digest algorithm {algorithm} is not supported");
            self.fail(Check::Digest, FailureKind::Unsupported, message);
            return Ok(());
        };
        self.digest_algorithm = Some(digest);
        // The tag stands outside what messageDigest covers.
        let (tag, name) = match subject.container {
            Container::SiPolicy(_) => (der::OCTET_STRING, "OCTET STRING"),
            _ => (der::SEQUENCE, "SEQUENCE"),
        };
        let Some(content) = signed_data.content.filter(|c| c.tag == tag) else {
            let message = format!("it has no content {name}");
            self.fail(Check::Digest, FailureKind::Malformed, message);
            return Ok(());
        };
        let stated = signer
            .signed_attributes
            .as_ref()
            .map(|attributes| attributes.single(oid::MESSAGE_DIGEST));
        let found = digest.of(content.value);
        match stated {
            Some(Some(stated)) if stated.value == found => {}
            // Without signed attributes the signature covers the content itself.
            None => {}
            Some(Some(stated)) => {
                let stated = hex(stated.value);
                let message = format!(
                    "the content has {digest} {}, {stated} was signed",
                    hex(&found)
                );
                self.fail(Check::Digest, FailureKind::DigestMismatch, message);
                return Ok(());
            }
            Some(None) => {
                self.fail(
                    Check::Digest,
                    FailureKind::Malformed,
                    "it has no messageDigest attribute",
                );
                return Ok(());
            }
        }
        self.check_file(content, subject)
    }
}
