//! Where the components of a built package do something else than the definition that it is built from.

use std::collections::{BTreeMap, BTreeSet};

use formats::document::registry::service_of;

use super::built::BuiltPackage;
use super::services::{InstalledService, Installer};
use super::{Definition, Package};
use crate::diagnostic::Place;

/// Something that the two say differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// In the definition.
    pub here: Place,
    /// In the package.
    pub there: Place,
    /// Both, as a phrase that is said of the definition.
    pub message: String,
}

/// The services of one side alone or that start otherwise, and the values of the registry that both set to other data.
/// What has variables, or is only in some builds, is not compared.
pub fn differences(package: &Package, built: &BuiltPackage) -> Vec<Difference> {
    let mut found = services(&package.definition, built);
    found.extend(registry(package, built));
    found
}

fn find<'s, 'a>(
    services: &'s [InstalledService<'a>],
    name: &str,
) -> Option<&'s InstalledService<'a>> {
    let mut services = services.iter();
    services.find(|service| service.name().eq_ignore_ascii_case(name))
}

fn services(definition: &Definition, built: &BuiltPackage) -> Vec<Difference> {
    let defined = Installer::Definition(definition).services();
    let inside = Installer::Built(built).services();
    let is_hidden = |service: &InstalledService<'_>| {
        service.name().is_empty() || service.name().contains(['$', '%'])
    };
    // A package can have the values that a service comes to instead of the service.
    let registry = built.registry_file();
    let keys = registry.keys();
    let keys = keys.filter_map(|key| service_of(&key.key.value).map(str::to_lowercase));
    let keys: BTreeSet<String> = keys.collect();
    let mut found = Vec::new();
    for service in defined.iter().filter(|service| !is_hidden(service)) {
        let name = service.name();
        let Some(other) = find(&inside, name) else {
            if keys.contains(&name.to_lowercase()) {
                continue;
            }
            found.push(Difference {
                here: service.place.clone(),
                there: built.place(""),
                message: format!("the service `{name}` is not in the built package"),
            });
            continue;
        };
        let starts = service.attribute("start").zip(other.attribute("start"));
        if let Some((here, there)) = starts
            && !here.value.eq_ignore_ascii_case(there.value)
        {
            let message = format!(
                "the service `{name}` starts `{}` here and `{}` in the built package",
                here.value, there.value
            );
            found.push(Difference {
                here: here.place,
                there: there.place,
                message,
            });
        }
    }
    // A name with variables may be any of those in the package.
    let all_known = !defined.iter().any(is_hidden);
    let inside = inside.iter().filter(|_| all_known);
    let unknown = inside.filter(|service| find(&defined, service.name()).is_none());
    found.extend(unknown.map(|service| Difference {
        here: definition.root_place(),
        there: service.place.clone(),
        message: format!(
            "the built package has a service `{}`, which is not here",
            service.name()
        ),
    }));
    found
}

fn registry(package: &Package, built: &BuiltPackage) -> Vec<Difference> {
    // Names in the registry have no case.
    let known_by = |key: &str, name: &str| (key.to_lowercase(), name.to_lowercase());
    let mut inside = BTreeMap::new();
    for value in built.registry_file().values() {
        if let Some(key) = value.resolved() {
            inside.insert(known_by(key.as_str(), &value.name.value), value);
        }
    }
    let mut found = Vec::new();
    for value in package.registry().values() {
        let key = value.resolved();
        let key = key.map(|key| known_by(key.as_str(), &value.name.value));
        let Some(other) = key.and_then(|key| inside.get(&key)) else {
            continue;
        };
        let is_hidden = value.written.value.contains(['$', '%']) || !value.build_filters.is_empty();
        let (Ok(here), Ok(there)) = (value.data(), other.data()) else {
            continue;
        };
        if !is_hidden && here != there {
            found.push(Difference {
                here: value.data_place(),
                there: other.place(),
                message: format!(
                    "`{}` is `{:.80}` here and `{:.80}` in the built package",
                    value.name.value, value.written.value, other.written.value
                ),
            });
        }
    }
    found
}
