//! What is checked of the file that a signature covers: digest, enhanced hash, page hashes, CheckSum. App packages have
//! a module of their own.

use std::collections::HashMap;
use std::io::{self, Read, Seek};

use formats::container::pe::{Image, WordSum};
use formats::container::{Container, Digestible};
use formats::der::Tlv;
use formats::oid::Oid;
use formats::spc::{EnhancedHash, SpcIndirectData, SpcPeImageData};

use super::{Check, Examined, FailureKind, Outcome};
use crate::digest::{DigestAlgorithm, hex};
use crate::page_hash;

/// The file under the signatures, each digest computed once.
pub(super) struct Subject<'a, R> {
    pub(super) container: &'a Container,
    pub(super) input: &'a mut R,
    pub(super) digests: HashMap<DigestAlgorithm, Vec<u8>>,
    sum: Option<WordSum>,
    /// Of an app package.
    pub(super) block_map: Option<Outcome>,
}

impl<'a, R: Read + Seek> Subject<'a, R> {
    pub(super) fn new(container: &'a Container, input: &'a mut R) -> Self {
        Self {
            container,
            input,
            digests: HashMap::new(),
            sum: None,
            block_map: None,
        }
    }

    fn digest(
        &mut self,
        algorithm: DigestAlgorithm,
        digestible: &Digestible,
    ) -> io::Result<Vec<u8>> {
        if let Some(known) = self.digests.get(&algorithm) {
            return Ok(known.clone());
        }
        let digest = match self.container {
            Container::Pe(_) => {
                let (digest, sum) = algorithm.of_pieces_with_sum(self.input, &digestible.pieces)?;
                self.sum = Some(sum);
                digest
            }
            _ => algorithm.of_pieces(self.input, &digestible.pieces)?,
        };
        self.digests.insert(algorithm, digest.clone());
        Ok(digest)
    }

    /// The sum of what an image's digest covers, taken along with the digest where there was one.
    fn sum(&mut self, image: &Image) -> io::Result<WordSum> {
        match self.sum {
            Some(sum) => Ok(sum),
            None => WordSum::of_pieces(self.input, &image.digest_pieces()),
        }
    }
}

impl Examined {
    /// Checks that the signed `content` is about the file.
    pub(super) fn check_file<R: Read + Seek>(
        &mut self,
        content: Tlv<'_>,
        subject: &mut Subject<'_, R>,
    ) -> io::Result<()> {
        match subject.container {
            // A nested signature brings a content of its own.
            Container::Catalog(catalog) if catalog.content().ok() != Some(content.raw) => {
                let message = "its content is another list than the catalog's";
                self.fail(Check::Digest, FailureKind::DigestMismatch, message);
            }
            Container::SiPolicy(policy)
                if policy.content().ok().as_deref() != Some(content.raw) =>
            {
                let message = "its content is another policy than the file's";
                self.fail(Check::Digest, FailureKind::DigestMismatch, message);
            }
            Container::Appx(package) => {
                return self.check_package_digest(content, package, subject);
            }
            container => match container.digestible() {
                Some(digestible) => return self.check_file_digest(content, &digestible, subject),
                None => self.pass(Check::Digest),
            },
        }
        Ok(())
    }

    fn check_file_digest<R: Read + Seek>(
        &mut self,
        content: Tlv<'_>,
        digestible: &Digestible,
        subject: &mut Subject<'_, R>,
    ) -> io::Result<()> {
        let data = match SpcIndirectData::read(content) {
            Ok(data) => data,
            Err(error) => {
                self.fail(Check::Digest, FailureKind::Malformed, error);
                return Ok(());
            }
        };
        let Some(algorithm) = DigestAlgorithm::from_oid(data.digest_algorithm) else {
            let message = format!(
                "the digest algorithm {} is not supported",
                data.digest_algorithm
            );
            self.fail(Check::Digest, FailureKind::Unsupported, message);
            return Ok(());
        };
        self.signed_digest = Some(data.digest.to_vec());
        if !algorithm.is_strong() {
            self.weaknesses
                .push(format!("the file is hashed with {algorithm}"));
        }
        let found = subject.digest(algorithm, digestible)?;
        if found != data.digest {
            let (found, signed) = (hex(&found), hex(data.digest));
            let message = format!("the file has {algorithm} {found}, {signed} was signed");
            self.fail(Check::Digest, FailureKind::DigestMismatch, message);
            return Ok(());
        }
        let fault = match subject.container {
            Container::Pe(image) => {
                let pages = SpcPeImageData::read(&data);
                self.page_hashes = pages.is_ok_and(|data| !data.page_hashes.is_empty());
                page_fault(&data, image, subject.input)?
            }
            _ => enhanced_hash_fault(&data, digestible),
        };
        match fault {
            Some((kind, message)) => self.fail(Check::Digest, kind, message),
            None => self.pass(Check::Digest),
        }
        Ok(())
    }

