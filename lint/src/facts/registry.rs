//! Registry keys and values of package definitions and `.reg` files, side by side.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use formats::document::pkg_xml::PkgMacro;
use formats::document::registry::{
    CanonicalKey, Registry, RegistryData, RegistryKey, RegistryType, RegistryValue, canonical_key,
};
use formats::source::{Source, Span, Spanned};

use crate::diagnostic::{Fix, Place};

/// How many macros of a key name are replaced; values may hold macros again.
const MOST_REPLACED: usize = 8;
/// Longest value of a macro and longest key name with its macros replaced, bytes.
const LONGEST_KEY: usize = 1024;

/// The macros that a `*.pkg.xml` defines, by name without `$(` and `)`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Macros(BTreeMap<String, String>);

/// Of documents that cannot define any.
static NO_MACROS: Macros = Macros(BTreeMap::new());

impl Macros {
    /// Those that a package definition lists; of two with one name the first counts.
    pub fn of(macros: &[PkgMacro]) -> Self {
        let mut values = BTreeMap::new();
        for defined in macros {
            if let (Some(id), Some(value)) = (&defined.id, &defined.value)
                && value.value.len() <= LONGEST_KEY
            {
                let value = || value.value.clone();
                values.entry(id.value.clone()).or_insert_with(value);
            }
        }
        Self(values)
    }

    /// A text with these macros replaced, as far as it stays short; others stand as they are.
    fn expand<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut expanded = Cow::Borrowed(text);
        for _ in 0..MOST_REPLACED {
            let Some((start, end, value)) = self.first_in(&expanded) else {
                break;
            };
            let mut next = expanded.clone().into_owned();
            next.replace_range(start..end, value);
            if next.len() > LONGEST_KEY {
                break;
            }
            expanded = Cow::Owned(next);
        }
        expanded
    }

    /// Where the first macro of these stands in a text, and its value.
    fn first_in(&self, text: &str) -> Option<(usize, usize, &str)> {
        if self.0.is_empty() {
            return None;
        }
        text.match_indices("$(").find_map(|(start, _)| {
            let from = start.saturating_add(2);
            let length = text.get(from..)?.find(')')?;
            let end = from.saturating_add(length);
            let value = self.0.get(text.get(from..end)?)?;
            Some((start, end.saturating_add(1), value.as_str()))
        })
    }
}

/// The registry contents of one document.
#[derive(Debug, Clone, Copy)]
pub struct RegistryFile<'a> {
    /// The document's text.
    pub source: &'a Arc<Source>,
    /// What it sets.
    pub registry: &'a Registry,
    /// The macros that its key names may hold.
    macros: &'a Macros,
}

impl<'a> RegistryFile<'a> {
    /// The contents of a document that cannot define macros.
    pub fn new(source: &'a Arc<Source>, registry: &'a Registry) -> Self {
        Self::with_macros(source, registry, &NO_MACROS)
    }

    /// The contents of a document that defines macros.
    pub fn with_macros(
        source: &'a Arc<Source>,
        registry: &'a Registry,
        macros: &'a Macros,
    ) -> Self {
        Self {
            source,
            registry,
            macros,
        }
    }

    /// The document's path.
    pub fn path(self) -> &'a str {
        self.source.name()
    }

    /// Every key that the document names, in order.
    pub fn keys(self) -> impl Iterator<Item = RegistryAt<'a, RegistryKey>> {
        let at = move |entry| RegistryAt {
            source: self.source,
            macros: self.macros,
            entry,
        };
        self.registry.keys.iter().map(at)
    }

    /// Every value that the document sets or deletes, in order.
    pub fn values(self) -> impl Iterator<Item = RegistryAt<'a, RegistryValue>> {
        let at = move |entry| RegistryAt {
            source: self.source,
            macros: self.macros,
            entry,
        };
        self.registry.values.iter().map(at)
    }
}

/// A key or value and the text it stands in. It stands for the entry itself: `at.key` is the entry's.
#[derive(Debug)]
pub struct RegistryAt<'a, T> {
    /// The document's text.
    pub source: &'a Arc<Source>,
    /// The key or value.
    pub entry: &'a T,
    macros: &'a Macros,
}

impl<T> Clone for RegistryAt<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for RegistryAt<'_, T> {}

impl<T> Deref for RegistryAt<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.entry
    }
}

impl<T> RegistryAt<'_, T> {
    /// A stretch of the text; in a built package, which has none that a person could go to, the route alone.
    fn at(&self, span: Span, route: &str) -> Place {
        match self.source.text().is_empty() {
            true => Place::binary(self.source.name(), route),
            false => Place::text(self.source, span, route),
        }
    }

    fn key_of(&self, key: &Spanned<Arc<str>>) -> Option<CanonicalKey> {
        canonical_key(&self.macros.expand(&key.value))
    }

    /// A name of the key where it stands in the text as it is, else the whole key.
    fn name_in(&self, key: &Spanned<Arc<str>>, name: &str, route: &str) -> Place {
        let written = self.source.slice(key.span);
        let mut at = key.span.start;
        let mut span = key.span;
        for part in written.split('\\') {
            let end = at.saturating_add(part.len());
            if part == name {
                span = Span { start: at, end };
            }
            at = end.saturating_add(1);
        }
        self.at(span, route)
    }
}

