use formats::document::registry::{Notation, RegistryType};

use crate::facts::Facts;
use crate::facts::registry::RegistryFile;
use crate::rule::{Report, Rule, declare_rule};

/// The types of each format.
const KNOWN: &str =
    "`REG_SZ`, `REG_MULTI_SZ`, `REG_EXPAND_SZ`, `REG_DWORD`, `REG_QWORD`, `REG_BINARY`";
const LEGACY: &str =
    "`REG_SZ`, `REG_MULTI_SZ`, `REG_EXPAND_SZ`, `REG_DWORD`, `REG_QWORD`, `REG_BINARY`, `REG_HEX`";

declare_rule! {
    /// A registry value has a type that the package format does not know
    ///
    /// ## What it checks
    /// A value of a `*.wm.xml` has one of the types `REG_SZ`, `REG_MULTI_SZ`, `REG_EXPAND_SZ`, `REG_DWORD`, `REG_QWORD`
    /// and `REG_BINARY`; in a `*.pkg.xml` `REG_HEX` as well. The names are compared by case.
    ///
    /// ## Why
    /// The schemas list these types, and the package generators refuse others.
    ///
    /// ## Passes
    /// ```xml
    /// <regValue name="Home" type="REG_SZ" value="https://kiosk.example/" />
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <regValue name="Home" type="REG_STRING" value="https://kiosk.example/" />
    /// ```
    ///
    /// ## Fix
    /// Write one of the types.
    ///
    /// ## References
    /// - IoT Core, "Windows Universal OEM Package Schema": regValue
    /// - Windows 10 Mobile, "Specifying files and registry entries in a package project file": Type
    struct RegvalueType;
    id: "regvalue-type",
    authority: "Microsoft, Windows universal OEM package schema",
    clause: "regValue: type",
    images: All,
    input: Registry,
    level: Error,
    since: "0.1.0",
}

impl Rule for RegvalueType {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for value in facts.registry().flat_map(RegistryFile::values) {
            let is_legacy = match value.notation {
                Notation::WmXml => false,
                Notation::PkgXml => true,
                Notation::Reg5 | Notation::Reg4 | Notation::Manifest => continue,
            };
            let is_known = match value.kind.value {
                RegistryType::Sz | RegistryType::MultiSz | RegistryType::ExpandSz => true,
                RegistryType::Dword | RegistryType::Qword | RegistryType::Binary => true,
                RegistryType::Hex => is_legacy,
                _ => false,
            };
            if is_known {
                continue;
            }
            let (name, kind) = (&value.name.value, value.kind_text());
            let known = if is_legacy { LEGACY } else { KNOWN };
            report
                .at(
                    value.type_place(),
                    format!("`{name}` is {kind}, expected one of {known}"),
                )
                .help("write one of the types that the format knows");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, pkg_registry, wm_registry};

    const RULE: &str = "regvalue-type";

    #[test]
    fn types_of_the_format_pass_and_others_are_found() {
        let wm = |kind: &str| {
            let value = format!("<regValue name=\"A\" value=\"0\"\n{kind}/>");
            lint_one(
                RULE,
                &[("A.wm.xml", wm_registry(r"$(hklm.software)\A", &value))],
            )
        };
        assert!(wm("type=\"REG_QWORD\"").is_empty());
        assert!(
            wm("type=\"REG_DWord\"")
                .concat()
                .starts_with("error A.wm.xml:2:7 `A` is `REG_DWord`")
        );
        assert_eq!(wm("type=\"REG_HEX\"").len(), 1);
        assert!(wm("").concat().contains("`A` is without a type"));
    }

    #[test]
    fn the_legacy_format_has_one_more() {
        let value =
            |kind: &str| format!("<RegValue Name=\"A\" Value=\"hex(7):00\" Type=\"{kind}\"/>");
        let pkg = |kind: &str| {
            lint_one(
                RULE,
                &[(
                    "A.pkg.xml",
                    pkg_registry(&[], r"$(hklm.software)\A", &value(kind)),
                )],
            )
        };
        assert!(pkg("REG_HEX").is_empty());
        assert_eq!(pkg("REG_NONE").len(), 1);
    }
}
