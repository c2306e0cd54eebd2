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
    /// The attribute of all three by which they are chosen; where there is one, other attributes are reported.
    pub(super) build_filter: Option<&'static str>,
    /// How the data is written.
    pub(super) notation: Notation,
}

impl KeyNames {
    /// The filters of what an element is in, and its own. Attributes that are neither filter nor `known` are reported.
    fn filters<'a>(
        &self,
        reader: &mut Reader<'a>,
        element: &Element<'a>,
        around: &[Spanned<Arc<str>>],
        known: &[&str],
    ) -> Vec<Spanned<Arc<str>>> {
        let Some(filter) = self.build_filter else {
            return Vec::new();
        };
        reader.known_attributes(element, &[known, &[filter]].concat());
        let own = reader.shared_attribute(element, filter);
        around.iter().cloned().chain(own).collect()
    }
}

/// Reads the keys and values below `list` into `registry`.
pub(super) fn read_keys<'a>(
    reader: &mut Reader<'a>,
    list: &Element<'a>,
    names: &KeyNames,
    registry: &mut Registry,
) {
    let of_list = names.filters(reader, list, &[], &[]);
    for element in reader.members(list, names.key) {
        let of_key = names.filters(reader, &element, &of_list, &[names.key_name]);
        // Shared by all values, so that a long name with many values stays small.
        let key = reader.shared_attribute(&element, names.key_name);
        let key = key.unwrap_or_else(|| Spanned {
            value: Arc::from(""),
            span: element.span(),
        });
        registry.keys.push(RegistryKey {
            key: key.clone(),
            deleted: false,
            build_filters: of_key.clone(),
            element: element.span(),
            route: element.route.clone(),
        });
        let known = [names.value_name, names.value_type, names.value_data];
        for value in reader.members(&element, names.value) {
            let build_filters = names.filters(reader, &value, &of_key, &known);
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
                build_filters,
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
