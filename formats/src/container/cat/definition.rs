//! Catalog definitions (`.cdf`), from which `makecat` makes catalogs.
//!
//! ```text
//! [CatalogHeader]
//! Name=, ResultDir=, PublicVersion=, CatalogVersion=1|2, HashAlgorithms=SHA1|SHA256, PageHashes=true|false,
//! EncodingType=0x00010001, CATATTRn=type:name:value
//! [CatalogFiles]
//! <HASH>label=path     <HASH>labelATTRn=type:name:value     <HASH>labelALTSIPID={guid}
//! ```
//!
//! Keys are compared without regard to case. What `makecat` would pass over in silence is an error here, because the
//! file that is then missing from a catalog is noticed on the device only.

use std::collections::HashMap;

use base64ct::{Base64, Encoding};

use super::member::{flags, utf16_with_nul};
use super::{FileAttribute, MAX_MEMBERS, NameValue, SubjectKind, Tag, Version};

/// `PKCS_7_ASN_ENCODING | X509_ASN_ENCODING`, the only encoding there is.
const ENCODING: u32 = 0x0001_0001;

/// A line that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct DefinitionError {
    /// The line, from 1; the last line where something is missing.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

/// A file that a definition lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefinedFile {
    /// How it is found in the catalog.
    pub tag: Tag,
    /// Where it is, as the definition writes it.
    pub path: String,
    /// The kind that `ALTSIPID` says the file is to be hashed as.
    pub kind: Option<SubjectKind>,
    /// Names and values.
    pub attributes: Vec<FileAttribute>,
    /// Its line, from 1.
    pub line: usize,
}

/// A catalog definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// `Name`: file name of the catalog.
    pub name: String,
    /// `ResultDir`: folder of the catalog, as the definition writes it.
    pub result_dir: Option<String>,
    /// `CatalogVersion`, 1 where there is none.
    pub version: Version,
    /// `CATATTRn` in the order of the file.
    pub attributes: Vec<NameValue>,
    /// The files in the order of the file.
    pub files: Vec<DefinedFile>,
    /// Whether the last line lacks its line end; `makecat` leaves that line out.
    pub unfinished: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Header,
    Files,
}

/// A key and its value.
#[derive(Debug, Clone, Copy)]
struct Line<'a> {
    number: usize,
    key: &'a str,
    value: &'a str,
}

impl Line<'_> {
    fn error(&self, problem: impl Into<String>) -> DefinitionError {
        DefinitionError {
            line: self.number,
            problem: problem.into(),
        }
    }
}

impl Definition {
    /// Reads a definition.
    ///
    /// # Errors
    /// Where a line is not understood, or asks for what is not supported: the message says what.
    pub fn parse(text: &str) -> Result<Self, DefinitionError> {
        let mut header = Header::default();
        let mut files = Vec::new();
        let mut places = HashMap::new();
        let mut details = Vec::new();
        for (section, line) in lines(text)? {
            match section {
                Section::Header => header.take(line)?,
                Section::Files => match detail_of(line.key) {
                    Some((owner, detail)) => details.push((line, owner, detail)),
                    None => {
                        let key = line.key.to_ascii_uppercase();
                        if places.insert(key, files.len()).is_some() {
                            let problem = format!("'{}' stands for two files", line.key);
                            return Err(line.error(problem));
                        }
                        files.push(read_file(line)?);
                    }
                },
            }
        }
        let last = text.lines().count();
        let missing = |problem: &str| DefinitionError {
            line: last,
            problem: problem.to_owned(),
        };
        if files.len() > MAX_MEMBERS {
            return Err(missing("more files than a catalog can have"));
        }
        for (line, owner, detail) in details {
            let place = places.get(&owner.to_ascii_uppercase());
            let file = place.and_then(|place| files.get_mut(*place));
            let file = file.ok_or_else(|| line.error(format!("no file has the key '{owner}'")))?;
            match detail {
                Detail::Attribute => file.attributes.push(read_attribute(line)?),
                Detail::AlternativeSip => file.kind = Some(read_sip(line)?),
            }
        }
        Ok(Self {
            version: header.version(last)?,
            name: header.name.ok_or_else(|| missing("Name is missing"))?,
            result_dir: header.result_dir,
            attributes: header.attributes,
            files,
            unfinished: !text.is_empty() && !text.ends_with('\n'),
        })
    }
}

