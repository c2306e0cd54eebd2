//! An earlier release, for rules that compare: what devices have already.

use std::collections::HashMap;
use std::sync::Arc;

use formats::document::workspace_settings::WorkspaceEnv;
use formats::source::Source;

use super::built::BuiltPackage;
use super::origin::Origin;
use super::product::Arch;
use super::{Documents, Workspace};
use crate::files::name_of;

/// The documents and cabinets below the folder of an earlier release.
#[derive(Debug, Clone, Default)]
pub struct Shipped {
    workspace: Workspace,
    documents: Documents,
    /// The places of built packages among all, by name in lower case; the first of each name.
    built: HashMap<String, usize>,
}

impl Shipped {
    /// What was read of the folder; what is around it does not count.
    pub fn new(workspace: Workspace) -> Self {
        let documents = workspace.documents.filter(|path| workspace.is_target(path));
        let mut built = HashMap::new();
        for (number, package) in workspace.built.iter().enumerate() {
            let name = package.name().to_ascii_lowercase();
            built.entry(name).or_insert(number);
        }
        Self {
            built,
            workspace,
            documents,
        }
    }

    /// Its documents.
    pub fn documents(&self) -> &Documents {
        &self.documents
    }

    /// The texts of its documents.
    pub fn sources(&self) -> &[Arc<Source>] {
        &self.workspace.sources
    }

    /// Its built package of that name, letter case aside.
    pub fn built(&self, name: &str) -> Option<&BuiltPackage> {
        let number = self.built.get(&name.to_ascii_lowercase())?;
        self.workspace.built.get(*number)
    }

    /// The file names of its packages, built or defined, each once, sorted.
    pub fn packages(&self) -> Vec<String> {
        let files = self.workspace.tree.iter();
        let files = files.filter(|file| self.workspace.is_target(&file.path));
        let is_package = |name: &&str| name.to_ascii_lowercase().ends_with(".cab");
        let built = files.map(|file| name_of(&file.path)).filter(is_package);
        let defined = self.workspace.packages.iter().filter(|package| {
            let path = package.definition.path();
            self.workspace.is_target(path)
                && package.definition.is_built()
                && Origin::of(path) == Origin::Source
        });
        let mut names: Vec<String> = built
            .map(str::to_owned)
            .chain(defined.map(|package| format!("{}.cab", package.name)))
            .collect();
        names.sort_by_key(|name| name.to_lowercase());
        names.dedup_by_key(|name| name.to_lowercase());
        names
    }

    /// The environment of a processor.
    pub fn env(&self, arch: Arch) -> Option<&WorkspaceEnv> {
        let settings = self.documents.workspace_settings.iter();
        let mut envs = settings.flat_map(|settings| &settings.envs);
        envs.find(|env| Arch::of_env(env) == Some(arch))
    }
}
