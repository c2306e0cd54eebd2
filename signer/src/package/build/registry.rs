//! Registry keys and values of a definition as a component manifest has them.

use std::collections::{HashMap, HashSet};

use formats::document::registry::{self as document, RegistryData, RegistryType, canonical_key};
use formats::source::Span;

use super::definition::Texts;
use super::{DefinitionError, ModelKey, ModelValue};

/// Hives of the device that packages of OEMs write to; they are not keys of a manifest, what is below them is.
const HIVES: [&str; 3] = [
    r"HKEY_LOCAL_MACHINE\SOFTWARE",
    r"HKEY_LOCAL_MACHINE\SYSTEM",
    r"HKEY_USERS\.DEFAULT",
];
/// Most UTF-16 units of a part of a key.
const MAX_PART: usize = 255;
/// Most keys below one another.
const MAX_DEPTH: usize = 512;
/// Most keys of a package.
const MAX_KEYS: usize = 100_000;

/// The keys of a package, each once, parents before children.
#[derive(Debug, Default)]
pub(super) struct Registry {
    keys: Vec<ModelKey>,
    places: HashMap<String, usize>,
    /// Key and name of each value, in small letters.
    values: HashSet<(usize, String)>,
}

impl Registry {
    pub(super) fn into_keys(self) -> Vec<ModelKey> {
        self.keys
    }

    /// Adds what a definition writes.
    pub(super) fn add(
        &mut self,
        registry: &document::Registry,
        texts: &Texts<'_>,
    ) -> Result<(), DefinitionError> {
        for key in &registry.keys {
            if !texts.chosen(&key.build_filters, &key.route)? {
                continue;
            }
            let route = format!("{}/@keyName", key.route);
            let name = texts.keeping(&key.key, &route, &["hklm.", "hkcr.", "hkcu.", "hkuser."])?;
            self.key(&name, key.key.span, &route)?;
        }
        for value in &registry.values {
            let route = &value.route;
            if !texts.chosen(&value.build_filters, route)? {
                continue;
            }
            let key = texts.keeping(&value.key, route, &["hklm.", "hkcr.", "hkcu.", "hkuser."])?;
            let key = self.key(&key, value.key.span, route)?;
            let name = texts.keeping(&value.name, &format!("{route}/@name"), &["runtime."])?;
            let data = texts.keeping(&value.written, &format!("{route}/@value"), &["runtime."])?;
            let fail = |reason: String| DefinitionError::new(value.element, route.clone(), reason);
            let mut expanded = value.clone();
            expanded.written.value = data;
            if let Some(reason) = no_form(&value.kind.value) {
                return Err(fail(reason));
            }
            let decoded = expanded.data();
            let data = decoded
                .map_err(|problem| fail(format!("`{}`: {problem}", expanded.written.value)))?;
            let (kind, data) = form(&value.kind.value, &data).map_err(fail)?;
            let value = ModelValue { name, kind, data };
            self.value(key, value).map_err(fail)?;
        }
        Ok(())
    }

    /// Index of a key, which is made with those above it where it is not there.
    pub(super) fn key(
        &mut self,
        written: &str,
        span: Span,
        route: &str,
    ) -> Result<usize, DefinitionError> {
        let fail = |reason: String| Err(DefinitionError::new(span, route, reason));
        let Some(key) = canonical_key(written) else {
            return fail(format!("`{written}` does not begin with a hive"));
        };
        let Some((hive, below)) = HIVES.iter().find_map(|hive| Some((hive, key.below(hive)?)))
        else {
            let reason = format!(
                "`{written}` is in none of the hives whose form in a package is known: {}",
                HIVES.join(", ")
            );
            return fail(reason);
        };
        if below.is_empty() {
            return fail(format!("`{written}` is a hive, and no key in it"));
        }
        if below.split('\\').count() > MAX_DEPTH {
            return fail(format!(
                "`{written:.80}` is more than {MAX_DEPTH} keys deep"
            ));
        }
        let mut path = (*hive).to_owned();
        let mut found = 0;
        for part in below.split('\\') {
            if part.encode_utf16().count() > MAX_PART {
                return fail(format!(
                    "a part of `{written:.80}` has more than {MAX_PART} characters"
                ));
            }
            path.push('\\');
            path.push_str(part);
            let next = self.keys.len();
            found = *self.places.entry(path.to_lowercase()).or_insert(next);
            if found == next {
                self.keys.push(ModelKey {
                    key: path.clone(),
                    values: Vec::new(),
                });
            }
            if self.keys.len() > MAX_KEYS {
                return fail(format!(
                    "the package has more than {MAX_KEYS} registry keys"
                ));
            }
        }
        Ok(found)
    }

