//! What the hives of a finished image say, of the keys that rules ask for, and its boot configuration stores.

use formats::boot_configuration::setting::Setting;
use formats::boot_configuration::{Element, Object, Store};
use formats::registry_hive::Data;

use super::FinishedImage;
use crate::diagnostic::Place;

/// A boot configuration store.
#[derive(Debug, Clone)]
pub struct BootStore {
    /// `PARTITION:PATH`.
    pub at: String,
    /// What is in it.
    pub store: Store,
}

/// A key of a hive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HiveKey {
    /// The hive, `PARTITION:PATH`.
    pub at: String,
    /// Its path in the hive; `CurrentControlSet` stands for the set that is current.
    pub path: String,
    /// Its values.
    pub values: Vec<HiveValue>,
}

/// A value of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HiveValue {
    /// Its name; empty for the default value.
    pub name: String,
    /// What it holds.
    pub data: Data,
}

/// What names the control set that is current.
pub const CURRENT: &str = "CurrentControlSet";
/// Where the switches of code integrity stand in SYSTEM.
pub const CODE_INTEGRITY: [&str; 2] = [r"CurrentControlSet\CI", r"CurrentControlSet\Control\CI"];
/// The profiles of the manufacturing mode, in SYSTEM.
pub const PROFILES: &str = r"CurrentControlSet\Control\ManufacturingMode";
/// The key that decides about location, in SOFTWARE.
pub const LOCATION: &str =
    r"Microsoft\Windows\CurrentVersion\CapabilityAccessManager\Capabilities\location\edition";
/// The roots that the device trusts, in SOFTWARE.
pub const ROOTS: &str = r"Microsoft\SystemCertificates\ROOT\Certificates";
/// What may be installed, in SOFTWARE.
pub const APP_UNLOCK: &str = r"Microsoft\Windows\CurrentVersion\AppModelUnlock";
/// Who is logged in by itself, in SOFTWARE.
pub const WINLOGON: &str = r"Microsoft\Windows NT\CurrentVersion\Winlogon";
/// The built-in administrator, in SAM.
pub const ADMINISTRATOR: &str = r"SAM\Domains\Account\Users\000001F4";

impl HiveKey {
    /// The value of that name, in any case.
    pub fn value(&self, name: &str) -> Option<&HiveValue> {
        let mut values = self.values.iter();
        values.find(|value| value.name.eq_ignore_ascii_case(name))
    }

    /// The names of the keys between `above` and this one, which is the last of them; `None` where it is not below.
    pub fn below(&self, above: &str) -> Option<Vec<&str>> {
        let start = self.path.get(..above.len())?;
        let rest = self.path.get(above.len()..)?;
        let is_below =
            start.eq_ignore_ascii_case(above) && (rest.is_empty() || rest.starts_with('\\'));
        is_below.then(|| rest.split('\\').filter(|name| !name.is_empty()).collect())
    }
}

impl FinishedImage {
    /// The keys at and below a path, in the order of the hive.
    pub fn keys_below<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a HiveKey> {
        self.keys
            .iter()
            .filter(move |key| key.below(path).is_some())
    }

    /// The key of a path.
    pub fn key(&self, path: &str) -> Option<&HiveKey> {
        self.keys
            .iter()
            .find(|key| key.path.eq_ignore_ascii_case(path))
    }

    /// The place of a value; an empty name is the key itself.
    pub fn key_place(&self, key: &HiveKey, value: &str) -> Place {
        let path = match value {
            "" => key.path.clone(),
            value => format!("{}:{value}", key.path),
        };
        self.place(&key.at, path)
    }

    /// Every object of a boot store that has a setting of its own.
    pub fn boot_settings(
        &self,
        setting: Setting,
    ) -> impl Iterator<Item = (&BootStore, &Object, &Element)> {
        let stores = self.boot_stores.iter();
        stores.flat_map(move |store| {
            let all = store.store.all(setting);
            all.map(move |(object, element)| (store, object, element))
        })
    }

    /// Every object of a boot store for which one of these settings is on, in the order of the settings.
    pub fn switched_on(&self, settings: &[Setting]) -> impl Iterator<Item = SwitchedOn> {
        let found = settings
            .iter()
            .flat_map(|setting| self.boot_settings(*setting));
        let on = found.filter(|(_, _, element)| element.is_on());
        on.map(|(store, object, element)| SwitchedOn {
            option: object.option(element),
            object: object.name(),
            place: self.element_place(store, object, element),
        })
    }

    /// The place of an element of a boot store.
    pub fn element_place(&self, store: &BootStore, object: &Object, element: &Element) -> Place {
        let key = format!("{}.{}", object.name(), object.option(element));
        self.place(&store.at, key)
    }
}

/// A boot setting that is on.
pub struct SwitchedOn {
    /// As bcdedit names it.
    pub option: String,
    /// For whom it is on, as bcdedit names it.
    pub object: String,
    /// Where.
    pub place: Place,
}

/// How data are shown.
pub fn shown(data: &Data) -> String {
    match (data.number(), data.text()) {
        (Some(number), _) => format!("{number} ({})", data.kind),
        (None, Some(text)) => format!("`{text}` ({})", data.kind),
        (None, None) => format!("{} bytes ({})", data.bytes.len(), data.kind),
    }
}
