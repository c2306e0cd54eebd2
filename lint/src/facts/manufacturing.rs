//! Manufacturing profiles of Windows 10 Mobile: registry keys
//! `HKLM\SYSTEM\CurrentControlSet\Control\ManufacturingMode\<profile>\Services\<service>`.

use formats::document::registry::{CanonicalKey, RegistryKey, RegistryType, RegistryValue};

use super::registry::{RegistryAt, RegistryFile};

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

/// Whether a name is hidden, wholly or partly, by a macro that is not known.
pub fn is_hidden(name: &str) -> bool {
    name.contains("$(")
}
