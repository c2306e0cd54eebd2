//! What a finished package says about its own files: `update.mum`, component manifests, and `man.dsm.xml` of older
//! packages, with the places of every size and digest.
//!
//! ```text
//! update.mum    assembly/package/customInformation/file @cabpath @size @staged @compressed @hash (hexadecimal)
//! *.manifest    assembly/file @name, hash/DigestValue (base64)
//!               assembly/registryKeys/registryKey @keyName / registryValue @name @valueType @value
//!               assembly/memberships/../serviceData @name @start @imagePath ...
//! man.dsm.xml   Package/Files/FileEntry: CabPath, FileSize, CompressedFileSize, StagedFileSize, Hash
//! ```
//!
//! Elements are found by their local names, because the tools of several years disagree about prefixes.

use base64ct::{Base64, Encoding};
use roxmltree::{Document, Node};
use serde::{Deserialize, Serialize};

use super::error::DocumentError;
use super::xml;
use crate::source::{Source, Span, Spanned};

/// Which file of a package it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ManifestKind {
    /// `update.mum`.
    Update,
    /// `*.manifest`, a component or a deployment.
    Component,
    /// `man.dsm.xml`.
    Dsm,
}

impl ManifestKind {
    /// The kind that a path in a cabinet (`/` between its parts) says.
    pub fn of_path(path: &str) -> Option<Self> {
        let path = path.to_ascii_lowercase();
        match path.as_str() {
            "update.mum" => Some(Self::Update),
            "man.dsm.xml" => Some(Self::Dsm),
            _ if path.ends_with(".manifest") && !path.contains('/') => Some(Self::Component),
            _ => None,
        }
    }

    /// The name of the catalog that lists every file of a package with this manifest, in small letters.
    pub fn catalog(self) -> Option<&'static str> {
        match self {
            Self::Update => Some("update.cat"),
            Self::Dsm => Some("content.cat"),
            Self::Component => None,
        }
    }
}

/// How a digest is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestForm {
    /// Hexadecimal with capital letters.
    UpperHex,
    /// Hexadecimal with small letters.
    LowerHex,
    /// Base64 with padding.
    Base64,
}

impl DigestForm {
    /// Reads a digest of 20, 32, 48 or 64 bytes; `None` where the text is none.
    fn read(text: &str) -> Option<(Self, Vec<u8>)> {
        let is_digest = |bytes: &Vec<u8>| matches!(bytes.len(), 20 | 32 | 48 | 64);
        let form = match text.bytes().any(|byte| byte.is_ascii_lowercase()) {
            true => Self::LowerHex,
            false => Self::UpperHex,
        };
        // Base64 without one letter beyond `f` is as good as impossible at these lengths.
        let hexadecimal = unhex(text).filter(is_digest).map(|bytes| (form, bytes));
        hexadecimal.or_else(|| {
            let bytes = Base64::decode_vec(text).ok().filter(is_digest)?;
            Some((Self::Base64, bytes))
        })
    }

    /// Writes a digest.
    pub fn write(self, digest: &[u8]) -> String {
        match self {
            Self::UpperHex => digest.iter().map(|byte| format!("{byte:02X}")).collect(),
            Self::LowerHex => digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            Self::Base64 => Base64::encode_string(digest),
        }
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|d| d as u8);
    let pairs = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    pairs.map(byte).collect()
}

/// A stated digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedDigest {
    /// How it is written; `None` where the text is no digest.
    pub form: Option<DigestForm>,
    /// The digest, whose length says the algorithm; empty where the text is none.
    pub bytes: Vec<u8>,
    /// The text as it stands.
    pub text: Spanned<String>,
}

/// A file that a manifest lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    /// Where it is: the path in the cabinet, in component manifests the path below the component's folder. `/`
    /// stands between the parts.
    pub path: Spanned<String>,
    /// Its digest, where one is stated.
    pub digest: Option<StatedDigest>,
    /// Its size in bytes, where one is stated.
    pub size: Option<Spanned<String>>,
    /// Sizes after compression or staging; older tools wrote estimates.
    pub other_sizes: Vec<Spanned<String>>,
}

