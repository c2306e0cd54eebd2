//! Files that carry signatures, behind one closed type.

pub mod cab;
pub mod cat;

use std::fmt;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use crate::error::ParseError;
use crate::oid::{self, Oid};
use crate::patch::Patch;
use cab::Cabinet;
use cat::Catalog;

/// A part of what a digest covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Bytes of the input.
    Range(Range<u64>),
    /// Bytes that are not in the input as it stands, such as a header that signing will change.
    Literal(Vec<u8>),
}

/// Which format a container has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// A cabinet, `.cab`.
    Cabinet,
    /// A security catalog, `.cat`.
    Catalog,
}

impl Format {
    /// The name that reports use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cabinet => "cab",
            Self::Catalog => "cat",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cabinet => "cabinet",
            Self::Catalog => "catalog",
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
    /// The bytes that the enhanced hash of a cabinet covers.
    pub enhanced_hash_input: [u8; 4],
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
    /// A content that the signature carries itself.
    Content {
        /// `eContentType`.
        content_type: Oid<'static>,
        /// The content element.
        content: &'a [u8],
    },
}

/// A file that carries signatures.
#[derive(Debug, Clone)]
pub enum Container {
    /// A cabinet.
    Cabinet(Box<Cabinet>),
    /// A security catalog.
    Catalog(Box<Catalog>),
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
        input.by_ref().take(8).read_to_end(&mut magic).map_err(io)?;
        input.seek(SeekFrom::Start(0)).map_err(io)?;
        match magic.as_slice() {
            [b'M', b'S', b'C', b'F', ..] => Ok(Self::Cabinet(Box::new(Cabinet::read(input)?))),
            [crate::der::SEQUENCE, ..] => Ok(Self::Catalog(Box::new(Catalog::read(input)?))),
            other => Err(ParseError::invalid(
                "file",
                "magic",
                0,
                describe_magic(other),
                "a cabinet (MSCF) or a catalog (DER)",
            )),
        }
    }

    /// Which format it is.
    pub fn format(&self) -> Format {
        match self {
            Self::Cabinet(_) => Format::Cabinet,
            Self::Catalog(_) => Format::Catalog,
        }
    }

    /// The `eContentType` that its signatures have.
    pub fn content_type(&self) -> Oid<'static> {
        match self {
            Self::Cabinet(_) => oid::SPC_INDIRECT_DATA,
            Self::Catalog(_) => oid::CTL,
        }
    }

    /// The signature, where there is one.
    pub fn signature(&self) -> Option<EmbeddedSignature<'_>> {
        match self {
            Self::Cabinet(cabinet) => cabinet.signature().map(|signature| EmbeddedSignature {
                der: &signature.der,
                offset: signature.offset,
            }),
            Self::Catalog(catalog) => catalog
                .signature()
                .map(|der| EmbeddedSignature { der, offset: 0 }),
        }
    }

    /// What the digest in the present signature covers; `None` where the signature carries its content itself.
    pub fn digestible(&self) -> Option<Digestible> {
        match self {
            Self::Cabinet(cabinet) => Some(Digestible {
                pieces: cabinet.digest_pieces(),
                enhanced_hash_input: cabinet.enhanced_hash_input(),
            }),
            Self::Catalog(_) => None,
        }
    }

    /// Bytes that no signature protects and that are not what they must be.
    pub fn canonical_faults(&self) -> &[ParseError] {
        match self {
            Self::Cabinet(cabinet) => cabinet.canonical_faults(),
            Self::Catalog(_) => &[],
        }
    }

    /// The container with a slot for a new signature, an old one taken out.
    ///
    /// # Errors
    /// Where it cannot take one; the message names the reason.
    pub fn prepare(&self) -> Result<Prepared<'_>, ParseError> {
        Ok(match self {
            Self::Cabinet(cabinet) => Prepared::Cabinet(Box::new(cabinet.prepare()?)),
            Self::Catalog(catalog) => Prepared::Catalog(catalog),
        })
    }

    /// The patch that restores the file as it was before it was signed; `None` where it is not signed.
    ///
    /// # Errors
    /// Where the signature cannot be taken out.
    pub fn remove_signature(&self) -> Result<Option<Patch>, ParseError> {
        match self {
            Self::Cabinet(cabinet) => cabinet.remove_signature(),
            Self::Catalog(catalog) => catalog.remove_signature(),
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
        })
    }

    /// The patch that puts a finished PKCS#7 blob in.
    ///
    /// # Errors
    /// Where the blob does not fit the format.
    pub fn embed(&self, cms: &[u8]) -> Result<Patch, ParseError> {
        match self {
            Self::Cabinet(prepared) => prepared.embed(cms),
            Self::Catalog(catalog) => Ok(catalog.embed(cms)),
        }
    }
}

/// What unknown first bytes look like, for people who gave the wrong file.
fn describe_magic(magic: &[u8]) -> String {
    let known = match magic {
        [] => "an empty file",
        [b'M', b'Z', ..] => "a PE image (MZ)",
        [b'P', b'K', 3, 4, ..] => "an APPX, MSIX or ZIP file (PK)",
        [0xd0, 0xcf, 0x11, 0xe0, ..] => "an MSI or other OLE file",
        [b'M', b'S', b'W', b'I', b'M', ..] => "a WIM file",
        [b'<', ..] | [0xef, 0xbb, 0xbf, b'<', ..] => "an XML or HTML file",
        [b'-', b'-', b'-', b'-', ..] => "a PEM file",
        _ => "",
    };
    match known {
        "" => magic
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<Vec<_>>()
            .join(" "),
        known => known.to_owned(),
    }
}
