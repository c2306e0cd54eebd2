//! Files that carry signatures, behind one closed type.

pub mod appx;
pub mod cab;
pub mod cat;
pub mod efi_variable;
pub mod ffu;
pub mod pe;
pub mod si_policy;

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use crate::error::{ParseError, Problem};
use crate::oid::{self, Oid};
use crate::patch::Patch;
use crate::signed_data::SignedData;
use appx::Package;
use cab::Cabinet;
use cat::Catalog;
use efi_variable::EfiVariable;
use ffu::FullFlashUpdate;
use pe::{Image, WordSum};
use si_policy::SiPolicy;

/// Bytes read at a time: enough to hide the system call, small enough for the cache.
const BLOCK: usize = 256 << 10;

/// A part of what a digest covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Bytes of the input.
    Range(Range<u64>),
    /// Bytes that are not in the input as it stands, such as a header that signing will change.
    Literal(Vec<u8>),
}

/// Hands on what `pieces` stand for, in order and block by block. Memory does not grow with the input.
///
/// # Errors
/// Whatever reading reports; `UnexpectedEof` where a piece lies outside the input.
pub fn each_block(
    input: &mut (impl Read + Seek),
    pieces: &[Piece],
    mut take: impl FnMut(&[u8]),
) -> io::Result<()> {
    let mut block = vec![0; BLOCK];
    for piece in pieces {
        match piece {
            Piece::Literal(bytes) => take(bytes),
            Piece::Range(range) => {
                input.seek(SeekFrom::Start(range.start))?;
                let mut left = range.end.saturating_sub(range.start);
                while left > 0 {
                    let wanted = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
                    let block = block.get_mut(..wanted).unwrap_or_default();
                    input.read_exact(block)?;
                    take(block);
                    left = left.saturating_sub(wanted as u64);
                }
            }
        }
    }
    Ok(())
}

/// Which format a container has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// A cabinet, `.cab`.
    Cabinet,
    /// A security catalog, `.cat`.
    Catalog,
    /// A PE image: `.sys`, `.dll`, `.exe`, `.efi`.
    Pe,
    /// An app package or a bundle of them: `.appx`, `.msix`, `.appxbundle`, `.msixbundle`.
    Appx,
    /// A code-integrity policy: `SIPolicy.p7b`, `.cip`.
    SiPolicy,
    /// New content of a secure-boot variable: `SetVariable_db.bin`, `.auth`.
    EfiVariable,
}

impl Format {
    /// The name that reports use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cabinet => "cab",
            Self::Catalog => "cat",
            Self::Pe => "pe",
            Self::Appx => "appx",
            Self::SiPolicy => "sipolicy",
            Self::EfiVariable => "efi-variable",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cabinet => "cabinet",
            Self::Catalog => "catalog",
            Self::Pe => "PE image",
            Self::Appx => "app package",
            Self::SiPolicy => "code-integrity policy",
            Self::EfiVariable => "secure-boot variable",
        })
    }
}

/// The signature that a container carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmbeddedSignature<'a> {
    /// The PKCS#7 blob, padding left out.
    pub der: &'a [u8],
    /// File offset of its first byte.
    pub offset: u64,
}

/// What the digest in a signature covers, for containers whose signature states one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digestible {
    /// The hashed pieces, in order.
    pub pieces: Vec<Piece>,
    /// The bytes that the enhanced hash of a cabinet covers; other formats have none.
    pub enhanced_hash_input: Option<[u8; 4]>,
}

/// What a new signature has to cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToBeSigned<'a> {
    /// A cabinet's pieces, with the slot for the signature in place.
    Cabinet {
        /// The hashed pieces, in order.
        pieces: Vec<Piece>,
        /// The signature's offset as it stands in the header, which the enhanced hash covers.
        signature_offset: [u8; 4],
    },
    /// An image's pieces.
    Pe {
        /// The hashed pieces, in order.
        pieces: Vec<Piece>,
        /// The image, for its pages.
        image: &'a pe::Prepared<'a>,
    },
    /// An app package's hashes, of which the digest is a list.
    Appx(&'a appx::Prepared),
    /// A content that the signature carries itself.
    Content {
        /// `eContentType`.
        content_type: Oid<'static>,
        /// The content element.
        content: &'a [u8],
    },
    /// A code-integrity policy, which the signature carries as its content element.
    SiPolicy {
        /// The content element.
        content: Vec<u8>,
    },
}

