use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::Place;
use crate::facts::inf;
use crate::facts::manufacturing::{WILDCARD, profile_keys};
use crate::facts::payload::Payload;
use crate::facts::{Definition, Facts};
use crate::files;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// `*` in a manufacturing profile is taken to cover drivers
    ///
    /// ## What it checks
    /// A package that brings drivers and a manufacturing profile with `*` also names the drivers in the profile. A driver
    /// is named when the profile has a service that its INF file adds, or with the name of that file where it is not there.
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
        let mut drivers: BTreeMap<&str, Vec<Driver>> = BTreeMap::new();
        for package in &facts.packages {
            let definition = &package.definition;
            let of_folder = drivers.entry(definition.folder()).or_default();
            let infs = definition.driver_infs().into_iter();
            of_folder.extend(infs.map(|(inf, place)| Driver {
                services: services(facts, definition, &inf),
                inf,
                place,
            }));
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
                let named = named.get(&key.profile.to_lowercase());
                let is_named = |name: &String| named.is_some_and(|named| named.contains(name));
                let mut left = drivers
                    .iter()
                    .filter(|driver| !driver.services.iter().any(is_named));
                if key.service() == Some(WILDCARD)
                    && let Some(driver) = left.next()
                {
                    let (profile, inf) = (&key.profile, &driver.inf);
                    let message = format!("`*` of `{profile}` does not cover the driver `{inf}`");
                    report
                        .at(at.name_place(WILDCARD), message)
                        .also(driver.place.clone(), "the driver")
                        .help("name the driver's service in the profile; `*` covers Win32 services only");
                }
            }
        }
    }
}

/// A driver that a package brings.
struct Driver {
    inf: String,
    place: Place,
    /// The services that its INF file adds, in lower case.
    services: Vec<String>,
}

/// The services of an INF file; its own name where the file cannot be seen.
fn services(facts: &Facts<'_>, definition: &Definition, inf: &str) -> Vec<String> {
    if let Payload::Found(found) = facts.payload(definition, inf) {
        let mut files = facts.documents.infs.iter();
        if let Some(file) = files.find(|file| file.path() == found.path) {
            return inf::services(file)
                .map(|name| name.to_lowercase())
                .collect();
        }
    }
    let name = inf.rsplit(['\\', '/']).next().unwrap_or(inf).to_lowercase();
    vec![name.strip_suffix(".inf").unwrap_or(&name).to_owned()]
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
