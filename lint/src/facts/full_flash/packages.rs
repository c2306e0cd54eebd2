//! The packages of a finished image: those that are there, and those that its record names.

use std::sync::Arc;

use formats::document::package_manifest::PackageIdentity;
use formats::document::update_history::{RecordedPackage, UpdateHistory};
use formats::source::Source;

use crate::diagnostic::Place;

/// A package that left its manifest in the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledPackage {
    /// Its manifest, `PARTITION:PATH`.
    pub at: String,
    /// Who it is.
    pub identity: PackageIdentity,
    /// SHA-256 of the manifest, hexadecimal: the `update.mum` of the cabinet.
    pub sha256: String,
}

impl InstalledPackage {
    /// Its name; that of the manifest's file where the manifest says none.
    pub fn name(&self) -> &str {
        let file = crate::files::name_of(&self.at);
        self.identity.name.as_deref().unwrap_or(file)
    }

    /// The partition that its manifest lies on.
    pub fn partition(&self) -> &str {
        self.at
            .split_once(':')
            .map_or("", |(partition, _)| partition)
    }

    /// Whether it is Microsoft's own, by what it says.
    pub fn is_of_microsoft(&self) -> bool {
        let owner = self.identity.owner_type.as_deref();
        let token = self.identity.public_key_token.as_deref();
        owner.is_some_and(|owner| owner.eq_ignore_ascii_case("Microsoft"))
            || token == Some("31bf3856ad364e35")
    }
}

/// `UpdateHistory.xml`.
#[derive(Debug, Clone)]
pub struct RecordedPackages {
    /// Its text.
    pub source: Arc<Source>,
    /// What it says.
    pub history: UpdateHistory,
}

impl RecordedPackages {
    /// Where a package is recorded.
    pub fn place(&self, package: &RecordedPackage) -> Place {
        let route = "UpdateHistory/UpdateEvents/UpdateEvent/UpdateOSOutput/Packages/Package";
        Place::text(&self.source, package.element, route)
    }

    /// The record of a package.
    pub fn find(&self, installed: &InstalledPackage) -> Option<&RecordedPackage> {
        let named = self.history.packages.iter();
        let mut named = named.filter(|recorded| is_same_name(&recorded.name, installed.name()));
        let first = named.clone().next();
        let is_there = |recorded: &&RecordedPackage| {
            let partition = recorded.partition.as_deref();
            partition.is_some_and(|name| name.eq_ignore_ascii_case(installed.partition()))
        };
        named.find(is_there).or(first)
    }
}

/// Whether a record and a manifest mean one package.
pub fn is_same_name(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}
