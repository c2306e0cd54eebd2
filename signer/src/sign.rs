//! Signing a container: digest, content, CMS, time stamp, patch.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek};
use std::path::Path;

use formats::certificate::Certificate;
use formats::container::appx;
use formats::container::pe::{self, WordSum};
use formats::container::{Container, Format, Prepared, ToBeSigned};
use formats::der;
use formats::error::ParseError;
use formats::nested;
use formats::oid;
use formats::patch::Patch;
use formats::spc::{EnhancedHash, SpcIndirectData, SpcPeImageData};

use crate::app_package;
use crate::cms::{Attributes, Draft};
use crate::digest::DigestAlgorithm;
use crate::identity::Identity;
use crate::key::KeyError;
use crate::output::{write_drafted, write_patched};
use crate::page_hash;
use crate::timestamp::{AttachError, Existing, ObtainError, Obtained, Obtainer, add_stamp};

/// Bytes read at a time from the file that is hashed.
pub(crate) const READ_BUFFER: usize = 256 << 10;

/// Why a file could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The container cannot take a signature.
    #[error(transparent)]
    Container(#[from] ParseError),
    /// The key did not sign.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The hashes of all pages would be longer than a certificate table may be.
    #[error("the image has {0} pages, too many for page hashes")]
    TooManyPages(u64),
    /// The file is signed, and signed files were not to be touched.
    #[error("it is signed already")]
    SignedAlready,
    /// Windows looks at one signature of such a file only.
    #[error("a signed {0} takes no other signature nested in the one it has")]
    NotNestable(Format),
    /// The certificate is not the one that the package's manifest names.
    #[error(
        "the package is published by {publisher}, the certificate is that of {subject}: Windows will refuse it"
    )]
    PublisherMismatch {
        /// `Publisher` of the manifest.
        publisher: String,
        /// The certificate's subject in the same form.
        subject: String,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] io::Error),
    /// No server gave a time stamp.
    #[error(transparent)]
    Timestamp(#[from] ObtainError),
    /// The signature takes no time stamp.
    #[error(transparent)]
    Attach(#[from] AttachError),
    /// There is no signature that a time stamp could help; the text says why.
    #[error("{0}")]
    NotStampable(String),
}

/// What becomes of a signature that is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Placement {
    /// Every one makes room for the new signature.
    #[default]
    Replace,
    /// The new signature is nested in the first one, which stays the one that Windows looks at first.
    Nest,
}

/// How to sign.
#[derive(Debug, Clone)]
pub struct SignOptions {
    /// Digest of file and attributes: SHA-256, SHA-384 or SHA-512. App packages are signed with that of their block
    /// map instead.
    pub digest: DigestAlgorithm,
    /// What the signature says besides.
    pub attributes: Attributes,
    /// Whether an image's signature carries a SHA-256 of every page; other formats have no pages.
    pub page_hashes: bool,
    /// What becomes of a signature that is there; without one there is no difference.
    pub placement: Placement,
    /// Whether an app package is signed although its manifest names another publisher.
    pub allow_publisher_mismatch: bool,
    /// Whether code-integrity policies are time-stamped too; they are read at boot, by a clock that nothing vouches
    /// for, and usually are not.
    pub stamp_policies: bool,
}

impl Default for SignOptions {
    fn default() -> Self {
        Self {
            digest: DigestAlgorithm::Sha256,
            attributes: Attributes::default(),
            page_hashes: false,
            placement: Placement::Replace,
            allow_publisher_mismatch: false,
            stamp_policies: false,
        }
    }
}

/// What to do with a file that is signed already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IfSigned {
    /// Put the new signature in place of every one that is there.
    #[default]
    Replace,
    /// Nest the new signature in the first one.
    Append,
    /// Refuse.
    Fail,
    /// Leave the signature as it is.
    Skip,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It was unsigned and is signed.
    Signed,
    /// The new signature took the place of others.
    Replaced,
    /// The new signature is nested in the first one.
    Appended,
    /// It keeps the signature that it had.
    Skipped,
}

impl Action {
    /// What is to be done with a file.
    pub(crate) fn on(container: &Container, if_signed: IfSigned) -> Result<Self, SignError> {
        match (container.signature(), if_signed) {
            (None, _) => Ok(Self::Signed),
            (Some(_), IfSigned::Replace) => Ok(Self::Replaced),
            (Some(_), IfSigned::Append) => Ok(Self::Appended),
            (Some(_), IfSigned::Skip) => Ok(Self::Skipped),
            (Some(_), IfSigned::Fail) => Err(SignError::SignedAlready),
        }
    }

