//! What is in a built package: a plain value that depends on the bytes of the cabinet alone, so that it can be kept.
//!
//! [`crate::inside`] reads it. Whether certificates were valid, and whom a chain leads to, is concluded from the
//! signatures when a time and anchors are there.

use formats::document::appx::Identity;
use formats::document::package_manifest::{
    ManifestKey, ManifestKind, PackageIdentity, ServiceData,
};
use serde::{Deserialize, Serialize};
use signer::verify::Examined;

/// A cabinet and what is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// The cabinet's own signatures.
    pub signatures: Vec<Examined>,
    /// Which manifest says who the package is; `None` in a plain cabinet.
    pub kind: Option<ManifestKind>,
    /// Who it is; empty for a plain cabinet.
    pub identity: PackageIdentity,
    /// The files in the order in which they were expanded.
    pub members: Vec<Member>,
    /// The catalogs among them.
    pub catalogs: Vec<ListedCatalog>,
    /// The code-integrity policies among them.
    pub policies: Vec<PackedPolicy>,
    /// What its components write into the registry and which services they install.
    pub components: Vec<Component>,
    /// Sizes and digests in manifests that are not those of the files.
    pub broken: Vec<BrokenLink>,
    /// What could not be read, e.g. a folder that cannot be expanded: the files from there on are not known.
    pub unread: Option<String>,
}

/// A file of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its path in the cabinet with `/` between the parts.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the whole file, hexadecimal.
    pub sha256: String,
    /// What it is.
    pub content: Content,
    /// Its signatures, where it can carry some.
    pub signatures: Vec<Examined>,
    /// Why it cannot be read as what its name says.
    pub unreadable: Option<String>,
}

/// What a file of a package is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// A PE image.
    Image {
        /// `Machine` of the COFF header, e.g. 0x14c; 0 where the image cannot be read.
        machine: u16,
    },
    /// An app package or a bundle.
    App(Identity),
    /// A catalog.
    Catalog,
    /// Anything else.
    Other,
}

/// A catalog of a package, compared with the package's files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedCatalog {
    /// Its path in the cabinet.
    pub path: String,
    /// Whether it is the one that must list every file: `update.cat` or `content.cat`.
    pub is_of_package: bool,
    /// 1: SHA-1 only; 2: SHA-256 with SHA-1 twins.
    pub version: u8,
    /// Number of entries.
    pub entries: usize,
    /// `OSAttr` of the catalog or of its entries, each once.
    pub os_attributes: Vec<String>,
    /// Files that it does not list; of the package's catalog alone.
    pub missing: Vec<String>,
    /// Files whose entry is about another content, with what differs.
    pub changed: Vec<(String, String)>,
    /// Files that are listed by one of the two digests alone, with the name of that digest.
    pub by_one_digest: Vec<(String, String)>,
    /// Entries of none of the files, by name or digest.
    pub extra: Vec<String>,
    /// The object identifier that no catalog has in this place, where that is why it cannot be read.
    pub unknown_oid: Option<String>,
}

/// A code-integrity policy of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedPolicy {
    /// Its path in the cabinet.
    pub path: String,
    /// The bits of its options, each with the offset of the options in the file, or why it cannot be read.
    pub options: Result<Vec<(u32, u64)>, String>,
}

/// What a component manifest does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// The manifest's path in the cabinet.
    pub manifest: String,
    /// Registry keys with their values.
    pub registry: Vec<ManifestKey>,
    /// Services.
    pub services: Vec<ServiceData>,
}

/// A size or digest in a manifest that is not that of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokenLink {
    /// The manifest.
    pub manifest: String,
    /// The file that it is about.
    pub member: String,
    /// What is wrong, as a phrase.
    pub reason: String,
}

impl Contents {
    /// The file of a path, in any case.
    pub fn member(&self, path: &str) -> Option<&Member> {
        let mut members = self.members.iter();
        members.find(|member| member.path.eq_ignore_ascii_case(path))
    }

    /// Whether a component of it installs a service.
    pub fn installs_services(&self) -> bool {
        let mut components = self.components.iter();
        components.any(|component| !component.services.is_empty())
    }

    /// The images of drivers.
    pub fn drivers(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.is_driver())
    }
}

impl Member {
    /// Its name without a folder.
    pub fn name(&self) -> &str {
        crate::files::name_of(&self.path)
    }

    /// Whether it is a kernel driver.
    pub fn is_driver(&self) -> bool {
        let is_image = matches!(self.content, Content::Image { .. });
        is_image && self.path.to_ascii_lowercase().ends_with(".sys")
    }
}