/// Who a package is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PackageIdentity {
    /// `name`; in `man.dsm.xml` owner, component and sub-component joined by dots.
    pub name: Option<String>,
    /// `version`.
    pub version: Option<String>,
    /// `processorArchitecture` or `CpuType`.
    pub architecture: Option<String>,
    /// `language` or `Culture`.
    pub language: Option<String>,
    /// `publicKeyToken`.
    pub public_key_token: Option<String>,
    /// `phoneRelease` or `ReleaseType`: `Production` or `Test`.
    pub release_type: Option<String>,
    /// `phoneOwnerType` or `OwnerType`.
    pub owner_type: Option<String>,
    /// `phoneOwner` or `Owner`.
    pub owner: Option<String>,
    /// `targetPartition` or `Partition`.
    pub partition: Option<String>,
    /// `buildType` or `BuildType`: `release` or `fre`.
    pub build_type: Option<String>,
}

/// A registry key that a component manifest creates. Manifests list every ancestor as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestKey {
    /// `@keyName`, e.g. `HKEY_LOCAL_MACHINE\SOFTWARE\Contoso`.
    pub name: String,
    /// Its values.
    pub values: Vec<ManifestValue>,
}

/// A registry value of a component manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestValue {
    /// `@name`; empty for the key's default value.
    pub name: String,
    /// `@valueType`, e.g. `REG_DWORD`; absent where there is none.
    pub kind: Option<String>,
    /// `@value`.
    pub data: String,
}

/// A service that a component manifest installs: the attributes of `serviceData`, names and values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceData(pub Vec<(String, String)>);

impl ServiceData {
    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name)?;
        Some(&found.1)
    }
}

/// A manifest of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageManifest {
    /// Which one.
    pub kind: ManifestKind,
    /// Of whom it is.
    pub identity: PackageIdentity,
    /// The files in the manifest's order.
    pub files: Vec<ListedFile>,
    /// The registry keys of a component.
    pub registry: Vec<ManifestKey>,
    /// The services of a component.
    pub services: Vec<ServiceData>,
}

impl PackageManifest {
    /// The path in the cabinet of a file that this manifest, itself at `path`, lists.
    pub fn target(&self, path: &str, listed: &ListedFile) -> String {
        match self.kind {
            ManifestKind::Component => {
                let end = path.len().saturating_sub(".manifest".len());
                let folder = path.get(..end).unwrap_or_default();
                format!("{folder}/{}", listed.path.value)
            }
            ManifestKind::Update | ManifestKind::Dsm => listed.path.value.clone(),
        }
    }

    /// Reads a manifest of a kind. What is missing stays out.
    ///
    /// # Errors
    /// Where the text is no well-formed XML or over the limits of [`super::xml`].
    pub fn parse(kind: ManifestKind, source: &Source) -> Result<Self, DocumentError> {
        let document = xml::parse(source)?;
        let (element, path) = match kind {
            ManifestKind::Update => ("file", "cabpath"),
            ManifestKind::Component => ("file", "name"),
            ManifestKind::Dsm => ("FileEntry", "CabPath"),
        };
        let reader = Texts { source };
        let entries = document.descendants().filter(|node| is(node, element));
        let files = entries.filter_map(|entry| {
            let mut path = reader.of(entry, &[path])?;
            path.value = path.value.replace('\\', "/");
            path.value = path.value.trim_start_matches('/').to_owned();
            let digest = match kind {
                ManifestKind::Component => reader.inside(entry, "DigestValue"),
                _ => reader.of(entry, &["hash", "Hash"]),
            };
            let others = [
                "staged",
                "compressed",
                "StagedFileSize",
                "CompressedFileSize",
            ];
            let others = others.iter().filter_map(|name| reader.of(entry, &[name]));
            Some(ListedFile {
                path,
                digest: digest.map(stated_digest),
                size: match kind {
                    ManifestKind::Component => None,
                    _ => reader.of(entry, &["size", "FileSize"]),
                },
                other_sizes: others.collect(),
            })
        });
        Ok(Self {
            kind,
            files: files.collect(),
            identity: identity(kind, &document, &reader),
            registry: document
                .descendants()
                .filter(|node| is(node, "registryKey"))
                .map(registry_key)
                .collect(),
            services: document
                .descendants()
                .filter(|node| is(node, "serviceData"))
                .map(|node| {
                    let attributes = node.attributes();
                    let pair =
                        |a: roxmltree::Attribute<'_, '_>| (a.name().into(), a.value().into());
                    ServiceData(attributes.map(pair).collect())
                })
                .collect(),
        })
    }
}

