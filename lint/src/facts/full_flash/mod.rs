//! A finished image: what is in a full flash update, as rules judge it.
//!
//! [`crate::full_flash`] reads it. A finding stands in the file `IMAGE/PARTITION:PATH`; where the file is no text, the
//! rest of its place is a key or another part of it.

pub mod code;
pub mod features;
pub mod packages;
pub mod registry;
pub mod security;
pub mod workspace;

use std::collections::BTreeMap;
use std::sync::Arc;

use signer::anchor::Anchors;
use signer::full_flash::FullFlashVerification;
use signer::verify::SignatureReport;

use super::Facts;
use crate::diagnostic::Place;
use crate::image::ImageType;
use code::{Code, ImageCatalog};
use packages::{InstalledPackage, RecordedPackages};
use registry::{BootStore, HiveKey};
use security::ImageSecurity;

/// What is in a full flash update.
#[derive(Debug, Clone, Default)]
pub struct FinishedImage {
    /// The file.
    pub path: String,
    /// Where chains may end.
    pub anchors: Anchors,
    /// Catalog, hash table and chunks; `None` where what stands in front of the payload cannot be read.
    pub verification: Option<Arc<FullFlashVerification>>,
    /// The devices that may be flashed, of every store, each once.
    pub platform_ids: Vec<String>,
    /// What a partition table says and contradicts.
    pub contradictions: Vec<String>,
    /// The partitions, by the names that places have.
    pub partitions: Vec<String>,
    /// What could not be read, in the order of partitions and paths.
    pub unread: Vec<Unread>,
    /// Programs, libraries, drivers and firmware, by partition and path, each once.
    pub code: Vec<Code>,
    /// Catalogs, by partition and path.
    pub catalogs: Vec<ImageCatalog>,
    /// The records of different signatures; [`Code::signers`] and [`ImageCatalog::signers`] are places in it.
    pub signers: Vec<SignatureReport>,
    /// The packages that are there.
    pub installed: Vec<InstalledPackage>,
    /// The packages that the image says are there; `None` without a record.
    pub recorded: Option<RecordedPackages>,
    /// Keys of SOFTWARE, SYSTEM and SAM, those alone that rules ask for.
    pub keys: Vec<HiveKey>,
    /// Boot configuration stores.
    pub boot_stores: Vec<BootStore>,
    /// Policies, and what secure boot trusts.
    pub security: ImageSecurity,
}

/// A part of an image that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// `PARTITION`, or `PARTITION:PATH`; empty for the image itself.
    pub at: String,
    /// Why, without the offset: those with one reason are told of together.
    pub problem: String,
    /// Where in the file or volume reading stopped.
    pub offset: Option<u64>,
}

impl FinishedImage {
    /// The place of a part of the image, such as `MainOS:Windows/System32/config/SOFTWARE` with the path of a key; an
    /// empty `at` is the image itself.
    pub fn place(&self, at: &str, key: impl Into<String>) -> Place {
        Place::binary(self.file(at), key)
    }

    /// The name under which findings have a part of the image.
    pub fn file(&self, at: &str) -> String {
        match at {
            "" => self.path.clone(),
            at => format!("{}/{at}", self.path),
        }
    }

    /// The signatures of a file: those that it carries, or else those of the catalogs that list it.
    pub fn signers_of<'a>(
        &'a self,
        code: &'a Code,
    ) -> impl Iterator<Item = (usize, &'a SignatureReport)> {
        let listed = code.catalogs.iter().filter(|_| code.signers.is_empty());
        let by_catalog = listed.filter_map(|index| self.catalogs.get(*index));
        let by_catalog = by_catalog.flat_map(|catalog| &catalog.signers);
        let own = code.signers.iter().chain(by_catalog);
        own.filter_map(|index| Some((*index, self.signers.get(*index)?)))
    }

    /// The partition of that name, in any case, as places have it.
    pub fn partition(&self, name: &str) -> Option<&str> {
        let mut names = self.partitions.iter();
        let found = names.find(|known| known.eq_ignore_ascii_case(name));
        found.map(String::as_str)
    }
}

impl<'a> Facts<'a> {
    /// The finished image, in the facts of its own type.
    pub fn finished(&self) -> Option<&'a FinishedImage> {
        let workspace = self.workspace;
        let image = workspace.finished.as_deref()?;
        let product = workspace.products.first();
        let of_image = product.map_or(workspace.declared, |product| product.image);
        (of_image == self.image).then_some(image)
    }

    /// The finished image where it is of this type.
    pub fn finished_as(&self, image: ImageType) -> Option<&'a FinishedImage> {
        self.finished().filter(|_| self.image == Some(image))
    }
}

/// Things in the order in which they come, those with one key together.
pub(crate) fn grouped<K: Ord + Clone, T>(
    things: impl IntoIterator<Item = (K, T)>,
) -> Vec<(K, Vec<T>)> {
    let mut places: BTreeMap<K, usize> = BTreeMap::new();
    let mut groups: Vec<(K, Vec<T>)> = Vec::new();
    for (key, thing) in things {
        let next = groups.len();
        let place = *places.entry(key.clone()).or_insert(next);
        match groups.get_mut(place) {
            Some((_, group)) => group.push(thing),
            None => groups.push((key, vec![thing])),
        }
    }
    groups
}
