//! The two registry values by which an image of IoT Core turns location services on.

use formats::document::registry::{RegistryData, RegistryType, RegistryValue};

use super::registry::{RegistryAt, RegistryFile};

/// The key they belong to. The manufacturing guide prints it without separators, the page on OS customizations with
/// them.
pub const KEY: &str = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\CapabilityAccessManager\Capabilities\location\edition";

/// The key behind the macro for `HKLM\SOFTWARE`, as package definitions write it.
pub const DEFINITION_KEY: &str = r"$(hklm.software)\Microsoft\Windows\CurrentVersion\CapabilityAccessManager\Capabilities\location\edition";

/// The values: for the system, for its users.
pub const NAMES: [&str; 2] = [
    "InitSystemGlobalConsentDenied",
    "InitUserGlobalConsentDenied",
];

/// One of the two values somewhere.
#[derive(Debug, Clone, Copy)]
pub struct Consent<'a> {
    /// Which of [`NAMES`].
    pub name: &'static str,
    /// The value as it is set.
    pub value: RegistryAt<'a, RegistryValue>,
}

/// The consent values that a document sets, under whatever key.
pub fn consents<'a>(file: RegistryFile<'a>) -> impl Iterator<Item = Consent<'a>> {
    file.values().filter_map(|value| {
        let mut names = NAMES.into_iter();
        let name = names.find(|name| name.eq_ignore_ascii_case(&value.name.value))?;
        let is_set = value.kind.value != RegistryType::Deleted;
        is_set.then_some(Consent { name, value })
    })
}

impl Consent<'_> {
    /// Whether it stands under [`KEY`].
    pub fn is_in_place(&self) -> bool {
        self.value.resolved().is_some_and(|key| key.is(KEY))
    }

    /// Whether it certainly stands under another key; one that an unknown macro hides may be [`KEY`].
    pub fn is_misplaced(&self) -> bool {
        let written = &self.value.key.value;
        let joined = written.replace('\\', "").to_lowercase();
        let is_garbled = joined.ends_with("capabilitieslocationedition");
        match self.value.resolved() {
            Some(key) => !key.is(KEY) && !key.as_str().contains("$("),
            None => is_garbled || !written.trim_start().starts_with("$("),
        }
    }

    /// The text that sets the value `name` alike, on a line of its own with the same indent.
    pub fn copied_as(&self, name: &str) -> String {
        let (source, span) = (self.value.source, self.value.element);
        let line = source.slice(source.line(source.line_column(span.start).line));
        let indent = line.len().saturating_sub(line.trim_start().len());
        let indent = line.get(..indent).unwrap_or_default();
        let written = source.slice(self.value.name.span);
        let copy = source.slice(span).replacen(written, name, 1);
        format!("\n{indent}{copy}")
    }

    /// Whether consent is denied; `None` where the data is no DWORD of 0 or 1.
    pub fn is_denied(&self) -> Option<bool> {
        match self.value.data() {
            Ok(RegistryData::Number(0)) if self.value.kind.value == RegistryType::Dword => {
                Some(false)
            }
            Ok(RegistryData::Number(1)) if self.value.kind.value == RegistryType::Dword => {
                Some(true)
            }
            _ => None,
        }
    }
}
