//! The packages of an image against the features that its configuration chooses.

use std::collections::BTreeMap;

use formats::document::feature_manifest::PackageFile;

use super::FinishedImage;
use super::packages::{InstalledPackage, is_same_name};
use crate::facts::Facts;
use crate::files::written_name;
use crate::lists::{self, Class};

/// The feature that brings an administrator whose password everybody knows.
pub const ADMIN: &str = "IOT_ENABLE_ADMIN";

impl<'a> Facts<'a> {
    /// The packages of an image that its manifests ascribe to features of such classes alone, none of which its
    /// configuration chooses, each with those features.
    pub fn unchosen_packages(
        &self,
        image: &'a FinishedImage,
        is_wanted: impl Fn(Class) -> bool,
    ) -> Vec<(&'a InstalledPackage, Vec<&'a str>)> {
        let Some(product) = self.workspace.products.first() else {
            return Vec::new();
        };
        let manifests = self.workspace.documents.manifests.iter();
        let entries = manifests.flat_map(|manifest| &manifest.packages);
        let mut by_name: BTreeMap<String, Vec<&'a PackageFile>> = BTreeMap::new();
        for entry in entries {
            let Some(name) = entry.name.as_ref() else {
                continue;
            };
            let name = written_name(&name.value).to_lowercase();
            let name = [".cab", ".spkg"]
                .iter()
                .find_map(|end| name.strip_suffix(end))
                .unwrap_or(&name);
            by_name.entry(name.to_owned()).or_default().push(entry);
        }
        let is_of_class =
            |id: &&str| lists::feature(id).is_some_and(|known| is_wanted(known.class));
        let unchosen = image.installed.iter().filter_map(|package| {
            let named = by_name.iter();
            let mut named = named.filter(|(name, _)| is_same_name(name, package.name()));
            let (_, entries) = named.next()?;
            let features = entries.iter().flat_map(|entry| entry.feature_ids.texts());
            let features: Vec<&str> = features.collect();
            let is_for_these = entries.iter().all(|entry| {
                let mut ids = entry.feature_ids.texts().peekable();
                ids.peek().is_some() && ids.all(|id| is_of_class(&id))
            });
            let is_chosen = features.iter().any(|id| product.feature(id).is_some());
            (is_for_these && !is_chosen).then_some((package, features))
        });
        unchosen.collect()
    }
}