/// A file that carries signatures.
#[derive(Debug, Clone)]
pub enum Container {
    /// A cabinet.
    Cabinet(Box<Cabinet>),
    /// A security catalog.
    Catalog(Box<Catalog>),
    /// A PE image.
    Pe(Box<Image>),
    /// An app package.
    Appx(Box<Package>),
    /// A code-integrity policy.
    SiPolicy(Box<SiPolicy>),
    /// New content of a secure-boot variable. It is read and verified, never signed.
    EfiVariable(Box<EfiVariable>),
}

impl Container {
    /// Recognises a container by its first bytes and reads what describes it; the payload is not read.
    ///
    /// # Errors
    /// Where the format is not recognised (the message says what it looks like) or the file is damaged.
    pub fn read(input: &mut (impl Read + Seek)) -> Result<Self, ParseError> {
        let io = |error| ParseError::io("file", "magic", 0, &error);
        input.rewind().map_err(io)?;
        let mut magic = Vec::new();
        let beginning = si_policy::HEADER as u64;
        let mut start = input.by_ref().take(beginning);
        start.read_to_end(&mut magic).map_err(io)?;
        input.seek(SeekFrom::Start(0)).map_err(io)?;
        match magic.as_slice() {
            [b'M', b'S', b'C', b'F', ..] => Ok(Self::Cabinet(Box::new(Cabinet::read(input)?))),
            [crate::der::SEQUENCE, ..] => Self::read_signed_data(input),
            [b'M', b'Z', ..] => Ok(Self::Pe(Box::new(Image::read(input)?))),
            [b'P', b'K', 3, 4, ..] => Ok(Self::Appx(Box::new(Package::read(input)?))),
            policy if si_policy::is_bare(policy) => {
                Ok(Self::SiPolicy(Box::new(SiPolicy::read(input)?)))
            }
            variable if efi_variable::is_variable(variable) => {
                Ok(Self::EfiVariable(Box::new(EfiVariable::read(input)?)))
            }
            other => Err(ParseError::invalid(
                "file",
                "magic",
                0,
                describe_magic(other),
                "a cabinet (MSCF), a PE image (MZ), an app package (PK), a catalog (DER), a code-integrity policy or a secure-boot variable",
            )),
        }
    }

    /// Reads a file that is a `SignedData`: what it is, its content says.
    fn read_signed_data(input: &mut (impl Read + Seek)) -> Result<Self, ParseError> {
        let bytes = read_whole(input, "SignedData", cat::MAX_CATALOG)?;
        match SignedData::read(&bytes, 0)?.content_type {
            oid::CTL => Ok(Self::Catalog(Box::new(Catalog::parse(bytes)?))),
            oid::SIPOLICY => Ok(Self::SiPolicy(Box::new(SiPolicy::parse(bytes)?))),
            other => {
                let expected = format_args!(
                    "{} (catalog) or {} (code-integrity policy)",
                    oid::CTL,
                    oid::SIPOLICY
                )
                .to_string();
                Err(ParseError::invalid(
                    "SignedData",
                    "eContentType",
                    0,
                    other,
                    expected,
                ))
            }
        }
    }

    /// Which format it is.
    pub fn format(&self) -> Format {
        match self {
            Self::Cabinet(_) => Format::Cabinet,
            Self::Catalog(_) => Format::Catalog,
            Self::Pe(_) => Format::Pe,
            Self::Appx(_) => Format::Appx,
            Self::SiPolicy(_) => Format::SiPolicy,
            Self::EfiVariable(_) => Format::EfiVariable,
        }
    }

