use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::Place;
use crate::facts::Facts;
use crate::facts::manufacturing::{WILDCARD, profile_keys};
use crate::files;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// `*` in a manufacturing profile is taken to cover drivers
    ///
    /// ## What it checks
    /// A package that brings drivers and a manufacturing profile with `*` also names the drivers in the profile. A driver
    /// is taken as named when the profile has a service with the name of its INF file.
    ///
    /// ## Why
    /// `*` stands for all Win32 services and for no driver of the kernel. A driver that the profile does not name starts as
    /// it does outside of manufacturing mode.
    ///
    /// ## Passes
    /// ```xml
    /// <RegKey KeyName="$(hklm.control)\ManufacturingMode\FinalAssembly\Services\*">
    /// <RegKey KeyName="$(hklm.control)\ManufacturingMode\FinalAssembly\Services\lineprobe">
    /// <Driver InfSource="lineprobe.inf" />
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <RegKey KeyName="$(hklm.control)\ManufacturingMode\FinalAssembly\Services\*">
    /// <Driver InfSource="lineprobe.inf" />
    /// ```
    ///
    /// ## Fix
    /// Name the services of the drivers, or leave it where their usual start type is right.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Manufacturing Mode": Manufacturing profiles, note on the wildcard
    struct MfgWildcardDriver;
    id: "mfg-wildcard-driver",
    authority: "Microsoft, Windows 10 Mobile manufacturing mode",
    clause: "Manufacturing profiles",
    images: All,
    input: Registry,
    level: Info,
    since: "0.1.0",
}

impl Rule for MfgWildcardDriver {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let mut drivers: BTreeMap<&str, Vec<(String, Place)>> = BTreeMap::new();
        for package in &facts.packages {
            let of_folder = drivers.entry(package.definition.folder()).or_default();
            of_folder.extend(package.definition.driver_infs());
        }
        for file in facts.registry() {
            let Some(drivers) = drivers.get(files::folder_of(file.path())) else {
                continue;
            };
            let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for (_, key) in profile_keys(file) {
                let services = named.entry(key.profile.to_lowercase()).or_default();
                services.extend(key.service().map(str::to_lowercase));
            }
            for (at, key) in profile_keys(file) {
                let services = named.get(&key.profile.to_lowercase());
                let is_named = |stem: &str| services.is_some_and(|named| named.contains(stem));
                let mut left = drivers.iter().filter(|(inf, _)| !is_named(&stem(inf)));
                if key.service() == Some(WILDCARD)
                    && let Some((inf, place)) = left.next()
                {
                    let message =
                        format!("`*` of `{}` does not cover the driver `{inf}`", key.profile);
                    report
                        .at(at.name_place(WILDCARD), message)
                        .also(place.clone(), "the driver")
                        .help("name the driver's service in the profile; `*` covers Win32 services only");
                }
            }
        }
    }
}

/// The name of an INF file without folder and ending, in lower case.
fn stem(inf: &str) -> String {
    let name = inf.rsplit(['\\', '/']).next().unwrap_or(inf).to_lowercase();
    name.strip_suffix(".inf").unwrap_or(&name).to_owned()
}

#[cfg(test)]
mod tests {
    use crate::facts::manufacturing::PROFILES;
    use crate::testing::{lint_one, pkg_xml, reg_file};

    fn lint(services: &[&str], component: &str) -> Vec<String> {
        let key = |service: &&str| format!("[{PROFILES}\\P\\Services\\{service}]\n");
        let lines: String = services.iter().map(key).collect();
        let definition = pkg_xml("", &format!("<Components>{component}</Components>"));
        let files = [("p/A.pkg.xml", definition), ("p/a.reg", reg_file(&lines))];
        lint_one("mfg-wildcard-driver", &files)
    }

    const DRIVER: &str = r#"<Driver InfSource="$(_RELEASEDIR)\LineProbe.inf"/>"#;

    #[test]
    fn a_driver_that_only_the_wildcard_could_mean_is_found() {
        let found = lint(&["*", "Other"], DRIVER).concat();
        assert!(found.starts_with("info p/a.reg:3:"), "{found}");
        assert!(found.ends_with(r"does not cover the driver `$(_RELEASEDIR)\LineProbe.inf`"));
    }

    #[test]
    fn a_named_driver_a_profile_without_wildcard_and_a_package_without_drivers_pass() {
        assert!(lint(&["*", "lineprobe"], DRIVER).is_empty());
        assert!(lint(&["Other"], DRIVER).is_empty());
        assert!(lint(&["*"], "<OSComponent/>").is_empty());
    }
}
