//! Hives and boot configuration stores of an image.

use std::io::{Cursor, Read, Seek};

use formats::boot_configuration::Store;
use formats::error::ParseError;
use formats::registry_hive::{Hive, Key};

use super::volume::{Found, Reader, Volumes, unread};
use crate::facts::full_flash::FinishedImage;
use crate::facts::full_flash::registry::{
    ADMINISTRATOR, APP_UNLOCK, BootStore, CODE_INTEGRITY, CURRENT, HiveKey, HiveValue, LOCATION,
    PROFILES, ROOTS, WINLOGON,
};

/// Largest hive that is read, bytes.
const LARGEST_HIVE: u64 = 256 << 20;
/// Most keys that are kept of one subtree.
const MOST_KEYS: usize = 20_000;
/// The partition of the system itself.
const SYSTEM: &str = "mainos:";
/// Where the hives lie.
const CONFIG: &str = "windows/system32/config/";
/// Where boot configuration stores lie.
const STORES: [&str; 2] = ["efi/microsoft/boot/bcd", "boot/bcd"];

/// Reads them.
pub(super) fn read(volumes: &Volumes<'_>, found: &[Found], image: &mut FinishedImage) {
    let mut reader = Reader(volumes.open());
    for file in found {
        let path = file.path();
        let hive = path.strip_prefix(CONFIG).unwrap_or_default();
        let is_system = file.at.to_lowercase().starts_with(SYSTEM);
        let is_store = STORES.contains(&path.as_str());
        let is_hive = is_system && matches!(hive, "software" | "system" | "sam");
        if !is_store && !is_hive {
            continue;
        }
        let bytes = match reader.read(file, LARGEST_HIVE) {
            Ok(bytes) => bytes,
            Err(unread) => {
                image.unread.push(unread);
                continue;
            }
        };
        if let Err(error) = look_into(&file.at, hive, bytes, is_store, image) {
            image.unread.push(unread(&file.at, &error));
        }
    }
}

fn look_into(
    at: &str,
    name: &str,
    bytes: Vec<u8>,
    is_store: bool,
    image: &mut FinishedImage,
) -> Result<(), ParseError> {
    let mut hive = Hive::open(Cursor::new(bytes))?;
    if hive.base_block().is_dirty() {
        let what = format!("{at}: the hive was not closed, and its transaction logs are not read");
        image.contradictions.push(what);
    }
    if is_store {
        let store = Store::read(&mut hive)?;
        let faults = store.faults.iter();
        image.unread.extend(faults.map(|fault| unread(at, fault)));
        image.boot_stores.push(BootStore {
            at: at.to_owned(),
            store,
        });
        return Ok(());
    }
    let mut keys = Keys { at, image };
    match name {
        "software" => {
            for path in [ROOTS, APP_UNLOCK, WINLOGON] {
                keys.below(&mut hive, path, path)?;
            }
            keys.location(&mut hive)
        }
        "system" => {
            let current = hive.read("Select", "Current")?;
            let current = current.and_then(|data| data.number()).unwrap_or(1);
            for path in CODE_INTEGRITY.into_iter().chain([PROFILES]) {
                let real = path.replacen(CURRENT, &format!("ControlSet{current:03}"), 1);
                keys.below(&mut hive, &real, path)?;
            }
            Ok(())
        }
        _ => keys.below(&mut hive, ADMINISTRATOR, ADMINISTRATOR),
    }
}

struct Keys<'i> {
    at: &'i str,
    image: &'i mut FinishedImage,
}

impl Keys<'_> {
    /// Keeps the key at `path`, where there is one, and those below it; `known` is what it is called.
    fn below(
        &mut self,
        hive: &mut Hive<impl Read + Seek>,
        path: &str,
        known: &str,
    ) -> Result<(), ParseError> {
        let Some(top) = hive.key(path)? else {
            return Ok(());
        };
        let mut waiting = vec![(known.to_owned(), top)];
        let mut left = MOST_KEYS;
        while let Some((path, key)) = waiting.pop() {
            if left == 0 {
                let what = "a subtree of more keys than any image has";
                return Err(ParseError::unsupported(
                    "nk",
                    "SubkeyCount",
                    key.offset,
                    what,
                ));
            }
            left = left.saturating_sub(1);
            let subkeys = hive.subkeys(&key)?;
            for subkey in subkeys.into_iter().rev() {
                waiting.push((format!("{path}\\{}", subkey.name), subkey));
            }
            self.keep(hive, path, &key)?;
        }
        Ok(())
    }

    fn keep(
        &mut self,
        hive: &mut Hive<impl Read + Seek>,
        path: String,
        key: &Key,
    ) -> Result<(), ParseError> {
        let mut values = Vec::new();
        for value in hive.values(key)? {
            let data = hive.data(&value)?;
            values.push(HiveValue {
                name: value.name,
                data,
            });
        }
        self.image.keys.push(HiveKey {
            at: self.at.to_owned(),
            path,
            values,
        });
        Ok(())
    }

    /// Keeps the key that decides about location, and keys whose name is what is left of its path without separators.
    fn location(&mut self, hive: &mut Hive<impl Read + Seek>) -> Result<(), ParseError> {
        let squashed = LOCATION.replace('\\', "").to_lowercase();
        let mut path = String::new();
        let mut at = hive.root().clone();
        for part in LOCATION.split('\\') {
            let mut next = None;
            for key in hive.subkeys(&at)? {
                let name = key.name.to_lowercase();
                let below = format!("{path}{}", key.name);
                if name != "edition"
                    && !key.name.eq_ignore_ascii_case(part)
                    && squashed.ends_with(&name)
                    && name.ends_with("locationedition")
                {
                    self.keep(hive, below, &key)?;
                } else if key.name.eq_ignore_ascii_case(part) {
                    next = Some(key);
                }
            }
            let Some(key) = next else {
                return Ok(());
            };
            path = format!("{path}{}\\", key.name);
            at = key;
        }
        let path = path.trim_end_matches('\\').to_owned();
        self.keep(hive, path, &at)
    }
}