    pub(crate) fn placement(self) -> Placement {
        match self {
            Self::Appended => Placement::Nest,
            Self::Signed | Self::Replaced | Self::Skipped => Placement::Replace,
        }
    }

    /// The name that reports use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Replaced => "replaced",
            Self::Appended => "appended",
            Self::Skipped => "skipped",
        }
    }
}

/// The result for one file.
#[derive(Debug)]
pub struct Signed {
    /// The file's format.
    pub format: Format,
    /// The digest, which is not the one that was asked for where the file has one of its own.
    pub digest: DigestAlgorithm,
    /// What became of it.
    pub action: Action,
    /// The time stamp, where one was asked for.
    pub timestamp: Option<Obtained>,
}

/// How to sign one file of a batch.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// Who signs.
    pub identity: &'a Identity,
    /// How.
    pub options: &'a SignOptions,
    /// What to do with a file that is signed already.
    pub if_signed: IfSigned,
    /// Who stamps the new signature, where it is to be time-stamped.
    pub stamping: Option<&'a Obtainer<'a>>,
}

/// Signs the file `source` and writes the result to `target`, which may be the same file.
///
/// # Errors
/// As [`sign`], [`SignError::SignedAlready`] under [`IfSigned::Fail`], where no server gives a time stamp, and whatever
/// writing reports; `target` is what it was then.
pub fn sign_file(source: &Path, target: &Path, job: Job<'_>) -> Result<Signed, SignError> {
    let mut input = BufReader::with_capacity(READ_BUFFER, File::open(source)?);
    let container = Container::read(&mut input)?;
    let action = Action::on(&container, job.if_signed)?;
    let mut signed = Signed {
        format: container.format(),
        digest: digest_of(&container, job.options),
        action,
        timestamp: None,
    };
    if action == Action::Skipped {
        if source != target {
            write_patched(source, &Patch::default(), target)?;
        }
        return Ok(signed);
    }
    let insertion = Insertion {
        source,
        target,
        leaf: job.identity.leaf(),
        options: job.options,
        placement: action.placement(),
        stamping: job.stamping,
    };
    signed.timestamp = insertion.write(&container, &mut input, |draft| {
        Ok::<_, SignError>(draft.sign(job.identity)?)
    })?;
    Ok(signed)
}

/// One signature that goes into a file.
pub(crate) struct Insertion<'a> {
    pub(crate) source: &'a Path,
    /// Where the result goes; may be the source.
    pub(crate) target: &'a Path,
    /// Who signs.
    pub(crate) leaf: &'a Certificate,
    pub(crate) options: &'a SignOptions,
    /// Counts instead of that of the options.
    pub(crate) placement: Placement,
    pub(crate) stamping: Option<&'a Obtainer<'a>>,
}

impl Insertion<'_> {
    /// Lets `finish` make a PKCS#7 of what is to be signed, and writes the file with it. `container` was read from
    /// `input`, which is the source.
    pub(crate) fn write<E: From<SignError> + From<io::Error>>(
        &self,
        container: &Container,
        input: &mut (impl Read + Seek),
        finish: impl FnOnce(&Draft<'_>) -> Result<Vec<u8>, E>,
    ) -> Result<Option<Obtained>, E> {
        let prepared = prepare(container, self.placement)?;
        // Any well-formed content shows where the signature will stand.
        let layout = prepared.embed(&der::sequence(&[]), WordSum::default());
        let layout = layout.map_err(SignError::from)?;
        let mut obtained = None;
        write_drafted(self.source, &layout, self.target, || {
            let (draft, hashed) = draft(&prepared, input, self.leaf, self.options)?;
            let mut cms = finish(&draft)?;
            if let Some(obtainer) = stamping(container, self.options, self.stamping) {
                let stamped = add_stamp(&cms, obtainer, Existing::Keep);
                let (stamped, stamp) = stamped?;
                cms = stamped;
                obtained = Some(stamp);
            }
            let cms = place(container, cms, self.placement).map_err(SignError::from)?;
            let patch = prepared.embed(&cms, hashed).map_err(SignError::from)?;
            Ok::<Patch, E>(patch)
        })?;
        Ok(obtained)
    }
}

