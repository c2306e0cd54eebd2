//! The programs and drivers of a finished image, its catalogs, and who signed them.

use signer::verify::{Check, SignatureReport};

use super::{FinishedImage, grouped};
use crate::facts::security::{CodeKind, SignedCode, SignerChain};
use crate::facts::shared::listed;

/// The name of a file without its partition and folder; that of a partition itself.
pub fn name_of(at: &str) -> &str {
    let name = crate::files::name_of(at);
    name.rsplit(':').next().unwrap_or(name)
}

/// An image in the PE format on a partition.
#[derive(Debug, Clone, Default)]
pub struct Code {
    /// `PARTITION:PATH`.
    pub at: String,
    /// What it is.
    pub kind: ImageCode,
    /// Its own signatures, as places in [`FinishedImage::signers`].
    pub signers: Vec<usize>,
    /// The installed catalogs that list it as an image, as places in [`FinishedImage::catalogs`].
    pub catalogs: Vec<usize>,
    /// Whether an installed catalog lists it as a plain file, at which the loader does not look.
    pub listed_flat: bool,
    /// Its digests without the place of a signature, as policies name them.
    pub hashes: Vec<Vec<u8>>,
    /// Why it cannot be read as what its name says.
    pub unreadable: Option<String>,
}

/// What a PE image is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImageCode {
    /// A program or a library.
    #[default]
    Program,
    /// A kernel driver, `.sys`.
    Driver,
    /// Code of the firmware's kind, `.efi`.
    Firmware,
}

impl ImageCode {
    /// What a file of this path is.
    pub fn of(path: &str) -> Self {
        let name = name_of(path).to_ascii_lowercase();
        match () {
            () if name.ends_with(".sys") => Self::Driver,
            () if name.ends_with(".efi") => Self::Firmware,
            () => Self::Program,
        }
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Driver => "driver",
            Self::Firmware => "boot program",
        }
    }
}

impl Code {
    /// Its name without a folder.
    pub fn name(&self) -> &str {
        name_of(&self.at)
    }

    /// Whether somebody signed it, himself or by a catalog.
    pub fn is_vouched_for(&self) -> bool {
        !self.signers.is_empty() || !self.catalogs.is_empty()
    }
}

/// A catalog on a partition.
#[derive(Debug, Clone, Default)]
pub struct ImageCatalog {
    /// `PARTITION:PATH`.
    pub at: String,
    /// Whether the system looks at it: it is in `catroot`.
    pub installed: bool,
    /// Its signatures, as places in [`FinishedImage::signers`].
    pub signers: Vec<usize>,
    /// Why it cannot be read.
    pub unreadable: Option<String>,
}

/// The files that one signature made, or signatures that are alike.
#[derive(Debug, Clone)]
pub struct SignedFiles<'a> {
    /// The signature.
    pub report: &'a SignatureReport,
    /// The files that carry it, `PARTITION:PATH`, in order.
    pub files: Vec<&'a str>,
}

impl SignedFiles<'_> {
    /// The first file; there is none only where there are no files at all.
    pub fn first(&self) -> &str {
        self.files.first().copied().unwrap_or_default()
    }

    /// A phrase about all of them: the first by its name, then `says`, then the others.
    pub fn message(&self, says: &str) -> String {
        likewise(&self.files, says)
    }

    /// Who signed, for people.
    pub fn signer(&self) -> String {
        let leaf = self.report.leaf.as_ref();
        leaf.map_or_else(
            || "nobody that it names".to_owned(),
            |leaf| leaf.subject.to_string(),
        )
    }
}

/// A phrase about files that share a defect.
pub fn likewise(files: &[&str], says: &str) -> String {
    let Some((first, others)) = files.split_first() else {
        return says.to_owned();
    };
    let names = others.iter().map(|at| format!("`{}`", name_of(at)));
    let first = name_of(first);
    match listed(names) {
        None => format!("`{first}` {says}"),
        Some(others) => format!("`{first}` {says}; likewise {others}"),
    }
}

impl FinishedImage {
    /// The files that carry signatures, catalogs among them, by signature.
    pub fn by_signer(&self) -> Vec<SignedFiles<'_>> {
        let code = self.code.iter().map(|code| (&code.at, &code.signers));
        let catalogs = self.catalogs.iter();
        let catalogs = catalogs.map(|catalog| (&catalog.at, &catalog.signers));
        let carried = catalogs.chain(code).flat_map(|(at, signers)| {
            let signers = signers.iter();
            signers.map(move |signer| (*signer, at.as_str()))
        });
        let groups = grouped(carried).into_iter();
        groups
            .filter_map(|(signer, files)| {
                let report = self.signers.get(signer)?;
                Some(SignedFiles { report, files })
            })
            .collect()
    }

    /// What a code-integrity policy is asked about a file; `None` for what no such policy is about.
    pub fn signed_code(&self, code: &Code) -> Option<SignedCode> {
        let kind = match code.kind {
            ImageCode::Driver => CodeKind::Kernel,
            ImageCode::Program => CodeKind::User,
            ImageCode::Firmware => return None,
        };
        let chains = self.signers_of(code).filter_map(|(_, report)| {
            let chain = report.chain.as_ref()?;
            Some(SignerChain {
                certificates: chain.certificates.clone(),
                root: chain
                    .anchor()
                    .map(|anchor| anchor.thumbprint.to_lowercase()),
            })
        });
        Some(SignedCode {
            kind,
            chains: chains.collect(),
            hashes: code.hashes.clone(),
        })
    }
}

/// What is wrong with a signature itself, whoever made it: its form, the digest, the signature value.
pub fn broken(report: &SignatureReport) -> Option<&str> {
    let asked = [Check::Structure, Check::Digest, Check::Signature];
    let mut failures = report.failures();
    let failure = failures.find(|(check, _, _)| asked.contains(check));
    failure.map(|(_, _, message)| message)
}
