//! Packages made from their definitions: a model of what is in them, its bytes, and these signed and verified.
//!
//! The form is that of finished packages: deployment manifest, `update.mum`, `update.cat`, component manifests, payload.
//! Which components the kit itself would make of a definition is not published: files are one, registry values another,
//! as in packages that a converter of the kit made. `docs/packages.md` says what no device has seen.

mod binary_partition;
mod catalog;
mod definition;
mod inferred;
mod manifests;
mod payload;
mod registry;
mod service;
mod twin;

use std::io::Cursor;

use formats::container::cab::{Entry, Packing, attribs, pack};
use formats::document::decode::SIZE_LIMIT;
use formats::document::manifest_name::ComponentIdentity;
use formats::document::wm_xml::TWIN;
use time::{OffsetDateTime, PrimitiveDateTime};

use super::contents::Package;
use super::links::{Links, examine};
use super::resign::resign_bytes;
use super::{Layer, Outcome, PackageError, Terms};
use crate::digest::DigestAlgorithm;

pub use definition::{DefinitionError, Target, model};
pub use payload::MAX_FILES;
pub use twin::twin;

/// The token that packages of OEMs have.
const OEM_TOKEN: &str = "628844477771337a";

/// What a package is to be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Model {
    /// Its name, e.g. `Contoso.Kiosk.Agent`; see [`Model::cabinet`].
    pub name: String,
    /// Four numbers.
    pub version: String,
    /// `arm`, `arm64`, `x86` or `amd64`; `arm64.arm` for a twin.
    pub architecture: String,
    /// Whether it is the twin of a package, for 32-bit programs on a 64-bit processor.
    pub is_twin: bool,
    /// Whether its one file is the image of the whole partition.
    pub is_binary_partition: bool,
    /// Whether some of its registry values are services.
    pub has_services: bool,
    /// `phoneOwner`.
    pub owner: String,
    /// `phoneOwnerType`, e.g. `OEM`.
    pub owner_type: String,
    /// `phoneComponent`.
    pub component: String,
    /// `phoneSubComponent`.
    pub sub_component: String,
    /// `Production` or `Test`.
    pub release_type: String,
    /// `MainOS`, `EFIESP`, ...
    pub partition: String,
    /// The payload.
    pub files: Vec<ModelFile>,
    /// Registry keys, parents before children, none twice.
    pub keys: Vec<ModelKey>,
}

/// A file of the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFile {
    /// Its folder as manifests write it, with `\` at the end: `$(runtime.system32)\boot\`.
    pub folder: String,
    /// Its path below the root of the partition: `windows\System32\boot\x.txt`.
    pub path: String,
    /// The content.
    pub bytes: Vec<u8>,
}

impl ModelFile {
    /// Its name without its folder.
    pub fn name(&self) -> &str {
        self.path.rsplit('\\').next().unwrap_or_default()
    }
}

/// A registry key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelKey {
    /// Beginning with the long name of its hive.
    pub key: String,
    /// Its values, in order.
    pub values: Vec<ModelValue>,
}

/// A registry value as a manifest has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelValue {
    /// Empty for the key's default value.
    pub name: String,
    /// `REG_SZ`, ...
    pub kind: &'static str,
    /// The data in the manifest's notation.
    pub data: String,
}

/// How a package is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuildOptions {
    /// The date of everything in it, from 1980 to 2049.
    pub date: OffsetDateTime,
    /// MSZIP rather than stored.
    pub compressed: bool,
}

/// A package.
#[derive(Debug, Clone)]
pub struct Built {
    /// The cabinet.
    pub bytes: Vec<u8>,
    /// What was signed; `None` where nothing was to be.
    pub outcome: Option<Outcome>,
}

impl Model {
    /// The name of its cabinet, without `.cab`.
    pub fn cabinet(&self) -> String {
        let end = if self.is_twin { TWIN } else { "" };
        format!("{}{end}", self.name)
    }

    /// Everything that the package's bytes depend on as one digest. Equal models have equal digests.
    pub fn digest(&self) -> Vec<u8> {
        let mut input = Vec::new();
        let mut add = |bytes: &[u8]| {
            input.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            input.extend_from_slice(bytes);
        };
        for text in [
            &self.name,
            &self.version,
            &self.architecture,
            &self.owner,
            &self.owner_type,
            &self.component,
            &self.sub_component,
            &self.release_type,
            &self.partition,
        ] {
            add(text.as_bytes());
        }
        add(&[u8::from(self.is_twin), u8::from(self.is_binary_partition)]);
        add(&(self.files.len() as u64).to_le_bytes());
        for file in &self.files {
            add(file.folder.as_bytes());
            add(file.path.as_bytes());
            add(&DigestAlgorithm::Sha256.of(&file.bytes));
        }
        for key in &self.keys {
            add(key.key.as_bytes());
            add(&(key.values.len() as u64).to_le_bytes());
            for value in &key.values {
                add(value.name.as_bytes());
                add(value.kind.as_bytes());
                add(value.data.as_bytes());
            }
        }
        DigestAlgorithm::Sha256.of(&input)
    }

