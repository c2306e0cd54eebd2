//! Manufacturing profiles of Windows 10 Mobile: registry keys
//! `HKLM\SYSTEM\CurrentControlSet\Control\ManufacturingMode\<profile>\Services\<service>`.

use std::collections::{BTreeMap, BTreeSet};

use formats::document::registry::{
    CanonicalKey, RegistryData, RegistryKey, RegistryType, RegistryValue,
};

use super::registry::{RegistryAt, RegistryFile};
use super::scope::RegistryScope;

/// The key that has the profiles directly below it.
pub const PROFILES: &str = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\ManufacturingMode";

/// The service name that stands for all Win32 services that a profile does not name.
pub const WILDCARD: &str = "*";

/// A key below [`PROFILES`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileKey {
    /// The profile: the first name below [`PROFILES`].
    pub profile: String,
    /// The names below the profile.
    pub below: Vec<String>,
}

impl ProfileKey {
    /// The profile that a key belongs to; `None` for [`PROFILES`] itself and keys elsewhere.
    pub fn of(key: &CanonicalKey) -> Option<Self> {
        let mut names = key.below(PROFILES)?.split('\\').map(str::to_owned);
        let profile = names.next().filter(|profile| !profile.is_empty())?;
        Some(Self {
            profile,
            below: names.collect(),
        })
    }

    /// The service, where the key is `<profile>\Services\<service>`.
    pub fn service(&self) -> Option<&str> {
        match self.below.as_slice() {
            [services, service] if services.eq_ignore_ascii_case("Services") => Some(service),
            _ => None,
        }
    }
}

/// The keys of profiles that a document names, with or without values; keys that it deletes are left out.
pub fn profile_keys<'a>(
    file: RegistryFile<'a>,
) -> impl Iterator<Item = (RegistryAt<'a, RegistryKey>, ProfileKey)> {
    let keys = file.keys().filter(|key| !key.deleted);
    keys.filter_map(|key| Some((key, ProfileKey::of(&key.resolved()?)?)))
}

/// The values of profiles that a document sets.
pub fn profile_values<'a>(
    file: RegistryFile<'a>,
) -> impl Iterator<Item = (RegistryAt<'a, RegistryValue>, ProfileKey)> {
    let values = file.values();
    let values = values.filter(|value| value.kind.value != RegistryType::Deleted);
    values.filter_map(|value| Some((value, ProfileKey::of(&value.resolved()?)?)))
}

/// The profiles that a document names, each once: the first key of each, and the profile's name.
pub fn profiles<'a>(
    file: RegistryFile<'a>,
) -> impl Iterator<Item = (RegistryAt<'a, RegistryKey>, String)> {
    let mut seen = BTreeSet::new();
    profile_keys(file).filter_map(move |(key, profile_key)| {
        let is_new = seen.insert(profile_key.profile.to_lowercase());
        is_new.then_some((key, profile_key.profile))
    })
}

/// Whether a name is hidden, wholly or partly, by a macro that is not known.
pub fn is_hidden(name: &str) -> bool {
    name.contains("$(")
}

/// The start type of a service that starts by itself.
pub const AUTOMATIC: u64 = 2;
/// The start type of a service that does not start.
pub const DISABLED: u64 = 4;

/// A profile as all documents of a scope together define it.
#[derive(Debug, Clone)]
pub struct Profile<'a> {
    /// The name as first written.
    pub name: String,
    /// The services whose start type is set, in order.
    pub services: Vec<ProfileService<'a>>,
}

/// The start type of a service in a profile.
#[derive(Debug, Clone)]
pub struct ProfileService<'a> {
    /// The service.
    pub name: String,
    /// The start type, where it is a number.
    pub start: Option<u64>,
    /// The value.
    pub at: RegistryAt<'a, RegistryValue>,
}

/// The profiles of a scope by their name in lower case, those without services left out.
pub fn profiles_of<'a>(scope: &RegistryScope<'a>) -> BTreeMap<String, Profile<'a>> {
    let mut profiles = BTreeMap::new();
    for (at, key) in scope.files.iter().copied().flat_map(profile_values) {
        let Some(service) = key.service() else {
            continue;
        };
        if !at.name.value.eq_ignore_ascii_case("Start") {
            continue;
        }
        let start = match at.data() {
            Ok(RegistryData::Number(start)) => Some(start),
            _ => None,
        };
        let new = || Profile {
            name: key.profile.clone(),
            services: Vec::new(),
        };
        let profile = profiles.entry(key.profile.to_lowercase());
        profile.or_insert_with(new).services.push(ProfileService {
            name: service.to_owned(),
            start,
            at,
        });
    }
    profiles
}

/// How the key of a service in a profile is written.
pub const SERVICE_KEY: &str =
    r"HKLM\SYSTEM\CurrentControlSet\Control\ManufacturingMode\<profile>\Services\<service>";

/// What is wrong with the levels of a key that is meant for a profile; `None` for a right one and for one that has
/// nothing to do with profiles. `has_start` says whether it holds a start type, which only a service can.
pub fn misplacement(key: &CanonicalKey, has_start: bool) -> Option<&'static str> {
    let is_services = |name: &str| name.eq_ignore_ascii_case("Services");
    let Some(below) = key.below(PROFILES) else {
        let mut names = key.components();
        names.find(|name| name.eq_ignore_ascii_case("ManufacturingMode"))?;
        let is_of_system = key.below(r"HKEY_LOCAL_MACHINE\SYSTEM").is_some();
        let is_profile = names.nth(1).is_some_and(is_services);
        return (is_of_system || is_profile)
            .then_some("`ManufacturingMode` is not below `Control`");
    };
    let names: Vec<&str> = below.split('\\').filter(|name| !name.is_empty()).collect();
    match names.as_slice() {
        // What an unknown macro stands for may be several levels.
        names if names.iter().any(|name| is_hidden(name)) => None,
        [_, services, rest @ ..] if is_services(services) => match rest {
            [] if has_start => Some("the service is missing"),
            [_, _, ..] if has_start => Some("the service is not directly below `Services`"),
            _ => None,
        },
        [services, ..] if is_services(services) => Some("the profile is missing"),
        [_, between @ ..] if between.iter().any(|name| is_services(name)) => {
            Some("`Services` is not directly below the profile")
        }
        [_, ..] if has_start => Some("`Start` is not below `Services`"),
        _ => None,
    }
}