/// Makes the patch that signs `input`, which was read as `container`, and time-stamps the signature where that is asked
/// for. Nothing is written.
///
/// # Errors
/// As [`sign_file`].
pub fn sign_patch(
    container: &Container,
    input: &mut (impl Read + Seek),
    job: Job<'_>,
) -> Result<(Patch, Option<Obtained>), SignError> {
    match Action::on(container, job.if_signed)? {
        Action::Skipped => Ok((Patch::default(), None)),
        action => stamped_patch(container, input, job, action.placement()),
    }
}

/// Signs a file in memory as [`SignOptions::placement`] says, whatever signatures it has.
///
/// # Errors
/// As [`sign`], and where no server gives a time stamp.
pub fn sign_bytes(bytes: &[u8], job: Job<'_>) -> Result<(Vec<u8>, Option<Obtained>), SignError> {
    let mut input = Cursor::new(bytes);
    let container = Container::read(&mut input)?;
    let (patch, obtained) = stamped_patch(&container, &mut input, job, job.options.placement)?;
    let mut output = Vec::new();
    patch.apply(&mut input, &mut output)?;
    Ok((output, obtained))
}

fn stamped_patch(
    container: &Container,
    input: &mut (impl Read + Seek),
    job: Job<'_>,
    placement: Placement,
) -> Result<(Patch, Option<Obtained>), SignError> {
    let prepared = prepare(container, placement)?;
    let (mut cms, hashed) = sign_prepared(&prepared, input, job.identity, job.options)?;
    let mut obtained = None;
    if let Some(obtainer) = stamping(container, job.options, job.stamping) {
        let (stamped, stamp) = add_stamp(&cms, obtainer, Existing::Keep)?;
        cms = stamped;
        obtained = Some(stamp);
    }
    let cms = place(container, cms, placement)?;
    Ok((prepared.embed(&cms, hashed)?, obtained))
}

/// Who stamps the signature of this file.
fn stamping<'a>(
    container: &Container,
    options: &SignOptions,
    obtainer: Option<&'a Obtainer<'a>>,
) -> Option<&'a Obtainer<'a>> {
    let is_stamped = !matches!(container, Container::SiPolicy(_)) || options.stamp_policies;
    obtainer.filter(|_| is_stamped)
}

/// The container with room for the new signature.
pub(crate) fn prepare(
    container: &Container,
    placement: Placement,
) -> Result<Prepared<'_>, SignError> {
    match (placement, container) {
        (Placement::Nest, Container::Appx(_) | Container::SiPolicy(_))
            if container.signature().is_some() =>
        {
            Err(SignError::NotNestable(container.format()))
        }
        (Placement::Nest, _) => Ok(container.prepare_amended()?),
        (Placement::Replace, _) => Ok(container.prepare()?),
    }
}

/// The blob that goes in: the new signature, or the present one with the new one nested in it.
fn place(container: &Container, cms: Vec<u8>, placement: Placement) -> Result<Vec<u8>, ParseError> {
    match (placement, container.signature()) {
        (Placement::Nest, Some(primary)) => nested::add(primary.der, &cms),
        _ => Ok(cms),
    }
}

/// Makes the patch that signs `input`, which was read as `container`.
///
/// # Errors
/// Where the container refuses a signature, the key cannot sign, or the input cannot be read.
pub fn sign(
    container: &Container,
    input: &mut (impl Read + Seek),
    identity: &Identity,
    options: &SignOptions,
) -> Result<Patch, SignError> {
    let prepared = prepare(container, options.placement)?;
    let (cms, hashed) = sign_prepared(&prepared, input, identity, options)?;
    let cms = place(container, cms, options.placement)?;
    Ok(prepared.embed(&cms, hashed)?)
}

/// The digest with which a file is signed.
pub(crate) fn digest_of(container: &Container, options: &SignOptions) -> DigestAlgorithm {
    match container {
        Container::Appx(package) => app_package::algorithm(package.hash_method()),
        _ => options.digest,
    }
}

/// Makes the patch that takes the nested signatures out of the first signature of `input`, which was read as
/// `container`; `None` where there are none.
///
/// # Errors
/// Where the signature cannot be read or changed, or the input cannot be read.
pub fn remove_nested(
    container: &Container,
    input: &mut (impl Read + Seek),
) -> Result<Option<Patch>, ParseError> {
    let Some(signature) = container.signature() else {
        return Ok(None);
    };
    match nested::remove(signature.der)? {
        Some(cms) => container.amend(&cms, input).map(Some),
        None => Ok(None),
    }
}