    /// Adds a value to the key of this index.
    pub(super) fn value(&mut self, key: usize, value: ModelValue) -> Result<(), String> {
        if !self.values.insert((key, value.name.to_lowercase())) {
            return Err(format!("the value `{}` is written twice", value.name));
        }
        if let Some(key) = self.keys.get_mut(key) {
            key.values.push(value);
        }
        Ok(())
    }
}

/// Type and data in the notation of manifests.
fn form(kind: &RegistryType, data: &RegistryData) -> Result<(&'static str, String), String> {
    match (kind, data) {
        (RegistryType::Sz, RegistryData::Text(text)) => Ok(("REG_SZ", text.clone())),
        (RegistryType::ExpandSz, RegistryData::Text(text)) => Ok(("REG_EXPAND_SZ", text.clone())),
        (RegistryType::Dword, RegistryData::Number(number)) => Ok(("REG_DWORD", dword(*number))),
        (RegistryType::Binary, RegistryData::Bytes(bytes)) => {
            Ok(("REG_BINARY", binary(bytes.iter().copied())))
        }
        (RegistryType::MultiSz, RegistryData::Texts(texts)) => {
            Ok(("REG_MULTI_SZ", quoted(texts.iter().map(String::as_str))?))
        }
        (kind, data) => Err(format!("{data:?} is no data of the type {kind:?}")),
    }
}

/// Why values of a type are not built.
fn no_form(kind: &RegistryType) -> Option<String> {
    let name = match kind {
        RegistryType::Sz
        | RegistryType::ExpandSz
        | RegistryType::Dword
        | RegistryType::Binary
        | RegistryType::MultiSz => return None,
        RegistryType::Qword => {
            let reason = "REG_QWORD has no known form in a package; write the eight bytes as REG_BINARY where the \
                          reader takes them, or build this package with the kit";
            return Some(reason.to_owned());
        }
        RegistryType::Unknown(name) => name,
        RegistryType::None => "REG_NONE",
        RegistryType::DwordBigEndian => "REG_DWORD_BIG_ENDIAN",
        RegistryType::Hex => "REG_HEX",
        RegistryType::Missing => return Some("the value has no type".to_owned()),
        RegistryType::Other(number) => return Some(format!("type {number} has no known form")),
        RegistryType::Deleted => return Some("a package deletes no values".to_owned()),
    };
    Some(format!("the type {name} has no known form in a package"))
}

/// A number as manifests have it.
pub(super) fn dword(number: u64) -> String {
    format!("0x{number:08x}")
}

/// Bytes as manifests have them.
pub(super) fn binary(bytes: impl Iterator<Item = u8>) -> String {
    bytes.map(|byte| format!("{byte:02X}")).collect()
}

/// Several texts as manifests have them.
pub(super) fn quoted<'a>(texts: impl Iterator<Item = &'a str>) -> Result<String, String> {
    let mut list = Vec::new();
    for text in texts {
        if text.contains('"') {
            return Err(format!(
                "`{text}` has a quote, whose form in a list is not known"
            ));
        }
        list.push(format!("\"{text}\""));
    }
    Ok(list.join(","))
}
