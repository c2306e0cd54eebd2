//! Feature manifests among themselves: what their entries mean without a product, and what lists them.

use std::sync::Arc;

use formats::document::feature_manifest::{FeatureManifest, PackageFile};
use formats::document::fm_file_list::FmFileList;
use formats::document::variables::Variables;

use super::index::Listed;
use super::origin::Origin;
use super::product::Arch;
use super::{Facts, File, Workspace};
use crate::diagnostic::Place;
use crate::files;

/// How the names of Microsoft's own manifests begin, in lower case.
const MICROSOFT: &str = "iotuap";

impl File<FeatureManifest> {
    /// An entry's `Name`, or the entry where it has none.
    pub fn entry(&self, entry: &PackageFile) -> Place {
        let span = entry.name.as_ref().map_or(entry.element, |name| name.span);
        self.place(span, entry.route.clone())
    }

    /// Whether people of the manufacturer or of a supplier wrote it: no template, no output of a build, none of
    /// Microsoft's.
    pub fn is_source(&self) -> bool {
        Origin::of(self.path()) == Origin::Source
            && !self.name().to_ascii_lowercase().starts_with(MICROSOFT)
    }
}

impl File<FmFileList> {
    /// Whether people wrote it.
    pub fn is_source(&self) -> bool {
        Origin::of(self.path()) == Origin::Source
    }
}

impl Workspace {
    /// Whether there is a workspace file, so that what is missing is missing.
    pub fn is_whole(&self) -> bool {
        !self.documents.workspace_settings.is_empty()
    }

    /// The variables that the documents of the nearest workspace at or above a path share.
    pub fn variables_at(&self, path: &str) -> Option<&Variables> {
        let mut folder = path;
        loop {
            let above = files::folder_of(folder);
            let found = self.variables.get(above);
            if found.is_some() || above == folder {
                return found.or_else(|| self.variables.get(&self.root));
            }
            folder = above;
        }
    }

    /// The file name of the cabinet that an entry means, as far as the workspace has the variables in it.
    pub fn cab_name(
        &self,
        manifest: &File<FeatureManifest>,
        entry: &PackageFile,
    ) -> Option<String> {
        let written = entry.name.as_ref()?.value.trim();
        Some(match self.variables_at(manifest.path()) {
            Some(variables) => variables.expand(written).text,
            None => written.to_owned(),
        })
    }
}

impl<'a> Facts<'a> {
    /// The manifests of a file name, in any case, that images for a processor may be made of.
    pub fn manifests_named(
        &self,
        name: &str,
        arch: Option<Arch>,
    ) -> impl Iterator<Item = &'a Arc<File<FeatureManifest>>> {
        let named = self.index.manifests_named(name);
        named.filter(move |file| Arch::fits(Arch::built_for(file.path()), arch))
    }

    /// The entries of manifest lists that mean a manifest of this file name, in lists for this processor.
    pub fn listed(&self, manifest: &str, arch: Option<Arch>) -> impl Iterator<Item = Listed<'a>> {
        let listed = self.index.listed(manifest);
        listed.filter(move |(list, _)| Arch::fits(Arch::of_path(list.path()), arch))
    }
}