    /// The `eContentType` that its signatures have.
    pub fn content_type(&self) -> Oid<'static> {
        match self {
            Self::Cabinet(_) | Self::Pe(_) | Self::Appx(_) => oid::SPC_INDIRECT_DATA,
            Self::Catalog(_) => oid::CTL,
            Self::SiPolicy(_) => oid::SIPOLICY,
            Self::EfiVariable(_) => oid::DATA,
        }
    }

    /// The signature, where there is one; of several the first, which is the one that Windows looks at.
    pub fn signature(&self) -> Option<EmbeddedSignature<'_>> {
        self.signatures().into_iter().next()
    }

    /// Every signature that stands beside the others. Signatures nested in them are not listed here.
    pub fn signatures(&self) -> Vec<EmbeddedSignature<'_>> {
        let embedded = |(der, offset)| EmbeddedSignature { der, offset };
        match self {
            Self::Cabinet(cabinet) => {
                let signature = cabinet.signature().map(|s| (s.der.as_slice(), s.offset));
                signature.map(embedded).into_iter().collect()
            }
            Self::Catalog(catalog) => {
                let signature = catalog.signature().map(|der| (der, 0));
                signature.map(embedded).into_iter().collect()
            }
            Self::Pe(image) => image.signatures().map(embedded).collect(),
            Self::Appx(package) => package.signature().map(embedded).into_iter().collect(),
            Self::SiPolicy(policy) => {
                let signature = policy.signature().map(|der| (der, 0));
                signature.map(embedded).into_iter().collect()
            }
            Self::EfiVariable(variable) => vec![embedded(variable.signature())],
        }
    }

    /// Reads one of the [`Container::signatures`].
    ///
    /// # Errors
    /// As [`SignedData::read`].
    pub fn read_signature<'s>(
        &self,
        der: &'s [u8],
        offset: u64,
    ) -> Result<SignedData<'s>, ParseError> {
        match self {
            Self::EfiVariable(_) => SignedData::read_either(der, offset),
            _ => SignedData::read(der, offset),
        }
    }

    /// What the digest in the present signature covers; `None` where the signature carries its content itself, and
    /// for app packages, whose digest is a list (see [`Package::digest_parts`]).
    pub fn digestible(&self) -> Option<Digestible> {
        match self {
            Self::Cabinet(cabinet) => Some(Digestible {
                pieces: cabinet.digest_pieces(),
                enhanced_hash_input: Some(cabinet.enhanced_hash_input()),
            }),
            Self::Catalog(_) | Self::Appx(_) | Self::SiPolicy(_) | Self::EfiVariable(_) => None,
            Self::Pe(image) => Some(Digestible {
                pieces: image.digest_pieces(),
                enhanced_hash_input: None,
            }),
        }
    }

    /// Bytes that no signature protects and that are not what they must be.
    pub fn canonical_faults(&self) -> &[ParseError] {
        match self {
            Self::Cabinet(cabinet) => cabinet.canonical_faults(),
            Self::Catalog(_) | Self::SiPolicy(_) => &[],
            Self::Pe(image) => image.canonical_faults(),
            Self::Appx(package) => package.canonical_faults(),
            Self::EfiVariable(variable) => variable.canonical_faults(),
        }
    }

    /// The container with a slot for a new signature, old ones taken out.
    ///
    /// # Errors
    /// Where it cannot take one; the message names the reason.
    pub fn prepare(&self) -> Result<Prepared<'_>, ParseError> {
        Ok(match self {
            Self::Cabinet(cabinet) => Prepared::Cabinet(Box::new(cabinet.prepare()?)),
            Self::Catalog(catalog) => Prepared::Catalog(catalog),
            Self::Pe(image) => Prepared::Pe(Box::new(image.prepare()?)),
            Self::Appx(package) => Prepared::Appx(Box::new(package.prepare()?)),
            Self::SiPolicy(policy) => Prepared::SiPolicy(policy.prepare()?),
            Self::EfiVariable(_) => return Err(not_signed_here()),
        })
    }

    /// The container with its signature open for change: what that signature covers stays as it is.
    ///
    /// # Errors
    /// As [`Container::prepare`], where there are several signatures side by side, and where what an app package's
    /// signature covers would have to change.
    pub fn prepare_amended(&self) -> Result<Prepared<'_>, ParseError> {
        match self {
            Self::Pe(image) => Ok(Prepared::Pe(Box::new(image.prepare_amended()?))),
            Self::Appx(package) => Ok(Prepared::Appx(Box::new(package.prepare_amended()?))),
            Self::Cabinet(_) | Self::Catalog(_) | Self::SiPolicy(_) | Self::EfiVariable(_) => {
                self.prepare()
            }
        }
    }

    /// The patch that puts `cms`, which is the present signature with other unsigned attributes, in its place.
    ///
    /// # Errors
    /// As [`Container::prepare_amended`], and where the input cannot be read.
    pub fn amend(&self, cms: &[u8], input: &mut (impl Read + Seek)) -> Result<Patch, ParseError> {
        let prepared = self.prepare_amended()?;
        let hashed = match &prepared {
            Prepared::Pe(image) => WordSum::of_pieces(input, &image.digest_pieces())
                .map_err(|error| ParseError::io("file", "content", 0, &error))?,
            _ => WordSum::default(),
        };
        prepared.embed(cms, hashed)
    }

    /// The patch that restores the file as it was before it was signed; `None` where it is not signed. What cannot
    /// be restored of an image is said at [`Image::remove_signature`].
    ///
    /// # Errors
    /// Where the signature cannot be taken out, or the input cannot be read.
    pub fn remove_signature(
        &self,
        input: &mut (impl Read + Seek),
    ) -> Result<Option<Patch>, ParseError> {
        match self {
            Self::Cabinet(cabinet) => cabinet.remove_signature(),
            Self::Catalog(catalog) => catalog.remove_signature(),
            Self::Pe(image) => image.remove_signature(input),
            Self::Appx(package) => package.remove_signature(),
            Self::SiPolicy(policy) => policy.remove_signature(),
            Self::EfiVariable(_) => Err(not_signed_here()),
        }
    }
}

