//! The XML parts of an app package: `[Content_Types].xml`, `AppxBlockMap.xml` and the manifests.
//!
//! Unlike image inputs these are written by packaging tools and read by the loader of Windows, so what is missing or
//! malformed is an error and not a flagged field.

use roxmltree::Node;
use serde::{Deserialize, Serialize};

use super::decode::decode;
use super::error::{DocumentError, DocumentProblem};
use super::xml;
use crate::source::{Source, Span};

/// Part name of the signature, as content types write it.
pub const SIGNATURE_PART: &str = "/AppxSignature.p7x";
/// Content type of the signature.
pub const SIGNATURE_TYPE: &str = "application/vnd.ms-appx.signature";
/// Most characters of a value that a message repeats.
const SHOWN: usize = 80;

/// `[Content_Types].xml`, as far as a signature touches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentTypes {
    /// The element that announces the signature, as file offsets; absent in a package that was never signed.
    pub signature: Option<Span>,
    /// Whether the extension of the signature's name announces it instead.
    pub by_extension: bool,
    /// File offset at which that element belongs: in front of the end of the root.
    pub end: usize,
    /// Prefix of the root's namespace with its colon, mostly empty.
    pub prefix: String,
}

impl ContentTypes {
    /// Reads `[Content_Types].xml`, which must be UTF-8.
    ///
    /// # Errors
    /// Where it cannot be read, has another root, or gives the signature another type.
    pub fn read(bytes: &[u8]) -> Result<Self, DocumentError> {
        let source = decoded("[Content_Types].xml", bytes)?;
        // Only then are places of the text places of the file.
        let is_utf8 = bytes.get(source.file_offset(0)..) == Some(source.text().as_bytes());
        if !is_utf8 {
            return Err(odd(Span::default(), "another encoding than UTF-8"));
        }
        let document = xml::parse(&source)?;
        let root = expect_root(document.root_element(), &["Types"])?;
        let place = |span: std::ops::Range<usize>| Span {
            start: source.file_offset(span.start),
            end: source.file_offset(span.end),
        };
        let mut signature = None;
        for node in children(root, "Override") {
            let part = node.attribute("PartName").unwrap_or_default();
            if !part.eq_ignore_ascii_case(SIGNATURE_PART) {
                continue;
            }
            let kind = node.attribute("ContentType").unwrap_or_default();
            if kind != SIGNATURE_TYPE || signature.is_some() {
                let found = format!(
                    "a second or another type of the signature, {:?}",
                    short(kind)
                );
                return Err(odd(node.range().into(), found));
            }
            signature = Some(place(node.range()));
        }
        let by_extension = children(root, "Default").any(|node| {
            let extension = node.attribute("Extension").unwrap_or_default();
            let kind = node.attribute("ContentType");
            extension.eq_ignore_ascii_case("p7x") && kind == Some(SIGNATURE_TYPE)
        });
        let whole = source.slice(root.range().into());
        let Some(end) = whole.rfind("</").filter(|_| whole.ends_with('>')) else {
            return Err(odd(root.range().into(), "no content type at all"));
        };
        let name = xml::qualified_name(whole.get(1..).unwrap_or_default());
        let prefix = name.split_once(':').map(|(prefix, _)| format!("{prefix}:"));
        Ok(Self {
            signature,
            by_extension,
            end: source.file_offset(root.range().start.saturating_add(end)),
            prefix: prefix.unwrap_or_default(),
        })
    }
}

/// `AppxBlockMap.xml`: the hashes of every file's blocks of 64 KiB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockMap {
    /// `HashMethod`, the identifier of an algorithm as XML signatures name it.
    pub hash_method: String,
    /// The files in the map's order.
    pub files: Vec<BlockMapFile>,
}

/// `File` of a block map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockMapFile {
    /// `Name`, with backslashes between folders.
    pub name: String,
    /// `Size` of the file in bytes.
    pub size: u64,
    /// `LfhSize`, bytes of its local file header.
    pub lfh_size: u64,
    /// `Hash` of every block, base64.
    pub blocks: Vec<String>,
}

