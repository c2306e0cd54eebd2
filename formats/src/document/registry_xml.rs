//! Registry keys in package definitions: the same elements under other names in `*.wm.xml` and `*.pkg.xml`.

use std::sync::Arc;

use super::reader::{Element, Reader};
use super::registry::{Notation, Registry, RegistryKey, RegistryType, RegistryValue};
use crate::source::{Span, Spanned};

/// The names that a format uses.
pub(super) struct KeyNames {
    /// Element of a key.
    pub(super) key: &'static str,
    /// Its attribute with the key's name.
    pub(super) key_name: &'static str,
    /// Element of a value.
    pub(super) value: &'static str,
    /// Its attribute with the value's name.
    pub(super) value_name: &'static str,
    /// Its attribute with the type.
    pub(super) value_type: &'static str,
    /// Its attribute with the data.
    pub(super) value_data: &'static str,
    /// How the data is written.
    pub(super) notation: Notation,
}

/// Reads the keys and values below `list` into `registry`.
pub(super) fn read_keys<'a>(
    reader: &mut Reader<'a>,
    list: &Element<'a>,
    names: &KeyNames,
    registry: &mut Registry,
) {
    for element in reader.members(list, names.key) {
        let key = reader.attribute(&element, names.key_name);
        let key = key.unwrap_or_else(|| nothing(element.span()));
        // Shared by all values, so that a long name with many values stays small.
        let key = Spanned {
            value: Arc::<str>::from(key.value),
            span: key.span,
        };
        registry.keys.push(RegistryKey {
            key: key.clone(),
            deleted: false,
            element: element.span(),
            route: element.route.clone(),
        });
        for value in reader.members(&element, names.value) {
            let kind = reader.attribute(&value, names.value_type);
            let kind = match kind {
                Some(name) => Spanned {
                    value: RegistryType::from_name(&name.value),
                    span: name.span,
                },
                None => Spanned {
                    value: RegistryType::Missing,
                    span: value.span(),
                },
            };
            let name = reader.attribute(&value, names.value_name);
            let written = reader.attribute(&value, names.value_data);
            registry.values.push(RegistryValue {
                key: key.clone(),
                name: name.unwrap_or_else(|| nothing(value.span())),
                kind,
                written: written.unwrap_or_else(|| nothing(value.span())),
                notation: names.notation,
                element: value.span(),
                route: value.route,
            });
        }
    }
}

/// An absent attribute of an element at `span`.
fn nothing(span: Span) -> Spanned<String> {
    Spanned {
        value: String::new(),
        span,
    }
}