/// The finished PKCS#7 for a container, and the sum of what was hashed where the container asks for one.
fn sign_prepared(
    prepared: &Prepared<'_>,
    input: &mut (impl Read + Seek),
    identity: &Identity,
    options: &SignOptions,
) -> Result<(Vec<u8>, WordSum), SignError> {
    let (draft, hashed) = draft(prepared, input, identity.leaf(), options)?;
    Ok((draft.sign(identity)?, hashed))
}

/// What `leaf` is to sign for a container, and the sum of what was hashed where the container asks for one.
pub(crate) fn draft<'p>(
    prepared: &'p Prepared<'_>,
    input: &mut (impl Read + Seek),
    leaf: &Certificate,
    options: &SignOptions,
) -> Result<(Draft<'p>, WordSum), SignError> {
    let digest = options.digest;
    let attributes = &options.attributes;
    let kind = oid::SPC_INDIRECT_DATA;
    match prepared.to_be_signed()? {
        ToBeSigned::Cabinet {
            pieces,
            signature_offset,
        } => {
            let enhanced = DigestAlgorithm::Sha256.of(&signature_offset);
            let data = EnhancedHash(&enhanced).write();
            let file = digest.of_pieces(input, &pieces)?;
            let content = SpcIndirectData::write(&data, digest.oid(), &file);
            let draft = Draft::new(kind, content, digest, attributes)?;
            Ok((draft, WordSum::default()))
        }
        ToBeSigned::Pe { pieces, image } => {
            let pages = match options.page_hashes {
                true => Some(page_table(image, input)?),
                false => None,
            };
            let page_hashes = pages.iter().map(|table| {
                let kind = oid::SPC_PAGE_HASHES_V2;
                (kind, table.as_slice())
            });
            let page_hashes = page_hashes.collect();
            let data = SpcPeImageData { page_hashes }.write();
            let (file, sum) = digest.of_pieces_with_sum(input, &pieces)?;
            let content = SpcIndirectData::write(&data, digest.oid(), &file);
            Ok((Draft::new(kind, content, digest, attributes)?, sum))
        }
        ToBeSigned::Appx(prepared) => {
            let draft = package_draft(prepared, input, leaf, options)?;
            Ok((draft, WordSum::default()))
        }
        ToBeSigned::Content {
            content_type,
            content,
        } => {
            let draft = Draft::new(content_type, content, digest, attributes)?;
            Ok((draft, WordSum::default()))
        }
        ToBeSigned::SiPolicy { content } => {
            let time = attributes.signing_time;
            let draft = Draft::plain(oid::SIPOLICY, content, digest, time)?;
            Ok((draft, WordSum::default()))
        }
    }
}

/// The page hashes of an image.
fn page_table(
    image: &pe::Prepared<'_>,
    input: &mut (impl Read + Seek),
) -> Result<Vec<u8>, SignError> {
    let layout = image.pages()?;
    let algorithm = DigestAlgorithm::Sha256;
    if page_hash::table_length(&layout, algorithm).is_none() {
        return Err(SignError::TooManyPages(layout.records()));
    }
    Ok(page_hash::table(input, &layout, algorithm)?)
}

fn package_draft(
    prepared: &appx::Prepared,
    input: &mut (impl Read + Seek),
    leaf: &Certificate,
    options: &SignOptions,
) -> Result<Draft<'static>, SignError> {
    let publisher = prepared.publisher();
    let subject = &leaf.subject;
    if !options.allow_publisher_mismatch && !app_package::is_publisher(publisher, subject) {
        return Err(SignError::PublisherMismatch {
            publisher: publisher.to_owned(),
            subject: app_package::publisher_of(subject),
        });
    }
    let digest = app_package::algorithm(prepared.hash_method());
    let data = app_package::sip_info(prepared.kind()).write();
    let list = app_package::digest_list(digest, input, prepared.digest_parts())?;
    let content = SpcIndirectData::write(&data, digest.oid(), &list);
    let mut draft = Draft::new(oid::SPC_INDIRECT_DATA, content, digest, &options.attributes)?;
    if let Some(original) = prepared.original() {
        draft = draft.with_attribute(appx::ORIGINAL, original)?;
    }
    Ok(draft)
}
