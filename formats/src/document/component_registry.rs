//! What a component manifest writes into the registry.
//!
//! ```text
//! registryKeys/registryKey @keyName
//!              registryKey/registryValue @name @value @valueType
//! ```

use std::collections::BTreeMap;

use super::error::DocumentError;
use super::xml;
use crate::source::Source;

/// A key, or a value of one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RegistryPlace {
    /// `keyName`, in small letters.
    pub key: String,
    /// `name` in small letters, empty for the default value; `None` for the key itself.
    pub value: Option<String>,
}

/// Type and data of each value as the manifest writes them, empty for keys.
pub type ComponentRegistry = BTreeMap<RegistryPlace, String>;

/// Reads the keys and values of a component manifest. What it says twice is said last.
///
/// # Errors
/// Where the text is no well-formed XML or over the limits of [`super::xml`].
pub fn component_registry(source: &Source) -> Result<ComponentRegistry, DocumentError> {
    let document = xml::parse(source)?;
    let mut found = ComponentRegistry::new();
    for key in document.descendants() {
        let Some(name) = key
            .attribute("keyName")
            .filter(|_| key.tag_name().name() == "registryKey")
        else {
            continue;
        };
        let place = |value: Option<&str>| RegistryPlace {
            key: name.trim_end_matches('\\').to_lowercase(),
            value: value.map(str::to_lowercase),
        };
        found.insert(place(None), String::new());
        for value in key
            .children()
            .filter(|value| value.tag_name().name() == "registryValue")
        {
            let text = |name| value.attribute(name).unwrap_or_default();
            let data = format!("{} {}", text("valueType"), text("value"));
            found.insert(place(Some(text("name"))), data);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_are_read_whatever_their_case() {
        let text = r#"<assembly xmlns="urn:schemas-microsoft-com:asm.v3"><registryKeys>
            <registryKey keyName="HKEY_LOCAL_MACHINE\SOFTWARE\A\"><registryValue name="N" value="0x1" valueType="REG_DWORD"/>
            <registryValue value="t" valueType="REG_SZ"/></registryKey><registryKey/></registryKeys></assembly>"#;
        let found = component_registry(&Source::new("a", text, 0)).unwrap();
        let found: Vec<_> = found
            .into_iter()
            .map(|(place, data)| (place.key, place.value, data))
            .collect();
        let key = r"hkey_local_machine\software\a".to_owned();
        assert_eq!(
            found,
            [
                (key.clone(), None, String::new()),
                (key.clone(), Some(String::new()), "REG_SZ t".to_owned()),
                (key, Some("n".to_owned()), "REG_DWORD 0x1".to_owned()),
            ]
        );
    }
}
