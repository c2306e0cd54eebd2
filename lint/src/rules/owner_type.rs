use crate::facts::{Definition, Facts};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package of a manufacturer has another owner type than `OEM` or `SiliconVendor`
    ///
    /// ## What it checks
    /// `ownerType` or `OwnerType` of a package definition is `OEM` or `SiliconVendor`. A `*.pkg.xml` has it. Packages
    /// whose owner is Microsoft are the matter of `package-owner`.
    ///
    /// ## Why
    /// The type decides where the package may go and who signs it for retail. `Microsoft` and `MobileOperator` are for
    /// packages of those, and the names are compared by case.
    ///
    /// ## Passes
    /// ```xml
    /// ownerType="OEM"
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// ownerType="Oem"
    /// ownerType="Microsoft"
    /// ```
    ///
    /// ## Fix
    /// Write `OEM`, or `SiliconVendor` for a package of the maker of the chip.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Primary elements and attributes of a package project file"
    struct OwnerType;
    id: "owner-type",
    authority: "Microsoft, Primary elements and attributes of a package project file",
    clause: "Package attributes",
    images: All,
    input: PackageDefinition,
    level: Warning,
    since: "0.1.0",
}

impl Rule for OwnerType {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for definition in facts.packages.iter().map(|package| &package.definition) {
            let help = "write `OEM`, or `SiliconVendor` for a package of the maker of the chip";
            match definition.owner_type() {
                Some(found)
                    if ["OEM", "SiliconVendor"].contains(&found.value)
                        || found.value.contains("$(") => {}
                Some(_)
                    if definition
                        .owner()
                        .is_some_and(|owner| owner.value == "Microsoft") => {}
                Some(found) => {
                    let message = format!(
                        "the owner type is `{}`, expected `OEM` or `SiliconVendor`",
                        found.value
                    );
                    report.at(found.place, message).help(help);
                }
                None if matches!(definition, Definition::Pkg(_)) => {
                    report
                        .at(definition.root_place(), "no `OwnerType`, expected `OEM`")
                        .help(help);
                }
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, pkg_xml, wm_xml};

    #[test]
    fn other_types_are_found_and_the_two_pass() {
        let wm = |kind: &str| {
            let info = format!("\n<onecorePackageInfo ownerType=\"{kind}\"/>");
            lint_one("owner-type", &[("A.wm.xml", wm_xml("A", &info))])
        };
        assert!(wm("OEM").is_empty() && wm("SiliconVendor").is_empty());
        assert!(
            wm("Oem")
                .concat()
                .starts_with("warning A.wm.xml:2:32 the owner type is `Oem`")
        );
        assert!(lint_one("owner-type", &[("A.wm.xml", wm_xml("A", ""))]).is_empty());
    }

    #[test]
    fn the_old_format_must_say_it() {
        let pkg =
            |attributes: &str| lint_one("owner-type", &[("A.pkg.xml", pkg_xml(attributes, ""))]);
        assert_eq!(pkg("Owner=\"A\"").len(), 1);
        assert!(pkg("Owner=\"Microsoft\" OwnerType=\"Microsoft\"").is_empty());
    }
}