fn stated_digest(text: Spanned<String>) -> StatedDigest {
    match DigestForm::read(&text.value) {
        Some((form, bytes)) => StatedDigest {
            form: Some(form),
            bytes,
            text,
        },
        None => StatedDigest {
            form: None,
            bytes: Vec::new(),
            text,
        },
    }
}

fn registry_key(node: Node<'_, '_>) -> ManifestKey {
    let text = |node: Node<'_, '_>, name| node.attribute(name).map(str::to_owned);
    let values = node.children().filter(|node| is(node, "registryValue"));
    ManifestKey {
        name: text(node, "keyName").unwrap_or_default(),
        values: values
            .map(|value| ManifestValue {
                name: text(value, "name").unwrap_or_default(),
                kind: text(value, "valueType"),
                data: text(value, "value").unwrap_or_default(),
            })
            .collect(),
    }
}

fn is(node: &Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

fn identity(kind: ManifestKind, document: &Document<'_>, reader: &Texts<'_>) -> PackageIdentity {
    let first = |name: &str| document.descendants().find(|node| is(node, name));
    let text = |node: Option<Node<'_, '_>>, name: &str| {
        let found = node.and_then(|node| reader.of(node, &[name]));
        found.map(|text| text.value).filter(|text| !text.is_empty())
    };
    if kind == ManifestKind::Dsm {
        let package = Some(document.root_element());
        let identity = first("Identity");
        let version = first("Version");
        let parts = |node, names: &[&str]| -> Option<String> {
            let parts: Vec<String> = names.iter().filter_map(|name| text(node, name)).collect();
            (!parts.is_empty()).then(|| parts.join("."))
        };
        return PackageIdentity {
            name: parts(identity, &["Owner", "Component", "SubComponent"]),
            version: parts(version, &["Major", "Minor", "QFE", "Build"]),
            architecture: text(package, "CpuType"),
            language: text(package, "Culture"),
            public_key_token: None,
            release_type: text(package, "ReleaseType"),
            owner_type: text(package, "OwnerType"),
            owner: text(identity, "Owner"),
            partition: text(package, "Partition"),
            build_type: text(package, "BuildType"),
        };
    }
    let assembly = first("assemblyIdentity");
    let phone = first("phoneInformation");
    PackageIdentity {
        name: text(assembly, "name"),
        version: text(assembly, "version"),
        architecture: text(assembly, "processorArchitecture"),
        language: text(assembly, "language"),
        public_key_token: text(assembly, "publicKeyToken"),
        release_type: text(phone, "phoneRelease"),
        owner_type: text(phone, "phoneOwnerType"),
        owner: text(phone, "phoneOwner"),
        partition: text(first("package"), "targetPartition"),
        build_type: text(assembly, "buildType"),
    }
}

/// Finds texts and their places.
struct Texts<'a> {
    source: &'a Source,
}

impl Texts<'_> {
    /// The first attribute, or else child element, that has one of the names.
    fn of(&self, node: Node<'_, '_>, names: &[&str]) -> Option<Spanned<String>> {
        let mut attributes = node.attributes();
        if let Some(attribute) = attributes.find(|a| names.contains(&a.name())) {
            return Some(Spanned {
                value: attribute.value().to_owned(),
                span: attribute.range_value().into(),
            });
        }
        let mut children = node.children().filter(Node::is_element);
        let child = children.find(|child| names.contains(&child.tag_name().name()))?;
        self.text(child)
    }

    /// The text of the first element of that name anywhere inside.
    fn inside(&self, node: Node<'_, '_>, name: &str) -> Option<Spanned<String>> {
        self.text(node.descendants().find(|node| is(node, name))?)
    }

    /// The text of an element without the blanks around it.
    fn text(&self, node: Node<'_, '_>) -> Option<Spanned<String>> {
        let text = node.first_child().filter(Node::is_text)?;
        let span = Span::from(text.range());
        let raw = self.source.slice(span);
        let start = raw.len().saturating_sub(raw.trim_start().len());
        let value = raw.trim();
        let start = span.start.saturating_add(start);
        Some(Spanned {
            value: value.to_owned(),
            span: Span::from(start..start.saturating_add(value.len())),
        })
    }
}
