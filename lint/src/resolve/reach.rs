//! Which documents belong to a product: its image type decides how they are judged.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use formats::document::customizations::Customizations;
use formats::document::oem_input::OemInput;

use super::Home;
use crate::facts::file::File;
use crate::facts::product::{ManifestLookup, NamedManifest, SelectedPackage};
use crate::facts::{Documents, Workspace};
use crate::files;

/// The documents that belong to what they lie beside, by path and by folder.
pub(super) struct Beside<'a> {
    paths: BTreeSet<Arc<str>>,
    folders: BTreeMap<String, Vec<Arc<str>>>,
    lists: BTreeMap<String, Vec<Arc<str>>>,
    customizations: HashMap<&'a str, &'a Arc<File<Customizations>>>,
}

impl<'a> Beside<'a> {
    pub(super) fn new(workspace: &'a Workspace) -> Self {
        fn paths<T>(files: &[Arc<File<T>>]) -> impl Iterator<Item = Arc<str>> {
            files.iter().map(|file| Arc::from(file.path()))
        }
        fn by_folder(paths: impl Iterator<Item = Arc<str>>) -> BTreeMap<String, Vec<Arc<str>>> {
            let mut folders: BTreeMap<String, Vec<Arc<str>>> = BTreeMap::new();
            for path in paths {
                let folder = files::folder_of(&path).to_owned();
                folders.entry(folder).or_default().push(path);
            }
            folders
        }
        let documents: &Documents = &workspace.documents;
        let paths_beside: BTreeSet<Arc<str>> = paths(&documents.customizations)
            .chain(paths(&documents.reg_files))
            .chain(paths(&documents.device_layouts))
            .chain(paths(&documents.device_platforms))
            .chain(paths(&documents.boot_configurations))
            .chain(paths(&documents.infs))
            .chain(paths(&documents.scripts))
            .chain(paths(&documents.si_policies))
            .collect();
        Self {
            folders: by_folder(paths_beside.iter().cloned()),
            paths: paths_beside,
            customizations: documents
                .customizations
                .iter()
                .map(|file| (file.path(), file))
                .collect(),
            lists: by_folder(paths(&documents.fm_file_lists)),
        }
    }

    /// The provisioning at a path.
    pub(super) fn customizations(&self, path: &str) -> Option<Arc<File<Customizations>>> {
        self.customizations.get(path).map(|file| Arc::clone(file))
    }

    fn in_folder(&self, folder: &str) -> impl Iterator<Item = &Arc<str>> {
        self.folders.get(folder).into_iter().flatten()
    }

    fn below(&self, folder: &str) -> impl Iterator<Item = &Arc<str>> {
        let prefix = files::start_below(folder);
        let from = (Bound::Included(prefix.as_str()), Bound::Unbounded);
        let from = self.paths.range::<str, _>(from);
        from.take_while(move |path| path.starts_with(&prefix))
    }
}

/// The documents that belong to a product: those it names, those beside what it names, those in its folder.
pub(super) fn reach(
    beside: &Beside<'_>,
    home: &Home,
    input: &File<OemInput>,
    manifests: &[NamedManifest],
    packages: &[SelectedPackage],
    settings: Option<&str>,
) -> BTreeSet<Arc<str>> {
    let mut reach: BTreeSet<Arc<str>> = BTreeSet::new();
    let workspace_settings = home.settings.as_ref().map(|settings| settings.path());
    let own = [Some(input.path()), settings, workspace_settings];
    reach.extend(own.into_iter().flatten().map(Arc::from));

    for manifest in manifests {
        let path = match &manifest.found {
            ManifestLookup::Found(file, _) => file.path(),
            ManifestLookup::Unreadable(place) => place.file(),
            ManifestLookup::Missing | ManifestLookup::Outside => continue,
        };
        if reach.insert(Arc::from(path)) {
            let lists = beside.lists.get(files::folder_of(path));
            reach.extend(lists.into_iter().flatten().cloned());
        }
    }
    for selected in packages {
        if let Some(package) = &selected.package
            && reach.insert(Arc::from(package.definition.path()))
        {
            reach.extend(beside.in_folder(package.definition.folder()).cloned());
        }
        if let Some(cab) = &selected.cab {
            reach.insert(Arc::from(cab.path.as_str()));
        }
    }
    // A product in the workspace's own folder does not own the workspace.
    let folder = input.folder();
    if folder == home.folder && home.settings.is_some() {
        reach.extend(beside.in_folder(folder).cloned());
        reach.extend(beside.below(&files::join(folder, "prov")).cloned());
    } else {
        reach.extend(beside.below(folder).cloned());
    }
    reach
}
