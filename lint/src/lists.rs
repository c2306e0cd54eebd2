//! The lists of `policies/` that rules judge by: one line is one entry, columns are separated by tabs.
//!
//! The lists are part of the program. `policies/check-data` and the tests below see to it that every line is read.

mod commands;
mod relations;

use std::collections::BTreeMap;
use std::sync::LazyLock;

pub use commands::{DebugCommand, debug_commands};
pub use relations::{
    Conflict, Existence, Need, Required, Variant, conflicts, existence, needs, required, variants,
};

const FEATURES: &str = include_str!("../../policies/features.tsv");
const RENAMES: &str = include_str!("../../policies/feature-renames.tsv");
const BLANKS: &str = include_str!("../../policies/template-placeholders.tsv");
const VARIABLES: &str = include_str!("../../policies/variables.tsv");

/// A feature identifier and what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Feature {
    /// The identifier in its right spelling.
    pub id: &'static str,
    /// What the feature is for.
    pub class: Class,
    /// The first release that has it, e.g. 1709; none for 1607 or earlier.
    pub since: Option<u16>,
    /// The last release that has it; none for 1809, the last of all.
    pub until: Option<u16>,
    /// A remark for people.
    pub note: Option<&'static str>,
}

/// What a feature is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// In every image.
    Required,
    /// A developer tool, not for retail.
    Developer,
    /// A developer tool by the add-on kit's opinion, which Microsoft's feature list does not share.
    DeveloperKit,
    /// For test images only.
    Test,
    /// Dropped by a release.
    Retired,
    /// Configures something.
    Setting,
    /// Allowed anywhere.
    Known,
    /// Not Microsoft's: from a manifest of the board or of the manufacturer.
    Oem,
}

impl Class {
    fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "required" => Self::Required,
            "developer" => Self::Developer,
            "developer-kit" => Self::DeveloperKit,
            "test" => Self::Test,
            "retired" => Self::Retired,
            "setting" => Self::Setting,
            "known" => Self::Known,
            "oem" => Self::Oem,
            _ => return None,
        })
    }
}

/// A feature that has a new name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rename {
    /// The name it had.
    pub old: &'static str,
    /// The name it has.
    pub new: &'static str,
    /// Who or what brought the new name, e.g. `release 1607`.
    pub by: &'static str,
}

/// The feature of that identifier, in any case.
pub fn feature(id: &str) -> Option<&'static Feature> {
    static BY_ID: LazyLock<BTreeMap<String, Feature>> = LazyLock::new(|| {
        let known = features().map(|feature| (feature.id.to_lowercase(), feature));
        known.collect()
    });
    BY_ID.get(&id.to_lowercase())
}

/// Every feature that is known, by identifier.
pub fn features() -> impl Iterator<Item = Feature> {
    rows(FEATURES).filter_map(|[id, class, since, until, note]| {
        Some(Feature {
            id,
            class: Class::from_word(class)?,
            since: since.parse().ok(),
            until: until.parse().ok(),
            note: (note != "-").then_some(note),
        })
    })
}

/// The releases of IoT Core and the builds that they begin with.
const RELEASES: &[(u16, u16)] = &[
    (1511, 10586),
    (1607, 14393),
    (1703, 15063),
    (1709, 16299),
    (1803, 17134),
    (1809, 17763),
];

/// The release that a build of Windows belongs to, e.g. 1809 for 17763.
pub fn release_of(build: u16) -> Option<u16> {
    let known = RELEASES.iter().rev();
    let mut known = known.filter(|(_, first)| build >= *first);
    known.next().map(|(release, _)| *release)
}

/// The new name of a feature, whose old one may be written in any case.
pub fn rename(id: &str) -> Option<Rename> {
    let mut renames = rows(RENAMES).map(|[old, new, by]| Rename { old, new, by });
    renames.find(|rename| rename.old.eq_ignore_ascii_case(id))
}

/// A blank of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blank {
    /// As it is written in the template.
    pub text: &'static str,
    /// Whether it is one in an `OEMInput.xml` only.
    pub oem_input_only: bool,
    /// What belongs there.
    pub meaning: &'static str,
}

/// The blanks of the add-on kit's templates.
pub fn blanks() -> impl Iterator<Item = Blank> {
    rows(BLANKS).map(|[text, place, meaning]| Blank {
        text,
        oem_input_only: place == "oem-input",
        meaning,
    })
}

/// Where variables may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VariableUse {
    /// In image inputs, manifests and lists of manifests.
    Input,
    /// In package definitions.
    Package,
}

/// The variables that the add-on kit, the tools or Windows set; one that ends in a full stop stands for all names that
/// begin with it.
pub fn variables(place: VariableUse) -> impl Iterator<Item = &'static str> {
    let wanted = match place {
        VariableUse::Input => "input",
        VariableUse::Package => "package",
    };
    let known = rows(VARIABLES).filter(move |[_, place, _]| *place == wanted);
    known.map(|[name, _, _]| name)
}

/// Whether a variable of that name is set by the add-on kit, the tools or Windows.
pub fn is_variable(name: &str, place: VariableUse) -> bool {
    variables(place).any(|known| match known.strip_suffix('.') {
        Some(_) => {
            let start = name.get(..known.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(known))
        }
        None => known.eq_ignore_ascii_case(name),
    })
}

/// Whether a text is a blank of a template that nobody filled in, such as `{BSP}FM.xml`.
pub fn is_placeholder(text: &str) -> bool {
    text.contains('{') && text.contains('}')
}

/// The lines of a list, without comments and without lines that have another number of columns.
fn rows<const N: usize>(list: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        columns.try_into().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(list: &str) -> usize {
        list.lines().filter(|line| !line.starts_with('#')).count()
    }

    #[test]
    fn every_line_is_read() {
        assert_eq!(features().count(), lines(FEATURES));
        for list in [RENAMES, BLANKS, VARIABLES] {
            assert_eq!(rows::<3>(list).count(), lines(list));
        }
    }

    #[test]
    fn a_feature_is_found_in_any_case_and_keeps_its_own() {
        let known = feature("iot_CP210X_makerdriver").unwrap();
        assert_eq!(
            (known.id, known.class),
            ("IOT_CP210x_MAKERDRIVER", Class::Developer)
        );
        assert_eq!(feature("IOT_CP210"), None);
        assert_eq!(feature("IOT_ALLJOYN_APP").unwrap().note, None);
    }

    #[test]
    fn variables_are_known_by_name_or_by_their_group() {
        assert!(is_variable("Bld_Dir", VariableUse::Input));
        assert!(!is_variable("BLD_DIR", VariableUse::Package));
        assert!(is_variable("Runtime.BootDrive", VariableUse::Package));
        assert!(!is_variable("runtime", VariableUse::Package));
    }

    #[test]
    fn a_build_belongs_to_the_release_before_it() {
        assert_eq!(release_of(17763), Some(1809));
        assert_eq!(release_of(17762), Some(1803));
        assert_eq!(release_of(9200), None);
        let cortana = feature("IOT_CORTANA").unwrap();
        assert_eq!((cortana.since, cortana.until), (Some(1703), Some(1803)));
    }

    #[test]
    fn a_renamed_feature_has_a_known_new_name() {
        let rename = rename("iot_power_setiings").unwrap();
        assert_eq!(rename.new, "IOT_POWER_SETTINGS");
        assert!(super::rename("IOT_POWER_SETTINGS").is_none());
        for [_, new, _] in rows(RENAMES) {
            assert!(feature(new).is_some(), "{new}");
        }
    }
}
