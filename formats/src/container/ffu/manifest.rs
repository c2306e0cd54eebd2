//! The manifest: an INI text of repeated sections whose order matters, as partitions follow their store.

use crate::error::ParseError;

/// Most lines of a manifest.
const MAX_LINES: usize = 1 << 16;

/// The manifest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    sections: Vec<Section>,
}

/// A section such as `[FullFlash]`, `[Store]` or `[Partition]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The name between the brackets.
    pub name: String,
    /// File offset of its line.
    pub offset: u64,
    /// Its lines in order.
    pub entries: Vec<Entry>,
}

/// A line `Key = Value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What stands left of the equals sign, without blanks around it.
    pub key: String,
    /// What stands right of it, without blanks around it.
    pub value: String,
    /// File offset of the line.
    pub offset: u64,
}

impl Section {
    /// The value of a key, found without regard to case.
    pub fn get(&self, key: &str) -> Option<&str> {
        let mut entries = self.entries.iter();
        let entry = entries.find(|entry| entry.key.eq_ignore_ascii_case(key))?;
        Some(&entry.value)
    }

    /// The value of a key as a decimal or `0x` hexadecimal number; `None` where it is absent or no number.
    pub fn number(&self, key: &str) -> Option<u64> {
        let value = self.get(key)?;
        match value.strip_prefix("0x").or(value.strip_prefix("0X")) {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => value.parse().ok(),
        }
    }

    /// Whether the value of a key is `true`, in any case of letters.
    pub fn is_true(&self, key: &str) -> bool {
        self.get(key)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

impl Manifest {
    /// Reads the text, whose first byte stands at file offset `base`.
    pub(super) fn parse(bytes: &[u8], base: u64) -> Result<Self, ParseError> {
        let error = |offset: u64, found: &str, expected: &str| {
            ParseError::invalid("manifest", "line", offset, found, expected)
        };
        let mut sections: Vec<Section> = Vec::new();
        let mut offset = base;
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let at = offset;
            offset = offset.saturating_add(line.len() as u64).saturating_add(1);
            if index >= MAX_LINES {
                return Err(error(at, "more lines", "at most 65,536"));
            }
            let Ok(text) = std::str::from_utf8(line) else {
                return Err(error(at, "bytes that are no text", "ASCII"));
            };
            let text = text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\0');
            if text.is_empty() || text.starts_with(';') {
                continue;
            }
            if let Some(name) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
                sections.push(Section {
                    name: name.trim().to_owned(),
                    offset: at,
                    entries: Vec::new(),
                });
                continue;
            }
            let (Some((key, value)), Some(section)) = (text.split_once('='), sections.last_mut())
            else {
                return Err(error(
                    at,
                    "another line",
                    "[Section] or Key = Value below one",
                ));
            };
            section.entries.push(Entry {
                key: key.trim().to_owned(),
                value: value.trim().to_owned(),
                offset: at,
            });
        }
        Ok(Self { sections })
    }

    /// Every section in order.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The section about the whole image.
    pub fn full_flash(&self) -> Option<&Section> {
        self.sections.iter().find(|section| section.is("FullFlash"))
    }

    /// The sections about stores, in order.
    pub fn stores(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(|section| section.is("Store"))
    }

    /// The partitions of store `index`, in order.
    pub fn partitions(&self, index: usize) -> impl Iterator<Item = &Section> {
        let mut stores = 0_usize;
        self.sections.iter().filter(move |section| {
            if section.is("Store") {
                stores = stores.saturating_add(1);
            }
            // Manifests without a store section have one store.
            section.is("Partition") && stores.saturating_sub(1) == index
        })
    }

    /// `DevicePlatformId0`, `DevicePlatformId1` and so on.
    pub fn platform_ids(&self) -> impl Iterator<Item = &str> {
        let entries = self.full_flash().into_iter().flat_map(|s| &s.entries);
        let ids = entries.filter(|entry| {
            let number = entry
                .key
                .get(..16)
                .filter(|prefix| prefix.eq_ignore_ascii_case("DevicePlatformId"))
                .and_then(|_| entry.key.get(16..));
            number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
        });
        ids.map(|entry| entry.value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"[FullFlash]\r\nVersion    = 2.0\r\nDevicePlatformId0 = A.B.*\r\n\
        DevicePlatformId1 = *\r\n\r\n[Store]\r\nSectorSize = 512\r\nMinSectorCount=0x10\r\n\
        [Partition]\r\nName = EFIESP\r\n[Partition]\r\nName = MainOS\r\nBootable = TRUE\r\n\
        [Store]\r\n[Partition]\r\nName=Second\r\n";

    #[test]
    fn partitions_belong_to_the_store_above_them() {
        let manifest = Manifest::parse(TEXT, 100).unwrap();
        let names = |store| -> Vec<_> {
            let partitions = manifest.partitions(store);
            partitions.filter_map(|p| p.get("name")).collect()
        };
        assert_eq!(names(0), ["EFIESP", "MainOS"]);
        assert_eq!(names(1), ["Second"]);
        assert_eq!(manifest.platform_ids().collect::<Vec<_>>(), ["A.B.*", "*"]);
        let store = manifest.stores().next().unwrap();
        assert_eq!(store.number("MinSectorCount"), Some(16));
        assert!(manifest.partitions(0).nth(1).unwrap().is_true("bootable"));
        assert_eq!(manifest.full_flash().unwrap().entries[0].offset, 113);
    }

    #[test]
    fn what_is_no_manifest_is_named_with_its_offset() {
        let error = Manifest::parse(b"[A]\nKey=1\nnonsense\n", 24).unwrap_err();
        assert!(
            error.to_string().starts_with("manifest.line at offset 34:"),
            "{error}"
        );
        assert!(Manifest::parse(b"Key = 1\n", 0).is_err());
        assert!(Manifest::parse(b"\xff\n", 0).is_err());
    }
}