/// A container that waits for its signature.
#[derive(Debug, Clone)]
pub enum Prepared<'a> {
    /// A cabinet.
    Cabinet(Box<cab::Prepared>),
    /// A security catalog.
    Catalog(&'a Catalog),
    /// A PE image.
    Pe(Box<pe::Prepared<'a>>),
    /// An app package.
    Appx(Box<appx::Prepared>),
    /// A code-integrity policy.
    SiPolicy(&'a SiPolicy),
}

impl Prepared<'_> {
    /// What the signature has to cover.
    ///
    /// # Errors
    /// None that reading the container would not have given.
    pub fn to_be_signed(&self) -> Result<ToBeSigned<'_>, ParseError> {
        Ok(match self {
            Self::Cabinet(prepared) => ToBeSigned::Cabinet {
                pieces: prepared.digest_pieces(),
                signature_offset: prepared.enhanced_hash_input(),
            },
            Self::Catalog(catalog) => ToBeSigned::Content {
                content_type: oid::CTL,
                content: catalog.content()?,
            },
            Self::Pe(prepared) => ToBeSigned::Pe {
                pieces: prepared.digest_pieces(),
                image: prepared,
            },
            Self::Appx(prepared) => ToBeSigned::Appx(prepared),
            Self::SiPolicy(policy) => ToBeSigned::SiPolicy {
                content: policy.content()?,
            },
        })
    }

    /// The patch that puts a finished PKCS#7 blob in. `hashed` is the sum of the pieces that the signature has to
    /// cover, from which an image's CheckSum is made; the other formats do not ask for it.
    ///
    /// # Errors
    /// Where the blob does not fit the format.
    pub fn embed(&self, cms: &[u8], hashed: WordSum) -> Result<Patch, ParseError> {
        match self {
            Self::Cabinet(prepared) => prepared.embed(cms),
            Self::Catalog(catalog) => Ok(catalog.embed(cms)),
            Self::Pe(prepared) => prepared.embed(cms, hashed),
            Self::Appx(prepared) => prepared.embed(cms),
            Self::SiPolicy(policy) => Ok(policy.embed(cms)),
        }
    }
}

/// Why the signature of a secure-boot variable is left as it is.
fn not_signed_here() -> ParseError {
    let what = "changing the signature of a secure-boot variable";
    ParseError::unsupported("EFI_VARIABLE_AUTHENTICATION_2", "AuthInfo", 16, what)
}

/// A whole file of at most `limit` bytes.
fn read_whole(
    input: &mut (impl Read + Seek),
    structure: &'static str,
    limit: u64,
) -> Result<Vec<u8>, ParseError> {
    let io = |error| ParseError::io(structure, "file", 0, &error);
    let length = input.seek(SeekFrom::End(0)).map_err(io)?;
    if length > limit {
        let found = length;
        return Err(ParseError {
            structure,
            field: "file",
            offset: 0,
            problem: Problem::Limit { found, limit },
        });
    }
    input.rewind().map_err(io)?;
    let mut bytes = Vec::new();
    input.take(limit).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}

/// What unknown first bytes look like, for people who gave the wrong file.
fn describe_magic(magic: &[u8]) -> String {
    let known = match magic {
        [] => "an empty file",
        magic if FullFlashUpdate::is_magic(magic) => {
            "a full flash update, which proofmark image reads"
        }
        [b'P', b'K', ..] => "an empty or split ZIP archive (PK)",
        [0xd0, 0xcf, 0x11, 0xe0, ..] => "an MSI or other OLE file",
        [b'M', b'S', b'W', b'I', b'M', ..] => "a WIM file",
        [b'<', ..] | [0xef, 0xbb, 0xbf, b'<', ..] => "an XML or HTML file",
        [b'-', b'-', b'-', b'-', ..] => "a PEM file",
        _ => "",
    };
    match known {
        "" => magic
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect::<Vec<_>>()
            .join(" "),
        known => known.to_owned(),
    }
}