    /// Compares an image's CheckSum with its bytes.
    ///
    /// An image that was signed has one: every signing tool writes it last. 0, which linkers leave where nobody
    /// asked for a sum, is therefore as wrong as any other value.
    pub(super) fn check_checksum<R: Read + Seek>(
        &mut self,
        subject: &mut Subject<'_, R>,
    ) -> io::Result<()> {
        let Container::Pe(image) = subject.container else {
            return Ok(());
        };
        let sum = subject.sum(image)?;
        let stated = image.header().check_sum;
        match image.expected_check_sum(sum) {
            Some(found) if found == stated => self.pass(Check::Checksum),
            Some(found) => {
                let message = format!(
                    "the header states CheckSum {stated:#010x}, the file has {found:#010x}"
                );
                self.fail(Check::Checksum, FailureKind::WrongChecksum, message);
            }
            None => self.skip(Check::Checksum, "there are bytes behind the signature"),
        }
        Ok(())
    }
}

/// Why something does not hold.
type Fault = (FailureKind, String);

fn enhanced_hash_fault(data: &SpcIndirectData<'_>, digestible: &Digestible) -> Option<Fault> {
    let signed = match EnhancedHash::find(data) {
        Ok(found) => found?.0,
        Err(error) => return Some((FailureKind::Malformed, error.to_string())),
    };
    let input = digestible.enhanced_hash_input?;
    (DigestAlgorithm::Sha256.of(&input) != signed).then(|| {
        let message = "the enhanced hash is of another signature offset";
        (FailureKind::DigestMismatch, message.to_owned())
    })
}

/// The first page hash that does not fit.
fn page_fault(
    data: &SpcIndirectData<'_>,
    image: &Image,
    input: &mut (impl Read + Seek),
) -> io::Result<Option<Fault>> {
    let page_hashes = match SpcPeImageData::read(data) {
        Ok(data) => data.page_hashes,
        Err(error) => return Ok(Some((FailureKind::Malformed, error.to_string()))),
    };
    for (kind, signed) in page_hashes {
        if let Some(fault) = table_fault(kind, signed, image, input)? {
            return Ok(Some(fault));
        }
    }
    Ok(None)
}

fn table_fault(
    kind: Oid<'_>,
    signed: &[u8],
    image: &Image,
    input: &mut (impl Read + Seek),
) -> io::Result<Option<Fault>> {
    let Some(algorithm) = page_hash::algorithm(kind) else {
        let message = format!("page hashes of the type {kind} are not supported");
        return Ok(Some((FailureKind::Unsupported, message)));
    };
    let layout = match image.pages() {
        Ok(layout) => layout,
        Err(error) => return Ok(Some((FailureKind::Unsupported, error.to_string()))),
    };
    // Checked first, so that the work is bounded by what was signed.
    if page_hash::table_length(&layout, algorithm) != Some(signed.len()) {
        let records = layout.records();
        let message = format!(
            "its page hashes take {} bytes, not those of {records} pages",
            signed.len()
        );
        return Ok(Some((FailureKind::DigestMismatch, message)));
    }
    let found = page_hash::table(input, &layout, algorithm)?;
    let difference = page_hash::first_difference(&found, signed, algorithm);
    Ok(difference.map(|offset| {
        let message = format!("the page at offset {offset:#x} has another {algorithm} than signed");
        (FailureKind::DigestMismatch, message)
    }))
}
