//! Boot settings that get into an image, by the names and numbers they have.

use std::sync::Arc;

pub use formats::boot_configuration::setting::{
    DEBUGGING, FLIGHT_SIGNATURES, MANUFACTURING_MODE, NO_INTEGRITY_CHECKS, PRERELEASE_SIGNATURES,
    Setting,
};
use formats::document::boot_configuration::{BootConfiguration, BootElement};
use formats::document::device_layout::number;

use super::{Definition, Facts, File, Package};
use crate::diagnostic::{Fix, Place};

/// A boot setting and the document it stands in.
#[derive(Debug, Clone, Copy)]
pub struct BootAt<'a> {
    /// The document.
    pub file: &'a Arc<File<BootConfiguration>>,
    /// The setting.
    pub element: &'a BootElement,
}

impl BootAt<'_> {
    /// Whether it is this setting, by name in any case or by number.
    pub fn is(&self, setting: Setting) -> bool {
        let name = self.element.well_known_type.as_ref();
        let raw = self.element.raw_type.as_ref();
        name.is_some_and(|name| name.value.eq_ignore_ascii_case(setting.name))
            || raw.is_some_and(|raw| number(raw.value.trim()) == Some(setting.number.into()))
    }

    /// Whether it is a switch that is on.
    pub fn is_on(&self) -> bool {
        let value = self.element.value.as_ref();
        value.is_some_and(|value| matches!(value.value.to_lowercase().as_str(), "true" | "1"))
    }

    /// The value, or the whole element where there is none.
    pub fn value_place(&self) -> Place {
        let value = self.element.value.as_ref();
        let span = value.map_or(self.element.element, |value| value.span);
        self.file.place(span, self.element.route.clone())
    }

    /// Switches the element off.
    pub fn comment_out(&self, setting: Setting) -> Option<Fix> {
        let place = self
            .file
            .place(self.element.element, self.element.route.clone());
        let title = format!("comment `{}` out", setting.name);
        Fix::comment_out(title, &place, &self.file.source)
    }
}

impl Definition {
    /// The files of boot settings that the package brings, as written, with their places.
    pub fn boot_stores(&self) -> Vec<(&str, Place)> {
        let stores = match self {
            Self::Wm(file) => &file.bcd_stores,
            Self::Pkg(file) => &file.bcd_stores,
        };
        let stores = stores.iter().map(|store| {
            let place = Place::text(self.source(), store.value.span, "bcdStore");
            (store.value.value.as_str(), place)
        });
        stores.collect()
    }
}

impl<'a> Facts<'a> {
    /// The settings of all boot configurations that get into an image: of those beside a package definition, only what
    /// a definition names.
    pub fn boot_settings(&self) -> impl Iterator<Item = BootAt<'_>> {
        let configurations = self.documents.boot_configurations.iter();
        let used = configurations.filter(|file| self.is_used(file));
        used.flat_map(|file| {
            file.elements
                .iter()
                .map(move |element| BootAt { file, element })
        })
    }

    /// The packages that bring a boot configuration.
    pub fn packages_of_store(&self, file: &File<BootConfiguration>) -> Vec<&'a Package> {
        let packages = self.index.packages_of_store(file);
        packages
            .filter(|package| self.belongs(package.definition.path()))
            .collect()
    }

    fn is_used(&self, file: &File<BootConfiguration>) -> bool {
        let is_beside = !self.index.packages_in(file.folder()).is_empty();
        !is_beside || !self.packages_of_store(file).is_empty()
    }
}