    /// The identity of a component or of the deployment, whose name ends in `end`.
    fn identity(&self, end: &str) -> ComponentIdentity {
        ComponentIdentity {
            name: format!("{}{end}", self.name),
            language: "neutral".to_owned(),
            kind: String::new(),
            version: self.version.clone(),
            public_key_token: OEM_TOKEN.to_owned(),
            architecture: self.architecture.clone(),
            version_scope: "nonSxS".to_owned(),
        }
    }

    fn files_component(&self) -> Option<ComponentIdentity> {
        (!self.files.is_empty()).then(|| self.identity("0"))
    }

    fn registry_component(&self) -> Option<ComponentIdentity> {
        (!self.keys.is_empty()).then(|| self.identity("1"))
    }
}

/// Builds a package: its images, catalog and cabinet signed where `terms` are given, and all of it verified. The same
/// model, options and signer give the same bytes, as long as no server stamps the time.
///
/// # Errors
/// Where there is nothing in it, the cabinet cannot hold it, a file in it cannot be signed, or the result does not
/// verify.
pub fn build(
    model: &Model,
    options: BuildOptions,
    terms: Option<&Terms<'_>>,
) -> Result<Built, PackageError> {
    let bytes = unsigned(model, options)?;
    let Some(terms) = terms else {
        let limits = formats::container::cab::Limits::default();
        let package = Package::read(&mut Cursor::new(&bytes), limits)?;
        let faults = examine(&package, &Links::read(&package)?).faults;
        return match faults.is_empty() {
            true => Ok(Built {
                bytes,
                outcome: None,
            }),
            false => Err(PackageError::NotVerified(faults)),
        };
    };
    let (outcome, signed) = resign_bytes(&bytes, &format!("{}.cab", model.cabinet()), terms)?;
    match signed {
        Some(bytes) => Ok(Built {
            bytes,
            outcome: Some(outcome),
        }),
        None => {
            let row = outcome.rows.into_iter().next_back();
            let reason = row.and_then(|row| row.reason).unwrap_or_default();
            let problem = format!("it was not signed: {reason}");
            Err(PackageError::member(Layer::Cabinet, "", problem))
        }
    }
}

/// The package with an unsigned catalog in an unsigned cabinet.
fn unsigned(model: &Model, options: BuildOptions) -> Result<Vec<u8>, PackageError> {
    let mut files = manifests::of(model);
    if model.files.is_empty() && model.keys.is_empty() {
        let problem = "there is nothing in it: no file and no registry key";
        return Err(PackageError::member(Layer::Cabinet, "", problem));
    }
    if let Some((name, text)) = files.iter().find(|(_, text)| text.len() > SIZE_LIMIT) {
        let problem = format!(
            "it would have {} bytes, and no manifest may have more than {SIZE_LIMIT}; divide what is in the package \
             among several",
            text.len()
        );
        return Err(PackageError::member(Layer::Hash, name, problem));
    }
    let folder = model.identity("0").key_form();
    let payload = model.files.iter();
    files.extend(payload.map(|file| {
        (
            format!("{folder}\\{}", file.path),
            file.bytes.as_slice().into(),
        )
    }));
    let listed = files
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.as_ref()));
    let catalog = catalog::of(&model.name, listed, options.date)
        .map_err(|problem| PackageError::member(Layer::Catalog, "update.cat", problem))?;
    // Deployment manifest and update.mum stand before it.
    files.insert(
        2.min(files.len()),
        ("update.cat".to_owned(), catalog.into()),
    );
    let timestamp = PrimitiveDateTime::new(options.date.date(), options.date.time());
    let mut readers: Vec<&[u8]> = files.iter().map(|(_, bytes)| bytes.as_ref()).collect();
    let entries = files
        .iter()
        .zip(&mut readers)
        .map(|((name, bytes), data)| Entry {
            name: name.clone(),
            size: bytes.len() as u64,
            timestamp,
            attribs: attribs::ARCHIVE,
            data,
        });
    let packing = Packing {
        compressed: options.compressed,
        reserve: 0,
    };
    Ok(pack(entries.collect(), packing, Cursor::new(Vec::new()))?.into_inner())
}

#[cfg(test)]
mod tests;