/// The lines with a key, each with its section.
fn lines(text: &str) -> Result<Vec<(Section, Line<'_>)>, DefinitionError> {
    let mut section = None;
    let mut found = Vec::new();
    for (index, text) in text.lines().enumerate() {
        let text = text.trim();
        let line = |key, value| Line {
            number: index.saturating_add(1),
            key,
            value,
        };
        let error = |problem: String| line("", "").error(problem);
        if text.is_empty() || text.starts_with(';') {
            continue;
        }
        if let Some(name) = text.strip_prefix('[') {
            section = match name.trim_end_matches(']').trim() {
                name if name.eq_ignore_ascii_case("CatalogHeader") => Some(Section::Header),
                name if name.eq_ignore_ascii_case("CatalogFiles") => Some(Section::Files),
                name => {
                    let problem = format!(
                        "there is no section [{name}], only [CatalogHeader] and [CatalogFiles]"
                    );
                    return Err(error(problem));
                }
            };
            continue;
        }
        let (key, value) = text
            .split_once('=')
            .ok_or_else(|| error(format!("'{text}' is neither a section nor key=value")))?;
        let section = section.ok_or_else(|| error(format!("'{key}' stands before any section")))?;
        found.push((section, line(key.trim(), unquoted(value.trim()))));
    }
    Ok(found)
}

fn unquoted(value: &str) -> &str {
    let inner = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
    inner.unwrap_or(value)
}

/// `[CatalogHeader]`.
#[derive(Debug, Default)]
struct Header {
    name: Option<String>,
    result_dir: Option<String>,
    version: Option<Version>,
    algorithm: Option<Version>,
    attributes: Vec<NameValue>,
}

impl Header {
    fn take(&mut self, line: Line<'_>) -> Result<(), DefinitionError> {
        let value = line.value;
        let unknown = |expected: &str| {
            let problem = format!("{} is '{value}', not {expected}", line.key);
            Err(line.error(problem))
        };
        let text = (!value.is_empty()).then(|| value.to_owned());
        match line.key.to_ascii_lowercase().as_str() {
            "name" => self.name = text,
            "resultdir" => self.result_dir = text,
            // Without meaning since Windows 8.
            "publicversion" => {}
            "catalogversion" => match value {
                "" | "1" => self.version = Some(Version::V1),
                "2" => self.version = Some(Version::V2),
                _ => return unknown("1 or 2"),
            },
            "hashalgorithms" => match value.to_ascii_uppercase().as_str() {
                "" => {}
                "SHA1" => self.algorithm = Some(Version::V1),
                "SHA256" => self.algorithm = Some(Version::V2),
                _ => return unknown("SHA1 or SHA256"),
            },
            "pagehashes" => match value.to_ascii_lowercase().as_str() {
                "" | "false" => {}
                "true" => return Err(line.error("PageHashes=true is not supported")),
                _ => return unknown("true or false"),
            },
            "encodingtype" => match number(value) {
                _ if value.is_empty() => {}
                Some(ENCODING) => {}
                _ => return unknown("0x00010001"),
            },
            key => match key.strip_prefix("catattr").map(is_number) {
                Some(true) => self.attributes.push(read_attribute(line)?.value),
                _ => {
                    let problem = format!("there is no key '{}' in [CatalogHeader]", line.key);
                    return Err(line.error(problem));
                }
            },
        }
        Ok(())
    }