impl BlockMap {
    /// Reads `AppxBlockMap.xml`.
    ///
    /// # Errors
    /// Where it cannot be read, has another root, or an attribute is missing or no number.
    pub fn read(bytes: &[u8]) -> Result<Self, DocumentError> {
        let source = decoded("AppxBlockMap.xml", bytes)?;
        let document = xml::parse(&source)?;
        let root = expect_root(document.root_element(), &["BlockMap"])?;
        let mut files = Vec::new();
        for file in children(root, "File") {
            let blocks = children(file, "Block").map(|block| text(block, "Hash"));
            files.push(BlockMapFile {
                name: text(file, "Name")?,
                size: number(file, "Size")?,
                lfh_size: number(file, "LfhSize")?,
                blocks: blocks.collect::<Result<_, _>>()?,
            });
        }
        Ok(Self {
            hash_method: text(root, "HashMethod")?,
            files,
        })
    }
}

/// Whose package it is and what it wants, from `AppxManifest.xml` or `AppxBundleManifest.xml`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Identity {
    /// `Identity/@Name`.
    pub name: String,
    /// `Identity/@Publisher`, a distinguished name.
    pub publisher: String,
    /// Whether the manifest is that of a bundle.
    pub is_bundle: bool,
    /// `Properties/Framework`: whether it is a library that apps share.
    pub is_framework: bool,
    /// `Dependencies/PackageDependency/@Name`.
    pub dependencies: Vec<String>,
    /// The names of all `Capabilities`, of whatever namespace, e.g. `location`.
    pub capabilities: Vec<String>,
}

impl Identity {
    /// Reads a manifest.
    ///
    /// # Errors
    /// Where it cannot be read, has another root, or has not exactly one identity with name and publisher.
    pub fn read(bytes: &[u8]) -> Result<Self, DocumentError> {
        let source = decoded("AppxManifest.xml", bytes)?;
        let document = xml::parse(&source)?;
        let root = expect_root(document.root_element(), &["Package", "Bundle"])?;
        let mut identities = children(root, "Identity");
        let (Some(identity), None) = (identities.next(), identities.next()) else {
            return Err(odd(
                root.range().into(),
                "none or several Identity elements",
            ));
        };
        Ok(Self {
            name: text(identity, "Name")?,
            publisher: text(identity, "Publisher")?,
            is_bundle: root.tag_name().name() == "Bundle",
            is_framework: children(root, "Properties")
                .flat_map(|node| children(node, "Framework"))
                .any(|node| node.text().is_some_and(|text| text.trim() == "true")),
            dependencies: children(root, "Dependencies")
                .flat_map(|node| children(node, "PackageDependency"))
                .filter_map(|node| node.attribute("Name").map(str::to_owned))
                .collect(),
            capabilities: children(root, "Capabilities")
                .flat_map(|node| node.children())
                .filter_map(|node| node.attribute("Name").map(str::to_owned))
                .collect(),
        })
    }
}

fn decoded(name: &str, bytes: &[u8]) -> Result<Source, DocumentError> {
    decode(name, bytes).map_err(|undecodable| undecodable.error)
}

fn odd(span: Span, found: impl Into<String>) -> DocumentError {
    DocumentError::new(span, DocumentProblem::NotWellFormed(found.into()))
}

fn expect_root<'a>(root: Node<'a, 'a>, names: &[&str]) -> Result<Node<'a, 'a>, DocumentError> {
    match names.contains(&root.tag_name().name()) {
        true => Ok(root),
        false => {
            let found = short(root.tag_name().name());
            let message = format!("the root is {found}, not {}", names.join(" or "));
            Err(odd(root.range().into(), message))
        }
    }
}

/// The child elements of a name in their parent's namespace.
fn children<'a>(parent: Node<'a, 'a>, name: &'static str) -> impl Iterator<Item = Node<'a, 'a>> {
    let namespace = parent.tag_name().namespace();
    parent.children().filter(move |node| {
        node.is_element()
            && node.tag_name().name() == name
            && node.tag_name().namespace() == namespace
    })
}

fn text(node: Node<'_, '_>, attribute: &str) -> Result<String, DocumentError> {
    node.attribute(attribute).map(str::to_owned).ok_or_else(|| {
        let element = short(node.tag_name().name());
        odd(
            node.range().into(),
            format!("{element} without {attribute}"),
        )
    })
}

fn number(node: Node<'_, '_>, attribute: &str) -> Result<u64, DocumentError> {
    let found = text(node, attribute)?;
    let is_number = found.bytes().all(|byte| byte.is_ascii_digit());
    found.parse().ok().filter(|_| is_number).ok_or_else(|| {
        let found = short(&found);
        odd(
            node.range().into(),
            format!("{attribute} is {found:?}, not a number"),
        )
    })
}

/// A value short enough for a message.
fn short(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}