impl RegistryAt<'_, RegistryKey> {
    /// The key in its one spelling, the document's own macros replaced; `None` where it begins with no hive.
    pub fn resolved(&self) -> Option<CanonicalKey> {
        self.key_of(&self.entry.key)
    }

    /// One name of the key, e.g. its last, or the whole key where macros hide it.
    pub fn name_place(&self, name: &str) -> Place {
        self.name_in(&self.entry.key, name, &self.entry.route)
    }

    /// The key as written.
    pub fn place(&self) -> Place {
        self.at(self.entry.key.span, &self.entry.route)
    }
}

impl RegistryAt<'_, RegistryValue> {
    /// The value's key in its one spelling, the document's own macros replaced; `None` where it begins with no hive.
    pub fn resolved(&self) -> Option<CanonicalKey> {
        self.key_of(&self.entry.key)
    }

    /// The type as written, or the whole value where none is.
    pub fn type_place(&self) -> Place {
        self.at(self.entry.kind.span, &self.entry.route)
    }

    /// The whole value.
    pub fn place(&self) -> Place {
        self.at(self.entry.element, &self.entry.route)
    }

    /// The type as messages name it: `` `REG_SZ` ``, or what stands there.
    pub fn kind_text(&self) -> String {
        let name = match &self.entry.kind.value {
            RegistryType::None => "REG_NONE",
            RegistryType::Sz => "REG_SZ",
            RegistryType::ExpandSz => "REG_EXPAND_SZ",
            RegistryType::Binary => "REG_BINARY",
            RegistryType::Dword => "REG_DWORD",
            RegistryType::DwordBigEndian => "REG_DWORD_BIG_ENDIAN",
            RegistryType::MultiSz => "REG_MULTI_SZ",
            RegistryType::Qword => "REG_QWORD",
            RegistryType::Hex => "REG_HEX",
            RegistryType::Other(number) => return format!("of type {number:#x}"),
            RegistryType::Unknown(name) => name,
            RegistryType::Deleted => return "deleted".to_owned(),
            RegistryType::Missing => return "without a type".to_owned(),
        };
        format!("`{name}`")
    }

    /// The value without effect: a number as 0 in as many digits, any other value as a comment. `None` where the text
    /// allows neither.
    pub fn switched_off(&self) -> Option<Fix> {
        if !matches!(self.data(), Ok(RegistryData::Number(_))) {
            let title = format!("comment `{}` out", self.name.value);
            return Fix::comment_out(title, &self.place(), self.source);
        }
        let span = self.data_place().span()?;
        let written = self.source.slice(span).trim_end();
        let kept = written.trim_end_matches(|digit: char| digit.is_ascii_hexdigit());
        let zeros = "0".repeat(written.len().checked_sub(kept.len())?);
        let digits = Span {
            start: span.start.checked_add(kept.len())?,
            end: span.start.checked_add(written.len())?,
        };
        let title = format!("write `{kept}{zeros}`");
        Fix::replace(title, &Place::text(self.source, digits, ""), zeros)
    }

    /// The key that the value belongs to, as written.
    pub fn key_place(&self) -> Place {
        self.at(self.entry.key.span, &self.entry.route)
    }

    /// The data as written, or the whole value where nothing is.
    pub fn data_place(&self) -> Place {
        let written = self.entry.written.span;
        let span = if written.start < written.end {
            written
        } else {
            self.entry.element
        };
        self.at(span, &self.entry.route)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn macros(pairs: &[(&str, &str)]) -> Macros {
        let pairs = pairs
            .iter()
            .map(|(id, value)| ((*id).into(), (*value).into()));
        Macros(pairs.collect())
    }

    #[test]
    fn macros_stand_for_each_other_and_unknown_ones_stay() {
        let macros = macros(&[("Mode", r"$(hklm.control)\M"), ("Profile", r"$(Mode)\P")]);
        assert_eq!(
            macros.expand(r"$(Profile)\$(X)\$(mode)"),
            r"$(hklm.control)\M\P\$(X)\$(mode)"
        );
        assert_eq!(macros.expand("$(Profile"), "$(Profile");
    }

    #[test]
    fn macros_that_hold_themselves_end() {
        let endless = macros(&[("A", "$(A)$(A)$(A)")]);
        assert!(endless.expand("$(A)").len() <= LONGEST_KEY);
        let long = "x".repeat(LONGEST_KEY);
        let long = macros(&[("A", &long)]);
        assert_eq!(long.expand("$(A)$(A)").matches("$(A)").count(), 2);
    }
}