    fn version(&self, line: usize) -> Result<Version, DefinitionError> {
        let problem = match (self.version.unwrap_or(Version::V1), self.algorithm) {
            (Version::V1, Some(Version::V2)) => "HashAlgorithms=SHA256 needs CatalogVersion=2",
            (Version::V2, Some(Version::V1) | None) => {
                "CatalogVersion=2 needs HashAlgorithms=SHA256"
            }
            (version, _) => return Ok(version),
        };
        Err(DefinitionError {
            line,
            problem: problem.to_owned(),
        })
    }
}

fn read_file(line: Line<'_>) -> Result<DefinedFile, DefinitionError> {
    if line.value.is_empty() {
        return Err(line.error(format!("'{}' names no file", line.key)));
    }
    let tag = match line.key.get(..6) {
        Some(prefix) if prefix.eq_ignore_ascii_case("<HASH>") => Tag::Hash,
        _ => Tag::Label(line.key.to_owned()),
    };
    Ok(DefinedFile {
        tag,
        path: line.value.to_owned(),
        kind: None,
        attributes: Vec::new(),
        line: line.number,
    })
}

/// What a key of `[CatalogFiles]` can say about a file.
enum Detail {
    Attribute,
    AlternativeSip,
}

/// The key of the file that a key is about, and what it says; `None` for the key of a file itself.
fn detail_of(key: &str) -> Option<(&str, Detail)> {
    let upper = key.to_ascii_uppercase();
    if let Some(owner) = upper.strip_suffix("ALTSIPID") {
        return Some((key.get(..owner.len())?, Detail::AlternativeSip));
    }
    let owner = upper.trim_end_matches(|c: char| c.is_ascii_digit());
    let owner = owner.strip_suffix("ATTR").filter(|_| owner != upper)?;
    Some((key.get(..owner.len())?, Detail::Attribute))
}

/// The kind of file that a subject interface package hashes.
fn read_sip(line: Line<'_>) -> Result<SubjectKind, DefinitionError> {
    SubjectKind::from_guid(line.value).ok_or_else(|| {
        let known = SubjectKind::ALL.map(|kind| format!("{} ({kind})", kind.guid()));
        let problem = format!(
            "the subject interface package {} is not supported, only {}",
            line.value,
            known.join(", ")
        );
        line.error(problem)
    })
}

/// `type:name:value`, where the value may hold colons.
fn read_attribute(line: Line<'_>) -> Result<FileAttribute, DefinitionError> {
    let mut parts = line.value.splitn(3, ':');
    let (Some(kind), Some(name), Some(value)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(line.error(format!("'{}' is not type:name:value", line.value)));
    };
    let (kind, name) = (kind.trim(), name.trim());
    let kind = number(kind).ok_or_else(|| line.error(format!("'{kind}' is not a number")))?;
    let known = flags::NAME
        | flags::OID
        | flags::TEXT
        | flags::BASE64
        | flags::NOT_IN_TWIN
        | flags::AUTHENTICATED
        | flags::UNAUTHENTICATED;
    let refused = |what: &str| Err(line.error(format!("the type {kind:#010x} {what}")));
    let has = |bits: u32| kind & bits != 0;
    if kind & !known != 0 {
        return refused("has unknown bits");
    }
    if has(flags::OID) {
        return refused("asks for an object identifier (bit 0x00000002), which is not supported");
    }
    if has(flags::UNAUTHENTICATED) {
        return refused("asks for an unsigned attribute (bit 0x20000000), which is not supported");
    }
    if !has(flags::NAME) || has(flags::TEXT) == has(flags::BASE64) {
        return refused(
            "lacks the bit for a name (0x00000001), or is not either text (0x00010000) or base64 (0x00020000)",
        );
    }
    let value = match has(flags::TEXT) {
        true => utf16_with_nul(value),
        false => Base64::decode_vec(value.trim())
            .map_err(|_| line.error(format!("'{value}' is not base64")))?,
    };
    Ok(FileAttribute {
        value: NameValue {
            name: name.to_owned(),
            flags: kind & !flags::NOT_IN_TWIN,
            value,
        },
        in_twin: !has(flags::NOT_IN_TWIN),
    })
}

/// A decimal number, or a hexadecimal one after `0x`.
fn number(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    match digits {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
