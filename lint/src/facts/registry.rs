//! Registry keys and values of package definitions and `.reg` files, side by side.

use std::ops::Deref;
use std::sync::Arc;

use formats::document::registry::{Registry, RegistryKey, RegistryValue};
use formats::source::Source;

use crate::diagnostic::Place;

/// The registry contents of one document.
#[derive(Debug, Clone, Copy)]
pub struct RegistryFile<'a> {
    /// The document's text.
    pub source: &'a Arc<Source>,
    /// What it sets.
    pub registry: &'a Registry,
}

impl<'a> RegistryFile<'a> {
    /// Every key that the document names, in order.
    pub fn keys(self) -> impl Iterator<Item = RegistryAt<'a, RegistryKey>> {
        let at = move |entry| RegistryAt {
            source: self.source,
            entry,
        };
        self.registry.keys.iter().map(at)
    }

    /// Every value that the document sets or deletes, in order.
    pub fn values(self) -> impl Iterator<Item = RegistryAt<'a, RegistryValue>> {
        let at = move |entry| RegistryAt {
            source: self.source,
            entry,
        };
        self.registry.values.iter().map(at)
    }
}

/// A key or value and the text it stands in. It stands for the entry itself: `at.key` is the entry's.
#[derive(Debug, Clone, Copy)]
pub struct RegistryAt<'a, T> {
    /// The document's text.
    pub source: &'a Arc<Source>,
    /// The key or value.
    pub entry: &'a T,
}

impl<T> Deref for RegistryAt<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.entry
    }
}

impl RegistryAt<'_, RegistryKey> {
    /// The key as written.
    pub fn place(&self) -> Place {
        Place::text(self.source, self.entry.key.span, self.entry.route.clone())
    }
}

impl RegistryAt<'_, RegistryValue> {
    /// The whole value.
    pub fn place(&self) -> Place {
        Place::text(self.source, self.entry.element, self.entry.route.clone())
    }

    /// The key that the value belongs to, as written.
    pub fn key_place(&self) -> Place {
        Place::text(self.source, self.entry.key.span, self.entry.route.clone())
    }

    /// The data as written, or the whole value where nothing is.
    pub fn data_place(&self) -> Place {
        let written = self.entry.written.span;
        let span = if written.start < written.end {
            written
        } else {
            self.entry.element
        };
        Place::text(self.source, span, self.entry.route.clone())
    }
}
