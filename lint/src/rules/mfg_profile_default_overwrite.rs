use std::collections::BTreeSet;

use crate::facts::Facts;
use crate::facts::manufacturing::profiles;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package of a manufacturer writes into the manufacturing profile `Default`
    ///
    /// ## What it checks
    /// No package whose owner is not Microsoft, and no `.reg` file, has keys below `ManufacturingMode\Default`.
    ///
    /// ## Why
    /// `Default` comes with Windows and lets the device start at all. It is Microsoft's, its contents change with
    /// updates, and what another package writes into it collides with them. New profiles start as a copy of it under
    /// another name.
    ///
    /// ## Passes
    /// ```text
    /// [HKEY_LOCAL_MACHINE\System\CurrentControlSet\Control\ManufacturingMode\FinalAssembly\Services\LineTest]
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// [HKEY_LOCAL_MACHINE\System\CurrentControlSet\Control\ManufacturingMode\Default\Services\LineTest]
    /// ```
    ///
    /// ## Fix
    /// Copy the default profile under a name of your own and change the copy.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Manufacturing Mode": Manufacturing profiles
    /// - Windows 10 Mobile, "Create a custom manufacturing profile package"
    struct MfgProfileDefaultOverwrite;
    id: "mfg-profile-default-overwrite",
    authority: "Microsoft, Windows 10 Mobile manufacturing mode",
    clause: "Manufacturing profiles",
    images: All,
    input: Registry,
    level: Warning,
    since: "0.1.0",
}

impl Rule for MfgProfileDefaultOverwrite {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let packages = facts.packages.iter();
        let own: BTreeSet<&str> = packages
            .filter(|package| package.definition.is_microsofts())
            .map(|package| package.definition.path())
            .collect();
        let files = facts.registry().filter(|file| !own.contains(file.path()));
        for (key, name) in files.flat_map(profiles) {
            if name.eq_ignore_ascii_case("Default") {
                report
                    .at(
                        key.name_place(&name),
                        "the profile `Default` is Microsoft's",
                    )
                    .help("copy it under a name of your own and change the copy");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, pkg_xml};

    fn lint(attributes: &str, profile: &str) -> Vec<String> {
        let key = format!(
            "<RegKey KeyName=\"\n$(hklm.control)\\ManufacturingMode\\{profile}\\Services\"/>"
        );
        let body =
            format!("<Components><OSComponent><RegKeys>{key}</RegKeys></OSComponent></Components>");
        lint_one(
            "mfg-profile-default-overwrite",
            &[("a.pkg.xml", pkg_xml(attributes, &body))],
        )
    }

    #[test]
    fn the_inbox_profile_is_microsofts_alone() {
        let found = lint("OwnerType=\"OEM\"", "default").concat();
        assert!(found.starts_with("warning a.pkg.xml:"), "{found}");
        assert!(lint("Owner=\"Microsoft\" OwnerType=\"Microsoft\"", "Default").is_empty());
        assert!(lint("", "Defaults").is_empty());
    }
}
