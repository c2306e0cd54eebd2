use formats::document::oem_input::ROOT;
use formats::document::parts::UnexpectedKind;

use crate::facts::Facts;
use crate::nearest::nearest;
use crate::rule::{Report, Rule, declare_rule};

/// The elements of an image configuration.
const ELEMENTS: &[&str] = &[
    "AdditionalFM",
    "AdditionalFMs",
    "BootLocale",
    "BootUILanguage",
    "BuildType",
    "Description",
    "Device",
    "ExcludePrereleaseFeatures",
    "Feature",
    "Features",
    "FormatDPP",
    "Keyboard",
    "Language",
    "Microsoft",
    "OEM",
    "OEMDevicePlatform",
    "PackageFile",
    "PackageFiles",
    "Product",
    "ReleaseType",
    "Resolution",
    "Resolutions",
    "SOC",
    "SV",
    "Speech",
    "SupportedLanguages",
    "UserInterface",
    "UserStoreMapData",
];

declare_rule! {
    /// An image configuration has an element or attribute that its schema does not know
    ///
    /// ## What it checks
    /// Every element and attribute of an `OEMInput.xml` is one of the published schema, stands where the schema has it, and
    /// stands there once where it may stand once. Attributes of other namespaces are not looked at.
    ///
    /// ## Why
    /// A slip of the hand makes a setting that nobody reads: the image is built as if it were not there. Of an element
    /// that stands twice, one is not read.
    ///
    /// ## Passes
    /// ```xml
    /// <BuildType>fre</BuildType>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Buildtype>fre</Buildtype>
    /// ```
    ///
    /// ## Fix
    /// Write the name as the schema has it, or take the element out.
    ///
    /// ## References
    /// - Windows 10 Mobile, "OEMInput file contents"
    struct OeminputUnknownElement;
    id: "oeminput-unknown-element",
    authority: "Microsoft, OEMInput file contents",
    clause: "OEMInput schema",
    images: All,
    input: OemInput,
    level: Warning,
    since: "0.1.0",
}

impl Rule for OeminputUnknownElement {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let products = facts.products.iter();
        for product in products.filter(|product| product.oem_input.root.name.value == ROOT) {
            let input = &product.oem_input;
            for unexpected in &input.unexpected {
                let name = unexpected.name.value.as_str();
                let parent = &unexpected.parent;
                let message = match unexpected.kind {
                    UnexpectedKind::Element => format!("`{parent}` has no element `{name}`"),
                    UnexpectedKind::Attribute => format!("`{parent}` has no attribute `{name}`"),
                    UnexpectedKind::Repeated => format!("`{name}` stands in `{parent}` once more"),
                };
                let route = format!("{parent}/{name}");
                let finding = report.at(input.value(&unexpected.name, route), message);
                match (unexpected.kind, meant(name)) {
                    (UnexpectedKind::Element, Some(known)) => {
                        finding.help(format!("did you mean `{known}`?"))
                    }
                    (UnexpectedKind::Repeated, _) => {
                        finding.help("leave the one that is meant; the first one is read here")
                    }
                    _ => finding.help("take it out, the imaging tools do not read it"),
                };
            }
        }
    }
}

/// The element that a wrong name is nearest to.
fn meant(name: &str) -> Option<&'static str> {
    let mut known = ELEMENTS.iter().copied().filter(|known| *known != name);
    let same = known.clone().find(|known| known.eq_ignore_ascii_case(name));
    same.or_else(|| nearest(name, known.by_ref()))
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, oem_input};

    fn lint(body: &str) -> Vec<String> {
        lint_one(
            "oeminput-unknown-element",
            &[("OEMInput.xml", oem_input(body))],
        )
    }

    #[test]
    fn what_the_schema_does_not_have_is_warned_of() {
        assert_eq!(
            lint("\n<Soc>A</Soc>\n<SV a=\"1\">B</SV>\n<Features>\n<Other/></Features>\n<SV>C</SV>"),
            [
                "warning OEMInput.xml:2:2 `OEMInput` has no element `Soc`",
                "warning OEMInput.xml:3:5 `OEMInput/SV[1]` has no attribute `a`",
                "warning OEMInput.xml:5:2 `OEMInput/Features` has no element `Other`",
                "warning OEMInput.xml:6:2 `SV` stands in `OEMInput` once more",
            ],
        );
    }

    #[test]
    fn names_in_another_case_and_slips_are_recognised() {
        assert_eq!(super::meant("Soc"), Some("SOC"));
        assert_eq!(super::meant("RelaeseType"), Some("ReleaseType"));
        assert_eq!(super::meant("Other"), None);
        for element in super::ELEMENTS {
            assert_eq!(super::meant(element).filter(|known| known == element), None);
        }
    }

    #[test]
    fn what_the_schema_has_passes() {
        assert!(lint("<SOC>A</SOC><UserStoreMapData><Any/></UserStoreMapData>").is_empty());
    }
}
