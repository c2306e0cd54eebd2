use crate::facts::system::System;
use crate::facts::{Definition, Facts};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A legacy package of a phone does not name its platform
    ///
    /// ## What it checks
    /// A `*.pkg.xml` of Windows 10 Mobile whose owner type is not `Microsoft` has `Platform`. Packages of IoT Core, and
    /// of no known system, are not judged.
    ///
    /// ## Why
    /// The schema calls the attribute optional, the table of attributes required for every owner but Microsoft; some
    /// published examples leave it away. Without it the package belongs to no device and is not offered as an update.
    ///
    /// ## Passes
    /// ```xml
    /// <Package Owner="Fjordlight" OwnerType="OEM" Platform="FjordPhone" ...>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Package Owner="Fjordlight" OwnerType="OEM" ...>
    /// ```
    ///
    /// ## Fix
    /// Write the platform of the device.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Primary elements and attributes of a package project file"
    struct PlatformMissing;
    id: "platform-missing",
    authority: "Microsoft, Primary elements and attributes of a package project file",
    clause: "Package attributes: Platform",
    images: All,
    input: PackageDefinition,
    level: Error,
    since: "0.1.0",
}

impl Rule for PlatformMissing {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for package in &facts.packages {
            let Definition::Pkg(file) = &package.definition else {
                continue;
            };
            let has_platform = file
                .platform
                .as_ref()
                .is_some_and(|platform| !platform.value.trim().is_empty());
            let systems = facts.systems_of(file.path());
            let is_phone = !systems.is_empty() && !systems.contains(&System::IotCore);
            if is_phone && !has_platform && !package.definition.is_microsofts() {
                report
                    .at(
                        file.root_place(),
                        "no `Platform` in a package that is not Microsoft's",
                    )
                    .help("write the platform of the device, e.g. `Platform=\"FjordPhone\"`");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, oem_input, pkg_xml};

    fn lint(attributes: &str, input: &str) -> Vec<String> {
        let input = oem_input(&format!("<ReleaseType>Test</ReleaseType>{input}"));
        let files = [
            ("p/OEMInput.xml", input),
            ("q/A.pkg.xml", pkg_xml(attributes, "")),
        ];
        lint_one("platform-missing", &files)
    }

    #[test]
    fn packages_of_phones_name_their_platform() {
        let found = lint("OwnerType=\"OEM\"", "").concat();
        assert!(
            found.starts_with("error q/A.pkg.xml:1:2 no `Platform`"),
            "{found}"
        );
        assert!(lint("OwnerType=\"OEM\" Platform=\"X\"", "").is_empty());
        assert!(lint("OwnerType=\"Microsoft\"", "").is_empty());
        assert!(
            lint(
                "OwnerType=\"OEM\"",
                "<Product>Windows 10 IoT Core</Product>"
            )
            .is_empty()
        );
    }
}
